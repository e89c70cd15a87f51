// SPDX-License-Identifier: MIT
// The power goes at any write or sync of the store, in its recovery too; what the disk kept of the unsynced writes is
// left to chance. Whatever was released to its waiter is there at the next start, and the books are right (I4).
#include <random>

#include "power_vfs.h"
#include "unit/ledger/ledger_fixture.h"

namespace cr::ledger {
namespace {

namespace fs = std::filesystem;
using power_vfs::Calls;
using power_vfs::Syncs;

constexpr std::int64_t k_quota = 1'000'000;
const std::string k_released_is_gone = "a reservation that was released is gone";

struct Asked {
  ReserveOp op;
  std::optional<Credits> cost;  // of its settlement, if one was sent
  bool settled_for_sure = false;
};
// What the store has promised by the moment of the cut.
struct Promised {
  std::set<RequestId> released;
  std::int64_t edits = 0;
};

class PowerLoss : public LedgerFixture {
 protected:
  void SetUp() override {
    power_vfs::install();
    power_vfs::begin(Syncs::honest);
    options_.price_list = k_few_prices;
    options_.head = (folder_ / "fresh-head").string();
    open();
    create_account("team", Credits::from_nano(k_quota));
    issued_.push_back(create_token("alone", Credits::from_nano(k_quota)));
    issued_.push_back(create_token("in-team", std::nullopt, "team"));
    ledger_.reset();
    fresh_ = options_.path;
    head_ = (folder_ / "head").string();
  }
  void TearDown() override { ledger_.reset(); }

  std::int64_t below(std::int64_t bound) { return std::uniform_int_distribution<std::int64_t>(0, bound - 1)(random_); }

  // A folder of its own, with a copy of the fresh store in it.
  fs::path new_folder() {
    fs::path made = folder_ / std::to_string(++folders_);
    fs::create_directory(made);
    return made;
  }
  static std::string store_in(const fs::path& folder) { return (folder / "crd.db").string(); }
  // The head as it is when the power goes: what it saw that the store has not would be told at the next start.
  void put_head(const char* kept) const {
    if (options_.head.empty()) return;
    fs::copy_file(folder_ / kept, options_.head, fs::copy_options::overwrite_existing);
  }
  void keep_head() const {
    if (options_.head.empty()) return;
    fs::copy_file(options_.head, folder_ / "head-at-cut", fs::copy_options::overwrite_existing);
  }

  // Notes what is released as it is, on the ledger thread: the thread that also makes the call at which the power goes.
  base::Result<std::unique_ptr<Ledger>> open_noting(const std::string& path) {
    Ledger::Options options = options_;
    options.path = path;
    const Ledger::Recipient inner = waiters_.recipient();
    const Ledger::Recipient noting{[this, inner](ReserveOp* reserves, QueryOp* queries) {
      for (const ReserveOp* op = reserves; op != nullptr; op = op->next) {
        if (op->outcome == ReserveOutcome::reserved) released_.insert(op->facts.id);
      }
      inner.deliver(reserves, queries);
    }};
    return Ledger::open(options, vault_of(), {noting}, log_);
  }

  void reserve_some() {
    std::vector<std::unique_ptr<Asked>> batch;
    for (std::int64_t count = 1 + below(5); count > 0; --count) {
      batch.push_back(std::make_unique<Asked>());
      batch.back()->op = reservation(issued_[static_cast<std::size_t>(below(2))], Credits::from_nano(1 + below(300)));
    }
    for (auto& asked : batch) ledger_->reserve(asked->op);
    for (auto& asked : batch) waiters_.wait(&asked->op);
    for (auto& asked : batch) {
      if (asked->op.outcome != ReserveOutcome::reserved) continue;
      open_.push_back(asked_.size());
      asked_.push_back(std::move(*asked));
    }
  }
  void settle_some() {
    std::erase_if(open_, [&](std::size_t number) {
      if (below(3) != 0) return false;
      Asked& asked = asked_[number];
      asked.cost = Credits::from_nano(below(asked.op.amount.nano() + 1));
      ledger_->settle(settlement(asked.op, *asked.cost));
      return true;
    });
  }
  void confirm() {
    if (!ledger_->flush() || power_vfs::was_cut()) return;
    for (Asked& asked : asked_) asked.settled_for_sure = asked.cost.has_value();
  }
  void edit() {
    TokenPatch patch;
    patch.note = std::to_string(edits_ + 1);
    ASSERT_TRUE(write([&](Store& store) { return store.edit_token("alone", patch, {}, actor_); }));
    ++edits_;
    if (!power_vfs::was_cut()) promised_.edits = edits_;
  }

  // A ledger's life, in which the power goes at the `at`-th of `calls`; at the latest, when it has ended.
  void run(Syncs syncs, Calls calls, std::int64_t at, std::int64_t steps) {
    const fs::path folder = new_folder();
    fs::copy_file(fresh_, store_in(folder));
    put_head("fresh-head");
    power_vfs::begin(syncs);
    released_.clear();
    asked_.clear();
    open_.clear();
    promised_ = {};
    edits_ = 0;
    auto opened = open_noting(store_in(folder));
    ASSERT_TRUE(opened) << opened.error().message;
    ledger_ = std::move(*opened);
    power_vfs::cut_at(calls, at, [this] {
      promised_.released = released_;
      keep_head();
    });
    for (std::int64_t step = 0; step < steps && !power_vfs::was_cut(); ++step) {
      reserve_some();
      settle_some();
      if (below(4) == 0) confirm();
      if (below(10) == 0) edit();
    }
    ledger_.reset();  // its end writes, too
    if (!power_vfs::was_cut()) keep_head();
    power_vfs::cut_now();
    in_checkpoint_ += power_vfs::was_cut_in_checkpoint() ? 1 : 0;
  }

  // Opens one of the states that the cut may have left; "" or what is wrong with it. The power may go in the recovery.
  std::string fault_of_what_is_left() {
    fs::path left = new_folder();
    power_vfs::leave(left, random_);
    power_vfs::begin(Syncs::honest);
    put_head("head-at-cut");
    power_vfs::cut_at(Calls::all, below(30), [this] { keep_head(); });
    static_cast<void>(try_open(store_in(left)));
    if (power_vfs::was_cut()) {
      put_head("head-at-cut");
      const fs::path again = new_folder();
      power_vfs::leave(again, random_);
      left = again;
      ++in_recovery_;
    }
    power_vfs::begin(Syncs::honest);
    auto opened = try_open(store_in(left));
    if (!opened) return "does not open: " + opened.error().message;
    ledger_ = std::move(*opened);
    std::string fault = fault_of_books();
    ledger_.reset();
    return fault;
  }

  std::string fault_of(const Asked& asked, Reports& reports) const {
    const auto row = reports.request(asked.op.facts.id);
    if (!row) return promised_.released.contains(asked.op.facts.id) ? k_released_is_gone : "";
    const bool in_doubt = row->settlement.ending == Ending::in_doubt;
    if (row->open) return "a reservation is open after a recovery";
    if (asked.settled_for_sure && in_doubt) return "a settlement that was confirmed is gone";
    if (row->booking.posted != (in_doubt ? asked.op.amount : asked.cost.value_or(Credits::max())))
      return "a wrong sum is posted";
    return {};
  }
  std::string fault_of_books() {
    if (const auto sound = read([](Reports& reports) { return reports.verify(); }); !sound)
      return sound.error().message;
    std::string fault;
    const auto looked = ledger_->read([&](Reports& reports) -> base::Result<void> {
      for (const Asked& asked : asked_) {
        if (fault.empty()) fault = fault_of(asked, reports);
      }
      return {};
    });
    if (!looked) return looked.error().message;
    if (!fault.empty()) return fault;
    const auto token = read([](Reports& reports) { return reports.token("alone"); });
    if (!token) return token.error().message;
    const std::string& note = token->token.settings->note;
    if ((note.empty() ? 0 : std::stoll(note)) < promised_.edits) return "a change that was confirmed is gone";
    if (token->posted.nano() > k_quota) return "the token has spent more than its quota";
    return {};
  }

  std::mt19937 random_;
  std::string fresh_, head_;
  int folders_ = 0, in_checkpoint_ = 0, in_recovery_ = 0;
  std::vector<IssuedKey> issued_;
  std::vector<Asked> asked_;
  std::vector<std::size_t> open_;  // those without a settlement
  std::set<RequestId> released_;   // the ledger thread's own, until it has ended
  Promised promised_;
  std::int64_t edits_ = 0;
};

TEST_F(PowerLoss, nothing_that_was_released_is_lost) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    random_.seed(seed);
    options_.head = seed % 4 == 0 ? head_ : "";  // its own syncs take most of the time
    // About ten calls a commit: the power goes at one of the first, or after some hundred.
    const std::int64_t at = below(std::int64_t{1} << (3 + below(8)));
    run(Syncs::honest, Calls::all, at, 1 + at / 8);
    ASSERT_FALSE(HasFatalFailure());
    ASSERT_EQ(fault_of_what_is_left(), "") << "seed " << seed;
  }
  EXPECT_GT(in_recovery_, 50);
}

TEST_F(PowerLoss, nothing_is_lost_in_a_checkpoint) {
  for (unsigned seed = 0; seed < 60; ++seed) {
    random_.seed(seed);
    options_.head = seed % 4 == 0 ? head_ : "";  // its own syncs take most of the time
    // That of its end; every tenth, that of a log which has become long.
    run(Syncs::honest, Calls::checkpoint, below(16), seed % 10 == 0 ? 10'000 : 5);
    ASSERT_FALSE(HasFatalFailure());
    ASSERT_EQ(fault_of_what_is_left(), "") << "seed " << seed;
  }
  EXPECT_GT(in_checkpoint_, 30);
}

// The test itself: with a disk that only says that it syncs, it must see losses.
TEST_F(PowerLoss, a_lying_disk_is_found_out) {
  int told_by_head = 0;
  for (unsigned seed = 0; seed < 30; ++seed) {
    random_.seed(seed);
    options_.head = head_;
    run(Syncs::lying, Calls::all, 20 + below(500), 100);
    ASSERT_FALSE(HasFatalFailure());
    told_by_head += fault_of_what_is_left().find("is behind its head") != std::string::npos ? 1 : 0;
  }
  EXPECT_GT(told_by_head, 0);
}

}  // namespace
}  // namespace cr::ledger

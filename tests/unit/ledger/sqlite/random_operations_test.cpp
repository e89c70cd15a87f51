// SPDX-License-Identifier: MIT
// Random operations against a small reference model; the numbers of both must agree after each, the invariants hold,
// and who waits for held credit is decided in its turn: not later, and not before.
#include <deque>
#include <map>
#include <random>

#include "power_vfs.h"
#include "unit/ledger/ledger_fixture.h"

namespace cr::ledger {
namespace {

struct ModelHolder {
  std::optional<std::int64_t> quota;
  std::int64_t posted = 0, reserved = 0;
  std::int64_t available() const {
    return quota ? std::max<std::int64_t>(0, *quota - posted - reserved) : Credits::max().nano();
  }
  std::int64_t unposted() const { return quota ? std::max<std::int64_t>(0, *quota - posted) : Credits::max().nano(); }
};
constexpr std::size_t k_days = 3;
const Time k_first_day = base::from_unix_ms(1'767'571'200'000);  // 2026-01-05T00:00:00Z, a Monday

// What a day's budget has left is what the day's requests leave of it, whenever the budget was set.
struct ModelToken : ModelHolder {
  std::size_t account = 0;
  std::optional<std::int64_t> budget;
  bool deleted = false;
  std::array<ModelHolder, k_days> days;
  std::int64_t available_on(std::size_t day) const {
    return ModelHolder{budget, days[day].posted, days[day].reserved}.available();
  }
  std::int64_t unposted_on(std::size_t day) const {
    return ModelHolder{budget, days[day].posted, days[day].reserved}.unposted();
  }
};
struct Place {
  std::size_t token = 0, account = 0, day = 0;
};
struct OpenRequest {
  ReserveOp op;
  Place place;
};
// Of a token's line. The ledger has its address until it is decided.
struct WaitingRequest {
  std::unique_ptr<ReserveOp> op;
  Place place;
  std::int64_t amount = 0;
};
struct EndedRequest {
  RequestId id;
  Place place;
  std::int64_t posted = 0;  // less what was refunded
};

class RandomOperations : public LedgerFixture, public testing::WithParamInterface<int> {
 protected:
  static constexpr std::size_t k_tokens = 5;
  static constexpr std::size_t k_accounts = 2;

  // The ledger gives back what waits, which is of this class, until its end.
  ~RandomOperations() override { ledger_.reset(); }

  std::int64_t below(std::int64_t bound) { return std::uniform_int_distribution<std::int64_t>(0, bound - 1)(random_); }
  std::size_t pick(std::size_t count) { return static_cast<std::size_t>(below(static_cast<std::int64_t>(count))); }
  std::optional<std::int64_t> some_quota() { return below(4) == 0 ? std::nullopt : std::optional(below(1000)); }
  static std::optional<Credits> credits(std::optional<std::int64_t> nano) {
    return nano ? std::optional(Credits::from_nano(*nano)) : std::nullopt;
  }

  void SetUp() override {
    // Its disk keeps nobody waiting: what is proven here has nothing to do with what is durable.
    power_vfs::install();
    power_vfs::begin(power_vfs::Syncs::honest);
    options_.retention = std::chrono::milliseconds(0);
    random_.seed(static_cast<unsigned>(GetParam()));
    open();
    for (std::size_t i = 0; i < k_accounts; ++i) {
      // Enough for a while; an exhausted one has nobody wait.
      accounts_.push_back({below(4) == 0 ? std::nullopt : std::optional(below(200'000))});
      create_account("a" + std::to_string(i), credits(accounts_[i].quota));
    }
    for (std::size_t i = 0; i < k_tokens; ++i) {
      ModelToken token;
      token.quota = some_quota();
      token.account = pick(k_accounts);
      issued_.push_back(
          create_token("t" + std::to_string(i), credits(token.quota), "a" + std::to_string(token.account)));
      tokens_.push_back(token);
    }
  }

  // Moves every number a request counts in.
  void move(const Place& place, std::int64_t posted, std::int64_t reserved) {
    for (ModelHolder* holder : {static_cast<ModelHolder*>(&tokens_[place.token]), &tokens_[place.token].days[place.day],
                                &accounts_[place.account]}) {
      holder->posted += posted;
      holder->reserved += reserved;
    }
  }

  ReserveOutcome expected_of(const Place& place, std::int64_t amount) const {
    const ModelToken& token = tokens_[place.token];
    const ModelHolder& account = accounts_[place.account];
    if (token.deleted) return ReserveOutcome::gone;
    if (!token.quota && !account.quota && !token.budget) return ReserveOutcome::unlimited;
    const std::int64_t available = std::min({token.available(), account.available(), token.available_on(place.day)});
    if (amount <= available) return ReserveOutcome::reserved;
    const std::int64_t unposted = std::min({token.unposted(), account.unposted(), token.unposted_on(place.day)});
    if (amount <= unposted) return ReserveOutcome::credit_reserved;
    if (unposted == token.unposted()) return ReserveOutcome::no_token_credit;
    return unposted == account.unposted() ? ReserveOutcome::no_account_credit : ReserveOutcome::no_budget;
  }

  void reserve_one() {
    const std::size_t which = pick(k_tokens);
    const std::int64_t amount = below(300);
    WaitingRequest request{std::make_unique<ReserveOp>(reservation(issued_[which], Credits::from_nano(amount))),
                           {which, tokens_[which].account, pick(k_days)},
                           amount};
    request.op->facts.started_at = k_first_day + std::chrono::hours(24 * static_cast<int>(request.place.day)) +
                                   std::chrono::milliseconds(below(86'400'000));
    request.op->may_wait = below(2) == 0;
    ledger_->reserve(*request.op);
    auto& line = lines_[which];
    const ReserveOutcome expected = expected_of(request.place, amount);
    const bool reserves = expected != ReserveOutcome::unlimited && expected != ReserveOutcome::gone;
    const bool behind = reserves && !line.empty();  // though there be enough for it
    if (!request.op->may_wait || (!behind && expected != ReserveOutcome::credit_reserved)) {
      take(request, expected);
      return;
    }
    line.push_back(std::move(request));
    ++waited_;
  }

  // The ledger has decided on it, and so.
  void take(WaitingRequest& request, ReserveOutcome expected) {
    waiters_.wait(request.op.get());
    ASSERT_EQ(request.op->outcome, expected);
    if (expected == ReserveOutcome::reserved) move(request.place, 0, request.amount);
    if (expected == ReserveOutcome::reserved || expected == ReserveOutcome::unlimited)
      open_.push_back({*request.op, request.place});
  }

  // Each commit decides anew on all that wait, token by token, of each line up to the first that has to wait on.
  void retry_lines() {
    for (auto& line : lines_) {
      while (!line.empty()) {
        auto& first = line.front();
        first.place.account = tokens_[first.place.token].account;
        const auto expected =
            first.op->abandoned() ? ReserveOutcome::unavailable : expected_of(first.place, first.amount);
        if (expected == ReserveOutcome::credit_reserved) break;
        ASSERT_NO_FATAL_FAILURE(take(first, expected));
        reserved_late_ += expected == ReserveOutcome::reserved ? 1 : 0;
        line.pop_front();
      }
    }
  }

  // Whoever waited for it has left. What comes with the next commit, the ledger commits at once.
  void abandon_one() {
    auto& line = lines_[pick(k_tokens)];
    if (line.empty()) return;
    line[pick(line.size())].op->abandon();
    const auto nothing =
        write([](Store&) -> base::Result<void> { return base::fail(base::ErrorCode::conflict, "no"); });
    ASSERT_FALSE(nothing);
  }

  void settle_one() {
    if (open_.empty()) return;
    const std::size_t which = pick(open_.size());
    const OpenRequest request = open_[which];
    open_.erase(open_.begin() + static_cast<std::ptrdiff_t>(which));
    const std::int64_t held = request.op.amount.nano();
    const std::int64_t cost = below(below(3) == 0 ? 400 : 60);  // what is held is mostly given back
    ledger_->settle(settlement(request.op, Credits::from_nano(cost)));
    if (below(5) == 0) ledger_->settle(settlement(request.op, Credits::from_nano(below(400))));  // once more
    const std::int64_t posted = held > 0 ? std::min(cost, held) : cost;
    overrun_ += cost - posted;
    move(request.place, posted, -held);
    if (posted > 0) ended_.push_back({request.op.facts.id, request.place, posted});
  }

  void refund_one() {
    if (ended_.empty()) return;
    EndedRequest& request = ended_[pick(ended_.size())];
    const std::int64_t amount = below(request.posted + 50) + 1;
    const auto refunded =
        write([&](Store& store) { return store.refund_request(request.id, Credits::from_nano(amount), actor_); });
    ASSERT_EQ(refunded.has_value(), amount <= request.posted);
    if (!refunded) return;
    request.posted -= amount;
    move(request.place, -amount, 0);
  }

  // A deleted one's requests still end, and are refunded; restored it has all its numbers.
  void delete_or_restore_one() {
    const std::size_t which = pick(k_tokens);
    const std::string name = "t" + std::to_string(which);
    const bool fails = below(4) == 0;  // and all that it did is taken back
    const auto done = write([&](Store& store) -> base::Result<void> {
      if (tokens_[which].deleted) {
        auto restored = store.restore_token(name, actor_);
        if (!restored) return tl::unexpected(restored.error());
      } else if (auto deleted = store.delete_token(name, {}, actor_); !deleted) {
        return deleted;
      }
      return fails ? base::fail(base::ErrorCode::conflict, "taken back") : base::Result<void>();
    });
    ASSERT_EQ(done.has_value(), !fails) << (done ? "" : done.error().message);
    if (!fails) tokens_[which].deleted = !tokens_[which].deleted;
  }

  void edit_one() {
    const std::size_t which = pick(k_tokens);
    if (tokens_[which].deleted) return;
    TokenPatch patch;
    // Above what is used or below it.
    tokens_[which].quota = some_quota();
    if (tokens_[which].quota && below(4) != 0) *tokens_[which].quota += tokens_[which].posted;
    patch.quota = QuotaChange{tokens_[which].quota ? QuotaChange::Kind::set : QuotaChange::Kind::unlimited,
                              credits(tokens_[which].quota).value_or(Credits())};
    if (below(3) == 0) {
      auto& budget = tokens_[which].budget;
      budget = below(3) == 0 ? std::nullopt : std::optional(below(600));
      if (budget && below(4) != 0) *budget += tokens_[which].days[pick(k_days)].posted;
      patch.budgets[0] = QuotaChange{tokens_[which].budget ? QuotaChange::Kind::set : QuotaChange::Kind::unlimited,
                                     credits(tokens_[which].budget).value_or(Credits())};
    }
    if (below(2) == 0) {
      tokens_[which].account = pick(k_accounts);
      patch.account = "a" + std::to_string(tokens_[which].account);
    }
    ASSERT_TRUE(write([&](Store& store) { return store.edit_token("t" + std::to_string(which), patch, {}, actor_); }));
  }

  void crash_both() {
    const std::string copy = (folder_ / ("crash-" + std::to_string(++crashes_))).string();
    ASSERT_TRUE(ledger_->flush());  // the model does not know what a crash would lose
    const auto waiting = std::exchange(lines_, {});
    for (const char* part : {"", "-wal"}) {
      if (std::filesystem::exists(options_.path + part)) std::filesystem::copy_file(options_.path + part, copy + part);
    }
    ledger_.reset();
    for (const auto& line : waiting) {
      for (const auto& request : line) {
        waiters_.wait(request.op.get());
        ASSERT_EQ(request.op->outcome, ReserveOutcome::unavailable);
      }
    }
    std::filesystem::remove(options_.path);
    power_vfs::begin(power_vfs::Syncs::honest);
    options_.path = copy;
    open();
    for (const OpenRequest& request : open_) {
      const std::int64_t held = request.op.amount.nano();
      move(request.place, held, -held);
    }
    // An unlimited one, or one that held nothing, has left no trace; its settlement may still come.
    std::erase_if(open_, [](const OpenRequest& request) { return request.op.amount > Credits(); });
  }

  void expect_same() {
    std::array<QueryOp, k_tokens> queries;
    for (std::size_t i = 0; i < k_tokens; ++i) queries[i].query = BalanceQuery{issued_[i].token->id};
    for (QueryOp& query : queries) ledger_->query(query);
    for (const QueryOp& query : queries) waiters_.wait(&query);
    for (std::size_t i = 0; i < k_tokens; ++i) {
      const auto& seen = std::get<BalanceQuery>(queries[i].query);
      ASSERT_EQ(seen.found, !tokens_[i].deleted);
      if (tokens_[i].deleted) continue;
      const ModelHolder& account = accounts_[tokens_[i].account];
      ASSERT_EQ(seen.token_balance.posted.nano(), tokens_[i].posted);
      ASSERT_EQ(seen.token_balance.reserved.nano(), tokens_[i].reserved);
      ASSERT_EQ(seen.token_balance.available().nano(), tokens_[i].available());
      ASSERT_EQ(seen.account_balance.posted.nano(), account.posted);
      ASSERT_EQ(seen.account_balance.reserved.nano(), account.reserved);
      // Above a quota only where an edit has lowered it: then nothing is available.
      ASSERT_GE(seen.token_balance.posted, Credits());
      ASSERT_GE(seen.token_balance.reserved, Credits());
    }
    ASSERT_EQ(ledger_->counters().overrun.nano(), overrun_);
    for (const auto& line : lines_) {
      for (const auto& request : line) {
        ASSERT_TRUE(request.op->waits());
        ASSERT_FALSE(waiters_.has(request.op.get())) << "decided, though it should wait";
      }
    }
  }

  std::mt19937 random_;
  std::vector<ModelHolder> accounts_;
  std::vector<ModelToken> tokens_;
  std::vector<IssuedKey> issued_;
  std::vector<OpenRequest> open_;
  std::vector<EndedRequest> ended_;
  std::array<std::deque<WaitingRequest>, k_tokens> lines_;
  int waited_ = 0, reserved_late_ = 0;
  std::int64_t overrun_ = 0;
};

// 100,000 operations in all.
constexpr int k_seeds = 40, k_steps = 2500;

TEST_P(RandomOperations, agree_with_the_model) {
  for (int step = 0; step < k_steps; ++step) {
    const std::int64_t dice = below(1000);
    if (dice < 640) {
      reserve_one();
    } else if (dice < 880) {
      settle_one();
    } else if (dice < 900) {
      refund_one();
    } else if (dice < 975) {
      edit_one();
    } else if (dice < 985) {
      delete_or_restore_one();
    } else if (dice < 995) {
      abandon_one();
    } else {
      crash_both();
    }
    ASSERT_FALSE(HasFatalFailure()) << "seed " << GetParam() << " step " << step;
    retry_lines();
    ASSERT_FALSE(HasFatalFailure()) << "seed " << GetParam() << " step " << step;
    expect_same();
    ASSERT_FALSE(HasFatalFailure()) << "seed " << GetParam() << " step " << step;
    if (step % 250 == 249) expect_sound();
  }
  expect_sound();
  EXPECT_GT(crashes_, 0);
  EXPECT_GT(waited_, 5);
  EXPECT_GT(reserved_late_, 0);
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomOperations, testing::Range(1, 1 + k_seeds));

}  // namespace
}  // namespace cr::ledger

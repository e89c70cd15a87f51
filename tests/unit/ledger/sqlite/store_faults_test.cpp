// SPDX-License-Identifier: MIT
#include <atomic>
#include <thread>

#include "failing_vfs.h"
#include "unit/ledger/ledger_fixture.h"

namespace cr::ledger {
namespace {

using base::ErrorCode;
using failing_vfs::Fault;
using testing::HasSubstr;

class StoreFaults : public LedgerFixture {
 protected:
  void SetUp() override {
    failing_vfs::install();
    failing_vfs::mend();
    options_.price_list = k_few_prices;
    options_.on_fatal = [this] { fatal_.store(true); };
  }
  void TearDown() override { failing_vfs::mend(); }

  // Asks until the store takes it again: it tries by itself, with back-off.
  ReserveOp reserve_until_held(const IssuedKey& token, Credits amount) {
    ReserveOp op = reservation(token, amount);
    do {
      op.facts.id = RequestId::make(base::wall_now());
      reserve(op);
      std::this_thread::yield();
    } while (op.outcome == ReserveOutcome::unavailable);
    return op;
  }

  static constexpr std::chrono::milliseconds k_patience{60'000};
  std::atomic<bool> fatal_{false};
};

class StoreFaultsOf : public StoreFaults, public testing::WithParamInterface<Fault> {};

TEST_P(StoreFaultsOf, reservations_are_unavailable_settlements_wait_and_it_recovers_alone) {
  open();
  const IssuedKey token = create_token("ci", dollars(10));
  ReserveOp running = reservation(token, dollars(4));
  reserve(running);
  ASSERT_EQ(running.outcome, ReserveOutcome::reserved);

  failing_vfs::break_after(GetParam(), 0);
  ReserveOp refused = reservation(token, dollars(1));
  reserve(refused);
  EXPECT_EQ(refused.outcome, ReserveOutcome::unavailable);
  EXPECT_EQ(refused.amount, Credits());
  ledger_->settle(settlement(running, dollars(3)));
  const auto flushed = ledger_->flush();
  ASSERT_FALSE(flushed);
  EXPECT_EQ(flushed.error().code, ErrorCode::unavailable);
  EXPECT_THAT(flushed.error().message, HasSubstr("cannot commit"));
  // As if it had not been: the balance is what the last commit made it.
  EXPECT_EQ(balance(token.token->id).token_balance.reserved, dollars(4));
  EXPECT_EQ(balance(token.token->id).token_balance.posted, Credits());
  const auto written = write([&](Store& store) { return store.create_token({.name = "late"}, actor_); });
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ErrorCode::unavailable);
  EXPECT_EQ(directory().find_token("late"), nullptr);
  // Reports go on, as of the last commit.
  const auto row = read([](Reports& reports) { return reports.token("ci"); });
  ASSERT_TRUE(row);
  EXPECT_EQ(row->reserved, dollars(4));
  EXPECT_GT(ledger_->counters().failed_commits, 0U);
  EXPECT_FALSE(fatal_);

  failing_vfs::mend();
  const ReserveOp next = reserve_until_held(token, dollars(2));
  EXPECT_EQ(next.outcome, ReserveOutcome::reserved);
  EXPECT_EQ(balance(token.token->id).token_balance.posted, dollars(3));  // the settlement was not lost
  EXPECT_EQ(balance(token.token->id).token_balance.reserved, dollars(2));
  EXPECT_EQ(ledger_->counters().settlements, 1U);
  ASSERT_TRUE(write([&](Store& store) { return store.create_token({.name = "late"}, actor_); }));
  expect_sound();
  open();
  expect_sound();
}

TEST_P(StoreFaultsOf, settlements_alone_are_tried_again_until_they_are_written) {
  open();
  const IssuedKey token = create_token("ci", dollars(10));
  ReserveOp running = reservation(token, dollars(4));
  reserve(running);
  failing_vfs::break_after(GetParam(), 0);
  ledger_->settle(settlement(running, dollars(3)));
  while (ledger_->counters().failed_commits < 2) std::this_thread::yield();
  failing_vfs::mend();
  while (ledger_->counters().settlements == 0) std::this_thread::yield();
  EXPECT_EQ(balance(token.token->id).token_balance.posted, dollars(3));
  expect_sound();
}

// Every write of a longer run fails once, in its turn; whatever happens, the books are right and durable.
TEST_P(StoreFaultsOf, fault_at_every_write_in_turn) {
  open();
  const IssuedKey token = create_token("ci", dollars(1000));
  bool met = true;
  for (std::int64_t at = 0; met; ++at) {
    failing_vfs::break_after(GetParam(), at);
    std::vector<ReserveOp> ops;
    for (int i = 0; i < 3; ++i) {
      ReserveOp op = reservation(token, dollars(1));
      reserve(op);
      if (op.outcome == ReserveOutcome::reserved) ops.push_back(op);
    }
    for (const ReserveOp& op : ops) ledger_->settle(settlement(op, Credits::from_nano(1)));
    TokenPatch patch;
    patch.note = std::to_string(at);
    const auto edited = write([&](Store& store) { return store.edit_token("ci", patch, {}, actor_); });
    const auto note = directory().find_token("ci")->settings->note;
    EXPECT_EQ(note == *patch.note, edited.has_value());
    met = failing_vfs::met();
    failing_vfs::mend();
    const ReserveOp last = reserve_until_held(token, dollars(1));
    ledger_->settle(settlement(last, {}, Ending::refused));
    ASSERT_TRUE(ledger_->flush());
    expect_sound();
    EXPECT_EQ(balance(token.token->id).token_balance.reserved, Credits());
  }
  EXPECT_FALSE(fatal_);
}

INSTANTIATE_TEST_SUITE_P(Kinds, StoreFaultsOf, testing::Values(Fault::disk_full, Fault::write_error));

TEST_F(StoreFaults, failed_sync_is_fatal_and_never_tried_again) {
  open();
  const IssuedKey token = create_token("ci", dollars(10));
  ReserveOp running = reservation(token, dollars(4));
  reserve(running);
  failing_vfs::break_after(Fault::sync_error, 0);
  ReserveOp refused = reservation(token, dollars(1));
  reserve(refused);
  EXPECT_EQ(refused.outcome, ReserveOutcome::unavailable);
  EXPECT_TRUE(fatal_);
  failing_vfs::mend();  // too late: what the disk has is unknown
  const std::int64_t syncs = failing_vfs::syncs();
  ledger_->settle(settlement(running, dollars(3)));
  reserve(refused);
  EXPECT_EQ(refused.outcome, ReserveOutcome::unavailable);
  EXPECT_FALSE(ledger_->flush());
  const auto written = write([&](Store& store) { return store.create_token({.name = "late"}, actor_); });
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ErrorCode::unavailable);
  EXPECT_EQ(failing_vfs::syncs(), syncs);
  open();
  // The next start posts what was open whole: nobody wrote down how it ended.
  EXPECT_EQ(balance(token.token->id).token_balance.reserved, Credits());
  EXPECT_GE(balance(token.token->id).token_balance.posted, dollars(4));
  expect_sound();
}

// With nothing to commit, too, and without being asked.
TEST_P(StoreFaultsOf, admits_nothing_until_it_has_found_out_that_it_can_commit_again) {
  open();
  const IssuedKey token = create_token("ci", dollars(10));
  EXPECT_TRUE(ledger_->admits(k_patience));
  EXPECT_EQ(ledger_->condition(k_patience), "ready");
  failing_vfs::break_after(GetParam(), 0);
  ReserveOp refused = reservation(token, dollars(1));
  reserve(refused);
  EXPECT_EQ(refused.outcome, ReserveOutcome::unavailable);
  EXPECT_FALSE(ledger_->admits(k_patience));
  EXPECT_THAT(ledger_->condition(k_patience), HasSubstr("cannot commit"));
  while (ledger_->counters().failed_commits < 3) std::this_thread::yield();
  EXPECT_FALSE(ledger_->admits(k_patience));
  failing_vfs::mend();
  while (!ledger_->admits(k_patience)) std::this_thread::yield();
  EXPECT_EQ(ledger_->condition(k_patience), "ready");
  EXPECT_EQ(ledger_->counters().backlog, 0U);
  expect_sound();
}

TEST_P(StoreFaultsOf, settlements_that_wait_are_counted_and_bounded_by_admission) {
  options_.backlog_max = 100;
  open();
  const IssuedKey token = create_token("ci", {});
  failing_vfs::break_after(GetParam(), 0);
  std::vector<ReserveOp> ended(150, reservation(token, dollars(1)));
  for (ReserveOp& op : ended) {
    op.facts.id = RequestId::make(base::wall_now());
    ledger_->settle(settlement(op, Credits::from_nano(5)));
  }
  EXPECT_EQ(ledger_->counters().backlog, 150U);
  EXPECT_FALSE(ledger_->admits(k_patience));
  failing_vfs::mend();
  while (!ledger_->admits(k_patience)) std::this_thread::yield();
  ASSERT_TRUE(ledger_->flush());
  EXPECT_EQ(ledger_->counters().backlog, 0U);
  EXPECT_EQ(balance(token.token->id).token_balance.posted, Credits::from_nano(150 * 5));
  expect_sound();
}

// A ledger thread that waits for its disk.
class StoreHangs : public StoreFaults {
 protected:
  void SetUp() override {
    StoreFaults::SetUp();
    options_.admin_timeout = std::chrono::milliseconds(50);
    open();
    token_.emplace(create_token("ci", dollars(10)));
    failing_vfs::break_after(Fault::sync_hangs, 0);
    ledger_->reserve(stuck_ = reservation(*token_, dollars(1)));
    failing_vfs::wait_met();
  }
  void TearDown() override {
    StoreFaults::TearDown();
    ledger_.reset();
  }
  std::optional<IssuedKey> token_;
  ReserveOp stuck_;
};

TEST_F(StoreHangs, is_seen_and_passes) {
  while (ledger_->admits(std::chrono::milliseconds(20))) std::this_thread::yield();
  EXPECT_GT(ledger_->busy_for(), std::chrono::milliseconds(20));
  EXPECT_THAT(ledger_->condition(std::chrono::milliseconds(20)), HasSubstr("has not answered for"));
  EXPECT_EQ(ledger_->counters().waiting, 1U) << "what is being worked on waits still";
  failing_vfs::mend();
  waiters_.wait(&stuck_);
  EXPECT_EQ(stuck_.outcome, ReserveOutcome::reserved);
  while (!ledger_->admits(std::chrono::milliseconds(20))) std::this_thread::yield();
}

TEST_F(StoreHangs, what_nobody_waits_for_is_not_reserved) {
  ReserveOp left = reservation(*token_, dollars(2));
  ledger_->reserve(left);
  left.abandon();
  failing_vfs::mend();
  waiters_.wait(&stuck_);
  waiters_.wait(&left);
  EXPECT_EQ(left.outcome, ReserveOutcome::unavailable);
  EXPECT_EQ(left.amount, Credits());
  EXPECT_EQ(balance(token_->token->id).token_balance.reserved, dollars(1));
  expect_sound();
}

TEST_F(StoreHangs, a_change_that_was_given_up_is_not_made) {
  bool made = false;
  const auto written = ledger_->write([&](Store&) -> base::Result<void> {
    made = true;
    return {};
  });
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ErrorCode::timeout);
  EXPECT_FALSE(ledger_->flush());
  // Reads go on, as of the last commit.
  const auto row = read([](Reports& reports) { return reports.token("ci"); });
  ASSERT_TRUE(row);
  EXPECT_EQ(row->reserved, Credits());
  failing_vfs::mend();
  waiters_.wait(&stuck_);
  options_.admin_timeout = std::chrono::seconds(10);
  balance(token_->token->id);  // whatever was queued before has been worked off
  EXPECT_FALSE(made);
}

TEST_F(StoreHangs, a_change_whose_commit_hangs_may_yet_be_made_and_says_so) {
  failing_vfs::mend();
  waiters_.wait(&stuck_);
  failing_vfs::break_after(Fault::sync_hangs, 0);
  const auto written = ledger_->write([&](Store& store) -> base::Result<void> {
    const auto created = store.create_token({.name = "late"}, actor_);
    return created ? base::Result<void>() : tl::unexpected(created.error());
  });
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ErrorCode::timeout);
  EXPECT_THAT(written.error().message, HasSubstr("may yet be made"));
  failing_vfs::mend();
  for (bool made = false; !made; std::this_thread::yield()) {
    const auto snapshot = ledger_->directory().get();
    made = snapshot->find_token("late") != nullptr;
  }
}

TEST_F(StoreFaults, nothing_is_released_before_its_sync) {
  open();
  const IssuedKey token = create_token("ci", dollars(10));
  for (int i = 0; i < 5; ++i) {
    const std::int64_t before = failing_vfs::syncs();
    ReserveOp op = reservation(token, dollars(1));
    reserve(op);
    ASSERT_EQ(op.outcome, ReserveOutcome::reserved);
    EXPECT_GT(failing_vfs::syncs(), before);
  }
}

TEST_F(StoreFaults, query_waits_for_the_commit_of_what_was_settled_and_forces_none) {
  options_.settle_delay = std::chrono::hours(1);
  open();
  const IssuedKey token = create_token("ci", dollars(10));
  ReserveOp ended = reservation(token, dollars(4));
  reserve(ended);
  ledger_->settle(settlement(ended, dollars(3)));
  const auto commits = ledger_->counters().commits;
  QueryOp query{BalanceQuery{token.token->id}};
  ledger_->query(query);
  ReserveOp next = reservation(token, dollars(1));
  reserve(next);
  waiters_.wait(&query);
  const auto& balance = std::get<BalanceQuery>(query.query);
  EXPECT_EQ(balance.token_balance.posted, dollars(3));
  EXPECT_EQ(balance.token_balance.reserved, dollars(1));
  EXPECT_EQ(ledger_->counters().commits, commits + 1);
}

TEST_F(StoreFaults, an_admins_query_opens_no_transaction) {
  open();
  const IssuedKey token = create_token("ci", dollars(10));
  ReserveOp held = reservation(token, dollars(4));
  reserve(held);
  ASSERT_TRUE(ledger_->flush());
  const auto commits = ledger_->counters().commits;
  failing_vfs::break_after(Fault::write_error, 0);
  const auto looked = ledger_->balance(token.token->id);
  failing_vfs::mend();
  ASSERT_TRUE(looked) << looked.error().message;
  EXPECT_TRUE(looked->found);
  EXPECT_EQ(looked->token_balance.reserved, dollars(4));
  EXPECT_EQ(looked->account_balance.reserved, dollars(4));
  EXPECT_FALSE(ledger_->balance(TokenId{4711})->found);
  EXPECT_EQ(ledger_->counters().commits, commits);
  ledger_->close();
  EXPECT_EQ(ledger_->balance(token.token->id).error().code, ErrorCode::unavailable);
}

TEST_F(StoreFaults, what_a_change_throws_is_not_told) {
  open();
  const auto done = ledger_->write(
      [](Store&) -> base::Result<void> { throw std::runtime_error("no coffee, sk-proj-0123456789abcdefABCDEF"); });
  EXPECT_EQ(done.error().code, ErrorCode::internal);
  EXPECT_THAT(done.error().message, testing::Not(testing::HasSubstr("coffee")));
  create_token("ci", dollars(1));
}

// A start that fails at any write or sync leaves a store that the next start opens.
TEST_F(StoreFaults, first_start_fails_at_every_call_in_turn) {
  for (const Fault fault : {Fault::disk_full, Fault::write_error, Fault::sync_error}) {
    bool met = true;
    for (std::int64_t at = 0; met; ++at) {
      options_.path =
          (folder_ / ("fresh-" + std::to_string(static_cast<int>(fault)) + "-" + std::to_string(at))).string();
      failing_vfs::break_after(fault, at);
      const auto opened = try_open(options_.path);
      met = failing_vfs::met();
      if (!opened) {
        EXPECT_EQ(opened.error().code, ErrorCode::unavailable) << opened.error().message;
      }
      failing_vfs::mend();
      if (!opened) {
        const auto again = try_open(options_.path);
        ASSERT_TRUE(again) << at << ": " << again.error().message;
      }
    }
  }
}

}  // namespace
}  // namespace cr::ledger

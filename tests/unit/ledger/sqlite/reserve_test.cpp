// SPDX-License-Identifier: MIT
#include <atomic>
#include <thread>

#include "ledger/core/own_requests.h"
#include "unit/ledger/ledger_fixture.h"

namespace cr::ledger {
namespace {

using testing::HasSubstr;

class Reserve : public LedgerFixture {
 protected:
  void SetUp() override { open(); }
  void expect_balance(TokenId token, Credits posted, Credits reserved) {
    const BalanceQuery seen = balance(token);
    ASSERT_TRUE(seen.found);
    EXPECT_EQ(seen.token_balance.posted.to_decimal(), posted.to_decimal());
    EXPECT_EQ(seen.token_balance.reserved.to_decimal(), reserved.to_decimal());
  }
};

TEST_F(Reserve, holds_then_posts_the_cost_and_frees_the_rest) {
  const IssuedKey token = create_token("ci", dollars(10));
  ReserveOp op = reservation(token, dollars(4));
  reserve(op);
  EXPECT_EQ(op.outcome, ReserveOutcome::reserved);
  EXPECT_EQ(op.amount, dollars(4));
  expect_balance(token.token->id, {}, dollars(4));
  EXPECT_EQ(balance(token.token->id).token_balance.available(), dollars(6));

  ledger_->settle(settlement(op, dollars(1)));
  expect_balance(token.token->id, dollars(1), {});
  const auto counters = ledger_->counters();
  EXPECT_EQ(counters.reservations, 1U);
  EXPECT_EQ(counters.settlements, 1U);
  expect_sound();
}

TEST_F(Reserve, void_leaves_no_trace_in_the_balance) {
  const IssuedKey token = create_token("ci", dollars(10));
  ReserveOp op = reservation(token, dollars(4));
  reserve(op);
  ledger_->settle(settlement(op, {}, Ending::upstream_failed));
  expect_balance(token.token->id, {}, {});
  const auto row = read([&](Reports& reports) { return reports.request(op.facts.id); });
  ASSERT_TRUE(row);
  EXPECT_EQ(row->settlement.ending, Ending::upstream_failed);
  EXPECT_EQ(row->booking.reserved, dollars(4));
  expect_sound();
}

// What crd asks by itself is on nobody's balance, and in no usage.
TEST_F(Reserve, an_own_request_is_kept_apart) {
  open();
  const IssuedKey token = create_token("ci", dollars(10));
  Settlement own;
  own.facts.id = RequestId::make(base::wall_now());
  own.facts.started_at = base::wall_now();
  own.facts.token = k_own_token;
  own.facts.model = "gpt-4o-mini";
  own.channel = ChannelId{1};
  own.cost = Credits::from_nano(700);
  own.flags = k_estimated;
  for (int times = 0; times < 2; ++times) {
    auto again = own;
    ledger_->settle(std::move(again));
    ASSERT_TRUE(ledger_->flush());
  }
  EXPECT_EQ(*database().query_int("SELECT cost FROM own_request WHERE channel_id = 1 AND flags = 1"), 700);
  EXPECT_EQ(*database().query_int("SELECT count(*) FROM own_request"), 1);
  EXPECT_EQ(*database().query_int("SELECT count(*) FROM request"), 0);
  EXPECT_EQ(ledger_->counters().settlements_repeated, 1U);
  EXPECT_EQ(balance(token.token->id).token_balance.posted, Credits());
  expect_sound();
}

TEST_F(Reserve, cost_over_the_hold_is_overrun_and_never_exceeds_the_quota) {
  const IssuedKey token = create_token("ci", dollars(5));
  ReserveOp op = reservation(token, dollars(5));
  reserve(op);
  ledger_->settle(settlement(op, dollars(7)));
  expect_balance(token.token->id, dollars(5), {});
  EXPECT_EQ(ledger_->counters().overrun, dollars(2));
  const auto row = read([&](Reports& reports) { return reports.request(op.facts.id); });
  ASSERT_TRUE(row);
  EXPECT_EQ(row->booking.posted, dollars(5));
  EXPECT_EQ(row->booking.overrun, dollars(2));
  expect_sound();
  open();
  EXPECT_EQ(ledger_->counters().overrun, dollars(2));
}

TEST_F(Reserve, second_ending_changes_nothing_and_is_counted) {
  const IssuedKey token = create_token("ci", dollars(5));
  ReserveOp op = reservation(token, dollars(2));
  reserve(op);
  ledger_->settle(settlement(op, dollars(1)));
  ledger_->settle(settlement(op, dollars(2)));
  ASSERT_TRUE(ledger_->flush());
  ledger_->settle(settlement(op, {}));  // post after void, void after post
  Settlement unheld = settlement(op, dollars(2));
  unheld.reserved = {};
  ledger_->settle(unheld);
  expect_balance(token.token->id, dollars(1), {});
  EXPECT_EQ(ledger_->counters().settlements_repeated, 3U);
  EXPECT_EQ(ledger_->counters().settlements, 1U);
  expect_sound();
}

TEST_F(Reserve, settlement_of_no_reservation_is_refused) {
  const IssuedKey token = create_token("ci", dollars(5));
  ReserveOp op = reservation(token, dollars(2));
  op.amount = dollars(2);  // never reserved
  ledger_->settle(settlement(op, dollars(2)));
  ReserveOp of_nobody = reservation(token, dollars(2));
  of_nobody.facts.token = TokenId{9999};
  ledger_->settle(settlement(of_nobody, dollars(2)));
  expect_balance(token.token->id, {}, {});
  EXPECT_EQ(ledger_->counters().settlements_refused, 2U);
  EXPECT_FALSE(read([&](Reports& reports) { return reports.request(op.facts.id); }));
  expect_sound();
}

TEST_F(Reserve, what_was_held_decides_and_not_what_the_settlement_says) {
  const IssuedKey token = create_token("ci", dollars(5));
  ReserveOp op = reservation(token, dollars(2));
  reserve(op);
  Settlement claims = settlement(op, dollars(4));
  claims.reserved = dollars(5);
  ledger_->settle(claims);
  expect_balance(token.token->id, dollars(2), {});
  expect_sound();
}

TEST_F(Reserve, same_id_cannot_be_held_twice) {
  const IssuedKey token = create_token("ci", dollars(5));
  ReserveOp first = reservation(token, dollars(2));
  reserve(first);
  ReserveOp again = first;
  reserve(again);
  EXPECT_EQ(again.outcome, ReserveOutcome::unavailable);
  expect_balance(token.token->id, {}, dollars(2));
  expect_sound();
}

TEST_F(Reserve, exactly_what_is_left_is_admitted_and_one_nano_more_is_not) {
  const IssuedKey token = create_token("ci", dollars(5));
  ReserveOp first = reservation(token, dollars(5) - Credits::from_nano(1));
  reserve(first);
  ReserveOp more = reservation(token, Credits::from_nano(2));
  reserve(more);
  EXPECT_EQ(more.outcome, ReserveOutcome::credit_reserved);
  EXPECT_EQ(more.in_the_way.reserved, dollars(5) - Credits::from_nano(1));
  EXPECT_EQ(more.in_the_way.limit, dollars(5));
  EXPECT_EQ(more.in_the_way.requests, 1);
  ReserveOp exact = reservation(token, Credits::from_nano(1));
  reserve(exact);
  EXPECT_EQ(exact.outcome, ReserveOutcome::reserved);
  EXPECT_EQ(balance(token.token->id).token_balance.available(), Credits());
  expect_sound();
}

TEST_F(Reserve, limit_zero_holds_nothing_but_a_free_request) {
  const IssuedKey token = create_token("ci", Credits());
  ReserveOp paid = reservation(token, Credits::from_nano(1));
  reserve(paid);
  EXPECT_EQ(paid.outcome, ReserveOutcome::no_token_credit);
  ReserveOp free = reservation(token, Credits());
  reserve(free);
  EXPECT_EQ(free.outcome, ReserveOutcome::reserved);
  ledger_->settle(settlement(free, {}));
  expect_balance(token.token->id, {}, {});
  EXPECT_TRUE(read([&](Reports& reports) { return reports.request(free.facts.id); }));
}

TEST_F(Reserve, a_size_that_says_more_than_there_is_or_less_than_nothing_is_refused) {
  const IssuedKey token = create_token("ci", dollars(5));
  for (const std::int64_t nano : {dollars(5).nano() + 1, std::int64_t{-1}}) {
    ReserveOp op = reservation(token, {});
    op.size = [nano](Credits) { return std::optional(Credits::from_nano(nano)); };
    reserve(op);
    EXPECT_EQ(op.outcome, ReserveOutcome::no_token_credit);
    EXPECT_EQ(op.amount, Credits());
  }
  expect_balance(token.token->id, {}, {});
}

TEST_F(Reserve, account_and_token_are_held_together) {
  create_account("team", dollars(6));
  const IssuedKey one = create_token("one", dollars(4), "team");
  const IssuedKey two = create_token("two", dollars(4), "team");
  ReserveOp first = reservation(one, dollars(4));
  reserve(first);
  ReserveOp second = reservation(two, dollars(4));
  reserve(second);
  EXPECT_EQ(second.outcome, ReserveOutcome::credit_reserved);
  EXPECT_EQ(second.in_the_way.limit, dollars(6));
  ReserveOp smaller = reservation(two, dollars(2));
  reserve(smaller);
  EXPECT_EQ(smaller.outcome, ReserveOutcome::reserved);
  const BalanceQuery seen = balance(two.token->id);
  EXPECT_EQ(seen.account_balance.reserved, dollars(6));
  EXPECT_EQ(seen.account_balance.available(), Credits());
  ledger_->settle(settlement(first, dollars(1)));
  ledger_->settle(settlement(smaller, {}, Ending::refused));
  EXPECT_EQ(balance(two.token->id).account_balance.posted, dollars(1));
  EXPECT_EQ(balance(two.token->id).account_balance.available(), dollars(5));
  expect_sound();
}

TEST_F(Reserve, limited_token_of_an_unlimited_account_counts_on_both) {
  const IssuedKey token = create_token("ci", dollars(5));
  ReserveOp op = reservation(token, dollars(2));
  reserve(op);
  EXPECT_EQ(balance(token.token->id).account_balance.reserved, dollars(2));
  EXPECT_EQ(balance(token.token->id).account_balance.available(), Credits::max());
  expect_sound();
}

TEST_F(Reserve, unlimited_holds_nothing_and_is_metered) {
  const IssuedKey token = create_token("free", std::nullopt);
  ReserveOp op = reservation(token, dollars(5));
  reserve(op);
  EXPECT_EQ(op.outcome, ReserveOutcome::unlimited);
  EXPECT_EQ(op.amount, Credits());
  ledger_->settle(settlement(op, dollars(3)));
  expect_balance(token.token->id, dollars(3), {});
  EXPECT_EQ(balance(token.token->id).account_balance.posted, dollars(3));
  expect_sound();
}

TEST_F(Reserve, unlimited_to_limited_in_mid_flight_applies_from_the_next) {
  const IssuedKey token = create_token("free", std::nullopt);
  ReserveOp flying = reservation(token, dollars(5));
  reserve(flying);
  TokenPatch patch;
  patch.quota = QuotaChange{QuotaChange::Kind::set, dollars(1)};
  ASSERT_TRUE(write([&](Store& store) { return store.edit_token("free", patch, {}, actor_); }));
  ledger_->settle(settlement(flying, dollars(3)));
  expect_balance(token.token->id, dollars(3), {});
  ReserveOp next = reservation(token, Credits::from_nano(1));
  reserve(next);
  EXPECT_EQ(next.outcome, ReserveOutcome::no_token_credit);
  EXPECT_EQ(balance(token.token->id).token_balance.available(), Credits());
  expect_sound();
}

TEST_F(Reserve, absurd_cost_saturates_and_the_sums_still_hold) {
  const IssuedKey token = create_token("free", std::nullopt);
  for (int i = 0; i < 2; ++i) {
    ReserveOp op = reservation(token, {});
    reserve(op);
    ledger_->settle(settlement(op, Credits::max()));
  }
  expect_balance(token.token->id, Credits::max(), {});
  expect_sound();
}

TEST_F(Reserve, disabled_deleted_and_unknown_tokens_are_gone) {
  const IssuedKey token = create_token("ci", dollars(5));
  ReserveOp running = reservation(token, dollars(2));
  reserve(running);
  TokenPatch off;
  off.enabled = Switch::off;
  ASSERT_TRUE(write([&](Store& store) { return store.edit_token("ci", off, {}, actor_); }));
  ReserveOp op = reservation(token, dollars(1));
  reserve(op);
  EXPECT_EQ(op.outcome, ReserveOutcome::gone);
  ASSERT_TRUE(write([&](Store& store) { return store.delete_token("ci", {}, actor_); }));
  reserve(op);
  EXPECT_EQ(op.outcome, ReserveOutcome::gone);
  EXPECT_FALSE(balance(token.token->id).found);
  op.facts.token = TokenId{12345};
  reserve(op);
  EXPECT_EQ(op.outcome, ReserveOutcome::gone);
  ledger_->settle(settlement(running, dollars(1)));  // a tombstone settles all the same
  expect_sound();
}

TEST_F(Reserve, disabled_account_stops_its_tokens) {
  create_account("team", std::nullopt);
  const IssuedKey token = create_token("ci", std::nullopt, "team");
  AccountPatch off;
  off.enabled = Switch::off;
  ASSERT_TRUE(write([&](Store& store) { return store.edit_account("team", off, {}, actor_); }));
  ReserveOp op = reservation(token, dollars(1));
  reserve(op);
  EXPECT_EQ(op.outcome, ReserveOutcome::gone);
}

TEST_F(Reserve, moved_token_settles_on_the_account_that_was_held) {
  const AccountId old_account = create_account("old", dollars(5));
  const AccountId new_account = create_account("new", dollars(5));
  const IssuedKey token = create_token("ci", dollars(5), "old");
  ReserveOp flying = reservation(token, dollars(2));
  reserve(flying);
  TokenPatch move;
  move.account = "new";
  ASSERT_TRUE(write([&](Store& store) { return store.edit_token("ci", move, {}, actor_); }));
  ledger_->settle(settlement(flying, dollars(1)));
  ReserveOp next = reservation(token, dollars(2));
  next.facts.account = old_account;  // as a worker with the old directory has it
  reserve(next);
  EXPECT_EQ(next.facts.account, new_account);
  const auto accounts = read([](Reports& reports) { return reports.accounts(); });
  ASSERT_TRUE(accounts);
  for (const AccountRow& row : *accounts) {
    if (row.account.name == "old") {
      EXPECT_EQ(row.posted, dollars(1));
    }
    if (row.account.name == "new") {
      EXPECT_EQ(row.reserved, dollars(2));
    }
  }
  expect_sound();
}

// Each uses a quarter of what it may: they wait for one another, and are served in their order while there is credit.
TEST_F(Reserve, waits_for_what_running_requests_have_reserved) {
  const IssuedKey token = create_token("ci", dollars(10));
  std::vector<ReserveOp> ops(20);
  for (auto& op : ops) {
    op = reservation(token, dollars(4));
    op.may_wait = true;
    ledger_->reserve(op);
  }
  // All of them have come before the first one is settled.
  ASSERT_TRUE(ledger_->flush());
  for (std::size_t i = 0; i < ops.size(); ++i) {
    waiters_.wait(&ops[i]);
    const bool affordable = i <= 6;  // six of them have used six of ten
    ASSERT_EQ(ops[i].outcome, affordable ? ReserveOutcome::reserved : ReserveOutcome::no_token_credit) << i;
    EXPECT_EQ(ops[i].waits(), i >= 2) << i;
    if (affordable) ledger_->settle(settlement(ops[i], dollars(1)));
  }
  expect_balance(token.token->id, dollars(7), {});
  expect_sound();
}

// One whose waiter left, and those that wait when the ledger ends, come back with nothing reserved.
TEST_F(Reserve, nothing_waits_for_ever) {
  const IssuedKey token = create_token("ci", dollars(4));
  ReserveOp first = reservation(token, dollars(4)), left = first, last = first;
  for (ReserveOp* op : {&left, &last}) {
    op->facts.id = reservation(token, dollars(4)).facts.id;
    op->may_wait = true;
  }
  reserve(first);
  ledger_->reserve(left);
  ledger_->reserve(last);
  ASSERT_TRUE(ledger_->flush());
  left.abandon();
  ASSERT_TRUE(write([](Store&) { return base::Result<void>(); }));
  waiters_.wait(&left);
  EXPECT_EQ(left.outcome, ReserveOutcome::unavailable);
  ledger_.reset();
  waiters_.wait(&last);
  EXPECT_EQ(last.outcome, ReserveOutcome::unavailable);
}

TEST_F(Reserve, a_thousand_at_once_with_room_for_k_hold_exactly_k) {
  constexpr int k_room = 37;
  const IssuedKey token = create_token("ci", dollars(k_room));
  std::vector<ReserveOp> ops(1000);
  for (std::size_t i = 0; i < ops.size(); ++i) {
    ops[i] = reservation(token, dollars(1));
    ops[i].recipient = i % 2;
  }
  std::vector<std::thread> producers;
  for (std::size_t part = 0; part < 8; ++part) {
    producers.emplace_back([&, part] {
      for (std::size_t i = part; i < ops.size(); i += 8) ledger_->reserve(ops[i]);
    });
  }
  for (auto& producer : producers) producer.join();
  int held = 0;
  for (ReserveOp& op : ops) {
    waiters_.wait(&op);
    if (op.outcome == ReserveOutcome::reserved) {
      ++held;
    } else {
      EXPECT_EQ(op.outcome, ReserveOutcome::credit_reserved);
    }
  }
  EXPECT_EQ(held, k_room);
  expect_balance(token.token->id, {}, dollars(k_room));
  expect_sound();
}

TEST_F(Reserve, many_producers_share_commits_and_lose_nothing) {
  const IssuedKey token = create_token("ci", dollars(1000));
  constexpr int k_producers = 16;
  constexpr int k_each = 50;
  const std::uint64_t commits_before = ledger_->counters().commits;
  std::vector<std::thread> producers;
  for (int producer = 0; producer < k_producers; ++producer) {
    producers.emplace_back([&, producer] {
      for (int i = 0; i < k_each; ++i) {
        ReserveOp op = reservation(token, Credits::from_nano(1000));
        op.recipient = static_cast<std::uint32_t>(producer % 2);
        reserve(op);
        ASSERT_EQ(op.outcome, ReserveOutcome::reserved);
        ledger_->settle(settlement(op, Credits::from_nano(producer)));
      }
    });
  }
  for (auto& producer : producers) producer.join();
  expect_balance(token.token->id, Credits::from_nano(k_each * (k_producers * (k_producers - 1) / 2)), {});
  const auto counters = ledger_->counters();
  EXPECT_EQ(counters.settlements, std::uint64_t{k_producers * k_each});
  EXPECT_LT(counters.commits - commits_before, std::uint64_t{2 * k_producers * k_each});
  expect_sound();
}

TEST_F(Reserve, full_queue_is_unavailable) {
  options_.queue_max = 0;
  open();
  const IssuedKey token = create_token("ci", dollars(5));
  ReserveOp op = reservation(token, dollars(1));
  reserve(op);
  EXPECT_EQ(op.outcome, ReserveOutcome::unavailable);
}

TEST_F(Reserve, settlements_alone_are_committed_without_anything_else_coming) {
  const IssuedKey token = create_token("free", std::nullopt);
  ledger_->settle(settlement(reservation(token, {}), dollars(1)));
  while (ledger_->counters().settlements == 0) std::this_thread::yield();
  expect_sound();
}

TEST_F(Reserve, close_writes_what_waits) {
  const IssuedKey token = create_token("ci", dollars(5));
  options_.settle_delay = std::chrono::hours(1);
  open();
  ReserveOp op = reservation(token, dollars(2));
  reserve(op);
  ledger_->settle(settlement(op, dollars(1)));
  open();
  expect_balance(token.token->id, dollars(1), {});
  const auto row = read([](Reports& reports) { return reports.token("ci"); });
  ASSERT_TRUE(row);
  EXPECT_EQ(row->last_used_at, op.facts.started_at);
  ASSERT_EQ(row->keys.size(), 1U);
  EXPECT_EQ(row->keys[0].last_used_at, op.facts.started_at);
  EXPECT_EQ(row->keys[0].last_used_ip, "192.0.2.7");
}

}  // namespace
}  // namespace cr::ledger

// SPDX-License-Identifier: MIT
// Budgets: reserved together with token and account, charged to the period of the reservation, whole again at its end.
#include "base/text.h"
#include "unit/ledger/ledger_fixture.h"

namespace cr::ledger {
namespace {

using base::Period;
using testing::ElementsAre;
using testing::SizeIs;

constexpr std::size_t k_day = 0, k_week = 1, k_month = 2;

Time at(std::string_view text) {
  return *base::parse_time(text);
}

class Budget : public LedgerFixture {
 protected:
  void SetUp() override {
    options_.retention = std::chrono::milliseconds(0);  // its periods are long past
    open();
  }

  IssuedKey with_budgets(std::optional<Credits> day, std::optional<Credits> month = {}, const std::string& zone = "UTC",
                         std::optional<Credits> quota = {}) {
    NewToken wanted;
    wanted.name = "ci";
    wanted.quota = quota;
    wanted.budgets[k_day] = day;
    wanted.budgets[k_month] = month;
    wanted.zone = *base::Zone::find(zone);
    return create_token(wanted);
  }
  ReserveOp hold(const IssuedKey& token, Credits amount, Time when) {
    ReserveOp op = reservation(token, amount);
    op.facts.started_at = when;
    reserve(op);
    return op;
  }
  void settle(const ReserveOp& op, Credits cost) { ledger_->settle(settlement(op, cost)); }
  // day -> [posted, reserved, forgiven] in dollars, of the period that began then.
  std::vector<std::int64_t> row(Period period, std::string_view start) {
    EXPECT_TRUE(ledger_->flush());
    auto db = database();
    std::vector<std::int64_t> numbers;
    for (const char* column : {"posted", "reserved", "forgiven"}) {
      const std::string sql = std::string("SELECT coalesce(max(") + column +
                              "), -1) FROM budget_window WHERE period = " + std::to_string(static_cast<int>(period)) +
                              " AND started_at = " + std::to_string(base::to_unix_ms(at(start)));
      const std::int64_t number = *db.query_int(sql.c_str());
      numbers.push_back(number < 0 ? -1 : number / k_dollar);
    }
    return numbers;
  }
  std::vector<BudgetUse> uses(const IssuedKey& token) { return balance(token.token->id).budgets; }
};

TEST_F(Budget, is_held_with_quota_and_account_and_whole_again_in_the_next_period) {
  const IssuedKey token = with_budgets(dollars(5), dollars(8));
  const Time monday = at("2026-01-05T23:00:00Z"), tuesday = at("2026-01-06T01:00:00Z");
  const ReserveOp first = hold(token, dollars(4), monday);
  ASSERT_EQ(first.outcome, ReserveOutcome::reserved);
  EXPECT_EQ(hold(token, dollars(2), monday).outcome, ReserveOutcome::credit_reserved);
  settle(first, dollars(3));
  const ReserveOp refused = hold(token, dollars(3), monday);
  EXPECT_EQ(refused.outcome, ReserveOutcome::no_budget);
  EXPECT_EQ(refused.budget, Period::day);
  EXPECT_EQ(refused.budget_resets_at, at("2026-01-06"));
  // The next day has a day's budget again; the month goes on.
  const ReserveOp second = hold(token, dollars(5), tuesday);
  EXPECT_EQ(second.outcome, ReserveOutcome::reserved);
  EXPECT_EQ(hold(token, dollars(1), at("2026-01-07")).outcome, ReserveOutcome::credit_reserved);
  const ReserveOp third = hold(token, dollars(6), at("2026-01-07"));
  EXPECT_EQ(third.outcome, ReserveOutcome::no_budget);
  EXPECT_EQ(third.budget, Period::month);
  EXPECT_EQ(third.budget_resets_at, at("2026-02-01"));
  EXPECT_THAT(row(Period::day, "2026-01-05"), ElementsAre(3, 0, 0));
  EXPECT_THAT(row(Period::day, "2026-01-06"), ElementsAre(0, 5, 0));
  EXPECT_THAT(row(Period::month, "2026-01-01"), ElementsAre(3, 5, 0));
  EXPECT_EQ(hold(token, dollars(5), at("2026-02-01")).outcome, ReserveOutcome::reserved);
  expect_sound();
}

TEST_F(Budget, the_least_of_all_limits_is_what_is_available) {
  create_account("team", dollars(3));
  NewToken wanted;
  wanted.name = "ci";
  wanted.quota = dollars(4);
  wanted.account = "team";
  wanted.budgets = {dollars(2), dollars(5), dollars(6)};
  const IssuedKey token = create_token(wanted);
  std::optional<Credits> seen;
  ReserveOp op = reservation(token, dollars(1));
  op.size = [&](Credits available) -> std::optional<Credits> {
    seen = available;
    return dollars(1);
  };
  reserve(op);
  EXPECT_EQ(seen, dollars(2));
  // A request that does not fit moves nothing at all.
  EXPECT_EQ(hold(token, dollars(2), op.facts.started_at).outcome, ReserveOutcome::credit_reserved);
  EXPECT_EQ(hold(token, dollars(3), op.facts.started_at).outcome, ReserveOutcome::no_budget);
  const BalanceQuery now = balance(token.token->id);
  EXPECT_EQ(now.token_balance.reserved, dollars(1));
  EXPECT_EQ(now.account_balance.reserved, dollars(1));
  for (const BudgetUse& use : now.budgets) EXPECT_EQ(use.reserved, dollars(1));
  expect_sound();
}

TEST_F(Budget, a_request_stays_in_the_period_it_was_reserved_in) {
  const IssuedKey token = with_budgets(dollars(5));
  const ReserveOp late = hold(token, dollars(5), at("2026-01-05T23:59:59.999Z"));
  const ReserveOp early = hold(token, dollars(5), at("2026-01-06T00:00:00Z"));
  ASSERT_EQ(late.outcome, ReserveOutcome::reserved);
  ASSERT_EQ(early.outcome, ReserveOutcome::reserved);
  settle(late, dollars(4));
  EXPECT_THAT(row(Period::day, "2026-01-05"), ElementsAre(4, 0, 0));
  EXPECT_THAT(row(Period::day, "2026-01-06"), ElementsAre(0, 5, 0));
  settle(early, dollars(1));
  // The clock went back over midnight: the day that was is the one that counts.
  EXPECT_EQ(hold(token, dollars(2), at("2026-01-05T12:00:00Z")).outcome, ReserveOutcome::no_budget);
  EXPECT_EQ(hold(token, dollars(1), at("2026-01-05T12:00:00Z")).outcome, ReserveOutcome::reserved);
  expect_sound();
}

TEST_F(Budget, a_new_one_counts_what_was_used_before_it) {
  const IssuedKey token = create_token("ci", {});
  const Time now = base::wall_now();
  const ReserveOp free = hold(token, dollars(3), now);
  ASSERT_EQ(free.outcome, ReserveOutcome::unlimited);
  settle(free, dollars(3));
  TokenPatch patch;
  patch.budgets[k_month] = QuotaChange{QuotaChange::Kind::set, dollars(4)};
  edit_token("ci", patch);
  EXPECT_EQ(hold(token, dollars(2), now).outcome, ReserveOutcome::no_budget);
  EXPECT_EQ(hold(token, dollars(1), now).outcome, ReserveOutcome::reserved);
  ASSERT_THAT(uses(token), SizeIs(1));
  EXPECT_EQ(uses(token)[0].used, dollars(3));
  EXPECT_EQ(uses(token)[0].reserved, dollars(1));
  expect_sound();
}

TEST_F(Budget, changing_the_limit_keeps_the_use_and_taking_it_away_and_back_too) {
  const IssuedKey token = with_budgets({}, dollars(10));
  const Time now = base::wall_now();
  settle(hold(token, dollars(4), now), dollars(4));
  TokenPatch lower;
  lower.budgets[k_month] = QuotaChange{QuotaChange::Kind::delta, Credits() - dollars(7)};
  edit_token("ci", lower);
  EXPECT_EQ(uses(token)[0].used, dollars(4));
  EXPECT_EQ(uses(token)[0].available(), Credits()) << "below what is used leaves nothing, and breaks nothing";
  EXPECT_EQ(hold(token, dollars(1), now).outcome, ReserveOutcome::no_budget);
  TokenPatch none;
  none.budgets[k_month] = QuotaChange{QuotaChange::Kind::unlimited, {}};
  edit_token("ci", none);
  EXPECT_THAT(uses(token), SizeIs(0));
  expect_sound();
  TokenPatch again;
  again.budgets[k_month] = QuotaChange{QuotaChange::Kind::set, dollars(5)};
  edit_token("ci", again);
  EXPECT_EQ(uses(token)[0].used, dollars(4));
  expect_sound();
}

TEST_F(Budget, a_reset_gives_back_the_use_and_does_not_move_the_period) {
  const IssuedKey token = with_budgets(dollars(5), dollars(50));
  const Time now = base::wall_now();
  settle(hold(token, dollars(4), now), dollars(4));
  const ReserveOp open = hold(token, dollars(1), now);
  const auto before = uses(token);
  ASSERT_TRUE(write([&](Store& store) { return store.reset_budgets("ci", Period::day, actor_); }));
  const auto after = uses(token);
  EXPECT_EQ(after[0].used, Credits());
  EXPECT_EQ(after[0].reserved, dollars(1)) << "what runs is held still";
  EXPECT_EQ(after[0].span, before[0].span);
  EXPECT_EQ(after[1].used, dollars(4)) << "only the one that was named";
  settle(open, dollars(1));
  EXPECT_EQ(uses(token)[0].used, dollars(1));
  expect_sound();
  crash();
  EXPECT_EQ(uses(token)[0].used, dollars(1));
  ASSERT_TRUE(write([&](Store& store) { return store.reset_budgets("ci", {}, actor_); }));
  for (const BudgetUse& use : uses(token)) EXPECT_EQ(use.used, Credits());
  EXPECT_EQ(write([&](Store& store) { return store.reset_budgets("ci", Period::week, actor_); }).error().code,
            base::ErrorCode::invalid);
  expect_sound();
}

TEST_F(Budget, a_change_that_is_taken_back_leaves_all_as_it_was) {
  const IssuedKey token = with_budgets(dollars(5));
  const Time now = base::wall_now();
  settle(hold(token, dollars(2), now), dollars(2));
  const ReserveOp open = hold(token, dollars(1), now);
  TokenPatch patch;
  patch.budgets[k_day] = QuotaChange{QuotaChange::Kind::unlimited, {}};
  patch.budgets[k_week] = QuotaChange{QuotaChange::Kind::set, dollars(1)};
  patch.zone = *base::Zone::find("Asia/Kathmandu");
  const auto dry = ledger_->write(
      [&](Store& store) -> base::Result<void> {
        if (auto edited = store.edit_token("ci", patch, {}, actor_); !edited) return tl::unexpected(edited.error());
        return store.reset_budgets("ci", {}, actor_);
      },
      Ledger::DryRun::yes);
  ASSERT_TRUE(dry) << dry.error().message;
  ASSERT_THAT(uses(token), SizeIs(1));
  EXPECT_EQ(uses(token)[0].period, Period::day);
  EXPECT_EQ(uses(token)[0].used, dollars(2));
  EXPECT_EQ(uses(token)[0].reserved, dollars(1));
  settle(open, dollars(1));
  expect_sound();
  EXPECT_EQ(hold(token, dollars(3), now).outcome, ReserveOutcome::no_budget);
}

TEST_F(Budget, another_zone_moves_the_days_and_keeps_what_was_used_in_them) {
  const IssuedKey token = with_budgets(dollars(50));
  const Time now = base::wall_now();
  settle(hold(token, dollars(2), now), dollars(2));
  const ReserveOp open = hold(token, dollars(1), now);
  TokenPatch patch;
  patch.zone = *base::Zone::find("Asia/Kathmandu");
  edit_token("ci", patch);
  EXPECT_EQ(uses(token)[0].span, patch.zone->period_of(Period::day, base::wall_now()));
  EXPECT_EQ(uses(token)[0].used, dollars(2));
  EXPECT_EQ(uses(token)[0].reserved, dollars(1));
  settle(open, dollars(1));
  EXPECT_EQ(uses(token)[0].used, dollars(3));
  expect_sound();
}

TEST_F(Budget, a_crash_posts_what_was_open_in_the_period_it_was_reserved_in) {
  const IssuedKey token = with_budgets(dollars(5), dollars(9));
  const Time monday = at("2026-01-05T12:00:00Z");
  settle(hold(token, dollars(1), monday), dollars(1));
  ASSERT_EQ(hold(token, dollars(2), monday).outcome, ReserveOutcome::reserved);
  ASSERT_EQ(hold(token, dollars(3), monday + std::chrono::hours(24)).outcome, ReserveOutcome::reserved);
  crash();
  EXPECT_THAT(row(Period::day, "2026-01-05"), ElementsAre(3, 0, 0));
  EXPECT_THAT(row(Period::day, "2026-01-06"), ElementsAre(3, 0, 0));
  EXPECT_THAT(row(Period::month, "2026-01-01"), ElementsAre(6, 0, 0));
  expect_sound();
  EXPECT_EQ(hold(token, dollars(3), monday).outcome, ReserveOutcome::no_budget);
}

TEST_F(Budget, a_thousand_at_once_with_a_budget_for_k_hold_exactly_k) {
  constexpr std::int64_t k_requests = 1000, k_room = 137;
  const IssuedKey token = with_budgets(Credits::from_nano(k_room * 10));
  std::vector<ReserveOp> ops;
  for (std::int64_t i = 0; i < k_requests; ++i) ops.push_back(reservation(token, Credits::from_nano(10)));
  for (ReserveOp& op : ops) {
    op.facts.started_at = at("2026-01-05T12:00:00Z");
    ledger_->reserve(op);
  }
  std::int64_t held = 0;
  for (ReserveOp& op : ops) {
    waiters_.wait(&op);
    held += op.outcome == ReserveOutcome::reserved ? 1 : 0;
  }
  EXPECT_EQ(held, k_room);
  expect_sound();
}

}  // namespace
}  // namespace cr::ledger

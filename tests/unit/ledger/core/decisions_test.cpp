// SPDX-License-Identifier: MIT
#include "ledger/core/decisions.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace cr::ledger {
namespace {

using base::Period;
constexpr std::int64_t k_max = std::numeric_limits<std::int64_t>::max();

Credits nano(std::int64_t count) {
  return Credits::from_nano(count);
}
Balance balance_of(std::optional<std::int64_t> quota, std::int64_t posted, std::int64_t reserved) {
  return {quota ? std::optional(nano(*quota)) : std::nullopt, nano(posted), nano(reserved)};
}

TEST(Decisions, headroom_of_a_balance) {
  const struct {
    std::optional<std::int64_t> quota;
    std::int64_t posted, reserved, expected;
  } table[] = {
      {100, 0, 0, 100},      {100, 30, 20, 50},        {100, 80, 20, 0},       {100, 90, 20, 0},
      {0, 0, 0, 0},          {{}, 0, 0, k_max},        {{}, 5, 6, k_max - 11}, {{}, k_max, 0, 0},
      {{}, k_max - 1, 1, 0}, {k_max, k_max, k_max, 0}, {{}, k_max, k_max, 0},
  };
  for (const auto& row : table) {
    EXPECT_EQ(headroom(balance_of(row.quota, row.posted, row.reserved)), nano(row.expected))
        << row.posted << " " << row.reserved;
  }
}

TEST(Decisions, headroom_and_the_tightest_of_budgets) {
  const WindowSums spent{nano(90), nano(5), {}}, half{nano(40), nano(10), {}}, reset{nano(90), nano(5), nano(90)},
      over_reset{nano(10), {}, nano(30)};
  const auto limit = std::optional(nano(100));
  const struct {
    BudgetLimits limits;
    BudgetWindows windows;
    Credits room;
    std::optional<Period> tightest;
  } table[] = {
      {{}, {}, Credits::max(), {}},
      {{{limit, {}, {}}}, {&spent}, nano(5), Period::day},
      {{{limit, limit, limit}}, {&half, &spent, &half}, nano(5), Period::week},
      {{{limit, limit, limit}}, {&spent, &half, &spent}, nano(5), Period::month},
      {{{limit, {}, limit}}, {&spent, nullptr, &half}, nano(5), Period::day},
      {{{{}, limit, {}}}, {nullptr, &reset}, nano(95), Period::week},
      {{{limit, {}, {}}}, {&over_reset}, nano(100), Period::day},
      {{{nano(50), {}, {}}}, {&spent}, Credits(), Period::day},
      {{{limit, limit, {}}}, {nullptr, nullptr}, Credits::max(), {}},
  };
  for (std::size_t i = 0; i < std::size(table); ++i) {
    EXPECT_EQ(headroom(table[i].limits, table[i].windows), table[i].room) << i;
    EXPECT_EQ(tightest(table[i].limits, table[i].windows), table[i].tightest) << i;
  }
}

TEST(Decisions, least_of_three_decides_and_names_itself) {
  using enum ReserveOutcome;
  const struct {
    std::int64_t token, account, budgets;
    std::optional<std::int64_t> wanted;
    ReserveOutcome outcome;
  } table[] = {
      {10, 20, 30, 10, reserved},        {10, 20, 30, 0, reserved},           {0, 0, 0, 0, reserved},
      {10, 20, 30, 11, no_token_credit}, {20, 10, 30, 11, no_account_credit}, {30, 20, 10, 11, no_budget},
      {10, 10, 10, 11, no_token_credit}, {20, 10, 10, 11, no_account_credit}, {10, 20, 30, {}, no_token_credit},
      {30, 20, 10, {}, no_budget},       {10, 20, 30, -1, no_token_credit},   {k_max, k_max, k_max, k_max, reserved},
  };
  for (const auto& row : table) {
    int asked = 0;
    Credits available;
    const Room room{nano(row.token), nano(row.account), nano(row.budgets)};
    const Decision decision = decide(room, room, [&](Credits least) {
      ++asked;
      available = least;
      return row.wanted ? std::optional(nano(*row.wanted)) : std::nullopt;
    });
    EXPECT_EQ(asked, 1);
    EXPECT_EQ(available, nano(std::min({row.token, row.account, row.budgets})));
    EXPECT_EQ(decision.outcome, row.outcome) << row.token << " " << row.account << " " << row.budgets;
    EXPECT_EQ(decision.amount, nano(row.outcome == reserved ? *row.wanted : 0));
  }
}

// What others have reserved is in the way only as long as they run.
TEST(Decisions, what_is_reserved_is_not_used_up) {
  using enum ReserveOutcome;
  const Room unposted{nano(10), nano(20), nano(30)};
  const auto outcome = [&](const Room& room, std::int64_t wanted) {
    return decide(unposted, room, [&](Credits) { return std::optional(nano(wanted)); }).outcome;
  };
  EXPECT_EQ(outcome({nano(4), nano(20), nano(30)}, 4), reserved);
  EXPECT_EQ(outcome({nano(4), nano(20), nano(30)}, 5), credit_reserved);
  EXPECT_EQ(outcome({nano(10), nano(0), nano(30)}, 1), credit_reserved);
  EXPECT_EQ(outcome({nano(10), nano(20), nano(9)}, 10), credit_reserved);
  EXPECT_EQ(outcome({nano(4), nano(20), nano(30)}, 11), no_token_credit) << "not even if nobody else ran";
}

TEST(Decisions, posting_and_its_overrun) {
  const Balance empty, nearly_full = balance_of({}, k_max - 10, 4), over_quota = balance_of(5, 100, 0);
  const struct {
    std::int64_t cost, reserved;
    const Balance &token, &account;
    std::int64_t posted, overrun;
  } table[] = {
      {0, 0, empty, empty, 0, 0},
      {0, 50, empty, empty, 0, 0},
      {30, 50, empty, empty, 30, 0},
      {50, 50, empty, empty, 50, 0},
      {51, 50, empty, empty, 50, 1},
      {-1, 50, empty, empty, 0, 0},
      {k_max, 1, empty, empty, 1, k_max - 1},
      {30, 0, empty, empty, 30, 0},
      {30, 0, over_quota, empty, 30, 0},  // without a reservation a quota binds nothing any more
      {30, 0, nearly_full, empty, 6, 24},
      {30, 0, empty, nearly_full, 6, 24},
      {30, 20, nearly_full, empty, 20, 10},  // the reservation has its room already
  };
  for (std::size_t i = 0; i < std::size(table); ++i) {
    const auto& row = table[i];
    const Posting posting = posting_of(nano(row.cost), nano(row.reserved), row.token, row.account);
    EXPECT_EQ(posting.posted, nano(row.posted)) << i;
    EXPECT_EQ(posting.overrun, nano(row.overrun)) << i;
  }
}

TEST(Decisions, entry_says_what_the_reservation_was_and_what_the_settlement_used) {
  Settlement settlement;
  settlement.facts.token = {1};
  settlement.facts.account = {2};
  settlement.facts.group = "vip";
  settlement.facts.model = "m";
  settlement.facts.started_at = base::from_unix_ms(5);
  settlement.channel = {3};
  settlement.status = 200;
  settlement.input_tokens = 10;
  settlement.cached_tokens = 4;
  settlement.output_tokens = 7;
  const UsageEntry entry = entry_of(settlement, {11}, {12}, base::from_unix_ms(6), nano(99));
  EXPECT_EQ(entry.token, TokenId{11});
  EXPECT_EQ(entry.account, AccountId{12});
  EXPECT_EQ(entry.started_at, base::from_unix_ms(6));
  EXPECT_EQ(entry.channel, ChannelId{3});
  EXPECT_EQ(entry.group + entry.model, "vipm");
  EXPECT_EQ(entry.requests, 1);
  EXPECT_EQ(entry.errors + entry.estimated, 0);
  EXPECT_EQ(entry.input_tokens, 10);
  EXPECT_EQ(entry.cached_tokens, 4);
  EXPECT_EQ(entry.output_tokens, 7);
  EXPECT_EQ(entry.posted_nano, 99);

  settlement.flags = k_estimated | k_clamped;
  settlement.ending = Ending::client_gone;
  EXPECT_EQ(entry_of(settlement, {}, {}, {}, {}).estimated, 1);
  EXPECT_EQ(entry_of(settlement, {}, {}, {}, {}).errors, 1);
  EXPECT_TRUE(is_error(400, Ending::complete));
  EXPECT_FALSE(is_error(399, Ending::complete));
}

// A token, its account and a day's budget under random reservations and settlements, with numbers of any size: never
// more is promised than there is, and what was posted and held is what the requests say.
TEST(Decisions, random_requests_never_spend_more_than_there_is) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    std::mt19937_64 random(seed);
    const auto any = [&](std::int64_t below) {
      return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(below));
    };
    const auto quota = [&]() -> std::optional<Credits> {
      return random() % 4 == 0 ? std::nullopt : std::optional(nano(random() % 2 == 0 ? any(1000) : any(k_max)));
    };
    Balance token{quota(), {}, {}}, account{quota(), {}, {}};
    BudgetLimits limits;
    limits[0] = quota();
    WindowSums day;
    const BudgetWindows windows{limits[0] ? &day : nullptr};
    std::map<int, Credits> open;
    for (int request = 0; request < 200; ++request) {
      if (random() % 2 == 0) {
        const Room room{headroom(token), headroom(account), headroom(limits, windows)};
        const Room most{unposted(token), unposted(account), unposted(limits, windows)};
        const Decision decision = decide(most, room, [&](Credits available) {
          return random() % 8 == 0 ? std::nullopt
                                   : std::optional(nano(any(std::max<std::int64_t>(1, available.nano() / 2)) + 1));
        });
        if (decision.outcome != ReserveOutcome::reserved) {
          EXPECT_EQ(decision.amount, Credits());
          continue;
        }
        open[request] = decision.amount;
        for (Credits* reserved : {&token.reserved, &account.reserved, &day.reserved}) *reserved += decision.amount;
      } else if (!open.empty()) {
        const auto [which, held] = *open.begin();
        const Credits cost = nano(any(std::max<std::int64_t>(1, held.nano() / 4 * 5)));
        const Posting posting = posting_of(cost, held, token, account);
        ASSERT_EQ(posting.posted + posting.overrun, cost);
        ASSERT_LE(posting.posted, std::max(held, Credits()));
        for (Credits* reserved : {&token.reserved, &account.reserved, &day.reserved}) *reserved -= held;
        for (Credits* posted : {&token.posted, &account.posted, &day.posted}) *posted += posting.posted;
        open.erase(which);
      }
      Credits held_now;
      for (const auto& [which, held] : open) held_now += held;
      ASSERT_EQ(token.reserved, held_now) << seed;
      ASSERT_EQ(token.posted, account.posted);
      for (const Balance& each : {token, account}) {
        ASSERT_LE(each.posted + each.reserved, each.quota.value_or(Credits::max())) << seed;
      }
      if (limits[0]) {
        ASSERT_LE(day.posted + day.reserved, *limits[0]) << seed;
      }
    }
  }
}

}  // namespace
}  // namespace cr::ledger

// SPDX-License-Identifier: MIT
#include "ledger/core/refused_counts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <thread>
#include <tuple>

namespace cr::ledger {
namespace {

using namespace std::chrono_literals;
using Row = RefusedCounts::Row;

const Time k_noon = base::from_unix_ms(1'800'000'000'000);
constexpr std::size_t k_all = 1'000'000;

RefusedRequest of(std::int64_t token, std::string_view code, Time at = k_noon) {
  return {TokenId{token}, AccountId{token + 100}, code, at};
}

TEST(RefusedCounts, the_first_of_a_minute_have_rows_and_all_are_counted) {
  RefusedCounts counts;
  EXPECT_FALSE(counts.any());
  std::int64_t rows = 0;
  for (int i = 0; i < 3000; ++i) rows += counts.count(of(3, "insufficient_quota"), Row::wanted) ? 1 : 0;
  EXPECT_EQ(rows, RefusedCounts::k_rows_a_minute);
  EXPECT_TRUE(counts.count(of(3, "invalid_value"), Row::wanted)) << "each code by itself";
  EXPECT_TRUE(counts.count(of(4, "insufficient_quota"), Row::wanted)) << "and each token";
  EXPECT_TRUE(counts.count(of(3, "insufficient_quota", k_noon + 1min), Row::wanted)) << "and each minute";
  EXPECT_FALSE(counts.count(of(3, "rate_limit_exceeded"), Row::none)) << "of some there is none";
  std::map<std::string, std::int64_t> requests, without_row;
  for (const auto& sum : counts.take(k_all, k_noon)) {
    EXPECT_EQ(sum.account.value, sum.token.value + 100);
    requests[std::string(sum.code)] += sum.requests;
    without_row[std::string(sum.code)] += sum.without_row;
  }
  EXPECT_EQ(requests, (std::map<std::string, std::int64_t>{
                          {"insufficient_quota", 3002}, {"invalid_value", 1}, {"rate_limit_exceeded", 1}}));
  EXPECT_EQ(without_row, (std::map<std::string, std::int64_t>{
                             {"insufficient_quota", 2990}, {"invalid_value", 0}, {"rate_limit_exceeded", 1}}));
  EXPECT_FALSE(counts.any());
  EXPECT_TRUE(counts.take(k_all, k_noon).empty()) << "each is taken once";
}

TEST(RefusedCounts, what_was_taken_counts_against_the_rows_of_its_minute) {
  RefusedCounts counts;
  for (int i = 0; i < 7; ++i) EXPECT_TRUE(counts.count(of(3, "invalid_json"), Row::wanted));
  EXPECT_EQ(counts.take(k_all, k_noon).size(), 1U);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(counts.count(of(3, "invalid_json"), Row::wanted));
  EXPECT_FALSE(counts.count(of(3, "invalid_json"), Row::wanted));
  // A slow request is of the minute in which it began.
  EXPECT_TRUE(counts.count(of(3, "invalid_json", k_noon + 1min), Row::wanted));
  (void)counts.take(k_all, k_noon + 1min);
  EXPECT_FALSE(counts.count(of(3, "invalid_json"), Row::wanted));
}

TEST(RefusedCounts, is_taken_in_pieces) {
  RefusedCounts counts;
  for (std::int64_t token = 1; token <= 1000; ++token) counts.count(of(token, "invalid_json"), Row::wanted);
  std::int64_t taken = 0;
  for (int i = 0; i < 10; ++i) {
    const auto sums = counts.take(100, k_noon);
    EXPECT_EQ(sums.size(), 100U);
    for (const auto& sum : sums) taken += sum.requests;
  }
  EXPECT_EQ(taken, 1000);
  EXPECT_FALSE(counts.any());
}

TEST(RefusedCounts, more_tokens_than_are_counted_apart_are_nobodys) {
  RefusedCounts counts;
  const auto most = static_cast<std::int64_t>(RefusedCounts::k_entries_max);
  for (std::int64_t token = 1; token <= most; ++token)
    EXPECT_TRUE(counts.count(of(token, "invalid_json"), Row::wanted));
  EXPECT_TRUE(counts.crowded());
  EXPECT_FALSE(counts.count(of(most + 1, "invalid_json"), Row::wanted));
  EXPECT_FALSE(counts.count(of(most + 2, "invalid_json"), Row::wanted));
  EXPECT_TRUE(counts.count(of(1, "invalid_json"), Row::wanted)) << "who is counted goes on to be";
  // Not even they are without a bound: of a store that writes none of them for days.
  for (int minute = 1; minute < 10'000; ++minute)
    EXPECT_FALSE(counts.count(of(most + 1, "invalid_json", k_noon + std::chrono::minutes(minute)), Row::wanted));
  EXPECT_LE(counts.entries(), RefusedCounts::k_entries_max + RefusedCounts::k_nobodys_most);
  std::int64_t nobodys = 0, others = 0;
  for (const auto& sum : counts.take(k_all, k_noon)) {
    if (sum.minute != minute_of(k_noon)) continue;
    (sum.token == k_no_token ? nobodys : others) += sum.requests;
    EXPECT_EQ(sum.without_row, sum.token == k_no_token ? 2 : 0);
  }
  EXPECT_EQ(nobodys, 2);
  EXPECT_EQ(others, most + 1);
  // When the minute is over there is room again.
  (void)counts.take(k_all, k_noon + 24h);
  EXPECT_EQ(counts.entries(), 0U);
  EXPECT_TRUE(counts.count(of(most + 1, "invalid_json", k_noon + 24h), Row::wanted));
}

// Whatever comes in whatever order: nothing is lost or counted twice, and no minute has more rows than it may.
TEST(RefusedCounts, is_what_a_plain_count_says) {
  for (const std::uint32_t seed : {1U, 2U, 3U}) {
    std::mt19937 random(seed);
    RefusedCounts counts;
    using Key = std::tuple<std::int64_t, std::string, std::int64_t>;
    struct Numbers {
      std::int64_t requests = 0, rows = 0;
      bool operator==(const Numbers&) const = default;
    };
    std::map<Key, Numbers> expected, taken;
    const std::string_view codes[] = {"invalid_json", "insufficient_quota", "rate_limit_exceeded"};
    Time now = k_noon;
    const auto take = [&](std::size_t most) {
      for (const auto& sum : counts.take(most, now)) {
        auto& numbers = taken[{sum.token.value, std::string(sum.code), sum.minute}];
        numbers.requests += sum.requests;
        numbers.rows += sum.requests - sum.without_row;
      }
    };
    for (int i = 0; i < 50'000; ++i) {
      now += std::chrono::milliseconds(random() % 40);
      const auto at = now - std::chrono::milliseconds(random() % 60'000);
      const auto token = static_cast<std::int64_t>(random() % 20);
      const auto code = codes[random() % 3];
      const bool row = counts.count(of(token, code, at), code == codes[2] ? Row::none : Row::wanted);
      auto& numbers = expected[{token, std::string(code), minute_of(at)}];
      ++numbers.requests;
      if (row) ++numbers.rows;
      ASSERT_LE(numbers.rows, code == codes[2] ? 0 : RefusedCounts::k_rows_a_minute);
      ASSERT_TRUE(row || code == codes[2] || numbers.rows == RefusedCounts::k_rows_a_minute);
      if (random() % 500 == 0) take(random() % 30);
    }
    take(k_all);
    EXPECT_EQ(taken, expected) << "seed " << seed;
    EXPECT_FALSE(counts.any());
    now += 10min;
    (void)counts.take(1, now);
    EXPECT_EQ(counts.entries(), 0U);
  }
}

TEST(RefusedCounts, takes_and_counts_at_once) {
  RefusedCounts counts;
  constexpr int k_each = 20'000;
  std::atomic<int> running{3};
  std::atomic<std::int64_t> rows{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&, i] {
      for (int k = 0; k < k_each; ++k) {
        if (counts.count(of(k % 50, i == 0 ? "invalid_json" : "invalid_value"), Row::wanted)) ++rows;
      }
      --running;
    });
  }
  std::int64_t requests = 0, with_row = 0;
  const auto take = [&] {
    for (const auto& sum : counts.take(10, k_noon)) {
      requests += sum.requests;
      with_row += sum.requests - sum.without_row;
    }
  };
  while (running > 0) take();
  for (auto& thread : threads) thread.join();
  while (counts.any()) take();
  EXPECT_EQ(requests, 3 * k_each);
  EXPECT_EQ(with_row, rows);
  EXPECT_EQ(rows, 2 * 50 * RefusedCounts::k_rows_a_minute);
}

}  // namespace
}  // namespace cr::ledger

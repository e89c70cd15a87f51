// SPDX-License-Identifier: MIT
#include "relay/routing/rate_limiter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <thread>

namespace cr::relay::routing {
namespace {

using namespace std::chrono_literals;
using Limit = RateRefusal::Limit;

constexpr base::TokenId k_token{7};
const base::SteadyTime k_start{100'000s};

ledger::RateLimits limits(std::optional<std::int64_t> rpm, std::optional<std::int64_t> tpm = {},
                          std::optional<std::int64_t> at_once = {}) {
  return {rpm, tpm, at_once};
}

TEST(RateLimiter, counts_requests_of_any_minute_and_says_exactly_when_there_is_room) {
  RateLimiter limiter;
  const auto three = limits(3);
  for (const auto at : {0s, 10s, 20s}) EXPECT_FALSE(limiter.enter(k_token, three, k_start + at));
  const auto refused = limiter.enter(k_token, three, k_start + 30s);
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->limit, Limit::requests);
  EXPECT_EQ(refused->retry_after, 30'100ms) << "when the first is a minute old, to its tenth of a second";
  EXPECT_TRUE(limiter.enter(k_token, three, k_start + 30s + refused->retry_after - 1ms));
  EXPECT_FALSE(limiter.enter(k_token, three, k_start + 30s + refused->retry_after));
  EXPECT_TRUE(limiter.enter(k_token, three, k_start + 61s)) << "a refusal counts for nothing, a pass for one";
  EXPECT_FALSE(limiter.enter(base::TokenId{8}, three, k_start + 30s)) << "another token is another token";
}

TEST(RateLimiter, never_more_than_the_limit_in_any_sixty_seconds) {
  std::mt19937 random(1);
  RateLimiter limiter;
  const auto some = limits(50);
  std::vector<base::SteadyTime> passed;
  auto now = k_start;
  for (int i = 0; i < 20'000; ++i) {
    now += std::chrono::milliseconds(random() % 150);
    if (!limiter.enter(k_token, some, now)) passed.push_back(now);
  }
  for (std::size_t i = 50; i < passed.size(); ++i) ASSERT_GT(passed[i] - passed[i - 50], 60s);
  EXPECT_GT(passed.size(), 20'000 * 75 / 60'000 * 49U) << "and not much less";
}

TEST(RateLimiter, looking_says_what_entering_would_and_counts_nothing) {
  RateLimiter limiter;
  const auto one = limits(1);
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(limiter.look(k_token, one, k_start));
  EXPECT_FALSE(limiter.enter(k_token, one, k_start));
  const auto refused = limiter.look(k_token, one, k_start + 10s);
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->limit, Limit::requests);
  EXPECT_EQ(refused->retry_after, limiter.enter(k_token, one, k_start + 10s)->retry_after);
}

TEST(RateLimiter, counts_what_runs_until_it_leaves) {
  RateLimiter limiter;
  const auto two = limits({}, {}, 2);
  EXPECT_FALSE(limiter.enter(k_token, two, k_start));
  EXPECT_FALSE(limiter.enter(k_token, two, k_start));
  const auto refused = limiter.enter(k_token, two, k_start + 90s);
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->limit, Limit::at_once);
  EXPECT_GT(refused->retry_after, 0ms);
  limiter.leave(k_token, k_start + 91s);
  EXPECT_FALSE(limiter.enter(k_token, two, k_start + 91s));
}

TEST(RateLimiter, charges_model_tokens_by_estimate_and_puts_them_right) {
  RateLimiter limiter;
  const auto some = limits({}, 1000);
  ASSERT_FALSE(limiter.enter(k_token, some, k_start));
  EXPECT_FALSE(limiter.charge(k_token, some, 900, k_start));
  const auto refused = limiter.charge(k_token, some, 200, k_start + 1s);
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->limit, Limit::tokens);
  EXPECT_EQ(refused->retry_after, 59'100ms);
  limiter.correct(k_token, -800, k_start, k_start + 2s);  // it used 100
  EXPECT_FALSE(limiter.charge(k_token, some, 200, k_start + 2s));
  limiter.correct(k_token, 800, k_start + 2s, k_start + 3s);  // and this one 1,000
  EXPECT_TRUE(limiter.enter(k_token, some, k_start + 4s)) << "what was used over the limit is waited for";
  limiter.correct(k_token, -1'000'000, k_start, k_start + 5s);
  EXPECT_EQ(limiter.status(k_token, some, k_start + 5s).remaining_tokens, 0) << "never below nothing";
  limiter.correct(k_token, 5, k_start - 10s, k_start + 70s);  // long past
  EXPECT_EQ(limiter.status(k_token, some, k_start + 70s).remaining_tokens, 1000);
}

TEST(RateLimiter, one_larger_than_the_limit_passes_when_nothing_else_was_used) {
  RateLimiter limiter;
  const auto some = limits({}, 100);
  EXPECT_FALSE(limiter.charge(k_token, some, 5000, k_start));
  EXPECT_TRUE(limiter.charge(k_token, some, 1, k_start + 1s));
  EXPECT_FALSE(limiter.charge(k_token, some, 5000, k_start + 61s));
}

TEST(RateLimiter, tells_what_is_left_and_when_all_is) {
  RateLimiter limiter;
  const auto both = limits(10, 1000);
  ASSERT_FALSE(limiter.enter(k_token, both, k_start));
  ASSERT_FALSE(limiter.enter(k_token, both, k_start + 5s));
  ASSERT_FALSE(limiter.charge(k_token, both, 300, k_start + 5s));
  const auto status = limiter.status(k_token, both, k_start + 6s);
  EXPECT_EQ(status.limit_requests, 10);
  EXPECT_EQ(status.remaining_requests, 8);
  EXPECT_EQ(status.reset_requests, 59'100ms);
  EXPECT_EQ(status.limit_tokens, 1000);
  EXPECT_EQ(status.remaining_tokens, 700);
  EXPECT_EQ(status.reset_tokens, 59'100ms);
  EXPECT_FALSE(limiter.status(k_token, limits({}, {}, 3), k_start).limit_requests);
}

TEST(RateLimiter, questions_are_counted_apart_from_requests) {
  RateLimiter limiter;
  const auto two = limits(2, {}, {});
  for (int i = 0; i < 2; ++i) {
    EXPECT_FALSE(limiter.ask(k_token, two, k_start));
    EXPECT_FALSE(limiter.enter(k_token, two, k_start));
  }
  EXPECT_EQ(limiter.ask(k_token, two, k_start + 1s)->retry_after, 59'100ms);
  EXPECT_TRUE(limiter.enter(k_token, two, k_start + 1s));
  EXPECT_FALSE(limiter.ask(k_token, two, k_start + 61s));
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(limiter.ask(k_token, limits({}, 1, 1), k_start)) << "without a rate";
}

TEST(RateLimiter, holds_under_many_threads) {
  RateLimiter limiter;
  const auto some = limits(100, {}, 10);
  std::atomic<int> passed{0}, running{0}, most{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 2000; ++j) {
        if (limiter.enter(k_token, some, k_start)) continue;
        ++passed;
        const int now = ++running;
        for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) continue;
        --running;
        limiter.leave(k_token, k_start);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(passed, 100);
  EXPECT_LE(most, 10);
}

TEST(RateLimiter, writes_resets_as_openai_does) {
  const std::pair<std::chrono::milliseconds, std::string> rows[] = {
      {0ms, "0ms"},      {17ms, "17ms"}, {999ms, "999ms"},     {1s, "1s"},
      {6'540ms, "6.5s"}, {60s, "1m0s"},  {90'250ms, "1m30.2s"}};
  for (const auto& [duration, text] : rows) EXPECT_EQ(reset_text(duration), text);
}

}  // namespace
}  // namespace cr::relay::routing

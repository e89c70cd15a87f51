// SPDX-License-Identifier: MIT
#include "relay/routing/refusal_limiter.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <thread>
#include <vector>

namespace cr::relay::routing {
namespace {

using namespace std::chrono_literals;

constexpr base::TokenId k_token{7};
const base::SteadyTime k_start{100'000s};

TEST(RefusalLimiter, shuts_a_token_out_for_the_rest_of_a_second_with_enough_refusals) {
  RefusalLimiter limiter;
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(limiter.over(k_token, 3, k_start + 100ms)) << i;
    limiter.refused(k_token, 3, k_start + 100ms);
  }
  EXPECT_TRUE(limiter.over(k_token, 3, k_start + 100ms));
  EXPECT_TRUE(limiter.over(k_token, 3, k_start + 999ms));
  EXPECT_FALSE(limiter.over(base::TokenId{8}, 3, k_start + 100ms)) << "another token is another token";
  EXPECT_FALSE(limiter.over(base::TokenId{7 + 64}, 3, k_start + 100ms)) << "of the same shard, too";
  EXPECT_FALSE(limiter.over(k_token, 4, k_start + 100ms)) << "by the limit that is asked for";
  EXPECT_FALSE(limiter.over(k_token, 3, k_start + 1s)) << "and so after a second's wait at most";
}

TEST(RefusalLimiter, without_a_limit_nobody_is_over) {
  RefusalLimiter limiter;
  for (int i = 0; i < 1000; ++i) limiter.refused(k_token, 0, k_start);
  EXPECT_FALSE(limiter.over(k_token, 0, k_start));
  EXPECT_FALSE(limiter.over(k_token, 1, k_start)) << "nothing was counted";
}

// Against the plainest model there is: a count for each token and second.
TEST(RefusalLimiter, is_what_counting_each_second_says) {
  std::mt19937 random(1);
  RefusalLimiter limiter;
  std::map<std::pair<std::int64_t, std::int64_t>, std::int64_t> model;
  auto now = k_start;
  for (const std::uint32_t tokens : {100U, 3U}) {
    std::size_t refused = 0, over = 0;
    for (int i = 0; i < 200'000; ++i) {
      now += std::chrono::microseconds(random() % 2'000);
      const base::TokenId token{static_cast<std::int64_t>(random() % tokens)};
      const auto second = std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count();
      auto& count = model[{token.value, second}];
      ASSERT_EQ(limiter.over(token, 10, now), count >= 10);
      if (count >= 10) ++over;
      if (count >= 10 || random() % 4 == 0) continue;
      limiter.refused(token, 10, now);
      ++count;
      ++refused;
    }
    EXPECT_GT(refused, tokens == 3 ? 5'000U : 100'000U);
    EXPECT_GT(over, tokens == 3 ? 150'000U : 0U);
  }
}

TEST(RefusalLimiter, counts_for_all_threads) {
  RefusalLimiter limiter;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < 250; ++k) {
        limiter.refused(k_token, 1000, k_start);
        (void)limiter.over(k_token, 1000, k_start);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_TRUE(limiter.over(k_token, 1000, k_start));
  EXPECT_FALSE(limiter.over(k_token, 1001, k_start));
}

}  // namespace
}  // namespace cr::relay::routing

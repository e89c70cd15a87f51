// SPDX-License-Identifier: MIT
#include "http/client/upstream_pool.h"

#include <gtest/gtest.h>

#include <thread>

namespace cr::http::client {
namespace {

using std::chrono::seconds;

const base::SteadyTime k_now = base::SteadyTime(std::chrono::hours(1));

TEST(DistrustedProviders, AreForgottenAfterTenMinutes) {
  DistrustedProviders providers;
  EXPECT_FALSE(providers.contains(7, k_now));
  EXPECT_TRUE(providers.add(7, k_now));
  EXPECT_TRUE(providers.contains(7, k_now));
  EXPECT_FALSE(providers.contains(8, k_now));
  EXPECT_FALSE(providers.add(7, k_now + seconds(300))) << "known already";
  EXPECT_TRUE(providers.contains(7, k_now + seconds(899)));
  EXPECT_FALSE(providers.contains(7, k_now + seconds(900)));
  EXPECT_TRUE(providers.add(7, k_now + seconds(900)));
}

TEST(DistrustedProviders, AreKnownToAllThreads) {
  DistrustedProviders providers;
  std::vector<std::thread> threads;
  for (std::uint64_t at = 0; at < 4; ++at) {
    threads.emplace_back([&providers, at] {
      for (std::uint64_t i = 0; i < 1000; ++i) {
        providers.add(i * 4 + at, k_now);
        EXPECT_TRUE(providers.contains(i * 4 + at, k_now));
      }
    });
  }
  for (auto& thread : threads) thread.join();
  for (std::uint64_t i = 0; i < 4000; ++i) EXPECT_TRUE(providers.contains(i, k_now));
}

}  // namespace
}  // namespace cr::http::client

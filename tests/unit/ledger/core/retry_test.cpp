// SPDX-License-Identifier: MIT
#include "ledger/core/retry.h"

#include <gtest/gtest.h>

namespace cr::ledger {
namespace {

using std::chrono::milliseconds;

// Fails as often as it may be tried; the distances between.
std::vector<std::int64_t> distances(Retry& retry, base::SteadyTime& now, int failures) {
  std::vector<std::int64_t> found;
  for (int i = 0; i < failures; ++i) {
    EXPECT_TRUE(retry.may_try(now));
    retry.failed(now);
    EXPECT_FALSE(retry.may_try(*retry.at() - milliseconds(1)));
    found.push_back(std::chrono::duration_cast<milliseconds>(*retry.at() - now).count());
    now = *retry.at();
  }
  return found;
}

TEST(Retry, distances_grow_to_a_bound) {
  Retry retry;
  base::SteadyTime now = base::steady_now();
  EXPECT_TRUE(retry.may_try(now) && !retry.is_failing());
  EXPECT_EQ(distances(retry, now, 8), (std::vector<std::int64_t>{50, 100, 200, 400, 800, 1600, 2000, 2000}));
  EXPECT_TRUE(retry.is_failing());
  EXPECT_TRUE(retry.committed());
  EXPECT_FALSE(retry.is_failing());
  EXPECT_FALSE(retry.committed());
}

TEST(Retry, store_that_commits_only_when_it_is_tried_is_tried_more_seldom) {
  Retry retry;
  base::SteadyTime now = base::steady_now();
  EXPECT_EQ(distances(retry, now, 2), (std::vector<std::int64_t>{50, 100}));
  EXPECT_TRUE(retry.committed());
  EXPECT_EQ(distances(retry, now, 1), (std::vector<std::int64_t>{200})) << "nothing else was committed between";
  EXPECT_TRUE(retry.committed());
  EXPECT_FALSE(retry.committed());
  EXPECT_EQ(distances(retry, now, 1), (std::vector<std::int64_t>{50})) << "it was sound";
}

}  // namespace
}  // namespace cr::ledger

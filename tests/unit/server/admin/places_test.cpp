// SPDX-License-Identifier: MIT
#include "server/admin/places.h"

#include <gtest/gtest.h>

namespace cr::server::admin {
namespace {

constexpr uid_t k_own = 900, k_first = 1001, k_second = 1002;

std::size_t take_all(Places& places, uid_t uid) {
  std::size_t count = 0;
  while (places.take(uid)) ++count;
  return count;
}

TEST(Places, NoUserHasAllAndSomeAreKeptForRoot) {
  Places places({32, 16, 4}, k_own);
  EXPECT_EQ(take_all(places, k_first), 16U);
  EXPECT_EQ(take_all(places, k_second), 12U) << "the last four are kept";
  EXPECT_FALSE(places.take(1003));
  EXPECT_TRUE(places.take(k_own));
  EXPECT_EQ(take_all(places, 0), 3U);
  EXPECT_FALSE(places.take(k_own));
  places.give_back(k_first);
  EXPECT_FALSE(places.take(k_second)) << "it went to those it was kept for";
  EXPECT_TRUE(places.take(0));
  for (int i = 0; i < 15; ++i) places.give_back(k_first);
  EXPECT_EQ(take_all(places, k_second), 4U);
}

TEST(Places, RootMayNotTakeAllEither) {
  Places places({32, 16, 4}, k_own);
  EXPECT_EQ(take_all(places, 0), 16U);
  EXPECT_TRUE(places.take(k_own));
  EXPECT_EQ(take_all(places, k_first), 11U);
}

}  // namespace
}  // namespace cr::server::admin

// SPDX-License-Identifier: MIT
#include "base/rare_line.h"

#include <gtest/gtest.h>

namespace cr::base {
namespace {

TEST(RareLine, OneAMinuteWithTheCountSoFar) {
  RareLine line;
  const SteadyTime start{std::chrono::hours(1)};
  EXPECT_EQ(line.count(start), 1U);
  EXPECT_EQ(line.count(start), std::nullopt);
  EXPECT_EQ(line.count(start + std::chrono::milliseconds(59'999)), std::nullopt);
  EXPECT_EQ(line.count(start + std::chrono::minutes(1)), 4U);
  EXPECT_EQ(line.count(start + std::chrono::minutes(1)), std::nullopt);
}

}  // namespace
}  // namespace cr::base

// SPDX-License-Identifier: MIT
#include "base/clock_watch.h"

#include <gtest/gtest.h>

namespace cr::base {
namespace {

using namespace std::chrono_literals;

TEST(ClockWatch, TellsEachStepOnceAndNoSlew) {
  std::int64_t boot_ms = 5'000;
  Time wall = from_unix_ms(1'000'000);
  ClockWatch watch(wall, boot_ms);
  const auto look = [&](std::chrono::milliseconds passed, std::chrono::milliseconds shown) {
    boot_ms += passed.count();
    wall += shown;
    return watch.look(wall, boot_ms);
  };
  EXPECT_EQ(look(500ms, 500ms), std::nullopt);
  EXPECT_EQ(look(500ms, 500ms + 1h), 1h);
  EXPECT_EQ(look(500ms, 500ms), std::nullopt) << "told once";
  EXPECT_EQ(look(500ms, 500ms - 1h), -1h);
  EXPECT_EQ(look(10h, 10h), std::nullopt) << "a sleep is none";
  for (int i = 0; i < 100; ++i) EXPECT_EQ(look(500ms, 501ms), std::nullopt) << "slewed";
  EXPECT_EQ(look(500ms, 1499ms), std::nullopt);
  EXPECT_EQ(look(500ms, 1500ms), 1s);
  EXPECT_EQ(look(500ms, -500ms), -1s);
}

}  // namespace
}  // namespace cr::base

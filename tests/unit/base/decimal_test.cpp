// SPDX-License-Identifier: MIT
#include "base/decimal.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace cr::base {
namespace {

constexpr auto k_most = std::numeric_limits<std::int64_t>::max();

struct Row {
  std::string text;
  int decimals;
  std::int64_t most;
  std::optional<std::int64_t> expected;
};

TEST(Decimal, RoundsNumbersUpExactly) {
  for (const Row& row : {
           Row{"0", 0, 10, 0},
           Row{"10", 0, 10, 10},
           Row{"11", 0, 10, std::nullopt},
           Row{"10.0", 0, 10, 10},
           Row{"10.01", 0, 10, std::nullopt},
           Row{"9.000000000000000000000000000001", 0, 10, 10},
           Row{"1234.4", 0, k_most, 1235},
           Row{"1e3", 0, k_most, 1000},
           Row{"1.5E+1", 0, k_most, 15},
           Row{"15e-1", 0, k_most, 2},
           Row{"0.1", 9, k_most, 100'000'000},
           Row{"1.0000000001", 9, k_most, 1'000'000'001},
           Row{"1e-300", 9, k_most, 1},
           Row{"0e-300", 9, k_most, 0},
           Row{"0e300", 9, k_most, 0},
           Row{"1e300", 0, k_most, std::nullopt},
           Row{"1e99999999999999999999", 0, k_most, std::nullopt},
           Row{"1e-99999999999999999999", 0, k_most, 1},
           Row{"9223372036854775807", 0, k_most, k_most},
           Row{"9223372036854775808", 0, k_most, std::nullopt},
           Row{"9223372036854775807.5", 0, k_most, std::nullopt},
           Row{"37756001", -1, k_most, 3775601},
           Row{"-0", 0, 10, 0},
           Row{"-0.0", 0, 10, 0},
           Row{"-1", 0, 10, std::nullopt},
           Row{"-0.001", 0, 10, std::nullopt},
           Row{"", 0, 10, std::nullopt},
           Row{"1.", 0, 10, std::nullopt},
           Row{".5", 0, 10, std::nullopt},
           Row{"+1", 0, 10, std::nullopt},
           Row{"1e", 0, 10, std::nullopt},
           Row{"1 ", 0, 10, std::nullopt},
           Row{"0x1", 0, 10, std::nullopt},
           Row{"NaN", 0, 10, std::nullopt},
           Row{std::string(100'000, '0') + "7", 0, 10, 7},
       }) {
    EXPECT_EQ(round_up_number(row.text, row.decimals, row.most), row.expected) << row.text.substr(0, 40);
  }
}

}  // namespace
}  // namespace cr::base

// SPDX-License-Identifier: MIT
#include "crctl/values.h"

#include <gtest/gtest.h>

#include "base/text.h"

namespace cr::crctl {
namespace {

constexpr base::Time k_now = base::Time(std::chrono::milliseconds(1'800'000'000'000));

TEST(Values, counts_are_grouped_for_eyes_only) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1234567), "1,234,567");
  EXPECT_EQ(grouped(-1000), "-1,000");
  EXPECT_EQ(grouped(-999), "-999");
  EXPECT_EQ(count_cell(1234).plain, "1234");
}

TEST(Values, money_is_exact_for_programs) {
  const Cell cell = money_cell(base::Credits::from_nano(1'230'000'001));
  EXPECT_EQ(cell.plain, "1.230000001");
  EXPECT_EQ(cell.shown, "$1.23");
  EXPECT_EQ(quota_cell(std::nullopt).plain, "unlimited");
}

TEST(Values, times_are_rfc_3339_for_programs) {
  const View view{k_now, true, false};
  const Cell past = past_cell(k_now - std::chrono::minutes(3), view);
  EXPECT_EQ(past.plain, base::format_rfc3339(k_now - std::chrono::minutes(3)));
  EXPECT_EQ(past.shown, "3m ago");
  EXPECT_EQ(past_cell(std::nullopt, view).plain, "never");
  EXPECT_EQ(expiry_cell(k_now + std::chrono::hours(50), view).shown, "2d 2h");
  EXPECT_EQ(expiry_cell(k_now - std::chrono::hours(1), view).style, Style::bad);
  EXPECT_EQ(distance_text(k_now, k_now), "now");
}

TEST(Values, names_from_outside_move_no_cursor) {
  const Cell cell = list_cell({"a\x1b[2Jb", "c"});
  EXPECT_EQ(cell.shown.find('\x1b'), std::string::npos);
}

TEST(Bar, shows_a_share) {
  EXPECT_EQ(bar(0, 4, false), "....");
  EXPECT_EQ(bar(1, 4, false), "####");
  EXPECT_EQ(bar(0.5, 4, false), "##..");
  EXPECT_EQ(bar(0.001, 4, false), "#...");
  EXPECT_EQ(bar(2, 4, false), "####");
  EXPECT_EQ(bar(-1, 4, false), "....");
  EXPECT_EQ(bar(0.5, 4, true), "██··");
  for (const double share : {0.0, 0.01, 0.3, 0.49, 0.99, 1.0}) {
    EXPECT_EQ(base::display_width(bar(share, 8, true)), 8) << share;
  }
}

TEST(Bar, is_absent_where_there_is_no_quota) {
  const View view{k_now, true, false};
  EXPECT_EQ(quota_bar_cell(std::nullopt, std::nullopt, view).shown, "");
  EXPECT_EQ(quota_bar_cell(base::Credits(), base::Credits(), view).shown, "");
}

TEST(Sparkline, has_a_block_a_value) {
  EXPECT_EQ(sparkline(std::vector<double>{0, 1}, true), "▁█");
  EXPECT_EQ(sparkline(std::vector<double>{0, 0}, true), "▁▁");
  EXPECT_EQ(sparkline(std::vector<double>{0, 7}, false), "_#");
  EXPECT_EQ(sparkline({}, true), "");
}

}  // namespace
}  // namespace cr::crctl

// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.h"

namespace cr::base {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

constexpr std::int64_t k_day_ms = 86'400'000;

struct DurationCase {
  std::string_view text;
  std::int64_t ms;
};

TEST(Duration, parse_accepts) {
  constexpr DurationCase k_table[] = {
      {"0s", 0},
      {"0ms", 0},
      {"250ms", 250},
      {"90s", 90'000},
      {"30m", 1'800'000},
      {"12h", 43'200'000},
      {"30d", 30 * k_day_ms},
      {"2w", 14 * k_day_ms},
      {"3mo", 90 * k_day_ms},
      {"1y", 365 * k_day_ms},
      {"1h30m", 5'400'000},
      {"1m30s500ms", 90'500},
      {"1y1mo1w1d1h1m1s1ms", 403 * k_day_ms + 3'661'001},
      {"007s", 7'000},
      {"1000y", 365'000 * k_day_ms},
  };
  for (const auto& row : k_table) {
    const auto parsed = parse_duration(row.text);
    ASSERT_TRUE(parsed) << row.text << ": " << parsed.error().message;
    EXPECT_EQ(parsed->count(), row.ms) << row.text;
  }
}

TEST(Duration, parse_refuses_with_the_units_in_the_hint) {
  constexpr std::string_view k_table[] = {
      "",
      "0",
      "30",
      "s",
      "1M",
      "5M",
      "1H",
      "30 d",
      " 30d",
      "30d ",
      "-1d",
      "+1d",
      "1.5h",
      "1d2",
      "30m1h",
      "1h1h",
      "1day",
      "1min",
      "1e3s",
      "1001y",
      "1000y1ms",
      "99999999999999999999y",
      "9223372036854775807ms",
      "9223372036854775808ms",
      "1h 30m",
      "mo",
      "1µs",
      "1us",
      "1mos",
      "1h30",
  };
  for (const std::string_view text : k_table) {
    const auto parsed = parse_duration(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, ErrorCode::invalid);
    EXPECT_THAT(parsed.error().hint, HasSubstr("ms s m h d w mo y")) << text;
  }
}

TEST(Duration, format_shows_the_two_largest_units) {
  constexpr DurationCase k_table[] = {
      {"0s", 0},
      {"1ms", 1},
      {"120ms", 120},
      {"1s", 1'000},
      {"1s 500ms", 1'500},
      {"45s", 45'000},
      {"59s 999ms", 59'999},
      {"1m", 60'000},
      {"1h 30m", 5'400'000},
      {"1h", 3'605'000},
      {"1d", k_day_ms + 60'000},
      {"29d 23h", 30 * k_day_ms - 1},
      {"400d", 400 * k_day_ms},
      {"-1h 30m", -5'400'000},
      {"106751991167d 7h", std::numeric_limits<std::int64_t>::max()},
      {"-106751991167d 7h", std::numeric_limits<std::int64_t>::min()},
  };
  for (const auto& row : k_table) EXPECT_EQ(format_duration(milliseconds(row.ms)), row.text);
}

struct TimeCase {
  std::string_view text;
  std::int64_t ms;
  std::string_view back;
};

TEST(TimeText, parse_accepts_and_formats_back) {
  constexpr TimeCase k_table[] = {
      {"1970-01-01", 0, "1970-01-01T00:00:00Z"},
      {"1970-01-01T00:00:00Z", 0, "1970-01-01T00:00:00Z"},
      {"2026-12-31", 1'798'675'200'000, "2026-12-31T00:00:00Z"},
      {"2026-12-31T23:59:59Z", 1'798'761'599'000, "2026-12-31T23:59:59Z"},
      {"2026-12-31t23:59:59z", 1'798'761'599'000, "2026-12-31T23:59:59Z"},
      {"2026-12-31T23:59:59.5Z", 1'798'761'599'500, "2026-12-31T23:59:59.500Z"},
      {"2026-12-31T23:59:59.123456789Z", 1'798'761'599'123, "2026-12-31T23:59:59.123Z"},
      {"2026-12-31T23:59:59.0009Z", 1'798'761'599'000, "2026-12-31T23:59:59Z"},
      {"2027-01-01T01:59:59+02:00", 1'798'761'599'000, "2026-12-31T23:59:59Z"},
      {"2026-12-31T18:29:59-05:30", 1'798'761'599'000, "2026-12-31T23:59:59Z"},
      {"2026-12-31T23:59:59-00:00", 1'798'761'599'000, "2026-12-31T23:59:59Z"},
      {"2016-12-31T23:59:60Z", 1'483'228'800'000, "2017-01-01T00:00:00Z"},
      {"2024-02-29", 1'709'164'800'000, "2024-02-29T00:00:00Z"},
      {"1969-12-31T23:59:59.999Z", -1, "1969-12-31T23:59:59.999Z"},
      {"0000-01-01", -62'167'219'200'000, "0000-01-01T00:00:00Z"},
      {"9999-12-31T23:59:59.999Z", 253'402'300'799'999, "9999-12-31T23:59:59.999Z"},
  };
  for (const auto& row : k_table) {
    const auto parsed = parse_time(row.text);
    ASSERT_TRUE(parsed) << row.text << ": " << parsed.error().message;
    EXPECT_EQ(to_unix_ms(*parsed), row.ms) << row.text;
    EXPECT_EQ(format_rfc3339(*parsed), row.back);
  }
}

TEST(TimeText, parse_refuses) {
  constexpr std::string_view k_table[] = {
      "",
      "now",
      "2026",
      "2026-12",
      "2026-13-01",
      "2026-00-01",
      "2026-02-29",
      "2026-02-30",
      "2026-12-32",
      "2026-12-00",
      "26-12-31",
      "2026-1-1",
      "2026/12/31",
      "31.12.2026",
      "20261231",
      "+2026-12-31",
      "12026-12-31",
      " 2026-12-31",
      "2026-12-31 ",
      "2026-12-31T",
      "2026-12-31T23:59Z",
      "2026-12-31T23:59:59",
      "2026-12-31 23:59:59Z",
      "2026-12-31T24:00:00Z",
      "2026-12-31T23:60:00Z",
      "2026-12-31T23:59:61Z",
      "2026-12-31T23:59:59.Z",
      "2026-12-31T23:59:59,5Z",
      "2026-12-31T23:59:59+0200",
      "2026-12-31T23:59:59+02",
      "2026-12-31T23:59:59+24:00",
      "2026-12-31T23:59:59+02:60",
      "2026-12-31T23:59:59Zz",
      "2026-12-31T23:59:59 Z",
      "2026-12-31T-1:59:59Z",
      "2026-12-31Z",
      "1798761599",
  };
  for (const std::string_view text : k_table) {
    const auto parsed = parse_time(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, ErrorCode::invalid);
    EXPECT_THAT(parsed.error().hint, HasSubstr("2026-12-31T23:59:59Z")) << text;
  }
}

TEST(When, durations_count_from_now_and_never_is_none) {
  const Time now = from_unix_ms(1'000'000);
  EXPECT_EQ(parse_when("90s", now).value(), from_unix_ms(1'090'000));
  EXPECT_EQ(parse_when("0s", now).value(), now);
  EXPECT_EQ(parse_when("2026-12-31", now).value(), from_unix_ms(1'798'675'200'000));
  EXPECT_EQ(parse_when("1970-01-01T00:00:00Z", now).value(), from_unix_ms(0));  // the past is the caller's to judge
  for (const std::string_view none : {"never", "none", "-1", "Never", "NONE"}) {
    const auto parsed = parse_when(none, now);
    ASSERT_TRUE(parsed) << none;
    EXPECT_EQ(*parsed, std::nullopt) << none;
  }
}

TEST(When, refuses_and_shows_every_form) {
  for (const std::string_view text : {"", "30", "tomorrow", "-2", "-1d", "0", "1M"}) {
    const auto parsed = parse_when(text, from_unix_ms(0));
    ASSERT_FALSE(parsed) << text;
    EXPECT_THAT(parsed.error().hint, testing::AllOf(HasSubstr("30d"), HasSubstr("2026-12-31"), HasSubstr("never")));
  }
  EXPECT_THAT(parse_when("2026-02-30", from_unix_ms(0)).error().message, HasSubstr("2026-02-30"));
}

}  // namespace
}  // namespace cr::base

// SPDX-License-Identifier: MIT
#include "base/credits.h"

#include <gtest/gtest.h>

namespace cr::base {
namespace {

constexpr std::int64_t k_max = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t k_min = std::numeric_limits<std::int64_t>::min();

struct Accepted {
  std::string_view text;
  std::int64_t nano;
};

TEST(Credits, parse_accepts) {
  constexpr Accepted k_table[] = {
      {"0", 0},
      {"5", 5'000'000'000},
      {"$5", 5'000'000'000},
      {".5", 500'000'000},
      {"$.25", 250'000'000},
      {"0.25", 250'000'000},
      {"$0.25", 250'000'000},
      {"007", 7'000'000'000},
      {"00000000000000000000000000000001", 1'000'000'000},
      {"0.000000001", 1},
      {"1.000000000", 1'000'000'000},
      {"500000u", 1'000'000'000},
      {"1u", 2'000},
      {"0u", 0},
      {"4611686018427387u", 9'223'372'036'854'774'000},
      {"9223372036", 9'223'372'036'000'000'000},
      {"9223372036.854775807", k_max},
      {"$9223372036.854775807", k_max},
  };
  for (const auto& row : k_table) {
    const auto parsed = Credits::parse(row.text);
    ASSERT_TRUE(parsed) << row.text << ": " << parsed.error().message;
    EXPECT_EQ(parsed->nano(), row.nano) << row.text;
    EXPECT_EQ(Credits::parse_signed(row.text)->nano(), row.nano) << row.text;
  }
}

TEST(Credits, parse_refuses) {
  constexpr std::string_view k_table[] = {
      "",
      " ",
      " 5",
      "5 ",
      "+5",
      "-5",
      "-0",
      "$-5",
      "--5",
      "5e3",
      "5E3",
      "0x5",
      "5,00",
      "1,000",
      "1_000",
      "5.",
      ".",
      "$",
      "$$5",
      "5$",
      "u",
      "-",
      "1.0u",
      "$5u",
      "5uu",
      "5U",
      "1.2.3",
      "nan",
      "inf",
      "5 000",
      "0.0000000001",
      "1.0000000000",
      "9223372036.854775808",
      "9223372037",
      "9223372036854775807",
      "18446744073709551616",
      "18446744073.709551617",
      "99999999999999999999999999999999999999999",
      "4611686018427388u",
      "9223372036854775808u",
      std::string_view("5\0", 2),
      "\xEF\xBC\x95",
      "٥",
  };
  for (const std::string_view text : k_table) {
    const auto parsed = Credits::parse(text);
    ASSERT_FALSE(parsed) << '"' << text << "\" gave " << parsed->nano();
    EXPECT_EQ(parsed.error().code, ErrorCode::invalid) << text;
    EXPECT_FALSE(parsed.error().hint.empty()) << text;
  }
}

TEST(Credits, parse_says_why) {
  EXPECT_EQ(Credits::parse("0.0000000001").error().message, "amount \"0.0000000001\": more than 9 decimals");
  EXPECT_EQ(Credits::parse("9223372037").error().message, "amount \"9223372037\": over 9223372036 dollars");
  EXPECT_EQ(Credits::parse("").error().message, "amount \"\": it is empty");
  // What was typed may be hostile: it comes back short and harmless.
  const std::string message = Credits::parse("\x1b[2J" + std::string(100'000, '9')).error().message;
  EXPECT_LT(message.size(), 200U);
  EXPECT_EQ(message.find('\x1b'), std::string::npos);
}

TEST(Credits, parse_signed_takes_a_minus) {
  constexpr Accepted k_table[] = {
      {"-5", -5'000'000'000},
      {"-$5", -5'000'000'000},
      {"-0", 0},
      {"-0.000000001", -1},
      {"-500000u", -1'000'000'000},
      {"-9223372036.854775807", -k_max},
      {"-9223372036.854775808", k_min},
  };
  for (const auto& row : k_table) {
    const auto parsed = Credits::parse_signed(row.text);
    ASSERT_TRUE(parsed) << row.text << ": " << parsed.error().message;
    EXPECT_EQ(parsed->nano(), row.nano) << row.text;
  }
  for (const std::string_view text :
       {"-", "--5", "$-5", "- 5", "+5", "-9223372036.854775809", "9223372036.854775808", ""}) {
    EXPECT_FALSE(Credits::parse_signed(text)) << text;
  }
}

struct Shown {
  std::int64_t nano;
  std::string_view decimal;
  std::string_view display;
};

TEST(Credits, shows_exactly) {
  constexpr Shown k_table[] = {
      {0, "0", "$0.00"},
      {1, "0.000000001", "$0.000000001"},
      {-1, "-0.000000001", "-$0.000000001"},
      {1'350, "0.00000135", "$0.00000135"},
      {34'200'000, "0.0342", "$0.0342"},
      {500'000'000, "0.5", "$0.50"},
      {-2'000'000'000, "-2", "-$2.00"},
      {20'000'000'000, "20", "$20.00"},
      {k_max, "9223372036.854775807", "$9223372036.854775807"},
      {k_min, "-9223372036.854775808", "-$9223372036.854775808"},
  };
  for (const auto& row : k_table) {
    const Credits credits = Credits::from_nano(row.nano);
    EXPECT_EQ(credits.to_decimal(), row.decimal);
    EXPECT_EQ(credits.to_display(), row.display);
    EXPECT_EQ(Credits::parse_signed(credits.to_decimal())->nano(), row.nano) << row.decimal;
  }
}

TEST(Credits, display_rounds_half_away_from_zero) {
  const auto shown = [](std::int64_t nano, int decimals) { return Credits::from_nano(nano).to_display(decimals); };
  EXPECT_EQ(shown(34'250'000, 4), "$0.0343");
  EXPECT_EQ(shown(34'249'999, 4), "$0.0342");
  EXPECT_EQ(shown(-34'250'000, 4), "-$0.0343");
  EXPECT_EQ(shown(1'350, 4), "$0.00");
  EXPECT_EQ(shown(-1'350, 4), "$0.00");
  EXPECT_EQ(shown(999'999'999, 2), "$1.00");
  EXPECT_EQ(shown(1'234'000'000, 0), "$1.23");
  EXPECT_EQ(shown(1, 99), "$0.000000001");
  EXPECT_EQ(shown(k_max, 2), "$9223372036.85");
  EXPECT_EQ(shown(k_min, 2), "-$9223372036.85");
}

TEST(Credits, arithmetic_saturates) {
  const auto credits = [](std::int64_t nano) { return Credits::from_nano(nano); };
  EXPECT_EQ(credits(2) + credits(3), credits(5));
  EXPECT_EQ(credits(2) - credits(3), credits(-1));
  EXPECT_EQ(credits(k_max) + credits(1), credits(k_max));
  EXPECT_EQ(credits(k_min) + credits(-1), credits(k_min));
  EXPECT_EQ(credits(k_min) - credits(1), credits(k_min));
  EXPECT_EQ(credits(k_max) - credits(-1), credits(k_max));
  EXPECT_EQ(credits(0) - credits(k_min), credits(k_max));
  EXPECT_EQ(credits(k_max) + credits(k_min), credits(-1));
  Credits sum = credits(1);
  sum += credits(4);
  sum -= credits(2);
  EXPECT_EQ(sum, credits(3));
  EXPECT_LT(credits(-1), credits(0));
}

TEST(Credits, checked_add_tells) {
  const Credits top = Credits::max();
  EXPECT_EQ(Credits::checked_add(Credits::from_nano(2), Credits::from_nano(3)), Credits::from_nano(5));
  EXPECT_EQ(Credits::checked_add(top, Credits::from_nano(0)), top);
  EXPECT_EQ(Credits::checked_add(top, Credits::from_nano(1)), std::nullopt);
  EXPECT_EQ(Credits::checked_add(Credits::from_nano(k_min), Credits::from_nano(-1)), std::nullopt);
}

}  // namespace
}  // namespace cr::base

// SPDX-License-Identifier: MIT
#include "billing/price.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "billing/cost.h"

namespace cr::billing {
namespace {

constexpr std::int64_t k_max = std::numeric_limits<std::int64_t>::max();

Rate rate(std::string_view text) {
  const auto parsed = Rate::parse(text);
  EXPECT_TRUE(parsed) << text;
  return parsed.value_or(Rate{});
}

TEST(Rate, ParsesExactly) {
  struct Row {
    std::string_view text;
    std::int64_t nano;
    std::string_view decimal;
  };
  for (const Row& row : {
           Row{"0", 0, "0"},
           Row{"0.15", 150'000'000, "0.15"},
           Row{"$2.50", 2'500'000'000, "2.5"},
           Row{"0.0125", 12'500'000, "0.0125"},
           Row{"10", 10'000'000'000, "10"},
           Row{"0.000000001", 1, "0.000000001"},
           Row{"1000000", 1'000'000'000'000'000, "1000000"},
           Row{"00.5", 500'000'000, "0.5"},
           Row{"1.10", 1'100'000'000, "1.1"},
           Row{"999999.999999999", 999'999'999'999'999, "999999.999999999"},
       }) {
    EXPECT_EQ(rate(row.text).nano_per_million, row.nano) << row.text;
    EXPECT_EQ(rate(row.text).to_decimal(), row.decimal) << row.text;
    EXPECT_EQ(rate(rate(row.text).to_decimal()), rate(row.text));
  }
}

TEST(Rate, RefusesTheRest) {
  for (const std::string_view text : {"",
                                      "$",
                                      "-1",
                                      "+1",
                                      "1e3",
                                      " 1",
                                      "1 ",
                                      "1,5",
                                      ".5",
                                      "5.",
                                      "0x1",
                                      "1u",
                                      "$$1",
                                      "1$",
                                      "1000000.000000001",
                                      "1000001",
                                      "99999999999999999999999999",
                                      "0.0000000001",
                                      "0.15.1",
                                      "nan",
                                      "inf",
                                      "free",
                                      "\xd9\xa1"}) {
    const auto parsed = Rate::parse(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, base::ErrorCode::invalid);
    EXPECT_FALSE(parsed.error().hint.empty());
  }
}

TEST(Multiplier, ParsesAndRefuses) {
  struct Row {
    std::string_view text;
    std::int64_t millionths;
    std::string_view decimal;
  };
  for (const Row& row :
       {Row{"1", 1'000'000, "1"}, Row{"1.5", 1'500'000, "1.5"}, Row{"0", 0, "0"}, Row{"0.000001", 1, "0.000001"},
        Row{"1000", 1'000'000'000, "1000"}, Row{"0.80", 800'000, "0.8"}}) {
    const auto parsed = Multiplier::parse(row.text);
    ASSERT_TRUE(parsed) << row.text;
    EXPECT_EQ(parsed->millionths, row.millionths);
    EXPECT_EQ(parsed->to_decimal(), row.decimal);
  }
  for (const std::string_view text : {"", "-1", "1000.000001", "0.0000001", "1x", "$1", "1e1"}) {
    EXPECT_FALSE(Multiplier::parse(text)) << text;
  }
}

struct CostRow {
  std::string_view name;
  Price price;
  std::int64_t millionths;
  dialect::Usage usage;
  std::int64_t nano;
};

Price price_of(std::string_view input, std::string_view cached, std::string_view write, std::string_view output,
               std::int64_t per_request = 0) {
  return {rate(input), rate(cached), rate(write), rate(output), base::Credits::from_nano(per_request), {}, {}};
}

TEST(Cost, IsExactAndRoundedUpOnce) {
  const Price mini = price_of("0.15", "0.075", "0.15", "0.60");
  const Price tiny = price_of("0.000000001", "0.000000001", "0.000000001", "0.000000001");
  const Price claude = price_of("3", "0.30", "3.75", "15");
  for (const CostRow& row : {
           CostRow{"nothing", mini, 1'000'000, {}, 0},
           CostRow{"mini", mini, 1'000'000, {1000, 0, 0, 500}, 450'000},
           CostRow{"$0.0125 a million is exact",
                   price_of("0.0125", "0", "0", "0"),
                   1'000'000,
                   {1'000'000, 0, 0, 0},
                   12'500'000},
           CostRow{"12.5 nano rounds up", price_of("0.0125", "0", "0", "0"), 1'000'000, {1, 0, 0, 0}, 13},
           CostRow{"cached", mini, 1'000'000, {1000, 400, 0, 0}, 600 * 150 + 400 * 75},
           CostRow{"cache write", claude, 1'000'000, {100, 50, 20, 10}, 30 * 3000 + 50 * 300 + 20 * 3750 + 10 * 15000},
           CostRow{"a millionth of a nano is a nano", tiny, 1'000'000, {1, 0, 0, 0}, 1},
           CostRow{"parts are summed before rounding", tiny, 1'000'000, {500'000, 0, 0, 500'000}, 1},
           CostRow{"one more", tiny, 1'000'000, {500'000, 0, 0, 500'001}, 2},
           CostRow{"multiplier 1.5", mini, 1'500'000, {1000, 0, 0, 500}, 675'000},
           CostRow{"multiplier rounds too", mini, 1, {1, 0, 0, 0}, 1},
           CostRow{"multiplier 0", mini, 0, {1000, 0, 0, 500}, 0},
           CostRow{"per request", price_of("0", "0", "0", "0", 10'000'000), 2'000'000, {5, 0, 0, 5}, 20'000'000},
           CostRow{"cached above input", mini, 1'000'000, {10, 99, 99, 0}, 10 * 75},
           CostRow{"negative counts are none", mini, 1'000'000, {-5, -5, -5, -5}, 0},
           CostRow{"saturates",
                   price_of("1000000", "0", "0", "1000000", k_max),
                   1'000'000'000,
                   {k_max, 0, 0, k_max},
                   k_max},
           CostRow{"saturates at the edge", price_of("1000000", "0", "0", "0"), 1'000'000, {k_max, 0, 0, 0}, k_max},
       }) {
    EXPECT_EQ(cost(row.price, Multiplier{row.millionths}, row.usage).nano(), row.nano) << row.name;
  }
}

// Against long division in another form, at random: q nano-dollars cover the sum and q - 1 do not.
TEST(Cost, IsTheLeastThatCovers) {
  std::mt19937_64 random(11);
  for (int round = 0; round < 20'000; ++round) {
    const auto below = [&random](std::uint64_t limit) { return static_cast<std::int64_t>(random() % limit); };
    Price price;
    price.input = Rate{below(20'000'000'000)};
    price.cached_input = Rate{below(20'000'000'000)};
    price.cache_write = Rate{below(20'000'000'000)};
    price.output = Rate{below(100'000'000'000)};
    price.per_request = base::Credits::from_nano(below(1'000'000));
    const Multiplier multiplier{below(3'000'000)};
    dialect::Usage usage{below(1'000'000), 0, 0, below(100'000)};
    usage.cached_tokens = below(static_cast<std::uint64_t>(usage.input_tokens) + 1);
    usage.cache_write_tokens = below(static_cast<std::uint64_t>(usage.input_tokens - usage.cached_tokens) + 1);

    const auto wide = [](std::int64_t value) { return static_cast<__int128>(value); };
    const __int128 plain = wide(usage.input_tokens - usage.cached_tokens - usage.cache_write_tokens);
    const __int128 sum =
        plain * price.input.nano_per_million + wide(usage.cached_tokens) * price.cached_input.nano_per_million +
        wide(usage.cache_write_tokens) * price.cache_write.nano_per_million +
        wide(usage.output_tokens) * price.output.nano_per_million + wide(price.per_request.nano()) * 1'000'000;
    const __int128 exact = sum * multiplier.millionths;
    const __int128 charged = wide(cost(price, multiplier, usage).nano()) * 1'000'000 * 1'000'000;
    EXPECT_GE(charged, exact);
    EXPECT_LT(charged - exact, wide(1'000'000) * 1'000'000);
  }
}

}  // namespace
}  // namespace cr::billing

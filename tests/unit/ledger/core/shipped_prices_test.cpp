// SPDX-License-Identifier: MIT
#include "ledger/core/shipped_prices.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "base/text.h"

namespace cr::ledger {
namespace {

using testing::HasSubstr;

const Time k_now = base::from_unix_ms(1'700'000'000'000);

TEST(ShippedPrices, all_parse_and_none_twice) {
  const auto prices = shipped_prices(k_now);
  ASSERT_TRUE(prices) << prices.error().message;
  EXPECT_GT(prices->size(), 50U);
  std::set<std::string> models;
  for (const PriceRecord& price : *prices) {
    EXPECT_TRUE(models.insert(price.model).second) << price.model;
    EXPECT_EQ(price.source, "shipped");
    EXPECT_EQ(price.updated_at, std::min(*base::parse_time(shipped_prices_date()), k_now));
    EXPECT_FALSE(price.effective_at);
  }
}

TEST(ShippedPrices, dollars_a_million_are_exact) {
  const auto prices = prices_from_json(
      R"({"models":[{"model":"m","input":"0.15","cached_input":"0.0125","cache_write":null,"output":"0.6",
          "per_request":"0.01","context_tokens":128000,"max_output_tokens":null}]})",
      k_now);
  ASSERT_TRUE(prices) << prices.error().message;
  const PriceRecord& price = prices->front();
  EXPECT_EQ(price.input.nano_per_million, 150'000'000);
  EXPECT_EQ(price.cached_input.nano_per_million, 12'500'000);
  EXPECT_EQ(price.cache_write.nano_per_million, 150'000'000);  // the input rate where there is none
  EXPECT_EQ(price.output.nano_per_million, 600'000'000);
  EXPECT_EQ(price.per_request, Credits::from_nano(10'000'000));
  EXPECT_EQ(price.context_tokens, 128'000);
  EXPECT_EQ(price.max_output_tokens, std::nullopt);
}

TEST(ShippedPrices, other_units_are_exact) {
  const auto prices = prices_from_json(R"({"models":[{"model":"m","input":"0","output":"0","per_image":"0.04",
      "per_character":"15","per_second":"0.0001"},{"model":"n","input":"1","output":"1","per_second":null}]})",
                                       k_now);
  ASSERT_TRUE(prices) << prices.error().message;
  EXPECT_EQ(prices->front().per_image, Credits::from_nano(40'000'000));
  EXPECT_EQ(prices->front().per_character.nano_per_million, 15'000'000'000);
  EXPECT_EQ(prices->front().per_second, Credits::from_nano(100'000));
  EXPECT_EQ(prices->back().per_second, Credits());
}

struct BadList {
  const char* json;
  const char* words;
};

TEST(ShippedPrices, bad_lists_are_refused_by_name) {
  const BadList rows[] = {
      {"[]", "not a JSON object"},
      {"{", "not a JSON object"},
      {R"({"models":{}})", "array 'models'"},
      {R"({"models":[1]})", "has no model"},
      {R"({"models":[{"model":7}]})", "has no model"},
      {R"({"models":[{"model":"m","output":"1"}]})", "'m': input is missing"},
      {R"({"models":[{"model":"m","input":"1"}]})", "'m': output is missing"},
      {R"({"models":[{"model":"m","input":1,"output":"1"}]})", "'m': input is not a decimal in quotes"},
      {R"({"models":[{"model":"m","input":"-1","output":"1"}]})", "'m': input: "},
      {R"({"models":[{"model":"m","input":"1","output":"1","cached_input":"x"}]})", "'m': cached_input: "},
      {R"({"models":[{"model":"m","input":"1","output":"1","per_image":0.04}]})", "'m': per_image is not a decimal"},
      {R"({"models":[{"model":"m","input":"1","output":"1","context_tokens":0}]})", "'m': context_tokens"},
      {R"({"models":[{"model":"m","input":"1","output":"1","max_output_tokens":1.5}]})", "'m': max_output_tokens"},
  };
  for (const BadList& row : rows) {
    const auto prices = prices_from_json(row.json, k_now);
    ASSERT_FALSE(prices) << row.json;
    EXPECT_EQ(prices.error().code, base::ErrorCode::invalid);
    EXPECT_THAT(prices.error().message, HasSubstr(row.words)) << row.json;
  }
}

}  // namespace
}  // namespace cr::ledger

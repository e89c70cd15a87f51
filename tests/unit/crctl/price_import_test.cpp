// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "crctl/price.h"

namespace cr::crctl {
namespace {

using testing::HasSubstr;

TEST(PriceList, reads_the_shipped_shape) {
  const auto list = parse_price_list(R"({"source":{"x":1},"models":[
    {"model":"m","provider":"p","input":"0.15","cached_input":"0.075","cache_write":null,"output":"0.60",
     "per_request":"0","context_tokens":128000,"max_output_tokens":null}]})");
  ASSERT_TRUE(list) << list.error().message;
  ASSERT_EQ(list->prices.size(), 1U);
  const admin::PriceSet& price = list->prices[0];
  EXPECT_EQ(price.model, "m");
  EXPECT_EQ(price.input, "0.15");
  EXPECT_EQ(price.cached_input, "0.075");
  EXPECT_EQ(price.cache_write, std::nullopt);
  EXPECT_EQ(price.output, "0.60");
  EXPECT_EQ(price.context_tokens, 128000);
  EXPECT_EQ(price.max_output_tokens, std::nullopt);
}

TEST(PriceList, reads_other_units) {
  const auto list = parse_price_list(R"([{"model":"a","per_image":"0.04"},
    {"model":"b","per_character":"15","per_second":"0.0001","per_request":"0.01"}])");
  ASSERT_TRUE(list) << list.error().message;
  EXPECT_EQ(list->prices[0].per_image, "0.04");
  EXPECT_EQ(list->prices[0].input, std::nullopt);
  EXPECT_EQ(list->prices[1].per_character, "15");
  EXPECT_EQ(list->prices[1].per_second, "0.0001");
}

TEST(PriceList, reads_an_array) {
  const auto list =
      parse_price_list(R"([{"model":"a","input":"1","output":"2"},{"model":"b","input":"1","output":"2"}])");
  ASSERT_TRUE(list);
  EXPECT_EQ(list->prices.size(), 2U);
}

TEST(PriceList, reads_numbers_by_their_digits) {
  const auto list = parse_price_list(R"([{"model":"a","input":0.15,"output":1e1,"cached_input":7.5e-2}])");
  ASSERT_TRUE(list) << list.error().message;
  EXPECT_EQ(list->prices[0].input, "0.15");
  EXPECT_EQ(list->prices[0].output, "10");
  EXPECT_EQ(list->prices[0].cached_input, "0.075");
}

TEST(PriceList, reads_csv) {
  const auto list = parse_price_list("model,input,output,context_tokens\r\n\"a,b\",0.15,0.60,128000\nc,1,2,\n");
  ASSERT_TRUE(list) << list.error().message;
  ASSERT_EQ(list->prices.size(), 2U);
  EXPECT_EQ(list->prices[0].model, "a,b");
  EXPECT_EQ(list->prices[0].context_tokens, 128000);
  EXPECT_EQ(list->prices[1].output, "2");
  EXPECT_EQ(list->prices[1].context_tokens, std::nullopt);
  EXPECT_THAT(parse_price_list("model,input,output\na,1\n").error().message, HasSubstr("line 2"));
}

TEST(PriceList, reads_the_lists_of_others) {
  const std::string_view lists[] = {
      R"({"sample_spec":{"litellm_provider":"x"},"m":{"litellm_provider":"openai","input_cost_per_token":1.5e-07,
          "output_cost_per_token":6e-07,"cache_read_input_token_cost":7.5e-08,"max_output_tokens":16384,
          "max_input_tokens":128000}})",
      R"({"openai":{"id":"openai","models":{"m":{"cost":{"input":0.15,"output":0.6,"cache_read":0.075},
          "limit":{"context":128000,"output":16384}}}}})",
      R"({"data":[{"id":"m","context_length":128000,"pricing":{"prompt":"0.00000015","completion":"0.0000006",
          "input_cache_read":"0.000000075","request":"0"},"top_provider":{"max_completion_tokens":16384}}]})"};
  for (const auto text : lists) {
    const auto list = parse_price_list(text);
    ASSERT_TRUE(list) << list.error().message << text;
    ASSERT_EQ(list->prices.size(), 1U) << text;
    const auto& price = list->prices[0];
    EXPECT_EQ(price.model, "m");
    EXPECT_EQ(price.input, "0.15") << text;
    EXPECT_EQ(price.output, "0.6");
    EXPECT_EQ(price.cached_input, "0.075");
    EXPECT_EQ(price.context_tokens, 128000);
    EXPECT_EQ(price.max_output_tokens, 16384);
  }
}

TEST(PriceList, nested_without_end_is_refused_before_it_is_parsed) {
  for (const std::string part : {"[", "{\"a\":", "[{\"[\\\"\":"}) {
    std::string text;
    while (text.size() < (std::size_t{1} << 24)) text += part;
    const auto list = parse_price_list(text);
    ASSERT_FALSE(list);
    EXPECT_THAT(list.error().message, HasSubstr("nested deeper than 16 levels"));
  }
  const std::string brackets(100, '[');
  EXPECT_TRUE(
      parse_price_list(R"([{"model":"a\"[[[[[[[[[[[[[[[[[[","input":"1","output":"2","note":")" + brackets + "\"}]"));
}

TEST(PriceList, names_the_entry_that_is_wrong) {
  struct Case {
    const char* json;
    const char* message;
  };
  for (const auto& [json, message] : {
           Case{"", "neither JSON nor CSV"},
           Case{"[]", "empty"},
           Case{"{}", "no array"},
           Case{"[1]", "entry 1"},
           Case{R"([{"model":"a","input":"1","output":"2"},{"model":"b","output":"2"}])",
                "entry 2: \"input\" is missing"},
           Case{R"([{"model":"a","input":true,"output":"2"}])", "\"input\" is neither text nor a number"},
           Case{R"([{"model":"a","input":"1","output":"2","inptu":"3"}])", "\"inptu\" is no member"},
           Case{R"([{"model":"a","input":"1","output":"2"},{"model":"a","input":"1","output":"2"}])", "twice"},
           Case{R"([{"model":"a","input":2.5e-06,"output":"2"}])", "dollars a token"},
           Case{R"([{"model":"a","input":"1","output":"2","context_tokens":"x"}])",
                "\"context_tokens\" is not a whole"},
       }) {
    const auto list = parse_price_list(json);
    ASSERT_FALSE(list) << json;
    EXPECT_EQ(list.error().code, base::ErrorCode::invalid);
    EXPECT_THAT(list.error().message, HasSubstr(message)) << json;
  }
}

}  // namespace
}  // namespace cr::crctl

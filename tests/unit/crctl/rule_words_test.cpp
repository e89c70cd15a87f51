// SPDX-License-Identifier: MIT
#include "crctl/rule_words.h"

#include <gtest/gtest.h>

namespace cr::crctl {
namespace {

TEST(RuleWords, tell_conditions_and_what_they_change) {
  EXPECT_EQ(
      rules_in_words(R"([{"input_over":272000,"input":"5","output":"22.5"},)"
                     R"({"request":"/service_tier","answer":"/service_tier","is":["priority","fast"],"factor":"2"},)"
                     R"({"request":"/service_tier","is":["default"]},)"
                     R"({"tool":"web_search","count":"/output/web_search_call","fee":"0.01","most":20}])"),
      "input over 272000 tokens: input $5, output $22.5; service_tier priority|fast: x 2; web_search: $0.01 a call");
  EXPECT_EQ(rules_in_words("[]"), "");
  EXPECT_EQ(rules_in_words("odd"), "odd");
}

}  // namespace
}  // namespace cr::crctl

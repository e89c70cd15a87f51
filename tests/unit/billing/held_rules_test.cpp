// SPDX-License-Identifier: MIT
#include "billing/held_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cr::billing {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(HeldRules, are_told_in_words) {
  Price price;
  price.input = {1'000'000'000};
  price.output = {1'000'000'000};
  auto rules =
      parse_rules(R"([{"input_over":1000,"input":"5"},)"
                  R"({"request":"/service_tier","answer":"/service_tier","is":["priority","fast"],"input":"6"},)"
                  R"({"request":"/service_tier","answer":"/service_tier","is":["default"]},)"
                  R"({"input_over":1000,"request":"/service_tier","answer":"/service_tier","is":["flex"],"input":"2"},)"
                  R"({"request":"/inference_geo","is":["us"],"factor":"1.1"}])");
  ASSERT_TRUE(rules) << rules.error().message;
  price.rules = *rules;
  EXPECT_THAT(held_rules(price, 1000, {}), IsEmpty());
  EXPECT_THAT(held_rules(price, 1001, {}), ElementsAre("input over 1000 tokens"));
  dialect::RequestScan scan;
  scan.members = {{"/service_tier", "flex"}, {"/inference_geo", "us"}};
  EXPECT_THAT(
      held_rules(price, 2000, {.scan = &scan}),
      ElementsAre("input over 1000 tokens", "input over 1000 tokens and service_tier flex", "inference_geo us, x 1.1"));
  dialect::Told told;
  told.set_text("/service_tier", "priority");
  EXPECT_THAT(held_rules(price, 10, {.scan = &scan, .told = &told}),
              ElementsAre("service_tier priority", "inference_geo us, x 1.1"));
  told.set_text("/service_tier", "default");
  EXPECT_THAT(held_rules(price, 10, {.told = &told}), IsEmpty()) << "it costs nothing more";
}

}  // namespace
}  // namespace cr::billing

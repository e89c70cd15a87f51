// SPDX-License-Identifier: MIT
#include "billing/price_rules.h"

#include <gmock/gmock.h>

#include <random>

#include "unit/billing/price_of.h"

namespace cr::billing {
namespace {

std::int64_t nano(const Price& price, const dialect::Usage& usage, const Circumstances& circumstances = {}) {
  return cost(price, Multiplier{}, usage, circumstances).nano();
}

dialect::Usage tokens(std::int64_t input, std::int64_t output) {
  dialect::Usage usage;
  usage.input_tokens = input;
  usage.output_tokens = output;
  return usage;
}

TEST(PriceRules, ReadAndWrittenTheSame) {
  const std::string_view text =
      R"([{"input_over":200000,"input":"2.5","cached_input":"0.25","cache_write_hour":"5","output":"15"},)"
      R"({"request":"/service_tier","answer":"/service_tier","is":["priority","fast"],"audio_output":"80","factor":"2"},)"
      R"({"request":"header:anthropic-beta","is":["x"]},)"
      R"({"tool":"web_search","count":"/usage/searches","fee":"0.01","most":10,"brings":128000}])";
  const auto rules = parse_rules(text);
  ASSERT_TRUE(rules) << rules.error().message;
  EXPECT_EQ(rules->list().size(), 4U);
  EXPECT_EQ(to_json(*rules), text);
  EXPECT_TRUE(parse_rules("")->empty());
  EXPECT_TRUE(parse_rules("[]")->empty());
  EXPECT_EQ(to_json({}), "");
  EXPECT_EQ(*rules, *parse_rules(text)) << "by what they say";
  EXPECT_NE(*rules, PriceRules());
}

TEST(PriceRules, WhatIsWrongIsNamed) {
  struct Row {
    std::string_view rules, what;
  };
  for (const Row& row : {
           Row{"{}", "not a list"},
           Row{"[1]", "number 1: not an object"},
           Row{R"([{"input_over":0,"input":"1"}])", "input_over"},
           Row{R"([{"input_over":"9","input":"1"}])", "input_over"},
           Row{R"([{"input_over":9}])", "changes nothing"},
           Row{R"([{"input":"1"}])", "no condition"},
           Row{R"([{"input_over":9,"input":1}])", "input: not a decimal in quotes"},
           Row{R"([{"input_over":9,"input":"-1"}])", "input"},
           Row{R"([{"input_over":9,"inptu":"1"}])", "inptu: unknown member"},
           Row{R"([{"request":"/a"}])", "come together"},
           Row{R"([{"request":"a","is":["b"]}])", "request"},
           Row{R"([{"request":"/a","is":[]}])", "is: "},
           Row{R"([{"request":"/a","is":[1]}])", "is: "},
           Row{R"([{"answer":"/a","input_over":1,"input":"1"}])", "needs a \"request\""},
           Row{R"([{"tool":"web","fee":"1"}])", "\"count\""},
           Row{R"([{"tool":"web","fee":"1","count":"/c","most":1,"input_over":5}])", "nothing else"},
           Row{R"([{"tool":"web","fee":"-1","count":"/c","most":1}])", "fee: "},
           Row{R"([{"input_over":9,"input":"1","fee":"1"}])", "needs a \"tool\""},
           Row{R"([{"input_over":9,"input":"1"},{"input_over":9,"factor":"x"}])", "number 2"},
       }) {
    const auto rules = parse_rules(row.rules);
    ASSERT_FALSE(rules) << row.rules;
    EXPECT_EQ(rules.error().code, base::ErrorCode::invalid);
    EXPECT_NE(rules.error().message.find(row.what), std::string::npos) << row.rules << ": " << rules.error().message;
  }
}

TEST(PriceRules, LongInputIsAtItsOwnRatesAsAWhole) {
  const auto price = price_of(R"([{"input_over":200,"input":"2","output":"6"},{"input_over":400,"input":"3"}])");
  EXPECT_EQ(nano(price, tokens(200, 10)), 200 * 1000 + 10 * 4000);
  EXPECT_EQ(nano(price, tokens(201, 10)), 201 * 2000 + 10 * 6000);
  EXPECT_EQ(nano(price, tokens(401, 10)), 401 * 3000 + 10 * 6000);
  EXPECT_THAT(price.rules.steps(), testing::ElementsAre(200, 400));
}

// A provider without a rate for cached input charges it as input, whatever rule changed that.
TEST(PriceRules, WhatHasNoRateFollowsTheInput) {
  auto price = price_of(R"([{"input_over":10,"input":"2"}])");
  auto usage = tokens(100, 0);
  usage.cached_tokens = 40;
  usage.cache_write_tokens = 20;
  EXPECT_EQ(nano(price, usage), 100 * 2000);
  price.cached_input = Rate{100'000'000};
  EXPECT_EQ(nano(price, usage), 60 * 2000 + 40 * 100) << "one that it has stays";
}

TEST(PriceRules, TheResponseDecidesWhichTierItIs) {
  const auto price =
      price_of(R"([{"request":"/service_tier","answer":"/service_tier","is":["priority"],"input":"2","output":"8"},)"
               R"({"request":"/service_tier","answer":"/service_tier","is":["flex"],"factor":"0.5"},)"
               R"({"request":"/service_tier","answer":"/service_tier","is":["default"]}])");
  const auto usage = tokens(100, 10);
  const std::int64_t base = 140'000;
  struct Row {
    std::string_view asked, told;
    std::int64_t cost;
  };
  for (const Row& row : {
           Row{"", "", base},
           Row{"auto", "", base},
           Row{"auto", "priority", 2 * base},
           Row{"", "priority", 2 * base},
           Row{"priority", "default", base},
           Row{"priority", "", 2 * base},
           Row{"flex", "flex", base / 2},
           Row{"flex", "default", base},
           Row{"flex", "", base},
           Row{"priority", "scale", base},
       }) {
    dialect::RequestScan scan;
    dialect::Told told;
    if (!row.asked.empty()) scan.members = {{"/service_tier", std::string(row.asked)}};
    if (!row.told.empty()) told.set_text("/service_tier", row.told);
    EXPECT_EQ(nano(price, usage, {.scan = &scan, .told = &told}), row.cost) << row.asked << " " << row.told;
  }
  EXPECT_EQ(nano(price, usage, {.service_tier = "priority"}), 2 * base) << "the channel's";
}

TEST(PriceRules, AFactorIsOnAllRates) {
  auto price = price_of(R"([{"request":"/geo","answer":"/usage/geo","is":["us"],"factor":"1.1"}])");
  price.other.audio_output = Rate{10'000'000'000};
  dialect::Told told;
  told.set_text("/usage/geo", "us");
  auto usage = tokens(100, 20);
  usage.audio_output_tokens = 10;
  EXPECT_EQ(nano(price, usage, {.told = &told}), 100 * 1100 + 10 * 4400 + 10 * 11'000);
}

TEST(PriceRules, ToolsAreChargedByTheCallsThatTheResponseCounts) {
  const auto price = price_of(R"([{"tool":"web_search","count":"/usage/searches","fee":"0.01","most":10}])");
  dialect::Told told;
  EXPECT_EQ(nano(price, tokens(100, 0), {.told = &told}), 100'000);
  told.set_count("/usage/searches", 5);
  EXPECT_EQ(nano(price, tokens(100, 0), {.told = &told}), 100'000 + 50'000'000);
  const auto charges = charges_of(price, tokens(100, 0), {.told = &told});
  ASSERT_EQ(charges.size(), 2U);
  EXPECT_EQ(charges[1].tool, "web_search");
  EXPECT_EQ(charges[1].count, 5);
}

TEST(PriceRules, PartsAreAtTheirOwnRates) {
  auto price = price_of("");
  price.cached_input = Rate{100'000'000};
  price.other.audio_input = Rate{10'000'000'000};
  price.other.audio_output = Rate{20'000'000'000};
  price.other.image_input = Rate{3'000'000'000};
  price.other.cached_image_input = Rate{300'000'000};
  dialect::Usage usage = tokens(1000, 100);
  usage.cached_tokens = 300;
  usage.audio_input_tokens = 200;
  usage.cached_audio_tokens = 50;
  usage.image_input_tokens = 100;
  usage.cached_image_tokens = 20;
  usage.audio_output_tokens = 60;
  // 700 fresh: 150 of sound, 80 of pictures, 470 of text; 300 cached: 50 of sound, 20 of pictures, 230 of text.
  EXPECT_EQ(nano(price, usage),
            470 * 1000 + 230 * 100 + 150 * 10'000 + 50 * 10'000 + 80 * 3000 + 20 * 300 + 40 * 4000 + 60 * 20'000);
}

TEST(PriceRules, AnUnknownValueOfAKnownMemberIsFound) {
  const auto price = price_of(R"([{"request":"/speed","answer":"/usage/speed","is":["fast"],"factor":"2"},)"
                              R"({"request":"/speed","answer":"/usage/speed","is":["standard"]}])");
  dialect::RequestScan scan;
  EXPECT_FALSE(find_unknown_value(price, {.scan = &scan}));
  scan.members = {{"/speed", "standard"}, {"/temperature", "hot"}};
  EXPECT_FALSE(find_unknown_value(price, {.scan = &scan}));
  scan.members = {{"/speed", "ludicrous"}};
  const auto unknown = find_unknown_value(price, {.scan = &scan});
  ASSERT_TRUE(unknown);
  EXPECT_EQ(unknown->member, "/speed");
  EXPECT_EQ(unknown->value, "ludicrous");
}

// Whatever is told and asked: the charges are the cost, to the last part of a nano-dollar.
TEST(PriceRules, ChargesSumToTheCost) {
  std::mt19937_64 random(3);
  const auto below = [&random](std::uint64_t limit) { return static_cast<std::int64_t>(random() % limit); };
  auto price = price_of(R"([{"input_over":5000,"input":"2.000000001","output":"7"},)"
                        R"({"request":"/service_tier","answer":"/service_tier","is":["priority"],"factor":"2.5"},)"
                        R"({"tool":"web_search","count":"/usage/searches","fee":"0.01","most":10}])");
  price.other.audio_input = Rate{3};
  price.per_request = base::Credits::from_nano(7);
  for (int round = 0; round < 20'000; ++round) {
    auto usage = tokens(below(10'000), below(1000));
    usage.cached_tokens = below(10'000);
    usage.cache_write_tokens = below(10'000);
    usage.long_cache_write_tokens = below(10'000);
    usage.audio_input_tokens = below(10'000);
    usage.image_output_tokens = below(1000);
    usage.images = below(3);
    dialect::Told told;
    told.set_count("/usage/searches", below(4));
    if (below(2) == 0) told.set_text("/service_tier", below(2) == 0 ? "priority" : "default");
    const Circumstances circumstances{.told = &told};
    Sum sum = 0;
    std::int64_t input = 0;
    for (const auto& charge : charges_of(price, usage, circumstances)) {
      sum += charge.sum;
      if (charge.part <= Part::cached_image_input) input += charge.count;
    }
    ASSERT_EQ(input, usage.input_tokens);
    ASSERT_EQ(round_up(sum, Multiplier{}), cost(price, Multiplier{}, usage, circumstances));
  }
}

}  // namespace
}  // namespace cr::billing

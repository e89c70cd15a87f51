// SPDX-License-Identifier: MIT
#include "billing/bill_parts.h"

#include <gtest/gtest.h>

#include <random>

#include "billing/price_rules.h"
#include "unit/billing/price_of.h"

namespace cr::billing {
namespace {

constexpr std::string_view k_rules =
    R"([{"request":"/service_tier","answer":"/service_tier","is":["priority"],"factor":"2"},)"
    R"({"request":"/service_tier","answer":"/service_tier","is":["flex"],"factor":"0.5"},)"
    R"({"request":"/service_tier","answer":"/service_tier","is":["default"]},)"
    R"({"tool":"web_search","count":"/usage/searches","fee":"0.01","most":10}])";

TEST(BillParts, AreEmptyWhereColumnsSayAll) {
  dialect::Usage usage{100, 50, 0, 20};
  EXPECT_EQ(bill_parts(price_of("[]"), usage, {}), "");
  dialect::RequestScan scan;
  scan.members = {{"/service_tier", "default"}, {"/temperature", "1"}};
  dialect::Told told;
  told.set_text("/service_tier", "default");
  told.set_count("/usage/other", 7);
  EXPECT_EQ(bill_parts(price_of(k_rules), usage, {.scan = &scan, .told = &told}), "") << "what changes nothing";
}

TEST(BillParts, RefuseWhatTheyDidNotMake) {
  for (const std::string_view text : {"x", "[]", R"({"usage":[]})", R"({"usage":{"unknown":1}})",
                                      R"({"told":{"/a":1}})", R"({"counts":{"/a":"1"}})"}) {
    const auto parts = read_bill_parts(text);
    ASSERT_FALSE(parts) << text;
    EXPECT_EQ(parts.error().code, base::ErrorCode::corrupt);
  }
}

// Whatever was asked and told, what is kept of it costs the same.
TEST(BillParts, CostTheSame) {
  std::mt19937_64 random(7);
  const auto below = [&random](std::uint64_t limit) { return static_cast<std::int64_t>(random() % limit); };
  auto price = price_of(k_rules);
  price.other.audio_input = Rate{9'000'000'000};
  price.other.cache_write_hour = Rate{2'500'000'000};
  const std::string_view tiers[] = {"", "auto", "default", "priority", "flex", "other"};
  const std::string_view channels[] = {"", "priority", "flex"};
  for (int round = 0; round < 10'000; ++round) {
    dialect::Usage usage{below(1000) + 1, 0, 0, below(1000)};
    usage.cache_write_tokens = below(static_cast<std::uint64_t>(usage.input_tokens));
    usage.long_cache_write_tokens = below(static_cast<std::uint64_t>(usage.cache_write_tokens) + 1);
    usage.audio_input_tokens = below(static_cast<std::uint64_t>(usage.input_tokens));
    dialect::RequestScan scan;
    dialect::Told told;
    if (const auto tier = tiers[below(6)]; !tier.empty()) scan.members = {{"/service_tier", std::string(tier)}};
    if (const auto tier = tiers[below(6)]; !tier.empty()) told.set_text("/service_tier", tier);
    if (below(3) == 0) told.set_count("/usage/searches", below(4));
    const Circumstances circumstances{.scan = &scan, .told = &told, .service_tier = channels[below(3)]};
    const auto text = bill_parts(price, usage, circumstances);
    auto parts = read_bill_parts(text);
    ASSERT_TRUE(parts) << text;
    auto kept = parts->usage;
    kept.input_tokens = usage.input_tokens;
    kept.cache_write_tokens = usage.cache_write_tokens;
    kept.output_tokens = usage.output_tokens;
    ASSERT_EQ(cost(price, {}, kept, parts->circumstances()), cost(price, {}, usage, circumstances)) << text;
  }
}

}  // namespace
}  // namespace cr::billing

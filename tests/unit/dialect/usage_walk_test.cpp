// SPDX-License-Identifier: MIT
#include "dialect/usage_walk.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace cr::dialect {
namespace {

constexpr std::array<UsageMember, 3> k_members = {{
    {"/input_tokens", &UsageReport::input},
    {"/details/cached_tokens", &UsageReport::cache_read},
    {"/details/said_again"},
}};

struct Walked {
  UsageReport report;
  Told told;
  bool good = false;
};

Walked walk(std::string_view json) {
  Walked walked;
  json::JsonCursor cursor(json);
  walked.good = walk_usage(cursor, k_members, walked.report, walked.told) && cursor.finish();
  return walked;
}

TEST(UsageWalk, ReadsEachMemberByItself) {
  const auto walked = walk(R"({"input_tokens":1234.4,"details":{"cached_tokens":"7","said_again":9,"new":3},
      "speed":"fast","on":true,"of":{"of":{"of":{"of":{"of":{"of":5}}}}},"none":null,"list":[1,2],"bad":-4,"frac":0.1})");
  EXPECT_TRUE(walked.good);
  EXPECT_EQ(walked.report.input, 1235);
  EXPECT_EQ(walked.report.cache_read, 7);
  EXPECT_EQ(walked.told.text("/usage/speed"), "fast");
  EXPECT_EQ(walked.told.text("/usage/on"), "true");
  EXPECT_EQ(walked.told.count("/usage/details/new"), 3);
  EXPECT_EQ(walked.told.count("/usage/frac"), 1);
  EXPECT_EQ(walked.told.counts().size(), 2u) << "nothing of what is known, deeper, no number or below 0";
}

TEST(UsageWalk, WhatExplainsTheTokensOrTheirTimeIsNoCount) {
  const auto walked = walk(R"({"input_tokens":3,"total_tokens":9,"queue_time":0.5,"total_time":1.25,
      "output_tokens_details":{"reasoning_tokens":2,"thinking_tokens":3,"text_tokens":1},"iterations":[{"input_tokens":4}]})");
  EXPECT_TRUE(walked.told.counts().empty());
}

struct CostRow {
  std::string_view json;
  std::int64_t nano;
};

TEST(UsageWalk, ReadsACostExactly) {
  for (const CostRow& row : {
           CostRow{R"({"cost":0.00014})", 140'000},
           CostRow{R"({"cost":0.0001400000000001})", 140'001},
           CostRow{R"({"cost":1.5e-7})", 150},
           CostRow{R"({"cost":"0.25"})", 250'000'000},
           CostRow{R"({"cost":0.1,"cost_details":{"upstream_inference_cost":0.09},"is_byok":false})", 100'000'000},
           CostRow{R"({"cost":{"input_tokens_cost":0.1,"total_cost":0.3}})", 300'000'000},
           CostRow{R"({"estimated_cost":0.002})", 2'000'000},
           CostRow{R"({"cost_in_usd_ticks":37756001})", 3'775'601},
           CostRow{R"({"cost":-1})", 0},
           CostRow{R"({"cost":null})", 0},
       }) {
    const auto walked = walk(row.json);
    EXPECT_EQ(walked.told.count(k_told_cost), row.nano) << row.json;
    EXPECT_LE(walked.told.counts().size(), 1u) << row.json;
  }
}

TEST(UsageWalk, AFaultOfTheJsonIsOne) {
  EXPECT_FALSE(walk(R"({"input_tokens":3)").good);
  EXPECT_FALSE(walk(R"({"input_tokens":3,"a":{"b":01}})").good);
}

TEST(UsageWalk, ANameWithoutEndIsNobodys) {
  const auto walked = walk("{\"" + std::string(5000, 'x') + "\":3,\"input_tokens\":2}");
  EXPECT_TRUE(walked.good);
  EXPECT_EQ(walked.report.input, 2);
  EXPECT_TRUE(walked.told.counts().empty());
}

}  // namespace
}  // namespace cr::dialect

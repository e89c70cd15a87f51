// SPDX-License-Identifier: MIT
#include "json/reducer.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>
#include <string>

#include "json/cursor.h"

namespace cr::json {
namespace {

using Json = nlohmann::json;

// In pieces of random sizes.
std::string reduce(const std::string& text, std::mt19937& random, std::size_t piece_max) {
  Reducer reducer;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t size = 1 + random() % piece_max;
    reducer.push(std::string_view(text).substr(at, size));
    at += size;
  }
  return std::string(reducer.text());
}

bool is_json(std::string_view text) {
  JsonCursor cursor(text);
  return cursor.skip_value() && cursor.finish();
}

TEST(Reducer, LeavesWhatIsSmallAsItIs) {
  std::mt19937 random(7);
  for (const std::string text :
       {R"({"id":"x","usage":{"prompt_tokens":10,"details":{"a":[1,2,3]}},"choices":[{"message":{"content":"hi"}}]})",
        R"([1,2.5,-3e4,true,false,null,"a\"b\\cÄ\ud83d\ude00",{},[]])", R"("text")", "17", "{}"}) {
    for (int round = 0; round < 20; ++round) {
      EXPECT_EQ(Json::parse(reduce(text, random, 5)), Json::parse(text));
    }
  }
}

TEST(Reducer, ShortensStringsWithoutBreakingTheirEscapes) {
  std::mt19937 random(7);
  for (const std::string unit : {"x", "\\n", "\\u00e4", "\\ud83d\\ude00", "a\\ud83d\\ude00", "\\\\\\\""}) {
    for (std::size_t lead = 0; lead < 14; ++lead) {
      std::string text = "{\"a\":\"" + std::string(lead, 'y');
      for (int i = 0; i < 500; ++i) text += unit;
      text += R"(","usage":{"prompt_tokens":3}})";
      const auto reduced = reduce(text, random, 40);
      ASSERT_TRUE(is_json(reduced)) << unit << lead << reduced;
      EXPECT_EQ(Json::parse(reduced)["usage"]["prompt_tokens"], 3);
      EXPECT_LT(reduced.size(), 400U);
    }
  }
}

TEST(Reducer, CountsWhatItLeavesOut) {
  Reducer reducer;
  reducer.push(R"({"a":")" + std::string(1'000'000, 'x') + R"("})");
  EXPECT_EQ(reducer.left_out(), 1'000'000 - Reducer::k_string_max);
}

// Usage behind, before and inside of what is huge; always in bounded room.
TEST(Reducer, FindsUsageInWhatHasNoBounds) {
  std::mt19937 random(7);
  const Json usage = {{"input_tokens", 5}, {"output_tokens", 7}, {"details", {{"image_tokens", 3}}}};
  const std::string blob(3'000'000, 'A');
  Json vectors = Json::array();
  for (int i = 0; i < 6000; ++i)
    vectors.push_back({{"object", "embedding"}, {"index", i}, {"embedding", std::vector<double>(40, 0.0123456789)}});
  Json items = Json::array();
  for (int i = 0; i < 9000; ++i)
    items.push_back({{"type", "web_search_call"}, {"id", "ws_" + std::to_string(i)}, {"text", std::string(200, 'x')}});
  Json deep = 1;
  for (int i = 0; i < 200; ++i) deep = Json::array({deep});
  const Json rows[] = {
      {{"data", Json::array({{{"b64_json", blob}}, {{"b64_json", blob}}})}, {"usage", usage}},
      {{"usage", usage}, {"z", blob}},
      {{"data", vectors}, {"model", "m"}, {"usage", usage}},
      {{"response", {{"output", items}, {"usage", usage}}}},
      {{"a", deep}, {"usage", usage}},
      {{"choices", Json::array({{{"message", {{"content", blob}}}, {"usage", usage}}})}, {"usage", usage}},
  };
  for (const auto& row : rows) {
    const auto reduced = reduce(row.dump(), random, 100'000);
    EXPECT_LT(reduced.size(), Reducer::k_bytes_max + 2 * Reducer::k_full_bytes);
    ASSERT_TRUE(is_json(reduced)) << reduced.substr(0, 300);
    const auto read = Json::parse(reduced);
    const auto& holder = read.contains("response") ? read["response"] : read;
    ASSERT_TRUE(holder.contains("usage")) << reduced.substr(0, 300);
    EXPECT_EQ(holder["usage"], usage);
    if (row.contains("data") && row["data"].size() == 2) {
      EXPECT_EQ(read["data"].size(), 2U) << "pictures are counted";
    }
  }
}

TEST(Reducer, WhateverComesItHoldsLittle) {
  std::mt19937 random(7);
  constexpr std::string_view k_bytes = "{}[]\",:\\u0d8 \nabc-1.e";
  for (int round = 0; round < 50; ++round) {
    std::string text;
    for (int i = 0; i < 20'000; ++i) text.push_back(k_bytes[random() % k_bytes.size()]);
    EXPECT_LE(reduce(text, random, 500).size(), text.size() * 5);
  }
  Reducer reducer;
  for (int i = 0; i < 1000; ++i) reducer.push(std::string(10'000, '['));
  EXPECT_LT(reducer.text().size(), 1000U);
}

}  // namespace
}  // namespace cr::json

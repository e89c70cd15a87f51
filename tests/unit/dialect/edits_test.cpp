// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "dialect/request_scan.h"

namespace cr::dialect {
namespace {

RequestScan scan(std::string_view body, Endpoint endpoint = Endpoint::chat_completions) {
  RequestScanner scanner;
  auto found = scanner.scan(endpoint, body);
  EXPECT_TRUE(found) << body;
  return found ? *found : RequestScan{};
}

Rewrite usage_asked() {
  Rewrite rewrite;
  rewrite.ask_for_usage = true;
  return rewrite;
}
Rewrite bound(std::int64_t value, std::string_view field = "max_tokens") {
  Rewrite rewrite;
  rewrite.output_bound = value;
  rewrite.bound_field = field;
  return rewrite;
}
Rewrite model(std::string name) {
  Rewrite rewrite;
  rewrite.model = std::move(name);
  return rewrite;
}
Rewrite all(std::string name, std::int64_t value) {
  Rewrite rewrite = bound(value);
  rewrite.model = std::move(name);
  rewrite.ask_for_usage = true;
  return rewrite;
}

struct Row {
  std::string_view body;
  Rewrite rewrite;
  std::string_view expected;
};

TEST(Edits, SpliceWithoutTouchingAnotherByte) {
  for (const Row& row : {
           Row{R"({"model":"a"})", Rewrite{}, R"({"model":"a"})"},
           Row{R"({"model":"a"})", model("a"), R"({"model":"a"})"},
           Row{R"({ "x" : 1 , "model" : "a" } )", model("b/c"), R"({ "x" : 1 , "model" : "b/c" } )"},
           Row{R"({"model":"a"})", model("q\"\\\n\x01\xc3\xa9"), "{\"model\":\"q\\\"\\\\\\n\\u0001\xc3\xa9\"}"},
           Row{R"({"mod\u0065l":"a"})", model("b"), R"({"mod\u0065l":"b"})"},
           Row{R"({"model":"a"})", bound(9), R"({"max_tokens":9,"model":"a"})"},
           Row{R"({  "model":"a"})", bound(9, "max_output_tokens"), R"({"max_output_tokens":9,  "model":"a"})"},
           Row{R"({"model":"a","max_tokens":100})", bound(9, "max_completion_tokens"),
               R"({"model":"a","max_tokens":9})"},
           Row{R"({"max_tokens":1,"model":"a","max_completion_tokens": 1000 })", bound(20),
               R"({"max_tokens":20,"model":"a","max_completion_tokens": 20 })"},
           Row{R"({"max_tokens":null,"model":"a"})", bound(9), R"({"max_tokens":9,"model":"a"})"},
           Row{R"({"max_completion_tokens":null,"model":"a"})", bound(9),
               R"({"max_tokens":9,"max_completion_tokens":null,"model":"a"})"},
           Row{R"({"max_completion_tokens":5,"max_tokens":null,"model":"a"})", bound(3),
               R"({"max_completion_tokens":3,"max_tokens":null,"model":"a"})"},
           Row{R"({"model":"a"})", usage_asked(), R"({"stream_options":{"include_usage":true},"model":"a"})"},
           Row{R"({"model":"a","stream_options":{}})", usage_asked(),
               R"({"model":"a","stream_options":{"include_usage":true}})"},
           Row{R"({"model":"a","stream_options": { } })", usage_asked(),
               R"({"model":"a","stream_options": {"include_usage":true} })"},
           Row{R"({"model":"a","stream_options":null})", usage_asked(),
               R"({"model":"a","stream_options":{"include_usage":true}})"},
           Row{R"({"model":"a","stream_options":{"x":1}})", usage_asked(),
               R"({"model":"a","stream_options":{"include_usage":true,"x":1}})"},
           Row{R"({"model":"a","stream_options":{"include_usage": false }})", usage_asked(),
               R"({"model":"a","stream_options":{"include_usage": true }})"},
           Row{R"({"model":"a","stream_options":{"include_usage":null,"x":1}})", usage_asked(),
               R"({"model":"a","stream_options":{"include_usage":true,"x":1}})"},
           Row{R"({"model":"a","stream_options":{"include_usage":true}})", usage_asked(),
               R"({"model":"a","stream_options":{"include_usage":true}})"},
           Row{R"({"model":"a","stream":true})", all("b", 16),
               R"({"max_tokens":16,"stream_options":{"include_usage":true},"model":"b","stream":true})"},
           Row{R"({"stream_options":{"x":0},"max_tokens":7,"model":"a"})", all("b", 16),
               R"({"stream_options":{"include_usage":true,"x":0},"max_tokens":16,"model":"b"})"},
       }) {
    const auto edits = plan_edits(scan(row.body), row.rewrite);
    const std::string edited = apply_edits(row.body, edits);
    EXPECT_EQ(edited, row.expected) << row.body;
    EXPECT_EQ(edited_size(row.body, edits), edited.size());
    for (std::size_t i = 1; i < edits.size(); ++i) EXPECT_LE(edits[i - 1].place.end, edits[i].place.begin);
  }
}

// Whatever is spliced, the result passes the scanner again and says what was asked.
TEST(Edits, TheResultScansToWhatWasAsked) {
  const std::string_view members[] = {
      R"("model":"a")",
      R"("stream":true)",
      R"("max_tokens":5)",
      R"("max_completion_tokens":null)",
      R"("stream_options":{"include_usage":false,"y":[]})",
      R"("messages":[{"role":"user","content":"{\"model\":\"z\"}"}])",
  };
  constexpr unsigned k_sets = 1u << std::size(members);
  for (unsigned set = 1; set < k_sets; set += 2) {  // the model always
    std::string body;
    for (unsigned i = 0; i < std::size(members); ++i) {
      if ((set >> i & 1) != 0) body += (body.empty() ? "{" : ", ") + std::string(members[i]);
    }
    body += "}";
    const std::string edited = apply_edits(body, plan_edits(scan(body), all("b", 16)));
    const RequestScan again = scan(edited);
    EXPECT_EQ(again.model, "b") << edited;
    EXPECT_EQ(again.output_bound, 16) << edited;
    EXPECT_EQ(again.include_usage, true) << edited;
    EXPECT_TRUE(plan_edits(again, all("b", 16)).size() <= 1) << edited;

    auto expected = nlohmann::json::parse(body);
    auto got = nlohmann::json::parse(edited);
    for (const char* key : {"model", "max_tokens", "stream_options"}) {
      expected.erase(key);
      got.erase(key);
    }
    EXPECT_EQ(got, expected) << edited;
  }
}

struct LeftOutRow {
  std::string_view body, expected;
};

TEST(Edits, MembersAreLeftOutWithOneOfTheirCommas) {
  constexpr std::array<std::string_view, 2> k_names{"x", "stream_options"};
  for (const auto& row : {
           LeftOutRow{R"({"model":"a"})", R"({"model":"a"})"},
           LeftOutRow{R"({"model":"a","x":[1,{"x":2}]})", R"({"model":"a"})"},
           LeftOutRow{R"({ "x" : 1 , "model" : "a" })", R"({ "model" : "a" })"},
           LeftOutRow{R"({"model":"a" , "x":1 , "n":1})", R"({"model":"a" , "n":1})"},
           LeftOutRow{R"({"x":1,"stream_options":{},"model":"a"})", R"({"model":"a"})"},
           LeftOutRow{R"({"model":"a","x":1,"stream_options":{}})", R"({"model":"a"})"},
           LeftOutRow{R"({"x":1,"model":"a","stream_options":null,"y":{"x":1}})", R"({"model":"a","y":{"x":1}})"},
           LeftOutRow{R"({"\u0078":1,"model":"a"})", R"({"model":"a"})"},
       }) {
    std::vector<Edit> edits;
    leave_out(row.body, k_names, edits);
    EXPECT_EQ(apply_edits(row.body, edits), row.expected);
    EXPECT_EQ(edited_size(row.body, edits), row.expected.size());
  }
}

TEST(Edits, WhatIsLeftOutIsNotEditedAndTheRestIs) {
  constexpr std::array<std::string_view, 2> k_names{"x", "stream_options"};
  constexpr std::string_view k_body =
      R"({"x":1,"stream":true,"model":"a","stream_options":{"include_usage":false},"max_tokens":50})";
  auto edits = plan_edits(scan(k_body), all("b", 20));
  leave_out(k_body, k_names, edits);
  EXPECT_EQ(apply_edits(k_body, edits), R"({"stream":true,"model":"b","max_tokens":20})");

  constexpr std::string_view k_first = R"({"x":1,"stream":true,"model":"a"})";
  edits = plan_edits(scan(k_first), all("b", 20));
  leave_out(k_first, std::span(k_names).first(1), edits);
  EXPECT_EQ(apply_edits(k_first, edits),
            R"({"max_tokens":20,"stream_options":{"include_usage":true},"stream":true,"model":"b"})");
}

}  // namespace
}  // namespace cr::dialect

// SPDX-License-Identifier: MIT
// What refusals teach of what crd wrote, and who gets to know of it.
#include "relay/request/learnt_edits.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace cr::relay::request {
namespace {

constexpr std::string_view k_no_usage =
    R"({"object":"error","message":{"detail":[{"type":"extra_forbidden","loc":["body","stream_options"],"msg":"Extra inputs are not permitted"}]}})";
constexpr std::string_view k_use_other =
    R"({"error":{"message":"Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.","param":"max_tokens","code":"unsupported_parameter"}})";
constexpr std::string_view k_not_the_other =
    R"({"object":"error","message":{"detail":[{"type":"extra_forbidden","loc":["body","max_completion_tokens"],"msg":"Extra inputs are not permitted","input":16384}]}})";
constexpr std::string_view k_too_large =
    R"({"error":{"message":"max_tokens is too large: 16384. This model supports at most 4096 completion tokens, whereas you provided 16384.","param":"max_tokens"}})";
constexpr std::string_view k_context =
    R"({"error":{"message":"This model's maximum context length is 8192 tokens. However, you requested 16500 tokens (116 in the messages, 16384 in the completion)."}})";
constexpr std::string_view k_too_long =
    R"({"error":{"message":"This model's maximum context length is 8192 tokens. However, you requested 26384 tokens (10000 in the messages, 16384 in the completion)."}})";

struct Row {
  std::string_view name;
  int status;
  std::string_view body;
  WrittenMembers written;
  LearntEdit known;
  bool of_ours;
  std::optional<LearntEdit> edit;
  bool remember = true;
};

TEST(LearntEdits, a_refusal_teaches_what_it_says_of_what_crd_wrote) {
  const WrittenMembers usage{true, {}, 0}, bound{false, "max_tokens", 16384},
      other{false, "max_completion_tokens", 16384}, response{false, "max_output_tokens", 16384};
  const LearntEdit half{false, {}, 8192};
  const std::vector<Row> rows = {
      {"stream_options", 422, k_no_usage, usage, {}, true, LearntEdit{true, {}, {}}},
      {"the client's own stream_options", 422, k_no_usage, bound, {}, false, {}},
      {"another status", 500, k_no_usage, usage, {}, false, {}},
      {"the other member", 400, k_use_other, bound, {}, true, LearntEdit{false, "max_completion_tokens", {}}},
      {"and back", 422, k_not_the_other, other, {}, true, LearntEdit{false, "max_tokens", {}}},
      {"not again", 400, k_use_other, bound, {false, "max_tokens", {}}, true, {}},
      {"the client's own bound", 400, k_use_other, {}, {}, false, {}},
      {"too large", 400, k_too_large, bound, {}, true, LearntEdit{false, {}, 4096}},
      {"too large for this input", 400, k_context, bound, {}, true, LearntEdit{false, {}, 8192 - 116}, false},
      {"what was known stays", 400, k_too_large, bound, {true, {}, {}}, true, LearntEdit{true, {}, 4096}},
      {"no number: half", 400, R"({"error":"max_output_tokens is bad"})", response, {}, true, half, false},
      {"a number too small to be one",
       400,
       R"({"error":"max_output_tokens must be at least 16"})",
       response,
       {},
       true,
       half,
       false},
      {"no half that is too little", 400, R"({"error":"max_tokens is bad"})", {false, "max_tokens", 511}, {}, true, {}},
      {"unknown by either name", 422, k_not_the_other, other, {false, "max_completion_tokens", {}}, true, {}},
      {"too long by itself", 400, k_too_long, bound, {}, false, {}},
      {"of something else", 400, R"({"error":{"param":"temperature"}})", bound, {}, false, {}},
  };
  for (const auto& row : rows) {
    const auto lesson = learn_from(row.status, row.body, row.written, row.known);
    EXPECT_EQ(lesson.of_ours, row.of_ours) << row.name;
    EXPECT_EQ(lesson.edit, row.edit) << row.name;
    if (lesson.edit) {
      EXPECT_EQ(lesson.remember, row.remember) << row.name;
    }
  }
}

TEST(LearntEdits, are_of_one_channel_revision_and_model) {
  LearntEdits edits;
  const LearntEdit edit{true, "max_tokens", 4096};
  EXPECT_EQ(edits.find({1}, 1, "m"), LearntEdit{});
  edits.learn({1}, 1, "m", edit);
  EXPECT_EQ(edits.find({1}, 1, "m"), edit);
  EXPECT_EQ(edits.find({1}, 2, "m"), LearntEdit{}) << "edited since";
  EXPECT_EQ(edits.find({2}, 1, "m"), LearntEdit{});
  EXPECT_EQ(edits.find({1}, 1, "n"), LearntEdit{});
}

TEST(LearntEdits, are_bounded) {
  LearntEdits edits;
  for (int i = 0; i < 10'000; ++i) edits.learn({1}, 1, "m" + std::to_string(i), {true, {}, {}});
  EXPECT_EQ(edits.find({1}, 1, "m0"), LearntEdit{});
  EXPECT_TRUE(edits.find({1}, 1, "m9999").no_usage);
}

}  // namespace
}  // namespace cr::relay::request

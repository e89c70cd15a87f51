// SPDX-License-Identifier: MIT
// Rows named D are those of the list of faults and bad inputs.
#include "dialect/request_scan.h"

#include <gtest/gtest.h>

namespace cr::dialect {
namespace {

RefusalOr<RequestScan> scan(std::string_view body, Endpoint endpoint = Endpoint::chat_completions) {
  static RequestScanner scanner;
  return scanner.scan(endpoint, body);
}

std::string with(std::string_view members) {
  return R"({"model":"m",)" + std::string(members) + R"(,"messages":[]})";
}

struct Refused {
  std::string_view row;
  std::string body;
  RefusalCode code;
  std::string_view param = "";
};

std::string bytes(std::string_view text) {
  return std::string(text);
}

std::vector<Refused> refused_json() {
  using enum RefusalCode;
  std::string utf16;
  for (const char byte : std::string_view(R"({"model":"m"})")) utf16 += {byte, '\0'};
  std::string utf32;
  for (const char byte : std::string_view(R"({"model":"m"})")) utf32 += {byte, '\0', '\0', '\0'};
  std::string nested(100'000, '[');
  std::string depth65 = R"({"model":"m","a":)" + std::string(64, '[') + std::string(64, ']') + "}";
  return {
      {"B6", depth65, invalid_json},
      {"D9 line comment", "// c\n" + with(R"("a":1)"), invalid_json},
      {"D9 block comment", with(R"("a":/* c */1)"), invalid_json},
      {"D9 trailing comma", R"({"model":"m",})", invalid_json},
      {"D9 trailing comma in array", with(R"("a":[1,])"), invalid_json},
      {"D9 NaN", with(R"("temperature":NaN)"), invalid_json},
      {"D9 Infinity", with(R"("temperature":Infinity)"), invalid_json},
      {"D9 -Infinity", with(R"("temperature":-Infinity)"), invalid_json},
      {"D9 single quotes", "{'model':'m'}", invalid_json},
      {"D9 BOM", "\xef\xbb\xbf" + with(R"("a":1)"), invalid_json},
      {"D9 bare key", R"({model:"m"})", invalid_json},
      {"D9 control byte in a string", "{\"model\":\"m\n\"}", invalid_json},
      {"D10 second document", R"({"model":"m"}{"model":"x"})", invalid_json},
      {"D10 NUL behind", bytes({"{\"model\":\"m\"}\0", 14}), invalid_json},
      {"D10 garbage behind", R"({"model":"m"} x)", invalid_json},
      {"D11 stray continuation", "{\"model\":\"m\x80\"}", invalid_json},
      {"D11 overlong slash", "{\"model\":\"m\",\"a\":\"\xc0\xaf\"}", invalid_json},
      {"D11 overlong NUL", "{\"model\":\"m\",\"a\":\"\xc0\x80\"}", invalid_json},
      {"D11 encoded surrogate", "{\"model\":\"m\",\"a\":\"\xed\xa0\x80\"}", invalid_json},
      {"D11 above U+10FFFF", "{\"model\":\"m\",\"a\":\"\xf4\x90\x80\x80\"}", invalid_json},
      {"D11 cut sequence", "{\"model\":\"m\",\"a\":\"\xe2\x82\"}", invalid_json},
      {"D11 lone high surrogate", with(R"("a":"\ud800")"), invalid_json},
      {"D11 lone low surrogate", with(R"("a":"\udc00")"), invalid_json},
      {"D11 two high surrogates", with(R"("a":"\ud800\ud800")"), invalid_json},
      {"D11 lone surrogate in the model", R"({"model":"\ud800"})", invalid_json},
      {"D11 lone surrogate in a key", with(R"("\udfff":1)"), invalid_json},
      {"D12 UTF-16", utf16, invalid_json},
      {"D12 UTF-16 with BOM", "\xff\xfe" + utf16, invalid_json},
      {"D12 UTF-32", utf32, invalid_json},
      {"D17 empty body", "", invalid_json},
      {"D17 blanks", " \n", invalid_json},
      {"D17 array", "[]", invalid_json},
      {"D17 null", "null", invalid_json},
      {"D17 string", R"("x")", invalid_json},
      {"D17 number", "1", invalid_json},
      {"D18", nested, invalid_json},
      {"D18 in a member", R"({"model":"m","messages":)" + nested, invalid_json},
      {"cut", R"({"model":"m)", invalid_json},
      // Not JSON comes before everything else.
      {"order", R"({"model":1,"model":2,"api_key":3)", invalid_json},
  };
}

std::vector<Refused> refused_keys() {
  using enum RefusalCode;
  return {
      {"D1 first", R"({"model":"cheap","model":"dear"})", duplicate_key, "model"},
      {"D1 around others", R"({"model":"dear","messages":[],"model":"cheap"})", duplicate_key, "model"},
      {"D1 equal", R"({"model":"m","model":"m"})", duplicate_key, "model"},
      {"D1 by escape", R"({"model":"cheap","mod\u0065l":"dear"})", duplicate_key, "model"},
      {"D1 by escape first", R"({"\u006dodel":"cheap","model":"dear"})", duplicate_key, "model"},
      {"D2", with(R"("user":"a","user":"b")"), duplicate_key},
      {"D2 empty key", with(R"("":1,"":2)"), duplicate_key},
      {"D2 messages", R"({"model":"m","messages":[],"messages":[]})", duplicate_key, "messages"},
      {"D2 max_tokens", with(R"("max_tokens":1,"max_tokens":1000000)"), duplicate_key, "max_tokens"},
      {"D2 nulls", with(R"("n":null,"n":null)"), duplicate_key, "n"},
      {"D2 include_usage", with(R"("stream_options":{"include_usage":true,"include_usage":false})"), duplicate_key,
       "include_usage"},
      {"D2 include_usage by escape", with(R"("stream_options":{"include_usage":true,"include\u005fusage":false})"),
       duplicate_key, "include_usage"},
      {"D3 Model", R"({"model":"m","Model":"x"})", duplicate_key, "model"},
      {"D3 Model alone", R"({"Model":"x"})", duplicate_key, "model"},
      {"D3 MODEL", R"({"MODEL":"x","model":"m"})", duplicate_key, "model"},
      {"D3 MODEL by escape", R"({"\u004dodel":"x","model":"m"})", duplicate_key, "model"},
      {"D3 long s", with("\"\xc5\xbftream\":true"), duplicate_key, "stream"},
      {"D3 long s by escape", with(R"("\u017ftream":true)"), duplicate_key, "stream"},
      {"D3 long s inside",
       with("\"me\xc5\xbf\xc5\xbf"
            "ages\":[]"),
       duplicate_key, "messages"},
      {"D3 Kelvin",
       with("\"max_to\xe2\x84\xaa"
            "ens\":1"),
       duplicate_key, "max_tokens"},
      {"D3 Kelvin by escape", with(R"("max_to\u212aens":1)"), duplicate_key, "max_tokens"},
      {"D3 Kelvin and long s",
       with("\"MAX_TO\xe2\x84\xaa"
            "EN\xc5\xbf\":1"),
       duplicate_key, "max_tokens"},
      {"D3 N", with(R"("N":100)"), duplicate_key, "n"},
      {"D3 Best_of", with(R"("Best_of":100)"), duplicate_key, "best_of"},
      {"D3 Tools", with(R"("Tools":[])"), duplicate_key, "tools"},
      {"D3 Stream_Options", with(R"("Stream_Options":{})"), duplicate_key, "stream_options"},
      {"D3 max_Completion_tokens", with(R"("max_Completion_tokens":1)"), duplicate_key, "max_completion_tokens"},
      {"D3 MAX_OUTPUT_TOKENS", with(R"("MAX_OUTPUT_TOKENS":1)"), duplicate_key, "max_output_tokens"},
      {"D3 Include_Usage", with(R"("stream_options":{"Include_Usage":false})"), duplicate_key, "include_usage"},
      {"D3 of a redirecting key", with(R"("API_BASE":"x")"), duplicate_key, "api_base"},
      {"D8 api_base", with(R"("api_base":"https://evil.test")"), invalid_value, "api_base"},
      {"D8 base_url", with(R"("base_url":"https://evil.test")"), invalid_value, "base_url"},
      {"D8 api_key", with(R"("api_key":null)"), invalid_value, "api_key"},
      {"D8 extra_headers", with(R"("extra_headers":{"a":"b"})"), invalid_value, "extra_headers"},
      {"D8 by escape", with(R"("api\u005fkey":"x")"), invalid_value, "api_key"},
  };
}

std::vector<Refused> refused_values() {
  using enum RefusalCode;
  return {
      {"D6 missing", R"({"messages":[]})", invalid_value, "model"},
      {"D6 missing in {}", "{}", invalid_value, "model"},
      {"D6 null", R"({"model":null})", invalid_value, "model"},
      {"D6 number", R"({"model":1})", invalid_value, "model"},
      {"D6 array", R"({"model":["m"]})", invalid_value, "model"},
      {"D6 object", R"({"model":{"a":"m"}})", invalid_value, "model"},
      {"D6 true", R"({"model":true})", invalid_value, "model"},
      {"D6 empty", R"({"model":""})", invalid_value, "model"},
      {"D6 257 bytes", R"({"model":")" + std::string(257, 'm') + R"("})", invalid_value, "model"},
      {"D6 129 two-byte characters",
       R"({"model":")" +
           [] {
             std::string name;
             for (int i = 0; i < 129; ++i) name += "\\u00e9";
             return name;
           }() +
           R"("})",
       invalid_value, "model"},
      {"D13 1e400", with(R"("max_tokens":1e400)"), invalid_value, "max_tokens"},
      {"D13 -1", with(R"("max_tokens":-1)"), invalid_value, "max_tokens"},
      {"D13 -0", with(R"("max_tokens":-0)"), invalid_value, "max_tokens"},
      {"D13 1.5", with(R"("max_tokens":1.5)"), invalid_value, "max_tokens"},
      {"D13 1.0", with(R"("max_tokens":1.0)"), invalid_value, "max_tokens"},
      {"D13 1e2", with(R"("max_tokens":1e2)"), invalid_value, "max_tokens"},
      {"D13 2^31", with(R"("max_tokens":2147483648)"), invalid_value, "max_tokens"},
      {"D13 2^63", with(R"("max_tokens":9223372036854775808)"), invalid_value, "max_tokens"},
      {"D13 2^64+1", with(R"("max_tokens":18446744073709551617)"), invalid_value, "max_tokens"},
      {"D13 string", with(R"("max_tokens":"100")"), invalid_value, "max_tokens"},
      {"D13 true", with(R"("max_tokens":true)"), invalid_value, "max_tokens"},
      {"D13 array", with(R"("max_tokens":[1])"), invalid_value, "max_tokens"},
      {"D13 object", with(R"("max_tokens":{})"), invalid_value, "max_tokens"},
      {"D13 the other bound", with(R"("max_completion_tokens":-5)"), invalid_value, "max_completion_tokens"},
      {"D14 \"true\"", with(R"("stream":"true")"), invalid_value, "stream"},
      {"D14 1", with(R"("stream":1)"), invalid_value, "stream"},
      {"D14 object", with(R"("stream":{})"), invalid_value, "stream"},
      {"stream_options array", with(R"("stream_options":[])"), invalid_value, "stream_options"},
      {"stream_options true", with(R"("stream_options":true)"), invalid_value, "stream_options"},
      {"include_usage 1", with(R"("stream_options":{"include_usage":1})"), invalid_value,
       "stream_options.include_usage"},
      {"include_usage \"\"", with(R"("stream_options":{"include_usage":""})"), invalid_value,
       "stream_options.include_usage"},
      {"n 0", with(R"("n":0)"), invalid_value, "n"},
      {"n 129", with(R"("n":129)"), invalid_value, "n"},
      {"n -1", with(R"("n":-1)"), invalid_value, "n"},
      {"n \"2\"", with(R"("n":"2")"), invalid_value, "n"},
      {"n 1.5", with(R"("n":1.5)"), invalid_value, "n"},
      {"best_of 200", with(R"("best_of":200)"), invalid_value, "best_of"},
  };
}

class RequestScanRefuses : public testing::TestWithParam<Refused> {};

TEST_P(RequestScanRefuses, TheRow) {
  const Refused& row = GetParam();
  const auto found = scan(row.body);
  ASSERT_FALSE(found) << row.row;
  EXPECT_EQ(found.error().code, row.code) << row.row << ": " << found.error().message;
  EXPECT_EQ(found.error().param, row.param) << row.row;
  EXPECT_FALSE(found.error().message.empty());
  EXPECT_EQ(row_of(found.error().code).status, 400);
  EXPECT_FALSE(row_of(found.error().code).retry);
  for (const std::string_view foreign : {"evil", "cheap", "dear", "100000", "\"user\""}) {
    EXPECT_EQ(found.error().message.find(foreign), std::string::npos) << found.error().message;
  }
}

std::string name_of_row(const testing::TestParamInfo<Refused>& info) {
  std::string name = "r" + std::to_string(info.index) + "_";
  for (const char byte : info.param.row) name += std::isalnum(static_cast<unsigned char>(byte)) != 0 ? byte : '_';
  return name;
}

INSTANTIATE_TEST_SUITE_P(Json, RequestScanRefuses, testing::ValuesIn(refused_json()), name_of_row);
INSTANTIATE_TEST_SUITE_P(Keys, RequestScanRefuses, testing::ValuesIn(refused_keys()), name_of_row);
INSTANTIATE_TEST_SUITE_P(Values, RequestScanRefuses, testing::ValuesIn(refused_values()), name_of_row);

TEST(RequestScan, FindsWhatThereIs) {
  const std::string body =
      R"({ "model" : "gpt-4o", "stream":true,"max_tokens": 77 ,"stream_options":{"include_usage":false},"n":3,)"
      R"("messages":[{"role":"system","content":"s"},{"role":"user","content":"u"}]})";
  const auto found = scan(body);
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->model, "gpt-4o");
  EXPECT_TRUE(found->stream);
  EXPECT_EQ(found->include_usage, false);
  EXPECT_EQ(found->output_bound, 77);
  EXPECT_EQ(found->choices, 3);
  EXPECT_EQ(found->messages, 2);
  EXPECT_FALSE(found->unbounded_media);
  EXPECT_EQ(found->bound_field, "max_tokens");
  EXPECT_EQ(found->first_member, 1u);
  const auto text = [&body](Span span) { return body.substr(span.begin, span.end - span.begin); };
  EXPECT_EQ(text(*found->model_value), R"("gpt-4o")");
  EXPECT_EQ(text(found->bound_value.value()), "77");
  EXPECT_EQ(text(found->stream_options_value.value()), R"({"include_usage":false})");
  EXPECT_EQ(text(found->include_usage_value.value()), "false");
}

TEST(RequestScan, NullIsAsIfAbsent) {
  const auto found = scan(with(R"("stream":null,"max_tokens":null,"n":null,"stream_options":null,"echo":null)"));
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_FALSE(found->stream);
  EXPECT_EQ(found->output_bound, std::nullopt);
  EXPECT_EQ(found->bound_value, std::nullopt);
  EXPECT_EQ(found->null_bounds.size(), 1u);
  EXPECT_EQ(found->choices, 1);
  EXPECT_EQ(found->stream_options, StreamOptions::null);
  const auto inner = scan(with(R"("stream_options":{"include_usage":null})"));
  ASSERT_TRUE(inner);
  EXPECT_EQ(inner->include_usage, std::nullopt);
  EXPECT_TRUE(inner->include_usage_value);
}

// An upstream obeys one of the two and nobody knows which: only the larger is a bound.
TEST(RequestScan, OfTwoBoundsTheLargerHolds) {
  for (const auto& [members, field, other] :
       {std::tuple(R"("max_tokens":10,"max_completion_tokens":20)", "max_completion_tokens", "10"),
        std::tuple(R"("max_completion_tokens":10,"max_tokens":20)", "max_tokens", "10"),
        std::tuple(R"("max_completion_tokens":20,"max_tokens":20)", "max_tokens", "20")}) {
    const std::string body = with(members);
    const auto found = scan(body);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->output_bound, 20) << members;
    EXPECT_EQ(found->bound_field, field) << members;
    ASSERT_EQ(found->other_bound_values.size(), 1u);
    const Span place = found->other_bound_values.front();
    EXPECT_EQ(body.substr(place.begin, place.end - place.begin), other);
  }
}

struct BoundRow {
  Endpoint endpoint;
  std::string_view members;
  std::optional<std::int64_t> bound;
};

TEST(RequestScan, EachEndpointHasItsOwnBounds) {
  constexpr std::int64_t k_most = 2147483647;
  for (const BoundRow& row : {
           BoundRow{Endpoint::chat_completions, R"("max_tokens":5)", 5},
           BoundRow{Endpoint::chat_completions, R"("max_completion_tokens":2147483647)", k_most},
           BoundRow{Endpoint::chat_completions, R"("max_output_tokens":5)", std::nullopt},
           BoundRow{Endpoint::completions, R"("max_tokens":5)", 5},
           BoundRow{Endpoint::completions, R"("max_tokens":0,"echo":true)", 0},
           BoundRow{Endpoint::completions, R"("max_completion_tokens":5)", std::nullopt},
           BoundRow{Endpoint::responses, R"("max_output_tokens":5)", 5},
           BoundRow{Endpoint::responses, R"("max_tokens":5)", std::nullopt},
           BoundRow{Endpoint::messages, R"("max_tokens":1)", 1},
           BoundRow{Endpoint::messages, R"("max_tokens":0)", 0},
           BoundRow{Endpoint::messages, R"("max_output_tokens":5)", std::nullopt},
           BoundRow{Endpoint::embeddings, R"("max_tokens":5)", std::nullopt},
       }) {
    const auto found = scan(R"({"model":"m",)" + std::string(row.members) + "}", row.endpoint);
    ASSERT_TRUE(found) << row.members << found.error().message;
    EXPECT_EQ(found->output_bound, row.bound) << name_of(row.endpoint) << row.members;
  }
}

struct ModelRow {
  std::string_view written;
  std::string meant;
};

// D4, D5: the name reaches the comparison as it was meant, byte for byte; nothing is trimmed, folded or normalised.
TEST(RequestScan, D4TakesTheModelAsItIs) {
  for (const ModelRow& row : {
           ModelRow{R"("gpt-4o ")", "gpt-4o "},
           ModelRow{R"("gpt-4o\u0000")", std::string("gpt-4o\0", 7)},
           ModelRow{R"("gpt\u200b-4o")", "gpt\xe2\x80\x8b-4o"},
           ModelRow{"\"\xef\xbd\x87pt-4o\"", "\xef\xbd\x87pt-4o"},
           ModelRow{"\"g\xd1\x80t-4o\"", "g\xd1\x80t-4o"},
           ModelRow{R"("\u202egpt-4o")", "\xe2\x80\xaegpt-4o"},
           ModelRow{R"("GPT-4O")", "GPT-4O"},
           ModelRow{R"("gpt\u002d4o")", "gpt-4o"},
           ModelRow{R"("a\/b")", "a/b"},
           ModelRow{R"("\ud83d\ude00")", "\xf0\x9f\x98\x80"},
       }) {
    const auto found = scan(R"({"model":)" + std::string(row.written) + "}");
    ASSERT_TRUE(found) << row.written;
    EXPECT_EQ(found->model, row.meant);
  }
  EXPECT_TRUE(scan(R"({"model":")" + std::string(256, 'm') + R"("})"));
}

TEST(RequestScan, D19LeavesForeignKeysAlone) {
  EXPECT_TRUE(scan(with(R"("__proto__":{"model":"x"},"constructor":{"prototype":{}})")));
  EXPECT_TRUE(scan(with(R"("User":"a","user":"b")")));             // no key of ours
  EXPECT_TRUE(scan(with(R"("metadata":{"Model":1,"Model":2})")));  // not at the top level
  EXPECT_TRUE(scan(with(R"("modelo":1,"mode":2,"streams":3)")));
  EXPECT_TRUE(scan(with("\"\xc4\xb1nput\":1")));  // dotless i folds to itself in the decoders meant
  EXPECT_TRUE(scan(with(R"("seed":123456789012345678901234567890,"x":1e400)")));
}

TEST(RequestScan, BoundsTheNumberOfMembers) {
  std::string body = R"({"model":"m")";
  for (int i = 0; i < 1023; ++i) body += ",\"k" + std::to_string(i) + "\":0";
  EXPECT_TRUE(scan(body + "}"));
  const auto more = scan(body + R"(,"one_more":0})");
  ASSERT_FALSE(more);
  EXPECT_EQ(more.error().code, RefusalCode::invalid_value);
}

struct ChoiceRow {
  Endpoint endpoint;
  std::string_view members;
  std::int64_t choices;
  std::int64_t messages;
};

TEST(RequestScan, CountsChoices) {
  for (const ChoiceRow& row : {
           ChoiceRow{Endpoint::chat_completions, R"("n":5)", 5, 0},
           ChoiceRow{Endpoint::chat_completions, R"("n":2,"best_of":7)", 7, 0},
           ChoiceRow{Endpoint::completions, R"("prompt":"a")", 1, 1},
           ChoiceRow{Endpoint::completions, R"("prompt":["a","b","c"])", 3, 3},
           ChoiceRow{Endpoint::completions, R"("prompt":["a","b","c"],"n":2,"best_of":4)", 12, 3},
           ChoiceRow{Endpoint::completions, R"("n":4,"prompt":[[1,2],[3]])", 8, 2},
           ChoiceRow{Endpoint::completions, R"("prompt":[1,2,3,4],"n":2)", 2, 1},
           ChoiceRow{Endpoint::completions, R"("prompt":[])", 1, 0},
           ChoiceRow{Endpoint::completions, R"("prompt":null)", 1, 0},
           ChoiceRow{Endpoint::completions, R"("best_of":3)", 3, 0},
           ChoiceRow{Endpoint::completions, R"("best_of":0)", 1, 0},
           ChoiceRow{Endpoint::embeddings, R"("input":["a","b"])", 1, 2},
           ChoiceRow{Endpoint::embeddings, R"("input":[1,2,3])", 1, 1},
           ChoiceRow{Endpoint::embeddings, R"("input":"a","n":50)", 1, 1},
           ChoiceRow{Endpoint::responses, R"("input":"hi","n":9)", 1, 1},
           ChoiceRow{Endpoint::responses, R"("input":[{"role":"user","content":"a"},{"role":"user","content":"b"}])", 1,
                     2},
           ChoiceRow{Endpoint::messages, R"("system":"s","messages":[{"role":"user","content":"a"}])", 1, 2},
       }) {
    const auto found = scan(R"({"model":"m",)" + std::string(row.members) + "}", row.endpoint);
    ASSERT_TRUE(found) << row.members << found.error().message;
    EXPECT_EQ(found->choices, row.choices) << row.members;
    EXPECT_EQ(found->messages, row.messages) << row.members;
  }
}

TEST(RequestScan, MeasuresAnEchoedPrompt) {
  const auto found = scan(R"({"model":"m","prompt":"12345","echo":true})", Endpoint::completions);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->echoed_prompt, 7);
  EXPECT_EQ(scan(R"({"model":"m","prompt":"12345","echo":false})", Endpoint::completions)->echoed_prompt, 0);
  const auto wrong = scan(R"({"model":"m","prompt":"12345","echo":"yes"})", Endpoint::completions);
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().param, "echo");
}

// --- responses that their provider keeps ---

TEST(RequestScan, WhatAResponseGoesOnFromAndWhetherItIsKept) {
  struct Row {
    std::string_view members;
    std::string_view previous;
    bool stored, background;
  };
  for (const Row& row :
       {Row{R"("input":"x")", "", true, false}, Row{R"("previous_response_id":"resp_1")", "resp_1", true, false},
        Row{R"("previous_response_id":null,"store":null,"background":null)", "", true, false},
        Row{R"("store":false)", "", false, false}, Row{R"("store":true)", "", true, false},
        Row{R"("background":true)", "", true, true}}) {
    const auto got = scan(R"({"model":"m",)" + std::string(row.members) + "}", Endpoint::responses);
    ASSERT_TRUE(got) << row.members << ": " << got.error().message;
    EXPECT_EQ(got->previous_response, row.previous) << row.members;
    EXPECT_EQ(got->stored, row.stored) << row.members;
    EXPECT_EQ(got->background, row.background) << row.members;
  }
  const auto elsewhere = scan(with(R"("previous_response_id":7,"store":"yes","background":1)"));
  ASSERT_TRUE(elsewhere) << "of no meaning at another endpoint";
  EXPECT_FALSE(elsewhere->stored);
}

TEST(RequestScan, AWrongPreviousResponseIsNamed) {
  const std::string longest(257, 'a');
  for (const std::string& value : {std::string("7"), std::string("{}"), std::string("\"\""), std::string("\"a b\""),
                                   std::string("\"..\""), std::string("\"\\u0061\""), "\"" + longest + "\""}) {
    const auto got = scan(R"({"model":"m","previous_response_id":)" + value + "}", Endpoint::responses);
    ASSERT_FALSE(got) << value;
    EXPECT_EQ(got.error().code, RefusalCode::invalid_value) << value;
    EXPECT_EQ(got.error().param, "previous_response_id");
  }
  for (const auto* name : {"store", "background"}) {
    const auto got = scan(R"({"model":"m",")" + std::string(name) + R"(":"yes"})", Endpoint::responses);
    ASSERT_FALSE(got) << name;
    EXPECT_EQ(got.error().param, name);
  }
}

}  // namespace
}  // namespace cr::dialect

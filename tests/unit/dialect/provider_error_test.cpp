// SPDX-License-Identifier: MIT
// Bodies of errors as providers send them, and what is read out of them.
#include "dialect/provider_error.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace cr::dialect {
namespace {

struct Row {
  std::string_view name, body;
  bool out_of_credit = false, short_of_credit = false, blames_content = false, blames_key = false;
};

const std::vector<Row>& rows() {
  static const std::vector<Row> k_rows = {
      {"Anthropic, no credit",
       R"({"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits."}})",
       true},
      {"OpenAI, no quota",
       R"({"error":{"message":"You exceeded your current quota, please check your plan and billing details.","type":"insufficient_quota","param":null,"code":"insufficient_quota"}})",
       true},
      {"DeepSeek",
       R"({"error":{"message":"Insufficient Balance","type":"unknown_error","code":"invalid_request_error"}})", true},
      {"OpenRouter, no credit", R"({"error":{"message":"Insufficient credits. Add more using ...","code":402}})", true},
      {"OpenRouter, too little for this",
       R"({"error":{"message":"This request requires more credits, or fewer max_tokens. You requested up to 32000 tokens, but can only afford 27342.","code":402}})",
       false, true},
      {"OpenRouter, moderation",
       R"({"error":{"code":403,"message":"openai/gpt-5 requires moderation on OpenRouter. Your input was flagged for \"violence\""}})",
       false, false, true},
      {"Azure, content filter",
       R"({"error":{"message":"The response was filtered due to the prompt triggering Azure OpenAI's content management policy.","code":"content_filter","innererror":{"code":"ResponsibleAIPolicyViolation"}}})",
       false, false, true},
      {"a flagged account is no content", R"({"error":{"message":"Your account has been flagged for abuse."}})", false,
       false, false, true},
      {"OpenAI, missing rights",
       R"({"error":{"message":"You have insufficient permissions for this operation. Missing scopes: model.request"}})",
       false, false, false, true},
      {"OpenAI, region",
       R"({"error":{"code":"unsupported_country_region_territory","message":"Country, region, or territory not supported"}})",
       false, false, false, true},
      {"OpenAI, a rate",
       R"({"error":{"message":"Request too large for gpt-4o on tokens per min (TPM): Limit 30000, Requested 48212.","type":"tokens","code":"rate_limit_exceeded"}})"},
      {"nothing", ""},
      {"a page", "<html><body>Bad gateway</body></html>"},
  };
  return k_rows;
}

TEST(ProviderError, says_whose_fault_it_was) {
  for (const auto& row : rows()) {
    const auto error = read_provider_error(row.body);
    EXPECT_EQ(error.out_of_credit, row.out_of_credit) << row.name;
    EXPECT_EQ(error.short_of_credit, row.short_of_credit) << row.name;
    EXPECT_EQ(error.blames_content, row.blames_content) << row.name;
    EXPECT_EQ(error.blames_key, row.blames_key) << row.name;
    EXPECT_EQ(error.has_message, row.body.starts_with("{")) << row.name;
  }
}

TEST(ProviderError, is_read_in_any_case_and_of_a_bounded_part) {
  EXPECT_TRUE(read_provider_error("INSUFFICIENT_QUOTA").out_of_credit);
  EXPECT_TRUE(read_provider_error(R"({"message":"\u4f59\u989d\u4e0d\u8db3"})").out_of_credit) << "escaped";
  EXPECT_FALSE(read_provider_error(R"(a broken escape: \u4f5)").out_of_credit);
  EXPECT_FALSE(read_provider_error("ends with \\").out_of_credit);
  EXPECT_FALSE(read_provider_error(std::string(k_error_bytes_max, ' ') + "insufficient_quota").out_of_credit);
}

struct MemberRow {
  std::string_view name, body, member, other;
  std::int64_t written = 0;
  MemberRefusal expected;
};

TEST(ProviderError, names_the_member_it_refuses) {
  const std::vector<MemberRow> all = {
      {"Mistral, an unknown one",
       R"({"object":"error","message":{"detail":[{"type":"extra_forbidden","loc":["body","stream_options","include_usage"],"msg":"Extra inputs are not permitted","input":true}]},"type":"invalid_request_error"})",
       "stream_options",
       "",
       0,
       {true, false, true, {}, false}},
      {"Azure's gpt-5",
       R"({"error":{"message":"Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.","type":"invalid_request_error","param":"max_tokens","code":"unsupported_parameter"}})",
       "max_tokens",
       "max_completion_tokens",
       16384,
       {true, true, true, {}, false}},
      {"Mistral, the other bound",
       R"({"object":"error","message":{"detail":[{"type":"extra_forbidden","loc":["body","max_completion_tokens"],"msg":"Extra inputs are not permitted","input":32000}]}})",
       "max_completion_tokens",
       "max_tokens",
       32000,
       {true, false, true, {}, false}},
      {"OpenAI, a number",
       R"({"error":{"message":"max_tokens is too large: 32000. This model supports at most 16384 completion tokens, whereas you provided 32000.","param":"max_tokens"}})",
       "max_tokens",
       "max_completion_tokens",
       32000,
       {true, false, false, 16384, false}},
      {"Anthropic, a number",
       R"({"type":"error","error":{"message":"max_tokens: 128001 > 64000, which is the maximum allowed number of output tokens for claude-opus-4-5-20251101"},"request_id":"req_011CXxg3eqF8ZMvqtkKHNjKQ"})",
       "max_tokens",
       "",
       128001,
       {true, false, false, 64000, false}},
      {"Volcengine, a number",
       R"({"error":{"code":"InvalidParameter","message":"The parameter `max_completion_tokens` specified in the request are not valid: integer above maximum value, expected a value <= 12288, but got 32000 instead. Request id: 0217752964393142fa50af54af66c5cfb922304bfd59ea286af93"}})",
       "max_completion_tokens",
       "max_tokens",
       32000,
       {true, false, false, 12288, false}},
      {"DeepSeek, a range",
       R"({"error":{"message":"Invalid max_tokens value, the valid range of max_tokens is [1, 8192]"}})",
       "max_tokens",
       "max_completion_tokens",
       16384,
       {true, false, false, 8192, false}},
      {"vLLM, by what is left of the context",
       R"({"message":"'max_tokens' or 'max_completion_tokens' is too large: 64000. This model's maximum context length is 64001 tokens and your request has 24235 input tokens (64000 > 64001 - 24235)."})",
       "max_tokens",
       "max_completion_tokens",
       64000,
       {true, false, false, 64001 - 24235, true}},
      {"OpenAI, by what is left of the context",
       R"({"error":{"message":"This model's maximum context length is 8192 tokens. However, you requested 8256 tokens (64 in the messages, 8192 in the completion). Please reduce the length of the messages or completion.","param":"messages","code":"context_length_exceeded"}})",
       "max_tokens",
       "max_completion_tokens",
       8192,
       {true, false, false, 8128, true}},
      {"a prompt that is too long by itself",
       R"({"error":{"message":"This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens."}})",
       "max_tokens",
       "max_completion_tokens",
       4096,
       {}},
      {"Vertex, a range",
       R"([{"error":{"code":400,"message":"Unable to submit request because it has a maxOutputTokens value of 1000000 but the supported range is from 1 (inclusive) to 65537 (exclusive)."}}])",
       "max_tokens",
       "max_completion_tokens",
       1'000'000,
       {true, false, false, 65536, false}},
      {"OpenAI, with functions",
       R"({"error":{"message":"This model's maximum context length is 8192 tokens. However, you requested 8213 tokens (6683 in the messages, 730 in the functions, and 800 in the completion)."}})",
       "max_tokens",
       "max_completion_tokens",
       800,
       {true, false, false, 8192 - 6683 - 730, true}},
      {"OpenRouter, with tools",
       R"({"error":{"message":"This endpoint's maximum context length is 32768 tokens. However, you requested about 33168 tokens (245 of text input, 155 of tool input, 32768 in the output).","code":400}})",
       "max_tokens",
       "max_completion_tokens",
       32768,
       {true, false, false, 32768 - 400, true}},
      {"SGLang, of both",
       R"({"message":"Requested token count exceeds the model's maximum context length of 16384 tokens. You requested a total of 17964 tokens: 1580 tokens from the input messages and 16384 tokens for the completion."})",
       "max_tokens",
       "max_completion_tokens",
       16384,
       {true, false, false, 16384 - 1580, true}},
      {"TGI, of both",
       R"({"error":"Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 25 `inputs` tokens and 4096 `max_new_tokens`"})",
       "max_tokens",
       "max_completion_tokens",
       4096,
       {true, false, false, 4096 - 25, true}},
      {"vLLM, by an input that it has not counted",
       R"({"error":{"message":"This model's maximum context length is 8000 tokens. However, you requested 8000 output tokens and your prompt contains at least 1 input tokens, for a total of at least 8001 tokens."}})",
       "max_tokens",
       "max_completion_tokens",
       8000,
       {true, false, false, 4000, true}},
      {"Moonshot, of both",
       R"x({"error":{"message":"Invalid request: Your request exceeded model token limit: 8192 (requested: 8230)"}})x",
       "max_tokens",
       "max_completion_tokens",
       8192,
       {true, false, false, 8192 - 38, true}},
      {"Anthropic, of both",
       R"({"error":{"message":"input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000, decrease input length or `max_tokens` and try again"}})",
       "max_tokens",
       "",
       20000,
       {true, false, false, 10000, true}},
      {"Groq, of both, without a number",
       R"({"error":{"message":"Please reduce the length of the messages or completion.","code":"context_length_exceeded"}})",
       "max_tokens",
       "max_completion_tokens",
       16384,
       {true, false, false, 8192, true}},
      {"a prompt that is too long beside its bound",
       R"({"error":{"message":"input length and `max_tokens` exceed context limit: 210000 + 20000 > 200000"}})",
       "max_tokens",
       "",
       20000,
       {}},
      {"Bedrock, in words",
       R"({"error":{"message":"The maximum tokens you requested exceeds the model limit of 2048. Try again with a maximum tokens value that is lower than 2048."}})",
       "max_tokens",
       "max_completion_tokens",
       16384,
       {true, false, false, 2048, false}},
      {"less than a number",
       R"({"error":{"message":"invalid params, max_tokens must be less than 8001"}})",
       "max_tokens",
       "max_completion_tokens",
       16384,
       {true, false, false, 8000, false}},
      {"codes, and no number",
       R"({"error":{"code":"1210","message":"max_tokens"},"status": 400,"statusCode":422,"error_code":1300})",
       "max_tokens",
       "max_completion_tokens",
       16384,
       {true, false, false, {}, false}},
      {"escaped, behind a line's end",
       R"({"message":"1 validation error\nmax_tokens\n  Input should be less than or equal to 8000"})",
       "max_tokens",
       "max_completion_tokens",
       16384,
       {true, false, false, 8000, false}},
      {"escaped twice",
       R"({"metadata":{"raw":"{\"message\":\"Bad request:\\nmax_tokens must be at most 8000\u3002\"}"}})",
       "max_tokens",
       "max_completion_tokens",
       16384,
       {true, false, false, 8000, false}},
      {"of something else",
       R"({"error":{"message":"temperature: must be below 2","param":"temperature"}})",
       "max_tokens",
       "",
       100,
       {}},
      {"a longer name", R"({"error":{"param":"max_tokens_per_doc"}})", "max_tokens", "", 100, {}},
  };
  for (const auto& row : all) {
    const auto found = find_member_refusal(row.body, row.member, row.other, row.written);
    EXPECT_EQ(found.names, row.expected.names) << row.name;
    EXPECT_EQ(found.use_other, row.expected.use_other) << row.name;
    EXPECT_EQ(found.is_unknown, row.expected.is_unknown) << row.name;
    EXPECT_EQ(found.most, row.expected.most) << row.name;
    EXPECT_EQ(found.by_context, row.expected.by_context) << row.name;
  }
}

}  // namespace
}  // namespace cr::dialect

// SPDX-License-Identifier: MIT
#include "dialect/refusal.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace cr::dialect {
namespace {

using nlohmann::json;

struct Row {
  RefusalCode code;
  int status;
  std::string_view name;
  bool retry;
};

// The decision table of /v1.
constexpr Row k_rows[] = {
    {RefusalCode::invalid_api_key, 401, "invalid_api_key", false},
    {RefusalCode::token_disabled, 401, "token_disabled", false},
    {RefusalCode::token_expired, 401, "token_expired", false},
    {RefusalCode::token_not_yet_valid, 401, "token_not_yet_valid", false},
    {RefusalCode::account_disabled, 401, "account_disabled", false},
    {RefusalCode::ip_not_allowed, 403, "ip_not_allowed", false},
    {RefusalCode::rate_limit_exceeded, 429, "rate_limit_exceeded", true},
    {RefusalCode::concurrency_limit_exceeded, 429, "concurrency_limit_exceeded", true},
    {RefusalCode::too_many_refusals, 429, "too_many_refusals", true},
    {RefusalCode::invalid_json, 400, "invalid_json", false},
    {RefusalCode::bad_framing, 400, "bad_request", false},
    {RefusalCode::invalid_multipart, 400, "invalid_multipart", false},
    {RefusalCode::invalid_encoding, 400, "invalid_encoding", false},
    {RefusalCode::duplicate_key, 400, "duplicate_key", false},
    {RefusalCode::invalid_value, 400, "invalid_value", false},
    {RefusalCode::conflicting_credentials, 400, "conflicting_credentials", false},
    {RefusalCode::body_too_large, 413, "body_too_large", false},
    {RefusalCode::body_timeout, 408, "body_timeout", true},
    {RefusalCode::unsupported_media_type, 415, "unsupported_media_type", false},
    {RefusalCode::unsupported_encoding, 415, "unsupported_encoding", false},
    {RefusalCode::method_not_allowed, 405, "method_not_allowed", false},
    {RefusalCode::unknown_endpoint, 404, "unknown_endpoint", false},
    {RefusalCode::origin_not_allowed, 403, "origin_not_allowed", false},
    {RefusalCode::upgrade_required, 426, "upgrade_required", false},
    {RefusalCode::model_not_allowed, 403, "model_not_allowed", false},
    {RefusalCode::model_not_found, 404, "model_not_found", false},
    {RefusalCode::model_not_priced, 403, "model_not_priced", false},
    {RefusalCode::response_not_found, 404, "response_not_found", false},
    {RefusalCode::previous_response_not_found, 400, "previous_response_not_found", false},
    {RefusalCode::insufficient_quota, 429, "insufficient_quota", false},
    {RefusalCode::budget_exceeded, 429, "budget_exceeded", false},
    {RefusalCode::credit_reserved, 429, "credit_reserved", true},
    {RefusalCode::upstream_unreachable, 502, "upstream_unreachable", true},
    {RefusalCode::upstream_timeout, 504, "upstream_timeout", true},
    {RefusalCode::upstream_invalid, 502, "upstream_invalid", true},
    {RefusalCode::upstream_auth, 502, "upstream_auth", false},
    {RefusalCode::overloaded, 503, "overloaded", true},
    {RefusalCode::unavailable, 503, "unavailable", true},
    {RefusalCode::internal_error, 500, "internal_error", true},
};
static_assert(std::size(k_rows) == static_cast<std::size_t>(RefusalCode::internal_error) + 1);

TEST(Refusal, TheDecisionTable) {
  for (const Row& row : k_rows) {
    const RefusalRow& found = row_of(row.code);
    EXPECT_EQ(found.code, row.code);
    EXPECT_EQ(found.status, row.status) << row.name;
    EXPECT_EQ(found.name, row.name);
    EXPECT_EQ(found.retry, row.retry) << row.name;
    EXPECT_FALSE(found.openai_type.empty());
    EXPECT_FALSE(found.anthropic_type.empty());
  }
}

TEST(Refusal, BodyInBothDialects) {
  const Refusal refusal{RefusalCode::insufficient_quota, "the quota \"q\"\n is used up", "model", {}};
  const auto openai = json::parse(error_body(refusal, Dialect::openai, "req_1"));
  EXPECT_EQ(openai, json::parse(R"({"error":{"message":"the quota \"q\"\n is used up","type":"insufficient_quota",
                                   "param":"model","code":"insufficient_quota"}})"));
  const auto anthropic = json::parse(error_body(refusal, Dialect::anthropic, "req_1"));
  EXPECT_EQ(anthropic, json::parse(R"({"type":"error","error":{"type":"rate_limit_error",
                                      "message":"the quota \"q\"\n is used up","code":"insufficient_quota"},
                                      "request_id":"req_1"})"));
}

TEST(Refusal, NoParamIsNull) {
  const auto body = json::parse(error_body({RefusalCode::internal_error, "m", "", {}}, Dialect::openai, "req_1"));
  EXPECT_TRUE(body["error"]["param"].is_null());
  const auto method = json::parse(error_body({RefusalCode::method_not_allowed, "m", "GET", {}}, Dialect::openai, "r"));
  EXPECT_TRUE(method["error"]["param"].is_null()) << "what is allowed is told in a header";
}

TEST(Refusal, StaysJsonWhateverTheText) {
  std::string text = "\xff\xc3(\xe2\x82";
  for (int byte = 0; byte < 0x80; ++byte) text += static_cast<char>(byte);
  for (const Dialect dialect : {Dialect::openai, Dialect::anthropic}) {
    const std::string body = error_body({RefusalCode::invalid_value, text, text, {}}, dialect, text);
    EXPECT_TRUE(json::accept(body)) << body;
    EXPECT_EQ(body.find_first_of(std::string("\n\r\0", 3)), std::string::npos);
  }
}

TEST(Refusal, EventForARunningStream) {
  const Refusal refusal{RefusalCode::upstream_timeout, "m", "", {}};
  EXPECT_EQ(error_event(refusal, Dialect::openai, "req_1"),
            "data: " + error_body(refusal, Dialect::openai, "req_1") + "\n\n");
  EXPECT_EQ(error_event(refusal, Dialect::anthropic, "req_1"),
            "event: error\ndata: " + error_body(refusal, Dialect::anthropic, "req_1") + "\n\n");
}

}  // namespace
}  // namespace cr::dialect

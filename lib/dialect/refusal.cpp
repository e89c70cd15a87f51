// SPDX-License-Identifier: MIT
#include "dialect/refusal.h"

#include <array>

#include "json/text.h"

namespace cr::dialect {
namespace {

constexpr std::size_t k_row_count = static_cast<std::size_t>(RefusalCode::internal_error) + 1;

// clang-format off
constexpr std::array<RefusalRow, k_row_count> k_rows = {{
    {RefusalCode::invalid_api_key,            401, "invalid_api_key",            "authentication_error",  "authentication_error",  false},
    {RefusalCode::token_disabled,             401, "token_disabled",             "authentication_error",  "authentication_error",  false},
    {RefusalCode::token_expired,              401, "token_expired",              "authentication_error",  "authentication_error",  false},
    {RefusalCode::token_not_yet_valid,        401, "token_not_yet_valid",        "authentication_error",  "authentication_error",  false},
    {RefusalCode::account_disabled,           401, "account_disabled",           "authentication_error",  "authentication_error",  false},
    {RefusalCode::ip_not_allowed,             403, "ip_not_allowed",             "permission_error",      "permission_error",      false},
    {RefusalCode::rate_limit_exceeded,        429, "rate_limit_exceeded",        "rate_limit_error",      "rate_limit_error",      true},
    {RefusalCode::concurrency_limit_exceeded, 429, "concurrency_limit_exceeded", "rate_limit_error",      "rate_limit_error",      true},
    {RefusalCode::too_many_refusals,          429, "too_many_refusals",          "rate_limit_error",      "rate_limit_error",      true},
    {RefusalCode::bad_framing,                400, "bad_request",                "invalid_request_error", "invalid_request_error", false},
    {RefusalCode::invalid_json,               400, "invalid_json",               "invalid_request_error", "invalid_request_error", false},
    {RefusalCode::invalid_multipart,          400, "invalid_multipart",          "invalid_request_error", "invalid_request_error", false},
    {RefusalCode::invalid_encoding,           400, "invalid_encoding",           "invalid_request_error", "invalid_request_error", false},
    {RefusalCode::duplicate_key,              400, "duplicate_key",              "invalid_request_error", "invalid_request_error", false},
    {RefusalCode::invalid_value,              400, "invalid_value",              "invalid_request_error", "invalid_request_error", false},
    {RefusalCode::conflicting_credentials,    400, "conflicting_credentials",    "invalid_request_error", "invalid_request_error", false},
    {RefusalCode::body_too_large,             413, "body_too_large",             "invalid_request_error", "request_too_large",     false},
    {RefusalCode::body_timeout,               408, "body_timeout",               "invalid_request_error", "invalid_request_error", true},
    {RefusalCode::unsupported_media_type,     415, "unsupported_media_type",     "invalid_request_error", "invalid_request_error", false},
    {RefusalCode::unsupported_encoding,       415, "unsupported_encoding",       "invalid_request_error", "invalid_request_error", false},
    {RefusalCode::method_not_allowed,         405, "method_not_allowed",         "invalid_request_error", "invalid_request_error", false},
    {RefusalCode::unknown_endpoint,           404, "unknown_endpoint",           "invalid_request_error", "not_found_error",       false},
    {RefusalCode::origin_not_allowed,         403, "origin_not_allowed",         "permission_error",      "permission_error",      false},
    {RefusalCode::upgrade_required,           426, "upgrade_required",           "invalid_request_error", "invalid_request_error", false},
    {RefusalCode::model_not_allowed,          403, "model_not_allowed",          "permission_error",      "permission_error",      false},
    {RefusalCode::model_not_found,            404, "model_not_found",            "invalid_request_error", "not_found_error",       false},
    {RefusalCode::model_not_priced,           403, "model_not_priced",           "permission_error",      "permission_error",      false},
    {RefusalCode::response_not_found,         404, "response_not_found",         "invalid_request_error", "not_found_error",       false},
    {RefusalCode::previous_response_not_found, 400, "previous_response_not_found", "invalid_request_error", "not_found_error",     false},
    {RefusalCode::insufficient_quota,         429, "insufficient_quota",         "insufficient_quota",    "rate_limit_error",      false},
    {RefusalCode::budget_exceeded,            429, "budget_exceeded",            "insufficient_quota",    "rate_limit_error",      false},
    {RefusalCode::credit_reserved,            429, "credit_reserved",            "rate_limit_error",      "rate_limit_error",      true},
    {RefusalCode::upstream_unreachable,       502, "upstream_unreachable",       "upstream_error",        "api_error",             true},
    {RefusalCode::upstream_timeout,           504, "upstream_timeout",           "upstream_error",        "api_error",             true},
    {RefusalCode::upstream_invalid,           502, "upstream_invalid",           "upstream_error",        "api_error",             true},
    {RefusalCode::upstream_auth,              502, "upstream_auth",              "upstream_error",        "api_error",             false},
    {RefusalCode::overloaded,                 503, "overloaded",                 "server_error",          "overloaded_error",      true},
    {RefusalCode::unavailable,                503, "unavailable",                "server_error",          "overloaded_error",      true},
    {RefusalCode::internal_error,             500, "internal_error",             "server_error",          "api_error",             true},
}};
// clang-format on

constexpr bool is_in_order() {
  for (std::size_t i = 0; i < k_rows.size(); ++i) {
    if (k_rows[i].code != static_cast<RefusalCode>(i)) return false;
  }
  return true;
}
static_assert(is_in_order(), "a row of the decision table is not where its code says");

}  // namespace

const RefusalRow& row_of(RefusalCode code) {
  return k_rows[static_cast<std::size_t>(code)];
}

std::string error_body(const Refusal& refusal, Dialect dialect, std::string_view request_id) {
  const RefusalRow& row = row_of(refusal.code);
  std::string out;
  const auto member = [&out](std::string_view before, std::string_view value) {
    out += before;
    json::append_json_string(out, value);
  };
  if (dialect == Dialect::anthropic) {
    member(R"({"type":"error","error":{"type":)", row.anthropic_type);
    member(R"(,"message":)", refusal.message);
    member(R"(,"code":)", row.name);
    member(R"(},"request_id":)", request_id);
    out += "}";
    return out;
  }
  member(R"({"error":{"message":)", refusal.message);
  member(R"(,"type":)", row.openai_type);
  if (refusal.param.empty() || refusal.code == RefusalCode::method_not_allowed) {
    out += R"(,"param":null)";
  } else {
    member(R"(,"param":)", refusal.param);
  }
  member(R"(,"code":)", row.name);
  out += "}}";
  return out;
}

std::string failed_response_event(const Refusal& refusal, const FailedResponse& response) {
  std::string out = "event: response.failed\ndata: {\"type\":\"response.failed\",\"sequence_number\":";
  out += std::to_string(response.sequence_number);
  out += ",\"response\":{\"id\":";
  json::append_json_string(out, response.id);
  out += ",\"object\":\"response\",\"created_at\":" + std::to_string(response.created_at);
  out += ",\"status\":\"failed\",\"error\":{\"code\":\"server_error\",\"message\":";
  json::append_json_string(out, refusal.message);
  out += "},\"incomplete_details\":null,\"model\":";
  json::append_json_string(out, response.model);
  out += ",\"output\":[],\"usage\":null}}\n\n";
  return out;
}

std::string error_event(const Refusal& refusal, Dialect dialect, std::string_view request_id) {
  const std::string_view before = dialect == Dialect::anthropic ? "event: error\ndata: " : "data: ";
  return std::string(before) + error_body(refusal, dialect, request_id) + "\n\n";
}

}  // namespace cr::dialect

// SPDX-License-Identifier: MIT
// Refusal: one row of the decision table of /v1, and its body in both dialects. The only place where a refusal becomes
// a status. Pure; any thread.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "dialect/endpoint.h"

namespace cr::dialect {

enum class RefusalCode {
  invalid_api_key,
  token_disabled,
  token_expired,
  token_not_yet_valid,
  account_disabled,
  ip_not_allowed,
  rate_limit_exceeded,
  concurrency_limit_exceeded,
  too_many_refusals,  // 429: so many requests of the token were refused that no more are looked into for a moment
  bad_framing,        // a body whose end cannot be told, or that ends before it: 400 bad_request
  invalid_json,
  invalid_multipart,
  invalid_encoding,  // a body that is not of its Content-Encoding, or cut short: 400
  duplicate_key,
  invalid_value,
  conflicting_credentials,  // two known keys that differ, or lines of one field: 400
  body_too_large,           // 413
  body_timeout,             // 408
  unsupported_media_type,   // 415
  unsupported_encoding,     // 415
  method_not_allowed,       // 405
  unknown_endpoint,         // 404
  origin_not_allowed,       // 403: to a browser that asks for a page
  upgrade_required,         // 426: a WebSocket, which clients give up for plain requests when told so
  model_not_allowed,
  model_not_found,
  model_not_priced,
  response_not_found,           // 404: none of this token's
  previous_response_not_found,  // 400
  insufficient_quota,
  budget_exceeded,
  credit_reserved,  // 429: enough is left, but running requests have reserved it
  upstream_unreachable,
  upstream_timeout,
  upstream_invalid,
  upstream_auth,
  overloaded,
  unavailable,
  internal_error,
};

// `retry_after` of what is over in a moment: something has to end, or the next second to begin.
inline constexpr std::chrono::seconds k_retry_soon{1};

struct Refusal {
  RefusalCode code = RefusalCode::internal_error;
  std::string message;  // one sentence, the setting to change in it; never a key, nothing of the body reflected
  std::string param;    // "model", "max_tokens"; may be empty (null in the body); of a method_not_allowed: for Allow
  std::optional<std::chrono::seconds> retry_after;
  bool no_retry = false;  // whatever its row says: another try may be charged once more
};

template <class T>
using RefusalOr = tl::expected<T, Refusal>;

struct RefusalRow {
  RefusalCode code;
  int status;
  std::string_view name;            // error.code
  std::string_view openai_type;     // "invalid_request_error", "authentication_error", "insufficient_quota", ...
  std::string_view anthropic_type;  // "invalid_request_error", "authentication_error", "permission_error",
                                    // "not_found_error", "rate_limit_error", "api_error", "overloaded_error"
  bool retry;                       // false: x-should-retry: false is sent
};
const RefusalRow& row_of(RefusalCode code);
// It says how often requests come, and nothing of what they ask.
constexpr bool is_by_rate(RefusalCode code) {
  return code == RefusalCode::rate_limit_exceeded || code == RefusalCode::concurrency_limit_exceeded ||
         code == RefusalCode::too_many_refusals;
}

// {"error":{"message","type","param","code"}} or {"type":"error","error":{"type","message","code"},"request_id"}.
std::string error_body(const Refusal& refusal, Dialect dialect, std::string_view request_id);
// Of a stream of a response: the event by which OpenAI's tells that it failed (platform.openai.com/docs/api-reference/
// responses-streaming/response/failed); its clients know no other error.
struct FailedResponse {
  std::string_view id, model;  // as the provider named them; empty: it did not
  std::int64_t created_at = 0, sequence_number = 0;
};
std::string failed_response_event(const Refusal& refusal, const FailedResponse& response);
// error_body() as one SSE event, for a stream that has begun.
std::string error_event(const Refusal& refusal, Dialect dialect, std::string_view request_id);

}  // namespace cr::dialect

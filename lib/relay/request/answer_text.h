// SPDX-License-Identifier: MIT
// The heads and bodies of answers to clients, as text. Pure; worker thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "dialect/refusal.h"
#include "http/message/head.h"
#include "relay/policy/settings.h"
#include "relay/request/passed_fields.h"
#include "relay/routing/rate_limiter.h"

namespace cr::relay::request {

enum class Persistence { keep_alive, close };

// What every answer to one request has in common, whatever becomes of it.
struct AnswerFor {
  std::string_view request_id;
  dialect::Dialect dialect = dialect::Dialect::openai;
  bool head_only = false;           // HEAD: the head of what GET would get, and nothing behind it (RFC 9110, 9.3.2)
  bool varies = false;              // by Origin
  std::string_view allow_origin{};  // whose pages may read it; empty: nobody asked, or is not allowed
};
// Points into `head`.
AnswerFor answer_for(const http::message::RequestHead& head, dialect::Dialect dialect, std::string_view request_id,
                     const policy::Settings& settings);

struct AnswerHead {
  int status = 200;
  std::string_view content_type = "application/json";
  std::optional<std::uint64_t> content_length;  // none: chunked, or until close
  bool chunked = false;
  AnswerFor to;
  Persistence persistence = Persistence::keep_alive;
  std::optional<std::int64_t> output_limit;               // x-crd-output-limit
  std::optional<std::int64_t> retry_after;                // seconds
  std::optional<std::string_view> retry_after_text;       // as an upstream wrote it
  std::string_view retry_after_ms;                        // likewise
  std::optional<bool> should_retry;                       // x-should-retry
  bool authenticate = false;                              // WWW-Authenticate: Bearer
  std::string_view allow;                                 // Allow, with 405
  std::string_view accept_encoding;                       // Accept-Encoding, with a 415 for a body's coding
  const routing::RateStatus* rates = nullptr;             // x-ratelimit-*
  const AnswerFields* passed = nullptr;                   // of the provider's answer
  const http::message::RequestHead* preflight = nullptr;  // what a browser asked for in it
};
void append_head(std::string& out, const AnswerHead& head);

// A whole refusal, head and body.
std::string refusal_text(const dialect::Refusal& refusal, const AnswerFor& to, Persistence persistence,
                         const routing::RateStatus* rates = nullptr);
// A whole JSON answer of crd's own.
std::string json_text(int status, std::string_view body, const AnswerFor& to, Persistence persistence);

// The whole answer to a preflight whose origin is allowed (relay/policy/cors.h).
std::string preflight_text(const http::message::RequestHead& head, const AnswerFor& to, Persistence persistence);

// The error body's dialect for a path, before an endpoint is known: Anthropic's for /v1/messages and what is under it.
dialect::Dialect dialect_of_path(std::string_view path);

}  // namespace cr::relay::request

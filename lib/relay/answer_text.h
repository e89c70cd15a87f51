// SPDX-License-Identifier: MIT
// The heads and bodies of answers to clients, as text. Pure; worker thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "http/head.h"
#include "openai/refusal.h"
#include "relay/rate_book.h"

namespace cr::relay {

enum class Persistence { keep_alive, close };

struct AnswerHead {
  int status = 200;
  std::string_view content_type = "application/json";
  std::optional<std::uint64_t> content_length;  // none: chunked, or until close
  bool chunked = false;
  std::string_view request_id;
  Persistence persistence = Persistence::keep_alive;
  std::optional<std::int64_t> output_limit;          // x-crd-output-limit
  std::optional<std::int64_t> retry_after;           // seconds
  std::optional<std::string_view> retry_after_text;  // as an upstream wrote it
  std::optional<bool> should_retry;                  // x-should-retry
  bool authenticate = false;                         // WWW-Authenticate: Bearer
  std::string_view allow;                            // Allow, with 405
  std::string_view accept_encoding;                  // Accept-Encoding, with a 415 for a body's coding
  const RateStatus* rates = nullptr;                 // x-ratelimit-*
};
void append_head(std::string& out, const AnswerHead& head);

// A whole refusal, head and body.
std::string refusal_text(const openai::Refusal& refusal, openai::Dialect dialect, std::string_view request_id,
                         Persistence persistence, const RateStatus* rates = nullptr);
// A whole JSON answer of crd's own.
std::string json_text(int status, std::string_view body, std::string_view request_id, Persistence persistence);

// The error body's dialect for a path, before an endpoint is known: Anthropic's for /v1/messages and what is under it.
openai::Dialect dialect_of_path(std::string_view path);

}  // namespace cr::relay

// SPDX-License-Identifier: MIT
#include "relay/answer_text.h"

#include "base/clock.h"
#include "coding/content_coding.h"
#include "http/head_writer.h"
#include "relay/cors.h"

namespace cr::relay {

namespace {

// As OpenAI names them: platform.openai.com/docs/guides/rate-limits.
void append_rates(http::HeadWriter& writer, const RateStatus& rates) {
  if (rates.limit_requests) {
    writer.field("x-ratelimit-limit-requests", static_cast<std::uint64_t>(*rates.limit_requests));
    writer.field("x-ratelimit-remaining-requests", static_cast<std::uint64_t>(rates.remaining_requests));
    writer.field("x-ratelimit-reset-requests", reset_text(rates.reset_requests));
  }
  if (rates.limit_tokens) {
    writer.field("x-ratelimit-limit-tokens", static_cast<std::uint64_t>(*rates.limit_tokens));
    writer.field("x-ratelimit-remaining-tokens", static_cast<std::uint64_t>(rates.remaining_tokens));
    writer.field("x-ratelimit-reset-tokens", reset_text(rates.reset_tokens));
  }
}

}  // namespace

AnswerFor answer_for(const http::RequestHead& head, openai::Dialect dialect, std::string_view request_id,
                     const Settings& settings) {
  const auto& origins = settings.cors_origins;
  return {request_id, dialect, head.method == http::Method::head, !origins.empty(), find_allowed_origin(origins, head)};
}

void append_head(std::string& out, const AnswerHead& head) {
  http::HeadWriter writer(out);
  writer.status_line(head.status);
  writer.field("date", http::http_date(base::wall_now()));
  // What has no body has no framing of one (RFC 9110, 8.6; RFC 9112, 6.1), and no type.
  if (http::has_body(http::Method::get, head.status)) {
    if (!head.content_type.empty()) writer.field("content-type", head.content_type);
    if (head.content_length) writer.field("content-length", *head.content_length);
    if (head.chunked) writer.field("transfer-encoding", "chunked");
  }
  writer.field("x-request-id", head.to.request_id);
  // Where Anthropic's SDKs look for it.
  if (head.to.dialect == openai::Dialect::anthropic) writer.field("request-id", head.to.request_id);
  if (head.output_limit) writer.field("x-crd-output-limit", static_cast<std::uint64_t>(*head.output_limit));
  if (head.retry_after) writer.field("retry-after", static_cast<std::uint64_t>(*head.retry_after));
  if (head.retry_after_text) writer.field("retry-after", *head.retry_after_text);
  if (!head.retry_after_ms.empty()) writer.field("retry-after-ms", head.retry_after_ms);
  if (head.should_retry) writer.field("x-should-retry", *head.should_retry ? "true" : "false");
  if (head.authenticate) writer.field("www-authenticate", "Bearer");
  if (!head.allow.empty()) writer.field("allow", head.allow);
  if (!head.accept_encoding.empty()) writer.field("accept-encoding", head.accept_encoding);
  if (head.rates != nullptr) append_rates(writer, *head.rates);
  if (head.passed != nullptr) {
    out.append(head.passed->lines);
    if (head.rates == nullptr) out.append(head.passed->rates);
    if (!head.passed->request_id.empty()) writer.field("x-upstream-request-id", head.passed->request_id);
  }
  if (head.to.varies) writer.field("vary", "Origin");
  if (!head.to.allow_origin.empty()) append_origin_fields(writer, head.to.allow_origin);
  if (head.preflight != nullptr) append_preflight_fields(writer, *head.preflight);
  if (head.persistence == Persistence::close) writer.field("connection", "close");
  writer.end();
}

std::string refusal_text(const openai::Refusal& refusal, const AnswerFor& to, Persistence persistence,
                         const RateStatus* rates) {
  const auto& row = openai::row_of(refusal.code);
  const auto body = openai::error_body(refusal, to.dialect, to.request_id);
  AnswerHead head;
  head.status = row.status;
  head.content_length = body.size();
  head.to = to;
  head.persistence = persistence;
  head.rates = rates;
  if (refusal.retry_after) head.retry_after = refusal.retry_after->count();
  if (!row.retry) head.should_retry = false;
  head.authenticate = row.status == 401;
  if (row.status == 405) head.allow = refusal.param;
  if (refusal.code == openai::RefusalCode::unsupported_encoding) head.accept_encoding = coding::k_accepted_codings;
  std::string out;
  append_head(out, head);
  if (!to.head_only) out += body;
  return out;
}

std::string json_text(int status, std::string_view body, const AnswerFor& to, Persistence persistence) {
  AnswerHead head;
  head.status = status;
  head.content_length = body.size();
  head.to = to;
  head.persistence = persistence;
  std::string out;
  append_head(out, head);
  if (!to.head_only) out += body;
  return out;
}

std::string preflight_text(const http::RequestHead& head, const AnswerFor& to, Persistence persistence) {
  AnswerHead answer;
  answer.status = 204;
  answer.content_type = {};
  answer.to = to;
  answer.persistence = persistence;
  answer.preflight = &head;
  std::string out;
  append_head(out, answer);
  return out;
}

openai::Dialect dialect_of_path(std::string_view path) {
  return path.starts_with("/v1/messages") ? openai::Dialect::anthropic : openai::Dialect::openai;
}

}  // namespace cr::relay

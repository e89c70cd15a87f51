// SPDX-License-Identifier: MIT
#include "relay/request/answer_text.h"

#include "base/clock.h"
#include "http/coding/content_coding.h"
#include "http/message/head_writer.h"
#include "relay/policy/cors.h"

namespace cr::relay::request {

namespace {

// As OpenAI names them: platform.openai.com/docs/guides/rate-limits.
void append_rates(http::message::HeadWriter& writer, const routing::RateStatus& rates) {
  if (rates.limit_requests) {
    writer.field("x-ratelimit-limit-requests", static_cast<std::uint64_t>(*rates.limit_requests));
    writer.field("x-ratelimit-remaining-requests", static_cast<std::uint64_t>(rates.remaining_requests));
    writer.field("x-ratelimit-reset-requests", routing::reset_text(rates.reset_requests));
  }
  if (rates.limit_tokens) {
    writer.field("x-ratelimit-limit-tokens", static_cast<std::uint64_t>(*rates.limit_tokens));
    writer.field("x-ratelimit-remaining-tokens", static_cast<std::uint64_t>(rates.remaining_tokens));
    writer.field("x-ratelimit-reset-tokens", routing::reset_text(rates.reset_tokens));
  }
}

}  // namespace

AnswerFor answer_for(const http::message::RequestHead& head, dialect::Dialect dialect, std::string_view request_id,
                     const policy::Settings& settings) {
  const auto& origins = settings.cors_origins;
  return {request_id, dialect, head.method == http::message::Method::head, !origins.empty(),
          policy::find_allowed_origin(origins, head)};
}

void append_head(std::string& out, const AnswerHead& head) {
  http::message::HeadWriter writer(out);
  writer.status_line(head.status);
  writer.field("date", http::message::http_date(base::wall_now()));
  // What has no body has no framing of one (RFC 9110, 8.6; RFC 9112, 6.1), and no type.
  if (http::message::has_body(http::message::Method::get, head.status)) {
    if (!head.content_type.empty()) writer.field("content-type", head.content_type);
    if (head.content_length) writer.field("content-length", *head.content_length);
    if (head.chunked) writer.field("transfer-encoding", "chunked");
  }
  writer.field("x-request-id", head.to.request_id);
  // Where Anthropic's SDKs look for it.
  if (head.to.dialect == dialect::Dialect::anthropic) writer.field("request-id", head.to.request_id);
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
  if (!head.to.allow_origin.empty()) policy::append_origin_fields(writer, head.to.allow_origin);
  if (head.preflight != nullptr) policy::append_preflight_fields(writer, *head.preflight);
  if (head.persistence == Persistence::close) writer.field("connection", "close");
  writer.end();
}

std::string refusal_text(const dialect::Refusal& refusal, const AnswerFor& to, Persistence persistence,
                         const routing::RateStatus* rates) {
  const auto& row = dialect::row_of(refusal.code);
  const auto body = dialect::error_body(refusal, to.dialect, to.request_id);
  AnswerHead head;
  head.status = row.status;
  head.content_length = body.size();
  head.to = to;
  head.persistence = persistence;
  head.rates = rates;
  if (refusal.retry_after) head.retry_after = refusal.retry_after->count();
  if (!row.retry || refusal.no_retry) head.should_retry = false;
  head.authenticate = row.status == 401;
  if (row.status == 405) head.allow = refusal.param;
  if (refusal.code == dialect::RefusalCode::unsupported_encoding)
    head.accept_encoding = http::coding::k_accepted_codings;
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

std::string preflight_text(const http::message::RequestHead& head, const AnswerFor& to, Persistence persistence) {
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

dialect::Dialect dialect_of_path(std::string_view path) {
  return path.starts_with("/v1/messages") ? dialect::Dialect::anthropic : dialect::Dialect::openai;
}

}  // namespace cr::relay::request

// SPDX-License-Identifier: MIT
#include "provider/provider.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "dialect/anthropic/meter_form.h"
#include "dialect/openai/meter_form.h"
#include "provider/kinds/known_hosts.h"

namespace cr::provider {

namespace {

// But for what RFC 3986, 2.3, leaves as it is. Dots alone would be a step up in the path, encoded or not (the WHATWG's
// URL standard): no model is called so, and what is written is no step.
void append_segment(std::string& out, std::string_view text) {
  constexpr std::string_view k_digits = "0123456789ABCDEF";
  constexpr std::string_view k_plain = "-._~";
  if (text.find_first_not_of('.') == std::string_view::npos) {
    out.append(text.size(), '_');
    return;
  }
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool alphanumeric = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    if (alphanumeric || k_plain.find(c) != std::string_view::npos) {
      out += c;
    } else {
      out.append({'%', k_digits[byte >> 4], k_digits[byte & 15]});
    }
  }
}

}  // namespace

std::string to_text(const Target& target) {
  std::string text(target.path);
  append_segment(text, target.segment);
  text.append(target.path_rest);
  char before = '?';
  for (const auto query : {target.query, target.query_rest}) {
    if (query.empty()) continue;
    text.append(1, std::exchange(before, '&')).append(query);
  }
  return text;
}

dialect::Dialect answers_in(const Provider& provider, dialect::Dialect client) {
  return provider.dialect.value_or(client);
}

const dialect::MeterForm& meter_form(const Provider& provider, dialect::Dialect client) {
  switch (answers_in(provider, client)) {
    case dialect::Dialect::anthropic:
      return dialect::anthropic::k_meter_form;
    case dialect::Dialect::openai:
      break;
  }
  return dialect::openai::k_meter_form;
}

std::string_view bound_field(const Provider& provider, dialect::Endpoint endpoint, std::string_view model,
                             std::string_view channel_field) {
  if (endpoint == dialect::Endpoint::responses) return "max_output_tokens";
  if (endpoint != dialect::Endpoint::chat_completions) return "max_tokens";
  for (const auto& row : provider.quirks.bound_fields) {
    if (base::glob_match(row.models, model)) return row.field;
  }
  return channel_field.empty() ? std::string_view("max_tokens") : channel_field;
}

bool asks_for_usage(const Provider& provider, dialect::Endpoint endpoint, const dialect::RequestScan& scan) {
  return provider.quirks.asks_for_stream_usage && scan.stream && !scan.include_usage.value_or(false) &&
         (endpoint == dialect::Endpoint::chat_completions || endpoint == dialect::Endpoint::completions);
}

Target target_as_asked(const Asked& asked) {
  return {.path = asked.path, .query = asked.query};
}

Finding judge_status(int status) {
  if (status < 300) return {status >= 200, "the provider answered"};
  if (status == 401 || status == 403)
    return {false, "the provider refused the channel's key: replace it with 'crctl channel set-key'"};
  if (status == 404)
    return {false, "the provider knows no such address or model: check --base-url and the model's name"};
  if (status == 429) return {false, "the provider limits this key at the moment"};
  if (status >= 500) return {false, "the provider is in trouble"};
  if (status >= 400) return {false, "the provider refused the request: check the model's name"};
  return {false, "the provider redirects: check --base-url"};
}

std::int64_t output_rate_max(const Provider& provider, std::string_view host) {
  const auto* known = find_known_host(host);
  const auto own = provider.quirks.output_rate_max;
  return known != nullptr ? std::min(known->output_rate_max, own) : own;
}

}  // namespace cr::provider

// SPDX-License-Identifier: MIT
#include "relay/request/passed_fields.h"

#include <algorithm>
#include <array>
#include <span>

#include "base/text.h"
#include "provider/provider.h"

namespace cr::relay::request {

namespace {

constexpr std::size_t k_request_id_bytes_max = 128;
constexpr std::size_t k_number_bytes_max = 32;

// Of every client, for every provider.
constexpr std::array<std::string_view, 2> k_client_fields{"accept", "idempotency-key"};
// OpenAI documents it; Anthropic's command line sends it too.
constexpr std::string_view k_client_request_id = "x-client-request-id";
// A word in a vendor's name that chooses whose account is used, or carries what opens one: that is the channel's to
// say.
constexpr std::array<std::string_view, 8> k_never{"organization", "project", "workspace", "account",
                                                  "key",          "token",   "auth",      "secret"};
// Anthropic's first: whoever stands before a provider may add an x-request-id of his own.
constexpr std::array<std::string_view, 5> k_request_ids{"request-id", "x-request-id", "x-amzn-requestid",
                                                        "apim-request-id", "x-ms-request-id"};

bool starts_with(std::string_view name, std::string_view prefix) {
  return name.size() > prefix.size() && base::equals_ignoring_case(name.substr(0, prefix.size()), prefix);
}

bool is_any_of(std::string_view name, std::span<const std::string_view> names) {
  return std::any_of(names.begin(), names.end(), [&](auto one) { return base::equals_ignoring_case(name, one); });
}

bool passes_to(const provider::Provider& provider, std::string_view name) {
  if (is_any_of(name, k_client_fields) || base::equals_ignoring_case(name, k_client_request_id)) return true;
  const auto prefix = provider.quirks.passed_prefix;
  if (prefix.empty() || !starts_with(name, prefix)) return false;
  const auto lower = base::to_lower_ascii(name);
  return std::none_of(k_never.begin(), k_never.end(), [&](auto word) { return lower.find(word) != std::string::npos; });
}

bool is_request_id(std::string_view text) {
  return !text.empty() && text.size() <= k_request_id_bytes_max &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

void append_line(std::string& lines, const http::message::Field& field) {
  if (lines.size() + field.name.size() + field.value.size() + 4 > k_passed_bytes_max) return;
  http::message::HeadWriter(lines).field(field.name, field.value);
}

}  // namespace

void pass_request_fields(http::message::HeadWriter& writer, const http::message::RequestHead& client,
                         const ledger::ChannelRecord& channel) {
  const auto& provider = provider::of(channel.kind);
  for (const auto& field : client.fields) {
    if (!passes_to(provider, field.name)) continue;
    if (!channel.headers.empty() && channel.headers.contains(base::to_lower_ascii(field.name))) continue;
    writer.field(field.name, field.value);
  }
}

AnswerFields pass_answer_fields(const http::message::ResponseHead& provider) {
  AnswerFields passed;
  for (const auto& field : provider.fields) {
    const auto is = [&](std::string_view name) { return base::equals_ignoring_case(field.name, name); };
    if (starts_with(field.name, "x-ratelimit-") || starts_with(field.name, "anthropic-ratelimit-")) {
      append_line(passed.rates, field);
    } else if (is("openai-processing-ms")) {
      append_line(passed.lines, field);
    } else if (is("retry-after-ms") && field.value.size() <= k_number_bytes_max) {
      passed.retry_after_ms = field.value;
    } else if (is("x-should-retry") && !passed.should_retry) {
      append_line(passed.lines, field);
      passed.should_retry = true;
    }
  }
  for (const auto name : k_request_ids) {
    const auto id = provider.find(name);
    if (!id || !is_request_id(*id)) continue;
    passed.request_id = *id;
    break;
  }
  return passed;
}

}  // namespace cr::relay::request

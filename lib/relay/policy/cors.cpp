// SPDX-License-Identifier: MIT
#include "relay/policy/cors.h"

#include <algorithm>

#include "base/text.h"
#include "http/message/head_fields.h"

namespace cr::relay::policy {

namespace {

// Named one by one: "*" does not cover authorization, and nothing where a page sends credentials.
constexpr std::string_view k_exposed =
    "x-request-id, request-id, x-upstream-request-id, retry-after, retry-after-ms, x-should-retry, x-crd-output-limit, "
    "openai-processing-ms, x-ratelimit-limit-requests, x-ratelimit-remaining-requests, x-ratelimit-reset-requests, "
    "x-ratelimit-limit-tokens, x-ratelimit-remaining-tokens, x-ratelimit-reset-tokens";
constexpr std::string_view k_methods = "GET, HEAD, POST, DELETE";
// What the vendors' SDKs send, for a preflight that names no field.
constexpr std::string_view k_request_fields =
    "authorization, content-type, x-api-key, api-key, x-goog-api-key, anthropic-version, anthropic-beta, "
    "anthropic-dangerous-direct-browser-access, openai-beta, idempotency-key, x-client-request-id";
// Browsers ask again after that: a reload of the configuration should not take hours to be seen.
constexpr std::uint64_t k_max_age_seconds = 600;
constexpr std::size_t k_names_max = 100;

bool is_lower_host(std::string_view text) {
  return http::message::is_host_and_port(text) &&
         std::none_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

bool is_scheme(std::string_view text) {
  return !text.empty() && text.front() >= 'a' && text.front() <= 'z' &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
         });
}

bool lists(std::string_view names, std::string_view name) {
  const auto all = base::split_list(names);
  return std::any_of(all.begin(), all.end(),
                     [name](const std::string& one) { return base::equals_ignoring_case(one, name); });
}

}  // namespace

base::Result<void> check_origin(std::string_view origin) {
  if (origin == "*") return {};
  constexpr std::string_view k_hint =
      R"(write it as browsers do: "https://app.example", "http://localhost:3000"; or "*")";
  const auto wrong = [&](const std::string& why) {
    return base::fail(base::ErrorCode::invalid,
                      "'" + base::escape_for_terminal(origin.substr(0, 100)) + "' is not an origin: " + why,
                      std::string(k_hint));
  };
  const auto colon = origin.find("://");
  if (colon == std::string_view::npos || !is_scheme(origin.substr(0, colon))) return wrong("no scheme in lower case");
  const auto scheme = origin.substr(0, colon);
  const auto host = origin.substr(colon + 3);
  if (host.find('/') != std::string_view::npos) return wrong("it has a path or a slash at its end");
  if (!is_lower_host(host)) return wrong("no host in lower case, with a port or without");
  if ((scheme == "https" && host.ends_with(":443")) || (scheme == "http" && host.ends_with(":80")) ||
      host.ends_with(':'))
    return wrong("browsers leave out the scheme's own port");
  return {};
}

std::string_view find_allowed_origin(const std::vector<std::string>& allowed, const http::message::RequestHead& head) {
  if (allowed.empty()) return {};
  const auto origin = head.find("origin");
  if (!origin || origin->empty()) return {};
  for (const auto& one : allowed) {
    if (one == "*") return "*";
    if (one == *origin) return *origin;
  }
  return {};
}

bool is_preflight(const http::message::RequestHead& head) {
  return head.method == http::message::Method::options && head.find("origin") &&
         head.find("access-control-request-method");
}

void append_origin_fields(http::message::HeadWriter& writer, std::string_view allowed_origin) {
  writer.field("access-control-allow-origin", allowed_origin);
  writer.field("access-control-expose-headers", k_exposed);
}

void append_preflight_fields(http::message::HeadWriter& writer, const http::message::RequestHead& head) {
  writer.field("access-control-allow-methods", k_methods);
  // Beside those it knows a page may send any: crd passes on what it knows, and drops the rest.
  std::string names(k_request_fields);
  std::size_t count = 0;
  for (const auto& name : base::split_list(head.find("access-control-request-headers").value_or(""))) {
    if (++count > k_names_max || !http::message::is_token(name) || lists(k_request_fields, name)) continue;
    names.append(", ").append(base::to_lower_ascii(name));
  }
  writer.field("access-control-allow-headers", names);
  writer.field("access-control-max-age", k_max_age_seconds);
  // A page of the network asks whether it may reach into a private one.
  if (head.find("access-control-request-private-network")) writer.field("access-control-allow-private-network", "true");
}

}  // namespace cr::relay::policy

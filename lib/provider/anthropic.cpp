// SPDX-License-Identifier: MIT
// Anthropic (docs.claude.com/en/api).
#include "dialect/anthropic/probe_body.h"
#include "provider/table.h"

namespace cr::provider {

namespace {

constexpr std::string_view k_version = "2023-06-01";

bool serves(dialect::Endpoint, dialect::Dialect client) {
  return client == dialect::Dialect::anthropic;
}

// The version is a client's own, passed on with the rest of its anthropic-* fields, where it sent one.
void authorize(http::message::HeadWriter& writer, const Credential& credential) {
  const bool has_version = credential.client != nullptr && credential.client->find("anthropic-version");
  if (!has_version) writer.field("anthropic-version", k_version);
  if (!credential.key.empty()) writer.field("x-api-key", credential.key);
}

}  // namespace

constinit const Provider k_anthropic{
    .dialect = dialect::Dialect::anthropic,
    .serves = serves,
    .target = target_as_asked,
    .authorize = authorize,
    .probe = {dialect::Endpoint::messages, dialect::anthropic::probe_body, judge_status},
    .quirks = {.asks_for_stream_usage = false, .passed_prefix = "anthropic-", .output_rate_max = 1'000},
};

}  // namespace cr::provider

// SPDX-License-Identifier: MIT
// OpenAI, and everybody who is compatible with it (platform.openai.com/docs/api-reference).
#include "dialect/openai/probe_body.h"
#include "provider/table.h"

namespace cr::provider {

namespace {

bool serves(dialect::Endpoint, dialect::Dialect client) {
  return client == dialect::Dialect::openai;
}

void authorize(http::message::HeadWriter& writer, const Credential& credential) {
  if (!credential.key.empty()) writer.field("authorization", "Bearer ", credential.key);
}

}  // namespace

constinit const Provider k_openai{
    .dialect = dialect::Dialect::openai,
    .serves = serves,
    .target = target_as_asked,
    .authorize = authorize,
    .probe = {dialect::Endpoint::chat_completions, dialect::openai::probe_body, judge_status},
    .quirks = {.passed_prefix = "openai-"},
};

}  // namespace cr::provider

// SPDX-License-Identifier: MIT
// A kind that differs from OpenAI's in all that a kind may differ in but the dialect: the model is a deployment in the
// path, the version of the API is in the query, the key has a field of its own (as Azure OpenAI has it:
// learn.microsoft.com/azure/ai-services/openai/reference), and some members are called otherwise or refused.
#include "dialect/openai/probe_body.h"
#include "provider/provider.h"

namespace cr::provider {

namespace {

using dialect::Endpoint;

constexpr std::array<BoundField, 2> k_bound_fields{{{"o*", "max_completion_tokens"}, {"*", "max_tokens"}}};
constexpr std::array<std::string_view, 2> k_left_out{"store", "user"};

bool serves(Endpoint endpoint, dialect::Dialect client) {
  return client == dialect::Dialect::openai &&
         (endpoint == Endpoint::chat_completions || endpoint == Endpoint::embeddings);
}

Target target(const Asked& asked) {
  return {.path = "/deployments/",
          .segment = asked.model,
          .path_rest = asked.path,
          .query = "api-version=2024-10-21",
          .query_rest = asked.query};
}

void authorize(http::message::HeadWriter& writer, const Credential& credential) {
  if (!credential.key.empty()) writer.field("api-key", credential.key);
}

}  // namespace

extern const Provider k_deployment;
constinit const Provider k_deployment{
    .dialect = dialect::Dialect::openai,
    .serves = serves,
    .target = target,
    .authorize = authorize,
    .probe = {Endpoint::chat_completions, dialect::openai::probe_body, judge_status},
    .quirks = {.bound_fields = k_bound_fields, .left_out = k_left_out, .passed_prefix = "openai-"},
};

}  // namespace cr::provider

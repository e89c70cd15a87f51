// SPDX-License-Identifier: MIT
#include "provider/kinds/known_hosts.h"

#include <algorithm>
#include <array>
#include <string>

#include "base/text.h"

namespace cr::provider {

namespace {

// OpenAI and Azure: models that think refuse max_tokens, and none of today refuses max_completion_tokens
// (learn.microsoft.com/azure/ai-foundry/openai/how-to/reasoning). Mistral answers 422 extra_forbidden to
// stream_options and to max_completion_tokens, and tells the usage in a stream's last chunk (docs.mistral.ai/api).
constexpr std::array<KnownHost, 13> k_known_hosts{{
    {.host = "api.openai.com", .bound_field = "max_completion_tokens"},
    {.host = "*.openai.azure.com", .bound_field = "max_completion_tokens"},
    {.host = "*.cognitiveservices.azure.com", .bound_field = "max_completion_tokens"},
    {.host = "*.services.ai.azure.com", .bound_field = "max_completion_tokens"},
    {.host = "api.mistral.ai", .takes_usage_wish = false},
    {.host = "codestral.mistral.ai", .takes_usage_wish = false},
    {.host = "*.openai.com"},
    {.host = "*.azure.com"},
    {.host = "*.anthropic.com"},
    {.host = "*.googleapis.com"},
    {.host = "*.deepseek.com"},
    {.host = "*.x.ai"},
    {.host = "*.amazonaws.com"},
}};

}  // namespace

const KnownHost* find_known_host(std::string_view host) {
  std::string lower(host);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  const auto found = std::find_if(k_known_hosts.begin(), k_known_hosts.end(),
                                  [&](const KnownHost& known) { return base::glob_match(known.host, lower); });
  return found == k_known_hosts.end() ? nullptr : &*found;
}

}  // namespace cr::provider

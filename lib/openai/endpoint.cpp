// SPDX-License-Identifier: MIT
#include "openai/endpoint.h"

#include <algorithm>
#include <array>

namespace cr::openai {
namespace {

struct EndpointRow {
  Endpoint endpoint;
  std::string_view path;
  std::string_view name;
};
constexpr std::array<EndpointRow, k_endpoint_count> k_endpoints = {{
    {Endpoint::chat_completions, "/v1/chat/completions", "chat.completions"},
    {Endpoint::completions, "/v1/completions", "completions"},
    {Endpoint::embeddings, "/v1/embeddings", "embeddings"},
    {Endpoint::responses, "/v1/responses", "responses"},
    {Endpoint::messages, "/v1/messages", "messages"},
}};

const EndpointRow& row_of(Endpoint endpoint) {
  return k_endpoints[static_cast<std::size_t>(endpoint)];
}

}  // namespace

std::optional<Endpoint> find_endpoint(std::string_view path) {
  const auto* const found =
      std::find_if(k_endpoints.begin(), k_endpoints.end(), [path](const EndpointRow& row) { return row.path == path; });
  if (found == k_endpoints.end()) return std::nullopt;
  return found->endpoint;
}

std::string_view path_of(Endpoint endpoint) {
  return row_of(endpoint).path;
}

std::string_view name_of(Endpoint endpoint) {
  return row_of(endpoint).name;
}

bool has_output(Endpoint endpoint) {
  return endpoint != Endpoint::embeddings;
}

Dialect dialect_of(Endpoint endpoint) {
  return endpoint == Endpoint::messages ? Dialect::anthropic : Dialect::openai;
}

}  // namespace cr::openai

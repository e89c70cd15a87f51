// SPDX-License-Identifier: MIT
// The /v1 endpoints that are relayed, and what differs between them. Pure; any thread.
#pragma once

#include <optional>
#include <string_view>

namespace cr::openai {

enum class Endpoint { chat_completions, completions, embeddings, responses, messages };
inline constexpr int k_endpoint_count = 5;

// By path without query ("/v1/chat/completions").
std::optional<Endpoint> find_endpoint(std::string_view path);
std::string_view path_of(Endpoint endpoint);
std::string_view name_of(
    Endpoint endpoint);              // "chat.completions", "completions", "embeddings", "responses", "messages"
bool has_output(Endpoint endpoint);  // false for embeddings

// The shape of an error body: OpenAI's, or Anthropic's on /v1/messages.
enum class Dialect { openai, anthropic };
Dialect dialect_of(Endpoint endpoint);

}  // namespace cr::openai

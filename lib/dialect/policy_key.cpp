// SPDX-License-Identifier: MIT
#include "dialect/policy_key.h"

#include <algorithm>

namespace cr::dialect {
namespace {

constexpr std::array<std::string_view, k_policy_key_count> k_names = {
    "model",
    "stream",
    "stream_options",
    "n",
    "best_of",
    "echo",
    "max_tokens",
    "max_completion_tokens",
    "max_output_tokens",
    "messages",
    "input",
    "prompt",
    "system",
    "tools",
    "query",
    "documents",
    "cache_control",
    "thinking",
    "modalities",
    "store",
    "background",
    "previous_response_id",
    "conversation",
    "container",
    "mcp_servers",
    "web_search_options",
    "search_parameters",
    "data_sources",
    "plugins",
    "models",
    "route",
    "fallbacks",
    "provider",
    "transforms",
    "model_list",
    "user_config",
    "api_base",
    "base_url",
    "api_key",
    "extra_headers",
};

bool folds(char byte) {
  return (byte >= 'A' && byte <= 'Z') || static_cast<unsigned char>(byte) >= 0x80;
}

}  // namespace

std::string_view name_of(PolicyKey key) {
  return k_names[static_cast<std::size_t>(key)];
}

bool brings_outside_input(PolicyKey key) {
  return key >= PolicyKey::previous_response_id && key <= PolicyKey::plugins;
}

bool chooses_model(PolicyKey key) {
  return key >= PolicyKey::plugins && key <= PolicyKey::user_config;
}

bool redirects(PolicyKey key) {
  return key >= PolicyKey::api_base;
}

std::string_view fold_key(std::string_view text, FoldRoom& room) {
  if (text.size() <= room.size() && std::none_of(text.begin(), text.end(), folds)) return text;
  std::size_t size = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (size == room.size()) return {};
    const char byte = text[at];
    const std::string_view rest = text.substr(at);
    if (static_cast<unsigned char>(byte) < 0x80) {
      room[size++] = byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte | 0x20) : byte;
    } else if (rest.starts_with("\xc5\xbf")) {  // U+017F, long s
      room[size++] = 's';
      at += 1;
    } else if (rest.starts_with("\xe2\x84\xaa")) {  // U+212A, Kelvin sign
      room[size++] = 'k';
      at += 2;
    } else {
      return {};
    }
  }
  return {room.data(), size};
}

std::string_view fold_key(const json::JsonString& text, FoldRoom& room) {
  if (!text.escaped()) return fold_key(text.raw, room);
  if (text.text_bytes > 3 * room.size()) return {};
  const std::string plain = json::unescape(text);
  const std::string_view folded = fold_key(plain, room);
  if (folded.data() != plain.data()) return folded;
  std::copy(plain.begin(), plain.end(), room.begin());
  return {room.data(), plain.size()};
}

std::optional<PolicyKey> find_policy_key(std::string_view folded) {
  for (std::size_t i = 0; i < k_names.size(); ++i) {
    if (k_names[i] == folded) return static_cast<PolicyKey>(i);
  }
  return std::nullopt;
}

}  // namespace cr::dialect

// SPDX-License-Identifier: MIT
// The top-level keys of a body that crd reads or refuses, and how a key is told from its look-alikes. Pure; any thread.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "json/cursor.h"

namespace cr::dialect {

enum class PolicyKey {
  model,
  stream,
  stream_options,
  n,
  best_of,
  echo,
  max_tokens,
  max_completion_tokens,
  max_output_tokens,
  messages,
  input,
  prompt,
  system,
  tools,
  query,
  documents,
  cache_control,
  thinking,
  modalities,
  store,
  background,
  // Each brings input that is not in the body.
  previous_response_id,
  conversation,
  container,
  mcp_servers,
  web_search_options,
  search_parameters,
  data_sources,
  plugins,
  // Each lets the provider choose another model or provider, or change what it is asked.
  models,
  route,
  fallbacks,
  provider,
  transforms,
  model_list,
  user_config,
  // Each would point a gateway behind us somewhere else.
  api_base,
  base_url,
  api_key,
  extra_headers,
};
inline constexpr int k_policy_key_count = static_cast<int>(PolicyKey::extra_headers) + 1;

std::string_view name_of(PolicyKey key);
bool brings_outside_input(PolicyKey key);
// `plugins` is one of these, too.
bool chooses_model(PolicyKey key);
bool redirects(PolicyKey key);

// Folded as lenient decoders do it (Go's encoding/json): ASCII case, U+017F to s, U+212A to k. Empty for a text that
// has other bytes outside ASCII or is longer than any key of ours. The view is into `room`, or
// `text` itself where folding changes nothing.
using FoldRoom = std::array<char, 32>;
std::string_view fold_key(std::string_view text, FoldRoom& room);
std::string_view fold_key(const json::JsonString& text, FoldRoom& room);

// By folded name.
std::optional<PolicyKey> find_policy_key(std::string_view folded);

}  // namespace cr::dialect

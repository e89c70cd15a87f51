// SPDX-License-Identifier: MIT
// Usage, as counted in model tokens. Plain value.
#pragma once

#include <cstdint>

namespace cr::openai {

struct Usage {
  std::int64_t input_tokens = 0;        // all of the input, cached and cache-written included
  std::int64_t cached_tokens = 0;       // of those, read from the provider's cache
  std::int64_t cache_write_tokens = 0;  // of those, written to it (Anthropic's cache_creation_input_tokens)
  std::int64_t output_tokens = 0;       // reasoning included
  bool operator==(const Usage&) const = default;
};

}  // namespace cr::openai

// SPDX-License-Identifier: MIT
// Usage: what a request used, in model tokens and in what else is charged for. Plain value.
#pragma once

#include <cstdint>

namespace cr::dialect {

struct Usage {
  std::int64_t input_tokens = 0;             // all of the input, cached and cache-written included
  std::int64_t cached_tokens = 0;            // of those, read from the provider's cache
  std::int64_t cache_write_tokens = 0;       // of those, written to it (Anthropic's cache_creation_input_tokens)
  std::int64_t output_tokens = 0;            // reasoning included
  std::int64_t long_cache_write_tokens = 0;  // of those written to the cache, what is kept for an hour
  // Of the input, of what is cached and of the output, what is not text; charged by rates of its own where it has some.
  std::int64_t audio_input_tokens = 0, cached_audio_tokens = 0, audio_output_tokens = 0;
  std::int64_t image_input_tokens = 0, cached_image_tokens = 0, image_output_tokens = 0;
  std::int64_t images = 0;        // made
  std::int64_t characters = 0;    // spoken, in Unicode characters
  std::int64_t audio_ms = 0;      // heard
  std::int64_t search_units = 0;  // of a rerank; the price of a request is of one
  bool operator==(const Usage&) const = default;
  Usage& operator+=(const Usage& more);
};

inline Usage& Usage::operator+=(const Usage& more) {
  input_tokens += more.input_tokens;
  cached_tokens += more.cached_tokens;
  cache_write_tokens += more.cache_write_tokens;
  output_tokens += more.output_tokens;
  long_cache_write_tokens += more.long_cache_write_tokens;
  audio_input_tokens += more.audio_input_tokens;
  cached_audio_tokens += more.cached_audio_tokens;
  audio_output_tokens += more.audio_output_tokens;
  image_input_tokens += more.image_input_tokens;
  cached_image_tokens += more.cached_image_tokens;
  image_output_tokens += more.image_output_tokens;
  images += more.images;
  characters += more.characters;
  audio_ms += more.audio_ms;
  search_units += more.search_units;
  return *this;
}

}  // namespace cr::dialect

// SPDX-License-Identifier: MIT
// UsageReport: the usage objects of the providers, read by their dialects and merged member by member. Plain value.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "dialect/endpoint.h"
#include "dialect/usage.h"
#include "json/cursor.h"

namespace cr::dialect {

struct UsageReport {
  std::optional<std::int64_t> input;              // prompt_tokens, input_tokens
  std::optional<std::int64_t> cache_read;         // cached_tokens in its many places, cache_read_input_tokens
  std::optional<std::int64_t> cache_write;        // cache_creation_input_tokens
  std::optional<std::int64_t> short_cache_write;  // cache_creation.ephemeral_5m_input_tokens
  std::optional<std::int64_t> long_cache_write;   // cache_creation.ephemeral_1h_input_tokens
  std::optional<std::int64_t> output;             // completion_tokens, output_tokens
  std::optional<std::int64_t> total;
  std::optional<std::int64_t> reasoning;  // reasoning_tokens: of the output, or beside it
  // Of the input, of what was read from the cache and of the output, what is not text.
  std::optional<std::int64_t> audio_input, cached_audio, audio_output;
  std::optional<std::int64_t> image_input, cached_image, image_output;
  std::optional<std::int64_t> search_units;  // of a rerank's meta.billed_units
  std::optional<std::int64_t> audio_ms;      // seconds of a transcription's usage, or its duration

  static constexpr std::int64_t k_tokens_max = std::int64_t{1} << 40;

  // The members that `later` has replace ours, but a nought does not replace what was told before.
  void merge(const UsageReport& later);
  // The members of another piece of work add to ours, up to the most that is plausible.
  void add(const UsageReport& more);
  // Each member becomes the greater of both.
  void raise(const UsageReport& other);
};

// The number that the cursor is on, in units of 10^-decimals, a fraction rounded up; also one that is written as text.
// What is none, is below 0 or above k_tokens_max leaves `field` as it is: each member is read by itself. False: a fault
// of the JSON.
bool read_count(json::JsonCursor& cursor, std::optional<std::int64_t>& field, int decimals = 0);
std::optional<std::int64_t> to_count(std::string_view raw, int decimals, std::int64_t most);

// Whether the report says what went in.
bool tells_input(Endpoint endpoint, const UsageReport& report);
// Whether the report says all the model tokens that the endpoint uses.
bool is_complete(Endpoint endpoint, const UsageReport& report);
// What is not text, for `usage` whose sums are set: at most so much as there is.
void set_parts(const UsageReport& report, Usage& usage);

}  // namespace cr::dialect

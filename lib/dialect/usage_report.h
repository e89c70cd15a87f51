// SPDX-License-Identifier: MIT
// UsageReport: the usage objects of the providers, read by their dialects and merged field by field. Plain value.
#pragma once

#include <cstdint>
#include <optional>

#include "dialect/endpoint.h"
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
  std::optional<std::int64_t> search_units;  // of a rerank's meta.billed_units
  std::optional<std::int64_t> audio_ms;      // seconds of a transcription's usage, or its duration
  bool plausible = true;                     // every number read was a whole one from 0 to k_tokens_max

  static constexpr std::int64_t k_tokens_max = std::int64_t{1} << 40;

  // The fields that `later` has replace ours.
  void merge(const UsageReport& later);
  // The input, output and total of another piece of work add to ours, up to the most that is plausible.
  void add(const UsageReport& more);
  // Takes the number the cursor is on into `field`, one of ours; null leaves it as it is.
  bool read_count(json::JsonCursor& cursor, std::optional<std::int64_t>& field);
};

// Whether the report says what went in.
bool tells_input(Endpoint endpoint, const UsageReport& report);
// Whether the report says all the model tokens that the endpoint uses.
bool is_complete(Endpoint endpoint, const UsageReport& report);

}  // namespace cr::dialect

// SPDX-License-Identifier: MIT
// UsageReport: the usage objects of the providers, read and merged field by field. Plain value.
#pragma once

#include <cstdint>
#include <optional>

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
  std::optional<std::int64_t> search_units;  // of a rerank's meta.billed_units
  std::optional<std::int64_t> audio_ms;      // seconds of a transcription's usage, or its duration
  bool plausible = true;                     // every number read was a whole one from 0 to 2^40

  // The fields that `later` has replace ours.
  void merge(const UsageReport& later);
  // The input, output and total of another piece of work add to ours, up to the most that is plausible.
  void add(const UsageReport& more);
};

// Takes the usage object the cursor is on.
bool read_usage(Endpoint endpoint, json::JsonCursor& cursor, UsageReport& report);

// Takes a number of seconds, whole or not, also as text (older answers of OpenAI's): what it comes to in milliseconds.
bool read_seconds(json::JsonCursor& cursor, UsageReport& report);

// Takes the `meta` of a rerank's answer (docs.cohere.com/v2/reference/rerank).
bool read_rerank_meta(json::JsonCursor& cursor, UsageReport& report);

// Whether the report says what went in.
bool tells_input(Endpoint endpoint, const UsageReport& report);
// Whether the report says all the model tokens that the endpoint uses.
bool is_complete(Endpoint endpoint, const UsageReport& report);
// What the fields come to: cached parts within the input, the endpoint's own way to count them. Needs `input`, or
// `total` where there is no output.
Usage to_usage(Endpoint endpoint, const UsageReport& report);

}  // namespace cr::dialect

// SPDX-License-Identifier: MIT
// UsageReport: the usage objects of the providers, read and merged field by field. Plain value.
#pragma once

#include <cstdint>
#include <optional>

#include "openai/endpoint.h"
#include "openai/json_cursor.h"
#include "openai/usage.h"

namespace cr::openai {

struct UsageReport {
  std::optional<std::int64_t> input;        // prompt_tokens, input_tokens
  std::optional<std::int64_t> cache_read;   // cached_tokens in its many places, cache_read_input_tokens
  std::optional<std::int64_t> cache_write;  // cache_creation_input_tokens
  std::optional<std::int64_t> output;       // completion_tokens, output_tokens
  std::optional<std::int64_t> total;
  bool plausible = true;  // every number read was a whole one from 0 to 2^40

  // The fields that `later` has replace ours.
  void merge(const UsageReport& later);
};

// Takes the usage object the cursor is on.
bool read_usage(Endpoint endpoint, JsonCursor& cursor, UsageReport& report);

// What the fields come to: cached parts within the input, the endpoint's own way to count them. Needs `input`.
Usage to_usage(Endpoint endpoint, const UsageReport& report);

}  // namespace cr::openai

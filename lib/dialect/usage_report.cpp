// SPDX-License-Identifier: MIT
#include "dialect/usage_report.h"

#include <algorithm>
#include <charconv>
#include <string_view>

namespace cr::dialect {

bool UsageReport::read_count(json::JsonCursor& cursor, std::optional<std::int64_t>& field) {
  const json::JsonKind kind = cursor.kind();
  std::string_view raw;
  if (!cursor.read_raw(raw)) return false;
  if (kind == json::JsonKind::null) return true;
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(raw.data(), raw.data() + raw.size(), value);
  const bool whole = error == std::errc() && end == raw.data() + raw.size();
  if (whole && raw.front() != '-' && value <= k_tokens_max) {
    field = value;
  } else {
    plausible = false;
  }
  return true;
}

void UsageReport::merge(const UsageReport& later) {
  if (later.input) input = later.input;
  if (later.cache_read) cache_read = later.cache_read;
  if (later.cache_write) cache_write = later.cache_write;
  if (later.short_cache_write) short_cache_write = later.short_cache_write;
  if (later.long_cache_write) long_cache_write = later.long_cache_write;
  if (later.output) output = later.output;
  if (later.total) total = later.total;
  if (later.search_units) search_units = later.search_units;
  if (later.audio_ms) audio_ms = later.audio_ms;
}

void UsageReport::add(const UsageReport& more) {
  const auto sum = [](std::optional<std::int64_t>& ours, const std::optional<std::int64_t>& theirs) {
    if (theirs) ours = std::min(ours.value_or(0) + *theirs, k_tokens_max);
  };
  sum(input, more.input);
  sum(output, more.output);
  sum(total, more.total);
}

bool tells_input(Endpoint endpoint, const UsageReport& report) {
  // Some (Voyage) tell the total alone of what has no output.
  return report.input || (!has_output(endpoint) && report.total);
}

bool is_complete(Endpoint endpoint, const UsageReport& report) {
  return tells_input(endpoint, report) && (report.output || !has_output(endpoint));
}

}  // namespace cr::dialect

// SPDX-License-Identifier: MIT
#include "dialect/openai/usage.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string_view>

#include "dialect/object_walk.h"

namespace cr::dialect::openai {
namespace {

bool read_details(json::JsonCursor& cursor, UsageReport& report) {
  return walk_members(cursor, [&](std::string_view key) {
    if (key == "cached_tokens") return report.read_count(cursor, report.cache_read);
    if (key == "cache_write_tokens") return report.read_count(cursor, report.cache_write);
    return cursor.skip_value();
  });
}

bool read_billed_units(json::JsonCursor& cursor, UsageReport& report) {
  return walk_members(cursor, [&](std::string_view key) {
    return key == "search_units" ? report.read_count(cursor, report.search_units) : cursor.skip_value();
  });
}

// Where a plain number of the usage object goes; null = nowhere.
std::optional<std::int64_t>* field_of(std::string_view key, UsageReport& report) {
  if (key == "input_tokens") return &report.input;
  if (key == "output_tokens") return &report.output;
  if (key == "prompt_tokens") return &report.input;
  if (key == "completion_tokens") return &report.output;
  if (key == "total_tokens") return &report.total;
  if (key == "prompt_cache_hit_tokens" || key == "cached_tokens") return &report.cache_read;  // DeepSeek, Moonshot
  return nullptr;
}

}  // namespace

bool read_usage(Endpoint endpoint, json::JsonCursor& cursor, UsageReport& report) {
  return walk_members(cursor, [&](std::string_view key) {
    if (auto* field = field_of(key, report); field != nullptr) return report.read_count(cursor, *field);
    if (hears_sound(endpoint) && key == "seconds") return read_seconds(cursor, report);
    if (key == "prompt_tokens_details" || key == "input_tokens_details") return read_details(cursor, report);
    return cursor.skip_value();
  });
}

bool read_seconds(json::JsonCursor& cursor, UsageReport& report) {
  const json::JsonKind kind = cursor.kind();
  std::string_view raw;
  if (!cursor.read_raw(raw)) return false;
  if (kind == json::JsonKind::string) raw = raw.substr(1, raw.size() - 2);
  double seconds = 0;
  const auto [end, error] = std::from_chars(raw.data(), raw.data() + raw.size(), seconds);
  if (error != std::errc() || end != raw.data() + raw.size()) return true;  // nothing that tells
  if (seconds >= 0 && seconds < static_cast<double>(UsageReport::k_tokens_max) / 1000) {
    report.audio_ms = static_cast<std::int64_t>(std::ceil(seconds * 1000));
  } else {
    report.plausible = false;
  }
  return true;
}

bool read_rerank_meta(json::JsonCursor& cursor, UsageReport& report) {
  return walk_members(cursor, [&](std::string_view key) {
    return key == "billed_units" ? read_billed_units(cursor, report) : cursor.skip_value();
  });
}

Usage to_usage(Endpoint endpoint, const UsageReport& report) {
  const std::int64_t input = report.input.value_or(has_output(endpoint) ? 0 : report.total.value_or(0));
  const std::int64_t output = report.output.value_or(0);
  Usage usage;
  usage.input_tokens = input;
  usage.cached_tokens = std::min(report.cache_read.value_or(0), input);
  usage.cache_write_tokens = std::min(report.cache_write.value_or(0), input - usage.cached_tokens);
  // Some (Gemini's and xAI's compatible ends) leave reasoning out of completion_tokens and show it in the total only.
  usage.output_tokens = has_output(endpoint) ? std::max(output, report.total.value_or(0) - input) : output;
  return usage;
}

}  // namespace cr::dialect::openai

// SPDX-License-Identifier: MIT
#include "dialect/usage_report.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string_view>

namespace cr::dialect {
namespace {

constexpr std::int64_t k_tokens_max = std::int64_t{1} << 40;

bool read_count(json::JsonCursor& cursor, std::optional<std::int64_t>& field, bool& plausible) {
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

bool read_details(json::JsonCursor& cursor, UsageReport& report) {
  if (cursor.kind() != json::JsonKind::object) return cursor.skip_value();
  if (!cursor.begin_object()) return false;
  json::JsonString key;
  while (cursor.next_member(key)) {
    if (key.raw == "cached_tokens") {
      if (!read_count(cursor, report.cache_read, report.plausible)) return false;
    } else if (key.raw == "cache_write_tokens") {
      if (!read_count(cursor, report.cache_write, report.plausible)) return false;
    } else if (!cursor.skip_value()) {
      return false;
    }
  }
  return cursor.fault() == json::JsonFault::none;
}

// Anthropic's split of what was written to the cache, by how long it is kept.
bool read_cache_creation(json::JsonCursor& cursor, UsageReport& report) {
  if (cursor.kind() != json::JsonKind::object) return cursor.skip_value();
  if (!cursor.begin_object()) return false;
  json::JsonString key;
  while (cursor.next_member(key)) {
    bool good = true;
    if (key.raw == "ephemeral_1h_input_tokens") {
      good = read_count(cursor, report.long_cache_write, report.plausible);
    } else if (key.raw == "ephemeral_5m_input_tokens") {
      good = read_count(cursor, report.short_cache_write, report.plausible);
    } else {
      good = cursor.skip_value();
    }
    if (!good) return false;
  }
  return cursor.fault() == json::JsonFault::none;
}

bool read_billed_units(json::JsonCursor& cursor, UsageReport& report) {
  if (cursor.kind() != json::JsonKind::object) return cursor.skip_value();
  if (!cursor.begin_object()) return false;
  json::JsonString key;
  while (cursor.next_member(key)) {
    const bool wanted = key.raw == "search_units";
    if (!(wanted ? read_count(cursor, report.search_units, report.plausible) : cursor.skip_value())) return false;
  }
  return cursor.fault() == json::JsonFault::none;
}

// Where a plain number of the usage object goes; null = nowhere.
std::optional<std::int64_t>* field_of(Endpoint endpoint, std::string_view key, UsageReport& report) {
  if (key == "input_tokens") return &report.input;
  if (key == "output_tokens") return &report.output;
  if (endpoint == Endpoint::messages) {
    if (key == "cache_read_input_tokens") return &report.cache_read;
    if (key == "cache_creation_input_tokens") return &report.cache_write;
    return nullptr;
  }
  if (key == "prompt_tokens") return &report.input;
  if (key == "completion_tokens") return &report.output;
  if (key == "total_tokens") return &report.total;
  if (key == "prompt_cache_hit_tokens" || key == "cached_tokens") return &report.cache_read;  // DeepSeek, Moonshot
  return nullptr;
}

}  // namespace

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

bool read_seconds(json::JsonCursor& cursor, UsageReport& report) {
  const json::JsonKind kind = cursor.kind();
  std::string_view raw;
  if (!cursor.read_raw(raw)) return false;
  if (kind == json::JsonKind::string) raw = raw.substr(1, raw.size() - 2);
  double seconds = 0;
  const auto [end, error] = std::from_chars(raw.data(), raw.data() + raw.size(), seconds);
  if (error != std::errc() || end != raw.data() + raw.size()) return true;  // nothing that tells
  if (seconds >= 0 && seconds < static_cast<double>(k_tokens_max) / 1000) {
    report.audio_ms = static_cast<std::int64_t>(std::ceil(seconds * 1000));
  } else {
    report.plausible = false;
  }
  return true;
}

bool read_usage(Endpoint endpoint, json::JsonCursor& cursor, UsageReport& report) {
  if (!cursor.begin_object()) return false;
  json::JsonString key;
  while (cursor.next_member(key)) {
    bool good = true;
    if (auto* field = field_of(endpoint, key.raw, report); field != nullptr) {
      good = read_count(cursor, *field, report.plausible);
    } else if (hears_sound(endpoint) && key.raw == "seconds") {
      good = read_seconds(cursor, report);
    } else if (endpoint != Endpoint::messages &&
               (key.raw == "prompt_tokens_details" || key.raw == "input_tokens_details")) {
      good = read_details(cursor, report);
    } else if (endpoint == Endpoint::messages && key.raw == "cache_creation") {
      good = read_cache_creation(cursor, report);
    } else {
      good = cursor.skip_value();
    }
    if (!good) return false;
  }
  return cursor.fault() == json::JsonFault::none;
}

bool read_rerank_meta(json::JsonCursor& cursor, UsageReport& report) {
  if (cursor.kind() != json::JsonKind::object) return cursor.skip_value();
  if (!cursor.begin_object()) return false;
  json::JsonString key;
  while (cursor.next_member(key)) {
    if (!(key.raw == "billed_units" ? read_billed_units(cursor, report) : cursor.skip_value())) return false;
  }
  return cursor.fault() == json::JsonFault::none;
}

bool tells_input(Endpoint endpoint, const UsageReport& report) {
  // Some (Voyage) tell the total alone of what has no output.
  return report.input || (!has_output(endpoint) && report.total);
}

bool is_complete(Endpoint endpoint, const UsageReport& report) {
  return tells_input(endpoint, report) && (report.output || !has_output(endpoint));
}

Usage to_usage(Endpoint endpoint, const UsageReport& report) {
  const std::int64_t input = report.input.value_or(has_output(endpoint) ? 0 : report.total.value_or(0));
  const std::int64_t read = report.cache_read.value_or(0);
  const std::int64_t kept_long = report.long_cache_write.value_or(0);
  const std::int64_t written =
      std::max(report.cache_write.value_or(0), report.short_cache_write.value_or(0) + kept_long);
  const std::int64_t output = report.output.value_or(0);
  Usage usage;
  if (endpoint == Endpoint::messages) {
    usage.input_tokens = input + read + written;
    usage.cached_tokens = read;
    usage.cache_write_tokens = written;
    usage.long_cache_write_tokens = kept_long;
    usage.output_tokens = output;
    return usage;
  }
  usage.input_tokens = input;
  usage.cached_tokens = std::min(read, input);
  usage.cache_write_tokens = std::min(written, input - usage.cached_tokens);
  // Some (Gemini's and xAI's compatible ends) leave reasoning out of completion_tokens and show it in the total only.
  usage.output_tokens = has_output(endpoint) ? std::max(output, report.total.value_or(0) - input) : output;
  return usage;
}

}  // namespace cr::dialect

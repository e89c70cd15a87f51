// SPDX-License-Identifier: MIT
#include "dialect/anthropic/meter_form.h"

#include <algorithm>

#include "dialect/object_walk.h"

namespace cr::dialect::anthropic {
namespace {

using json::JsonCursor;
using json::JsonKind;

// The split of what was written to the cache, by how long it is kept.
bool read_cache_creation(JsonCursor& cursor, UsageReport& report) {
  return walk_members(cursor, [&](std::string_view key) {
    if (key == "ephemeral_1h_input_tokens") return report.read_count(cursor, report.long_cache_write);
    if (key == "ephemeral_5m_input_tokens") return report.read_count(cursor, report.short_cache_write);
    return cursor.skip_value();
  });
}

bool read_usage(JsonCursor& cursor, UsageReport& report) {
  return walk_members(cursor, [&](std::string_view key) {
    if (key == "input_tokens") return report.read_count(cursor, report.input);
    if (key == "output_tokens") return report.read_count(cursor, report.output);
    if (key == "cache_read_input_tokens") return report.read_count(cursor, report.cache_read);
    if (key == "cache_creation_input_tokens") return report.read_count(cursor, report.cache_write);
    if (key == "cache_creation") return read_cache_creation(cursor, report);
    return cursor.skip_value();
  });
}

bool take_error(JsonCursor& cursor, Reading& reading) {
  reading.error |= cursor.kind() != JsonKind::null;
  return cursor.skip_value();
}

bool take_type(JsonCursor& cursor, Reading& reading) {
  json::JsonString type;
  if (!cursor.read_string(type)) return false;
  reading.error |= type.raw == "error";
  reading.last = type.raw == "message_stop";
  return true;
}

// The message of a message_start.
bool take_message(JsonCursor& cursor, Reading& reading) {
  return walk_members(cursor, [&](std::string_view key) {
    if (key == "usage") return read_usage(cursor, reading.first_usage);
    return key == "error" ? take_error(cursor, reading) : cursor.skip_value();
  });
}

bool take_member(JsonCursor& cursor, MeterForm::Part part, std::string_view key, Reading& reading) {
  const auto kind = cursor.kind();
  if (key == "delta" || key == "content_block") return tally_text(cursor, reading.text);
  if (key == "type" && kind == JsonKind::string) return take_type(cursor, reading);
  if (key == "usage") {
    reading.has_usage |= kind == JsonKind::object;
    return read_usage(cursor, reading.usage);
  }
  if (key == "error") return take_error(cursor, reading);
  if (key == "message") return take_message(cursor, reading);
  if (key == "content" && part == MeterForm::Part::body) return tally_text(cursor, reading.text);
  return cursor.skip_value();
}

bool read(Endpoint, MeterForm::Part part, std::string_view json, Reading& reading) {
  JsonCursor cursor(json);
  if (cursor.kind() != JsonKind::object) return false;
  return walk_members(cursor, [&](std::string_view key) { return take_member(cursor, part, key, reading); }) &&
         cursor.finish();
}

Usage to_usage(Endpoint, const UsageReport& report) {
  const std::int64_t kept_long = report.long_cache_write.value_or(0);
  Usage usage;
  usage.cached_tokens = report.cache_read.value_or(0);
  usage.cache_write_tokens = std::max(report.cache_write.value_or(0), report.short_cache_write.value_or(0) + kept_long);
  usage.long_cache_write_tokens = kept_long;
  usage.input_tokens = report.input.value_or(0) + usage.cached_tokens + usage.cache_write_tokens;
  usage.output_tokens = report.output.value_or(0);
  return usage;
}

}  // namespace

constinit const MeterForm k_meter_form{read, to_usage};

}  // namespace cr::dialect::anthropic

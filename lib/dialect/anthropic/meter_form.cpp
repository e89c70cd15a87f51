// SPDX-License-Identifier: MIT
#include "dialect/anthropic/meter_form.h"

#include <algorithm>
#include <array>

#include "dialect/object_walk.h"
#include "dialect/usage_walk.h"

namespace cr::dialect::anthropic {
namespace {

using json::JsonCursor;
using json::JsonKind;

constexpr std::array<UsageMember, 6> k_members = {{
    {"/input_tokens", &UsageReport::input},
    {"/output_tokens", &UsageReport::output},
    {"/cache_read_input_tokens", &UsageReport::cache_read},
    {"/cache_creation_input_tokens", &UsageReport::cache_write},
    // The split of what was written to the cache, by how long it is kept.
    {"/cache_creation/ephemeral_1h_input_tokens", &UsageReport::long_cache_write},
    {"/cache_creation/ephemeral_5m_input_tokens", &UsageReport::short_cache_write},
}};
constexpr std::string_view k_advised = "/usage/iterations/advisor_message";

// Of one iteration: what it used, and whether another model made it.
bool read_iteration(JsonCursor& cursor, UsageReport& sum, std::int64_t& advised) {
  std::string_view raw;
  if (cursor.kind() != JsonKind::object || !cursor.read_raw(raw)) return cursor.skip_value();
  UsageReport one;
  Told told;
  JsonCursor own(raw);
  if (!walk_usage(own, k_members, one, told)) return false;
  sum.add(one);
  if (told.text("/usage/type") == "advisor_message") ++advised;
  return true;
}

// Where the provider samples several times for one message (a compaction of the context, an advisor), `iterations` has
// each, and the members beside it only the last one's kind: what is billed is their sum
// (platform.claude.com/docs/en/build-with-claude/compaction).
bool read_iterations(std::string_view usage, UsageReport& report, Told& told) {
  UsageReport sum;
  std::int64_t advised = 0;
  JsonCursor cursor(usage);
  const bool good = walk_members(cursor, [&](std::string_view key) {
    if (key != "iterations") return cursor.skip_value();
    return walk_elements(cursor, [&] { return read_iteration(cursor, sum, advised); });
  });
  report.raise(sum);
  if (advised > 0) told.set_count(k_advised, advised);
  return good;
}

bool read_usage(JsonCursor& cursor, UsageReport& report, Told& told) {
  std::string_view raw;
  if (cursor.kind() != JsonKind::object || !cursor.read_raw(raw)) return cursor.skip_value();
  JsonCursor own(raw);
  if (!walk_usage(own, k_members, report, told)) return false;
  return raw.find("\"iterations\"") == std::string_view::npos || read_iterations(raw, report, told);
}

class Reader {
 public:
  Reader(MeterForm::Part part, std::string_view json, Reading& reading)
      : part_(part), cursor_(json), reading_(reading) {}

  bool read() {
    if (cursor_.kind() != JsonKind::object) return false;
    return walk_members(cursor_, [&](std::string_view key) { return take_member(key); }) && cursor_.finish();
  }

 private:
  bool take_member(std::string_view key);
  bool take_error();
  bool take_type();
  bool take_message();
  bool take_scalar(std::string_view key);

  MeterForm::Part part_;
  JsonCursor cursor_;
  Reading& reading_;
};

bool Reader::take_error() {
  reading_.error |= cursor_.kind() != JsonKind::null;
  return cursor_.skip_value();
}

bool Reader::take_type() {
  json::JsonString type;
  if (!cursor_.read_string(type)) return false;
  reading_.error |= type.raw == "error";
  reading_.last = type.raw == "message_stop";
  reading_.ping = type.raw == "ping";
  reading_.answers |= type.raw == "message";
  return true;
}

bool Reader::take_scalar(std::string_view key) {
  const auto kind = cursor_.kind();
  std::string_view raw;
  if (!cursor_.read_raw(raw)) return false;
  const bool told = kind == JsonKind::string || kind == JsonKind::boolean;
  if (told && key != "id" && key != "type" && key != "role") reading_.scalars.add(key, raw);
  return true;
}

// The message of a message_start.
bool Reader::take_message() {
  return walk_members(cursor_, [&](std::string_view key) {
    if (key == "usage") {
      const bool good = read_usage(cursor_, reading_.lesser_usage, reading_.told);
      reading_.lesser_usage.output.reset();
      return good;
    }
    return key == "error" ? take_error() : take_scalar(key);
  });
}

bool Reader::take_member(std::string_view key) {
  const auto kind = cursor_.kind();
  const bool body = part_ == MeterForm::Part::body;
  if (key == "delta" || key == "content_block") return tally_text(cursor_, reading_.text);
  if (key == "type" && kind == JsonKind::string) return take_type();
  if (key == "usage") {
    reading_.has_usage |= kind == JsonKind::object;
    return read_usage(cursor_, reading_.usage, reading_.told);
  }
  if (key == "error") return take_error();
  if (key == "message") return take_message();
  if (key == "content" && body) {
    reading_.answers |= kind == JsonKind::array;
    return tally_text(cursor_, reading_.text);
  }
  if (key == "input_tokens") reading_.answers = true;  // of a count of tokens
  if (key == "code") reading_.has_code = true;
  if (key == "msg") reading_.has_message = true;
  return body ? take_scalar(key) : cursor_.skip_value();
}

bool read(Endpoint, MeterForm::Part part, std::string_view json, Reading& reading) {
  return Reader(part, json, reading).read();
}

Usage to_usage(Endpoint, const UsageReport& report, std::int64_t) {
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

// SPDX-License-Identifier: MIT
#include "dialect/usage_report.h"

#include <algorithm>
#include <array>

#include "base/decimal.h"

namespace cr::dialect {
namespace {

using CountOf = std::optional<std::int64_t> UsageReport::*;
constexpr std::array<CountOf, 16> k_members = {
    &UsageReport::input,
    &UsageReport::cache_read,
    &UsageReport::cache_write,
    &UsageReport::short_cache_write,
    &UsageReport::long_cache_write,
    &UsageReport::output,
    &UsageReport::total,
    &UsageReport::reasoning,
    &UsageReport::audio_input,
    &UsageReport::cached_audio,
    &UsageReport::audio_output,
    &UsageReport::image_input,
    &UsageReport::cached_image,
    &UsageReport::image_output,
    &UsageReport::search_units,
    &UsageReport::audio_ms,
};

}  // namespace

void UsageReport::merge(const UsageReport& later) {
  for (const CountOf member : k_members) {
    const auto& theirs = later.*member;
    if (theirs && (*theirs != 0 || !(this->*member))) this->*member = theirs;
  }
}

void UsageReport::add(const UsageReport& more) {
  for (const CountOf member : k_members) {
    const auto& theirs = more.*member;
    if (theirs) this->*member = std::min((this->*member).value_or(0) + *theirs, k_tokens_max);
  }
}

void UsageReport::raise(const UsageReport& other) {
  for (const CountOf member : k_members) {
    const auto& theirs = other.*member;
    if (theirs) this->*member = std::max((this->*member).value_or(0), *theirs);
  }
}

std::optional<std::int64_t> to_count(std::string_view raw, int decimals, std::int64_t most) {
  if (raw.size() >= 2 && raw.front() == '"') raw = raw.substr(1, raw.size() - 2);
  return base::round_up_number(raw, decimals, most);
}

bool read_count(json::JsonCursor& cursor, std::optional<std::int64_t>& field, int decimals) {
  std::string_view raw;
  if (!cursor.read_raw(raw)) return false;
  if (const auto count = to_count(raw, decimals, UsageReport::k_tokens_max)) field = count;
  return true;
}

bool tells_input(Endpoint endpoint, const UsageReport& report) {
  // Some (Voyage) tell the total alone of what has no output.
  return report.input || (!has_output(endpoint) && report.total);
}

bool is_complete(Endpoint endpoint, const UsageReport& report) {
  return tells_input(endpoint, report) && (report.output || !has_output(endpoint));
}

void set_parts(const UsageReport& report, Usage& usage) {
  // In this order: what a vendor charges most for comes first.
  const auto part = [](const std::optional<std::int64_t>& told, std::int64_t& left) {
    const auto size = std::min(told.value_or(0), left);
    left -= size;
    return size;
  };
  std::int64_t input = usage.input_tokens, cached = usage.cached_tokens, output = usage.output_tokens;
  usage.audio_input_tokens = part(report.audio_input, input);
  usage.image_input_tokens = part(report.image_input, input);
  usage.cached_audio_tokens = std::min(part(report.cached_audio, cached), usage.audio_input_tokens);
  usage.cached_image_tokens = std::min(part(report.cached_image, cached), usage.image_input_tokens);
  usage.audio_output_tokens = part(report.audio_output, output);
  usage.image_output_tokens = part(report.image_output, output);
}

}  // namespace cr::dialect

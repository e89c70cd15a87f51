// SPDX-License-Identifier: MIT
// What people type and what is shown to them: money, durations, times and keys read back as they are written; a pattern
// matches as its definition says; no text for a terminal can move its cursor.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/credits.h"
#include "base/text.h"
#include "check.h"
#include "token/key.h"

namespace {

using namespace cr::base;

void check_money(std::string_view text) {
  const auto plain = Credits::parse(text);
  const auto either = Credits::parse_signed(text);
  if (plain) CR_CHECK(*plain >= Credits() && either.value() == *plain);
  if (plain) CR_CHECK(Credits::parse(plain->to_decimal()).value() == *plain);
  if (either) CR_CHECK(Credits::parse_signed(either->to_decimal()).value() == *either);
}

void check_times(std::string_view text) {
  if (const auto duration = parse_duration(text)) {
    CR_CHECK(duration->count() >= 0);
    CR_CHECK(parse_duration(std::to_string(duration->count()) + "ms").value() == *duration);
    CR_CHECK(!format_duration(*duration).empty());
  }
  if (const auto time = parse_time(text)) CR_CHECK(parse_time(format_rfc3339(*time)).value() == *time);
}

// The definition, tried at every place: exponential, so for short texts only.
bool matches(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern.front() == '*') {
    for (std::size_t at = 0; at <= text.size(); ++at) {
      if (matches(pattern.substr(1), text.substr(at))) return true;
    }
    return false;
  }
  if (text.empty() || (pattern.front() != '?' && pattern.front() != text.front())) return false;
  return matches(pattern.substr(1), text.substr(1));
}

void check_pattern(std::string_view text) {
  const auto half = text.find('\n');
  if (half == text.npos || half > 8 || text.size() > 24) return;
  const auto pattern = text.substr(0, half), subject = text.substr(half + 1);
  CR_CHECK(glob_match(pattern, subject) == matches(pattern, subject));
}

void check_shown(std::string_view text) {
  const auto shown = escape_for_terminal(text);
  CR_CHECK(is_valid_utf8(shown) && escape_for_terminal(shown) == shown && display_width(shown) >= 0);
  for (const char c : shown) CR_CHECK(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F);
  if (check_name("name", text).has_value()) CR_CHECK(shown == text && text.size() <= 64);
}

void check_key(std::string_view text) {
  const auto shape = cr::token::shape_of(text);
  if (shape == cr::token::KeyShape::malformed) return;
  const auto hint = cr::token::hint_of(text);
  CR_CHECK(text.starts_with(hint.first.view()) && text.ends_with(hint.last.view()));
  CR_CHECK(text.size() >= 24 ? hint.first.view().size() + hint.last.view().size() <= 14
                             : 2 * (hint.first.view().size() + hint.last.view().size()) <= text.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_money(text);
  check_times(text);
  check_pattern(text);
  check_shown(text);
  check_key(text);
  return 0;
}

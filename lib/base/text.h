// SPDX-License-Identifier: MIT
// Text in and out: durations, times, globs, names, terminal-safe text. Pure functions, any thread.
#pragma once

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace cr::base {

// "250ms 90s 30m 12h 30d 2w 3mo 1y" (mo = 30 d, y = 365 d), combinations "1h30m" from large to small. A bare number, a
// bare "M" and anything over 1000 years are `invalid` with a hint naming the units. Zero ("0s") is allowed.
Result<std::chrono::milliseconds> parse_duration(std::string_view text);
// The two largest units: "29d 23h", "1h 30m", "45s", "120ms".
std::string format_duration(std::chrono::milliseconds duration);

// RFC 3339 ("2026-12-31T23:59:59Z", offsets allowed), or a date ("2026-12-31" = 00:00 UTC that day).
Result<Time> parse_time(std::string_view text);
// An expiry or a bound as typed: a duration from `now`, a date, RFC 3339; "never", "none", "-1" are nullopt.
Result<std::optional<Time>> parse_when(std::string_view text, Time now);
// "2026-12-31T23:59:59Z"; milliseconds only where they are not zero.
std::string format_rfc3339(Time time);

// '*' any run, '?' one byte (unless only stars are asked for), everything else byte-exact. At worst
// pattern x text steps, never exponential.
enum class Wildcards { star, star_and_question };
bool glob_match(std::string_view pattern, std::string_view text, Wildcards wildcards = Wildcards::star_and_question);

// [A-Za-z0-9._-]{1,64}, not starting with '-' or '.'. `what` names it in the message: "token name".
Result<void> check_name(std::string_view what, std::string_view name);

// The candidate a typing slip away from `word` (Damerau-Levenshtein at most a third of its length, case ignored), or
// the only one that starts with it; else none.
std::optional<std::string> nearest(std::string_view word, std::span<const std::string> candidates);

// C0, C1, DEL, bidi controls, line separators and invalid UTF-8 made visible as \xNN or \u{NNNN}: nothing from outside
// moves a cursor.
std::string escape_for_terminal(std::string_view text);
// Columns a terminal gives `text` (CJK and emoji 2, combining 0). Expects UTF-8.
int display_width(std::string_view text);

bool is_valid_utf8(std::string_view text);
std::vector<std::string> split_list(std::string_view text, char separator = ',');  // trimmed, empties dropped
std::string to_lower_ascii(std::string_view text);
bool same_letters(const char* left, const char* right, std::size_t size);  // whatever their case is; ASCII
inline bool equals_ignoring_case(std::string_view left, std::string_view right) {
  return left.size() == right.size() && same_letters(left.data(), right.data(), left.size());
}

}  // namespace cr::base

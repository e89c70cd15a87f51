// SPDX-License-Identifier: MIT
// The part of base/text.h that knows durations and times.
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>

#include "base/text.h"

namespace cr::base {
namespace {

using std::chrono::milliseconds;

struct Unit {
  std::string_view name;
  std::int64_t ms;
};
constexpr std::int64_t k_day_ms = 86'400'000;
constexpr std::array<Unit, 8> k_units{{{"y", 365 * k_day_ms},
                                       {"mo", 30 * k_day_ms},
                                       {"w", 7 * k_day_ms},
                                       {"d", k_day_ms},
                                       {"h", 3'600'000},
                                       {"m", 60'000},
                                       {"s", 1'000},
                                       {"ms", 1}}};
constexpr std::int64_t k_duration_ms_max = 1000 * 365 * k_day_ms;  // keeps "now + duration" within four-digit years
constexpr std::string_view k_duration_hint = "write a number and a unit: ms s m h d w mo y, as in 90s, 1h30m, 30d";
constexpr std::string_view k_time_hint = "write 2026-12-31 or 2026-12-31T23:59:59Z (or an offset such as +02:00)";

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

tl::unexpected<Error> bad(std::string_view what, std::string_view text, std::string_view why, std::string_view hint) {
  const std::string shown = escape_for_terminal(text.substr(0, 40));
  return fail(ErrorCode::invalid, std::string(what) + " \"" + shown + "\": " + std::string(why), std::string(hint));
}

// Takes a number and a unit off the front of `rest`; the largest unit allowed is k_units[unit_min].
Result<std::int64_t> take_part(std::string_view whole, std::string_view& rest, std::size_t& unit_min) {
  std::int64_t number = 0;
  std::size_t digits = 0;
  while (digits < rest.size() && is_digit(rest[digits])) {
    number = std::min(number * 10 + (rest[digits] - '0'), k_duration_ms_max + 1);
    ++digits;
  }
  if (digits == 0) return bad("duration", whole, "expected a number", k_duration_hint);
  rest.remove_prefix(digits);

  const auto* const end_of_name = std::find_if(rest.begin(), rest.end(), is_digit);
  const std::string_view name = rest.substr(0, static_cast<std::size_t>(end_of_name - rest.begin()));
  if (name.empty()) return bad("duration", whole, "a number without a unit", k_duration_hint);
  const auto* const unit = std::find_if(k_units.begin(), k_units.end(), [&](const Unit& u) { return u.name == name; });
  if (name == "M") return bad("duration", whole, "M may be minutes (m) or months (mo)", k_duration_hint);
  if (unit == k_units.end()) return bad("duration", whole, "not a unit of time", k_duration_hint);
  const auto index = static_cast<std::size_t>(unit - k_units.begin());
  if (index < unit_min) return bad("duration", whole, "units go from large to small, each once", k_duration_hint);
  unit_min = index + 1;
  rest.remove_prefix(name.size());

  std::int64_t ms = 0;
  if (__builtin_mul_overflow(number, unit->ms, &ms) || ms > k_duration_ms_max) {
    return bad("duration", whole, "longer than 1000 years", k_duration_hint);
  }
  return ms;
}

// Takes exactly `digits` digits off the front; -1 if they are not there.
int take_number(std::string_view& rest, std::size_t digits) {
  if (rest.size() < digits) return -1;
  int number = 0;
  for (const char c : rest.substr(0, digits)) {
    if (!is_digit(c)) return -1;
    number = number * 10 + (c - '0');
  }
  rest.remove_prefix(digits);
  return number;
}

bool take_char(std::string_view& rest, char wanted) {
  if (rest.empty() || rest.front() != wanted) return false;
  rest.remove_prefix(1);
  return true;
}

std::optional<Time> take_date(std::string_view& rest) {
  const int year = take_number(rest, 4);
  if (year < 0 || !take_char(rest, '-')) return std::nullopt;
  const int month = take_number(rest, 2);
  if (month < 0 || !take_char(rest, '-')) return std::nullopt;
  const int day = take_number(rest, 2);
  if (day < 0) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return std::nullopt;
  return Time(std::chrono::sys_days(date));
}

// "23:59:59" and a fraction of a second, cut to milliseconds. 60 seconds is the leap second RFC 3339 section 5.7
// allows.
std::optional<milliseconds> take_clock(std::string_view& rest) {
  const int hour = take_number(rest, 2);
  if (hour < 0 || hour > 23 || !take_char(rest, ':')) return std::nullopt;
  const int minute = take_number(rest, 2);
  if (minute < 0 || minute > 59 || !take_char(rest, ':')) return std::nullopt;
  const int second = take_number(rest, 2);
  if (second < 0 || second > 60) return std::nullopt;
  std::int64_t ms = ((hour * 60 + minute) * 60 + second) * 1000;
  if (take_char(rest, '.')) {
    if (rest.empty() || !is_digit(rest.front())) return std::nullopt;
    for (int weight = 100; !rest.empty() && is_digit(rest.front()); weight /= 10) {
      ms += weight * (rest.front() - '0');
      rest.remove_prefix(1);
    }
  }
  return milliseconds(ms);
}

// "Z" or "+02:00": what to take away to come to UTC.
std::optional<milliseconds> take_offset(std::string_view& rest) {
  if (take_char(rest, 'Z') || take_char(rest, 'z')) return milliseconds(0);
  const bool east = take_char(rest, '+');
  if (!east && !take_char(rest, '-')) return std::nullopt;
  const int hour = take_number(rest, 2);
  if (hour < 0 || hour > 23 || !take_char(rest, ':')) return std::nullopt;
  const int minute = take_number(rest, 2);
  if (minute < 0 || minute > 59) return std::nullopt;
  const milliseconds offset = std::chrono::hours(hour) + std::chrono::minutes(minute);
  return east ? offset : -offset;
}

}  // namespace

Result<milliseconds> parse_duration(std::string_view text) {
  if (text.empty()) return bad("duration", text, "it is empty", k_duration_hint);
  std::string_view rest = text;
  std::size_t unit_min = 0;
  std::int64_t sum = 0;
  while (!rest.empty()) {
    const auto part = take_part(text, rest, unit_min);
    if (!part) return tl::unexpected(part.error());
    sum += *part;  // at most eight parts, each below the limit: cannot overflow
  }
  if (sum > k_duration_ms_max) return bad("duration", text, "longer than 1000 years", k_duration_hint);
  return milliseconds(sum);
}

std::string format_duration(milliseconds duration) {
  constexpr std::array<Unit, 5> k_shown{{{"d", k_day_ms}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};
  const std::int64_t count = duration.count();
  const std::uint64_t rest =
      count < 0 ? std::uint64_t{0} - static_cast<std::uint64_t>(count) : static_cast<std::uint64_t>(count);
  const auto part = [](std::uint64_t ms, const Unit& unit) {
    return std::to_string(ms / static_cast<std::uint64_t>(unit.ms)) + std::string(unit.name);
  };
  for (std::size_t i = 0; i < k_shown.size(); ++i) {
    const auto unit_ms = static_cast<std::uint64_t>(k_shown[i].ms);
    if (rest < unit_ms) continue;
    std::string text = (count < 0 ? "-" : "") + part(rest, k_shown[i]);
    const std::uint64_t remainder = rest % unit_ms;
    if (i + 1 < k_shown.size() && remainder >= static_cast<std::uint64_t>(k_shown[i + 1].ms)) {
      text += " " + part(remainder, k_shown[i + 1]);
    }
    return text;
  }
  return "0s";
}

Result<Time> parse_time(std::string_view text) {
  std::string_view rest = text;
  const auto date = take_date(rest);
  if (!date) return bad("time", text, "not a date of the calendar", k_time_hint);
  if (rest.empty()) return *date;
  if (!take_char(rest, 'T') && !take_char(rest, 't'))
    return bad("time", text, "expected T after the date", k_time_hint);
  const auto clock = take_clock(rest);
  if (!clock) return bad("time", text, "not a time of day", k_time_hint);
  const auto offset = take_offset(rest);
  if (!offset) return bad("time", text, "without its offset from UTC", k_time_hint);
  if (!rest.empty()) return bad("time", text, "something follows the time", k_time_hint);
  return *date + *clock - *offset;
}

Result<std::optional<Time>> parse_when(std::string_view text, Time now) {
  for (const std::string_view none : {"never", "none", "-1"}) {
    if (equals_ignoring_case(text, none)) return std::optional<Time>();
  }
  if (text.size() > 4 && text[4] == '-') {
    const auto time = parse_time(text);
    if (!time) return tl::unexpected(time.error());
    return std::optional<Time>(*time);
  }
  const auto duration = parse_duration(text);
  if (!duration) {
    return tl::unexpected(
        Error{ErrorCode::invalid, duration.error().message,
              "write a duration (30d, 12h), a date (2026-12-31), a time (2026-12-31T23:59:59Z) or never"});
  }
  return std::optional<Time>(now + *duration);
}

namespace {

// With leading zeros up to `digits`, as %0*d writes it.
void append_number(std::string& out, int number, std::size_t digits) {
  const auto text = std::to_string(std::abs(number));
  const std::size_t size = text.size() + (number < 0 ? 1 : 0);
  if (number < 0) out += '-';
  if (size < digits) out.append(digits - size, '0');
  out += text;
}

}  // namespace

std::string format_rfc3339(Time time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss<milliseconds> clock(time - day);
  // By hand: a list of many records writes several of them each.
  std::string out;
  out.reserve(sizeof "2026-12-31T23:59:59.999Z");
  append_number(out, static_cast<int>(date.year()), 4);
  append_number(out += '-', static_cast<int>(static_cast<unsigned>(date.month())), 2);
  append_number(out += '-', static_cast<int>(static_cast<unsigned>(date.day())), 2);
  append_number(out += 'T', static_cast<int>(clock.hours().count()), 2);
  append_number(out += ':', static_cast<int>(clock.minutes().count()), 2);
  append_number(out += ':', static_cast<int>(clock.seconds().count()), 2);
  if (clock.subseconds().count() != 0) append_number(out += '.', static_cast<int>(clock.subseconds().count()), 3);
  return out += 'Z';
}

}  // namespace cr::base

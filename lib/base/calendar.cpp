// SPDX-License-Identifier: MIT
#include "base/calendar.h"

#include <date/tz.h>
#include <fmt/core.h>

#include <exception>

#include "base/text.h"

namespace cr::base {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::string_view k_names[] = {"day", "week", "month"};

const date::time_zone& zone_at(const void* zone) {
  return *static_cast<const date::time_zone*>(zone);
}

date::sys_info info_at(const void* zone, Time time) {
  return zone_at(zone).get_info(std::chrono::floor<seconds>(time));
}

// When the zone's clocks first show this midnight or, where they jump over it, the first time after it.
Time midnight(const void* zone, date::local_days day) {
  if (zone == nullptr) return Time(day.time_since_epoch());
  const auto seen = zone_at(zone).get_info(date::local_seconds(day));
  if (seen.result == date::local_info::nonexistent) return seen.first.end;
  return Time(date::local_seconds(day).time_since_epoch() - seen.first.offset);
}

date::local_days first_day(Period period, date::local_days day) {
  switch (period) {
    case Period::day:
      return day;
    case Period::week:
      return day - (date::weekday(day) - date::Monday);
    case Period::month:
      break;
  }
  const date::year_month_day on(day);
  return date::local_days(on.year() / on.month() / 1);
}

date::local_days next_first_day(Period period, date::local_days first) {
  switch (period) {
    case Period::day:
      return first + date::days(1);
    case Period::week:
      return first + date::days(7);
    case Period::month:
      break;
  }
  const date::year_month_day on(first);
  return date::local_days((on.year() / on.month() + date::months(1)) / 1);
}

}  // namespace

std::string_view name_of(Period period) {
  return k_names[static_cast<std::size_t>(period)];
}

std::optional<Period> period_from(std::string_view name) {
  for (const Period period : {Period::day, Period::week, Period::month}) {
    if (name_of(period) == name) return period;
  }
  return std::nullopt;
}

Result<Zone> Zone::find(std::string_view name) {
  Zone zone;
  if (name == "UTC") return zone;
  try {
    zone.zone_ = date::locate_zone(name);
    zone.name_ = name;
    return zone;
  } catch (const std::exception& error) {
    // Why: it is no zone's name, or the files of the zones cannot be read.
    return fail(ErrorCode::invalid,
                "no time zone named '" + escape_for_terminal(name.substr(0, 64)) + "' (" +
                    escape_for_terminal(std::string_view(error.what()).substr(0, 200)) + ")",
                "name one as in Europe/Berlin; /usr/share/zoneinfo has them all");
  }
}

TimeSpan Zone::period_of(Period period, Time time) const {
  const date::local_time<milliseconds> local(time.time_since_epoch() + offset_at(time));
  const auto first = first_day(period, date::floor<date::days>(local));
  return {midnight(zone_, first), midnight(zone_, next_first_day(period, first))};
}

seconds Zone::offset_at(Time time) const {
  return zone_ == nullptr ? seconds(0) : info_at(zone_, time).offset;
}

Time Zone::next_change(Time time) const {
  constexpr auto k_far = Time(std::chrono::hours(24 * 366 * 1000));
  if (zone_ == nullptr) return k_far;
  const auto end = info_at(zone_, time).end;
  return end.time_since_epoch() > std::chrono::duration_cast<seconds>(k_far.time_since_epoch()) ? k_far : Time(end);
}

std::string Zone::day_text(Time time) const {
  const date::local_time<milliseconds> local(time.time_since_epoch() + offset_at(time));
  const date::year_month_day on(date::floor<date::days>(local));
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(on.year()), static_cast<unsigned>(on.month()),
                     static_cast<unsigned>(on.day()));
}

std::string Zone::hour_text(Time time) const {
  const auto offset = offset_at(time);
  const date::local_time<milliseconds> local(time.time_since_epoch() + offset);
  const auto hour = std::chrono::floor<std::chrono::hours>(local) - date::floor<date::days>(local);
  const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(offset).count();
  const auto zone = minutes == 0 ? std::string("Z")
                                 : fmt::format("{}{:02}:{:02}", minutes < 0 ? '-' : '+', std::abs(minutes) / 60,
                                               std::abs(minutes) % 60);
  return fmt::format("{}T{:02}:00:00{}", day_text(time), hour.count(), zone);
}

}  // namespace cr::base

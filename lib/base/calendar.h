// SPDX-License-Identifier: MIT
// Zone: a time zone of the system's IANA database, and the calendar periods that begin and end in it. A value, cheap to
// copy; any thread. The first use reads the database from disk: not for workers.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace cr::base {

enum class Period { day, week, month };  // weeks begin on Monday (ISO 8601)
std::string_view name_of(Period period);
std::optional<Period> period_from(std::string_view name);

// [start, end)
struct TimeSpan {
  Time start, end;
  bool contains(Time time) const { return start <= time && time < end; }
  auto operator<=>(const TimeSpan&) const = default;
};

class Zone {
 public:
  Zone() = default;  // UTC
  // "UTC", "Europe/Berlin"; `invalid` names one that is not there.
  static Result<Zone> find(std::string_view name);
  const std::string& name() const { return name_; }

  // The calendar period that holds `time`, as this zone's clocks show it: a day of a clock change has 23 or 25 hours.
  // A period whose first midnight does not exist begins when the clocks go on.
  TimeSpan period_of(Period period, Time time) const;
  // What the zone's clocks are ahead of UTC then.
  std::chrono::seconds offset_at(Time time) const;
  // When that offset next changes; far away if it does not.
  Time next_change(Time time) const;
  // "2026-12-31", and "2026-12-31T23:00:00+01:00" for the hour that holds `time`.
  std::string day_text(Time time) const;
  std::string hour_text(Time time) const;

  bool operator==(const Zone& other) const { return name_ == other.name_; }

 private:
  std::string name_ = "UTC";
  const void* zone_ = nullptr;  // of the library; null = UTC, which needs none. Lives as long as the process.
};

}  // namespace cr::base

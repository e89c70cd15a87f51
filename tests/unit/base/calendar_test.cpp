// SPDX-License-Identifier: MIT
#include "base/calendar.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.h"

namespace cr::base {
namespace {

Time at(std::string_view text) {
  return *parse_time(text);
}
Zone zone(std::string_view name) {
  const auto found = Zone::find(name);
  EXPECT_TRUE(found) << name;
  return found ? *found : Zone();
}

struct PeriodCase {
  std::string_view zone;
  Period period;
  std::string_view time, start, end;
};

TEST(Calendar, periods_begin_and_end_as_the_zones_clocks_say) {
  const PeriodCase table[] = {
      {"UTC", Period::day, "2026-11-26T12:00:00Z", "2026-11-26T00:00:00Z", "2026-11-27T00:00:00Z"},
      {"UTC", Period::day, "2026-11-26T00:00:00Z", "2026-11-26T00:00:00Z", "2026-11-27T00:00:00Z"},
      {"UTC", Period::day, "2026-11-26T23:59:59.999Z", "2026-11-26T00:00:00Z", "2026-11-27T00:00:00Z"},
      {"UTC", Period::week, "2026-11-26T12:00:00Z", "2026-11-23T00:00:00Z", "2026-11-30T00:00:00Z"},  // a Thursday
      {"UTC", Period::week, "2026-11-23T00:00:00Z", "2026-11-23T00:00:00Z", "2026-11-30T00:00:00Z"},
      {"UTC", Period::week, "2026-11-29T23:59:59Z", "2026-11-23T00:00:00Z", "2026-11-30T00:00:00Z"},
      {"UTC", Period::month, "2028-02-29T12:00:00Z", "2028-02-01T00:00:00Z", "2028-03-01T00:00:00Z"},
      {"UTC", Period::month, "2026-12-31T23:59:59Z", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"},
      {"UTC", Period::day, "1969-12-31T12:00:00Z", "1969-12-31T00:00:00Z", "1970-01-01T00:00:00Z"},
      {"Europe/Berlin", Period::day, "2026-07-01T12:00:00Z", "2026-06-30T22:00:00Z", "2026-07-01T22:00:00Z"},
      {"Europe/Berlin", Period::month, "2026-11-26T12:00:00Z", "2026-10-31T23:00:00Z", "2026-11-30T23:00:00Z"},
      // 23 and 25 hours
      {"Europe/Berlin", Period::day, "2026-03-29T12:00:00Z", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"},
      {"Europe/Berlin", Period::day, "2026-10-25T12:00:00Z", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"},
      {"Asia/Kathmandu", Period::day, "2026-11-26T12:00:00Z", "2026-11-25T18:15:00Z", "2026-11-26T18:15:00Z"},
      {"America/New_York", Period::week, "2026-11-02T04:59:59Z", "2026-10-26T04:00:00Z", "2026-11-02T05:00:00Z"},
      // The clocks jump over midnight: from 24:00 to 01:00.
      {"America/Santiago", Period::day, "2026-09-06T12:00:00Z", "2026-09-06T04:00:00Z", "2026-09-07T03:00:00Z"},
      // Midnight twice: the day begins with the first.
      {"America/Havana", Period::day, "2026-11-01T12:00:00Z", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z"},
  };
  for (const auto& row : table) {
    const auto span = zone(row.zone).period_of(row.period, at(row.time));
    EXPECT_EQ(span.start, at(row.start)) << row.zone << ' ' << row.time << ": " << format_rfc3339(span.start);
    EXPECT_EQ(span.end, at(row.end)) << row.zone << ' ' << row.time << ": " << format_rfc3339(span.end);
    EXPECT_TRUE(span.contains(at(row.time)));
    EXPECT_FALSE(span.contains(span.end));
  }
}

TEST(Calendar, periods_of_a_zone_leave_no_gap_and_do_not_overlap) {
  for (const auto* name : {"Europe/Berlin", "America/Santiago", "America/Havana", "Australia/Lord_Howe", "UTC"}) {
    const Zone here = zone(name);
    for (const Period period : {Period::day, Period::week, Period::month}) {
      auto span = here.period_of(period, at("2026-01-01T12:00:00Z"));
      while (span.end < at("2028-01-01")) {
        const auto next = here.period_of(period, span.end);
        ASSERT_EQ(next.start, span.end) << name << ' ' << format_rfc3339(span.end);
        ASSERT_EQ(here.period_of(period, span.end - std::chrono::milliseconds(1)), span) << name;
        span = next;
      }
    }
  }
}

TEST(Calendar, texts) {
  const Zone berlin = zone("Europe/Berlin");
  EXPECT_EQ(berlin.day_text(at("2026-12-31T23:30:00Z")), "2027-01-01");
  EXPECT_EQ(berlin.hour_text(at("2026-12-31T23:30:00Z")), "2027-01-01T00:00:00+01:00");
  EXPECT_EQ(Zone().day_text(at("2026-12-31T23:30:00Z")), "2026-12-31");
  EXPECT_EQ(Zone().hour_text(at("2026-12-31T23:30:00Z")), "2026-12-31T23:00:00Z");
  EXPECT_EQ(zone("America/St_Johns").hour_text(at("2026-12-31T23:45:00Z")), "2026-12-31T20:00:00-03:30");
}

TEST(Calendar, offsets_and_their_changes) {
  const Zone berlin = zone("Europe/Berlin");
  EXPECT_EQ(berlin.offset_at(at("2026-07-01")), std::chrono::hours(2));
  EXPECT_EQ(berlin.next_change(at("2026-07-01")), at("2026-10-25T01:00:00Z"));
  EXPECT_EQ(Zone().offset_at(at("2026-07-01")), std::chrono::seconds(0));
  EXPECT_GT(Zone().next_change(at("2026-07-01")), at("2900-01-01"));
  EXPECT_GT(zone("Asia/Kathmandu").next_change(at("2026-07-01")), at("2900-01-01"));
}

TEST(Calendar, unknown_zones_are_named) {
  for (const auto* name : {"Mars/Olympus", "", "../etc/passwd", "europe/berlin", "\x1b[2J"}) {
    const auto found = Zone::find(name);
    ASSERT_FALSE(found) << name;
    EXPECT_EQ(found.error().code, ErrorCode::invalid);
    EXPECT_EQ(found.error().message.find('\x1b'), std::string::npos);
    EXPECT_FALSE(found.error().hint.empty());
  }
  EXPECT_NE(Zone::find("Mars").error().message.find("database"), std::string::npos) << "why it was not found";
  EXPECT_EQ(zone("UTC"), Zone());
}

TEST(Calendar, period_names) {
  for (const Period period : {Period::day, Period::week, Period::month})
    EXPECT_EQ(period_from(name_of(period)), period);
  EXPECT_EQ(period_from("year"), std::nullopt);
}

}  // namespace
}  // namespace cr::base

// SPDX-License-Identifier: MIT
// UsagePieces: which rows of the usage a stretch of time is read from: the longest steps that fit, shorter ones at its
// ends. Pure; any thread.
#pragma once

#include <vector>

#include "base/calendar.h"
#include "base/clock.h"

namespace cr::ledger {

// Steps of the table `usage`, all by UTC: every zone is whole quarters of an hour away from it.
enum class Step { quarter, hour, day };
constexpr std::chrono::milliseconds length_of(Step step) {
  constexpr std::chrono::minutes k_minutes[] = {std::chrono::minutes(15), std::chrono::hours(1),
                                                std::chrono::hours(24)};
  return k_minutes[static_cast<std::size_t>(step)];
}
// Counts steps since 1970; below it too.
std::int64_t step_at(Step step, base::Time time);
inline base::Time time_of(Step step, std::int64_t at) {
  return base::Time(at * length_of(step));
}

// Rows of one step: at >= from and at < to.
struct UsagePiece {
  Step step = Step::quarter;
  std::int64_t from = 0, to = 0;
  bool operator==(const UsagePiece&) const = default;
};

// What usage can be told of: whole quarters of an hour.
base::TimeSpan whole_quarters(const base::TimeSpan& span);

enum class HourSteps { there, missing };  // a single token's usage has none
// In order, without gap or overlap; `span` in whole quarters.
std::vector<UsagePiece> usage_pieces(const base::TimeSpan& span, Step longest, HourSteps hours);

// The longest step whose borders are borders of the zone's hours (or of its days) all through `span`.
Step longest_within_hours(const base::Zone& zone, const base::TimeSpan& span);
Step longest_within_days(const base::Zone& zone, const base::TimeSpan& span);

}  // namespace cr::ledger

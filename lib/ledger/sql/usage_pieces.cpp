// SPDX-License-Identifier: MIT
#include "ledger/sql/usage_pieces.h"

#include <algorithm>

namespace cr::ledger {
namespace {

using base::TimeSpan;
using base::Zone;

std::int64_t quarters_in(Step step) {
  return length_of(step) / length_of(Step::quarter);
}

Step shorter(Step step, HourSteps hours) {
  return step == Step::day && hours == HourSteps::there ? Step::hour : Step::quarter;
}

void cover(std::int64_t from, std::int64_t to, Step step, HourSteps hours, std::vector<UsagePiece>& pieces) {
  if (from >= to) return;
  const std::int64_t size = quarters_in(step);
  const std::int64_t first = (from + size - 1) / size;
  const std::int64_t last = to / size;
  if (step == Step::quarter) {
    pieces.push_back({step, from, to});
  } else if (first >= last) {
    cover(from, to, shorter(step, hours), hours, pieces);
  } else {
    cover(from, first * size, shorter(step, hours), hours, pieces);
    pieces.push_back({step, first, last});
    cover(last * size, to, shorter(step, hours), hours, pieces);
  }
}

// Whether the zone is whole multiples of `unit` away from UTC all through `span`.
bool is_aligned(const Zone& zone, const TimeSpan& span, std::chrono::seconds unit) {
  for (base::Time at = span.start; at < span.end; at = zone.next_change(at)) {
    if (zone.offset_at(at) % unit != std::chrono::seconds(0)) return false;
  }
  return true;
}

}  // namespace

std::int64_t step_at(Step step, base::Time time) {
  const std::int64_t length = length_of(step).count();
  const std::int64_t ms = base::to_unix_ms(time);
  return ms >= 0 ? ms / length : -((-ms + length - 1) / length);
}

TimeSpan whole_quarters(const TimeSpan& span) {
  const auto first = step_at(Step::quarter, span.start);
  const auto last = step_at(Step::quarter, span.end - std::chrono::milliseconds(1)) + 1;
  return {time_of(Step::quarter, first), time_of(Step::quarter, std::max(first, last))};
}

std::vector<UsagePiece> usage_pieces(const TimeSpan& span, Step longest, HourSteps hours) {
  std::vector<UsagePiece> pieces;
  const Step first = longest == Step::hour && hours == HourSteps::missing ? Step::quarter : longest;
  // Nothing was before 1970, and the arithmetic is simpler above it.
  const auto from = std::max<std::int64_t>(0, step_at(Step::quarter, span.start));
  cover(from, step_at(Step::quarter, span.end), first, hours, pieces);
  return pieces;
}

Step longest_within_hours(const Zone& zone, const TimeSpan& span) {
  return is_aligned(zone, span, std::chrono::hours(1)) ? Step::hour : Step::quarter;
}

Step longest_within_days(const Zone& zone, const TimeSpan& span) {
  return is_aligned(zone, span, std::chrono::hours(24)) ? Step::day : longest_within_hours(zone, span);
}

}  // namespace cr::ledger

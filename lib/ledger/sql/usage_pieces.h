// SPDX-License-Identifier: MIT
// UsagePieces: which rows of the usage a stretch of time is read from: the longest steps that fit, shorter ones at its
// ends. Pure; any thread.
#pragma once

#include <vector>

#include "base/calendar.h"
#include "ledger/sql/usage_sums.h"

namespace cr::ledger {

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

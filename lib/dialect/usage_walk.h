// SPDX-License-Identifier: MIT
// UsageWalk: reads one usage object of a provider, every member by itself: what a dialect's table names goes into the
// report; every other number is told as a count and every other scalar as a text, by its JSON pointer ("/usage/speed"),
// so that the price of something new is a line of the price list. Pure; any thread.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "dialect/told.h"
#include "dialect/usage_report.h"
#include "json/cursor.h"

namespace cr::dialect {

// A member of usage objects by its pointer from there on ("/prompt_tokens_details/cached_tokens").
struct UsageMember {
  std::string_view pointer;
  std::optional<std::int64_t> UsageReport::*field = nullptr;  // null: it says again what others say; nobody bills it
  int decimals = 0;                                           // its unit is 10^decimals of the report's
};

// Takes the value the cursor is on, an object. False: a fault of the JSON, and what was read counts for nothing.
bool walk_usage(json::JsonCursor& cursor, std::span<const UsageMember> members, UsageReport& report, Told& told);

// Tells the scalar `raw`, as it stands in good JSON.
void set_text(Told& told, std::string_view pointer, std::string_view raw);

// Under which pointer Told has the cost that a provider names, in nano-dollars.
inline constexpr std::string_view k_told_cost = "/usage/cost";

}  // namespace cr::dialect

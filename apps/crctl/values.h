// SPDX-License-Identifier: MIT
// Values as cells, and values as typed: money, times, counts, bars. Pure functions (local time apart: it follows TZ).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "admin/token_messages.h"
#include "base/clock.h"
#include "base/credits.h"
#include "base/result.h"
#include "crctl/listing.h"

namespace cr::crctl {

// --- out ---
Cell text_cell(std::string_view text, Style style = Style::none);
Cell count_cell(std::int64_t count);  // shown "12,345"
Cell bool_cell(bool value);           // yes / no
// For eyes: amounts below a dollar with up to six decimals, others with `decimals_max`.
std::string money_text(base::Credits amount, int decimals_max = 2);
Cell money_cell(base::Credits amount, int decimals_max = 4);
Cell quota_cell(const admin::Quota& quota);             // absent: "unlimited"
Cell list_cell(const std::vector<std::string>& items);  // empty: "all"
Cell tags_cell(const admin::Tags& tags);
Cell past_cell(const std::optional<base::Time>& time, const View& view);    // absent: "never"; shown "3m ago"
Cell expiry_cell(const std::optional<base::Time>& time, const View& view);  // absent: "never"; shown "29d 23h"
Cell status_cell(std::string_view status);
// How much of a quota is left, as a bar; nothing where it is unlimited.
Cell quota_bar_cell(const admin::Quota& left, const admin::Quota& quota, const View& view);

std::string local_time(base::Time time);                     // "2026-12-31 23:59", in TZ
std::string when_text(base::Time time, const View& view);    // "2026-12-31 23:59 CET (in 29d 23h)"
std::string distance_text(base::Time time, base::Time now);  // "in 29d 23h", "3m ago", "now"
std::string took_text(std::int64_t ms);                      // "340ms", "1m 2s"; what is too short to tell: "<1ms"
std::string grouped(std::int64_t number);                    // "1,234,567"
std::string join(std::span<const std::string> items, std::string_view separator = ", ");

// `width` columns; at least one step of it where the fraction is above 0.
std::string bar(double fraction, int width, bool unicode);
std::string sparkline(std::span<const double> values, bool unicode);

// --- in ---
// "20", "$5", "0.25", "500000u"; "unlimited", "none" and "-1" are nullopt.
base::Result<admin::Quota> parse_quota(std::string_view text);
// As parse_quota, and "+5" or "-5" for a change; "-1" is refused, for it could mean either (a dollar less is "-1.00").
base::Result<admin::QuotaEdit> parse_quota_edit(std::string_view text);
// "5/day", "$50/month": dollars for each calendar day, week or month.
base::Result<std::map<std::string, base::Credits>> parse_budgets(std::string_view flag,
                                                                 std::span<const std::string> texts);
// As parse_budgets; "+5/day" and "-5/day" change one, "none/day" takes it away.
base::Result<std::map<std::string, admin::QuotaEdit>> parse_budgets_edit(std::string_view flag,
                                                                         std::span<const std::string> texts);
// "600", "12k"; "unlimited", "none" and "-1" are nullopt.
base::Result<std::optional<std::int64_t>> parse_rate(std::string_view flag, std::string_view text);
// An expiry; a past one is `invalid`.
base::Result<std::optional<base::Time>> parse_expiry(std::string_view text, base::Time now);
// The start or end of a report: a duration back from `now`, a date, RFC 3339.
base::Result<base::Time> parse_moment(std::string_view text, base::Time now);
// "800", "12k", "1.5M" model tokens.
base::Result<std::int64_t> parse_token_count(std::string_view text);
// "80%" or "80".
base::Result<int> parse_percent(std::string_view text);

// All of several --models a,b --models c. Blank text means none; "," is `invalid`.
base::Result<std::vector<std::string>> parse_list(std::string_view flag, std::span<const std::string> texts);
// As parse_list, or all of it "+x" and "-x".
base::Result<admin::ListEdit> parse_list_edit(std::string_view flag, std::span<const std::string> texts);
// "k=v"; a bare "k" has the value "".
base::Result<admin::Tags> parse_pairs(std::string_view flag, std::span<const std::string> texts);
// As parse_pairs, and "-k" removes.
base::Result<std::map<std::string, std::optional<std::string>>> parse_pairs_edit(std::string_view flag,
                                                                                 std::span<const std::string> texts);

}  // namespace cr::crctl

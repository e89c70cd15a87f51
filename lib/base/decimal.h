// SPDX-License-Identifier: MIT
// Fixed-point decimals as text: "0.15" with up to so many decimals. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace cr::base {

// Digits, at most one point with a digit on both sides; no sign, blank or exponent. In units of 10^-decimals; empty if
// it is not so, has more decimals or is over `whole_max` units of 1.
std::optional<std::int64_t> parse_fixed(std::string_view text, int decimals, std::int64_t whole_max);
// A JSON number (RFC 8259, 6), its exponent too, in units of 10^-decimals (negative ones: of tens), rounded up to a
// whole one, exactly, however long it is. Empty: it is none, is below 0 or comes to more than `most` units.
std::optional<std::int64_t> round_up_number(std::string_view text, int decimals, std::int64_t most);
// The shortest exact form: "0.15", "2". `value` is not negative.
std::string format_fixed(std::int64_t value, int decimals);

}  // namespace cr::base

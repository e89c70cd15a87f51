// SPDX-License-Identifier: MIT
// Credits: money as signed 64-bit nano-dollars. 1 credit = 1 USD. Never a float. Plain values, any thread.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace cr::base {

class Credits {
 public:
  constexpr Credits() = default;
  static constexpr Credits from_nano(std::int64_t nano) { return Credits(nano); }
  static constexpr Credits max() { return Credits(std::numeric_limits<std::int64_t>::max()); }
  constexpr std::int64_t nano() const { return nano_; }

  // "5", "$5", "0.25", ".25", "500000u" (quota units, 500,000 u = $1). Exact or refused: more than 9 decimals, a sign,
  // blanks, an exponent and anything over 9,223,372,036 dollars are `invalid`.
  static Result<Credits> parse(std::string_view text);
  // As parse, but a leading "-" is allowed (deltas: "-5").
  static Result<Credits> parse_signed(std::string_view text);

  // Shortest exact decimal, "0.00000135", "-2", "20": the form of JSON and of tab-separated output.
  std::string to_decimal() const;
  // For eyes: "$20.00", "$0.0342", "$0.00000135": two decimals at least, as many as it needs up to `decimals_max`.
  std::string to_display(int decimals_max = 9) const;

  constexpr auto operator<=>(const Credits&) const = default;
  // Saturating: money never wraps. checked_add tells when it would have.
  constexpr Credits operator+(Credits other) const { return Credits(saturate(nano_, other.nano_)); }
  constexpr Credits operator-(Credits other) const {
    return Credits(saturate(nano_, other.nano_ == std::numeric_limits<std::int64_t>::min()
                                       ? std::numeric_limits<std::int64_t>::max()
                                       : -other.nano_));
  }
  constexpr Credits& operator+=(Credits other) { return *this = *this + other; }
  constexpr Credits& operator-=(Credits other) { return *this = *this - other; }
  static std::optional<Credits> checked_add(Credits left, Credits right);

 private:
  explicit constexpr Credits(std::int64_t nano) : nano_(nano) {}
  static constexpr std::int64_t saturate(std::int64_t left, std::int64_t right) {
    std::int64_t sum = 0;
    if (!__builtin_add_overflow(left, right, &sum)) return sum;
    return left > 0 ? std::numeric_limits<std::int64_t>::max() : std::numeric_limits<std::int64_t>::min();
  }
  std::int64_t nano_ = 0;
};

}  // namespace cr::base

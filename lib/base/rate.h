// SPDX-License-Identifier: MIT
// Rate: what a million of something costs, to a nano-dollar: $0.0125 a million is 12,500,000, exact. Plain value.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace cr::base {

struct Rate {
  std::int64_t nano_per_million = 0;
  // Dollars a million, "0.15", "$2.50": up to 9 decimals, not negative, at most 1,000,000 dollars.
  static Result<Rate> parse(std::string_view dollars_per_million);
  std::string to_decimal() const;  // "0.15"
  auto operator<=>(const Rate&) const = default;
};

}  // namespace cr::base

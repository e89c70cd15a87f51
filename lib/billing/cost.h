// SPDX-License-Identifier: MIT
// The 128-bit sums under cost() and size_reservation(): picodollars' worth of exactness, saturating. Pure; any thread.
#pragma once

#include <cstdint>

#include "base/credits.h"
#include "billing/price.h"

namespace cr::billing {

// Before the multiplier: nano-dollars x 10^6.
using Sum = unsigned __int128;

inline constexpr Sum k_sum_max = ~Sum{0};

// Negative factors count as 0: no price and no count is below it.
Sum times(std::int64_t tokens, Rate rate);
Sum plus(Sum left, Sum right);
// All of a usage but its tokens: the request itself, images, characters, seconds.
Sum units(const Price& price, const dialect::Usage& usage);

// round up (sum x multiplier) to a nano-dollar: the one place where money is rounded.
base::Credits round_up(Sum sum, Multiplier multiplier);

// The largest sum that round_up() brings to `available` or less; the multiplier is not 0.
Sum largest_sum(base::Credits available, Multiplier multiplier);

}  // namespace cr::billing

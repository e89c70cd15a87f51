// SPDX-License-Identifier: MIT
// A price with rules for tests: $1 a million model tokens in, cached or not, and $4 out.
#pragma once

#include <gtest/gtest.h>

#include <string_view>

#include "billing/price_rules.h"

namespace cr::billing {

inline Price price_of(std::string_view rules) {
  Price price;
  price.input = price.cached_input = price.cache_write = Rate{1'000'000'000};
  price.output = Rate{4'000'000'000};
  const auto parsed = parse_rules(rules);
  EXPECT_TRUE(parsed) << rules << ": " << parsed.error().message;
  if (parsed) price.rules = *parsed;
  return price;
}

}  // namespace cr::billing

// SPDX-License-Identifier: MIT
#include "billing/price.h"

#include "base/decimal.h"

namespace cr::billing {
namespace {

constexpr int k_multiplier_decimals = 6;
constexpr std::int64_t k_multiplier_max = 1000;

}  // namespace

base::Result<Multiplier> Multiplier::parse(std::string_view text) {
  const auto millionths = base::parse_fixed(text, k_multiplier_decimals, k_multiplier_max);
  if (!millionths) {
    return base::fail(base::ErrorCode::invalid, "multiplier: not a factor from 0 to 1000",
                      "write it as 1.5: up to 6 decimals; 1 charges the list price");
  }
  return Multiplier{*millionths};
}

std::string Multiplier::to_decimal() const {
  return base::format_fixed(millionths, k_multiplier_decimals);
}

}  // namespace cr::billing

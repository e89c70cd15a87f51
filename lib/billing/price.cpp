// SPDX-License-Identifier: MIT
#include "billing/price.h"

#include "billing/decimal.h"

namespace cr::billing {
namespace {

constexpr int k_rate_decimals = 9;
constexpr std::int64_t k_rate_dollars_max = 1'000'000;
constexpr int k_multiplier_decimals = 6;
constexpr std::int64_t k_multiplier_max = 1000;

}  // namespace

base::Result<Rate> Rate::parse(std::string_view dollars_per_million) {
  std::string_view text = dollars_per_million;
  if (text.starts_with('$')) text.remove_prefix(1);
  const auto nano = parse_fixed(text, k_rate_decimals, k_rate_dollars_max);
  if (!nano) {
    return base::fail(base::ErrorCode::invalid, "price: not an amount of dollars a million tokens",
                      "write it as 0.15 or $2.50: not negative, up to 9 decimals, at most 1000000");
  }
  return Rate{*nano};
}

std::string Rate::to_decimal() const {
  return format_fixed(nano_per_million, k_rate_decimals);
}

base::Result<Multiplier> Multiplier::parse(std::string_view text) {
  const auto millionths = parse_fixed(text, k_multiplier_decimals, k_multiplier_max);
  if (!millionths) {
    return base::fail(base::ErrorCode::invalid, "multiplier: not a factor from 0 to 1000",
                      "write it as 1.5: up to 6 decimals; 1 charges the list price");
  }
  return Multiplier{*millionths};
}

std::string Multiplier::to_decimal() const {
  return format_fixed(millionths, k_multiplier_decimals);
}

}  // namespace cr::billing

// SPDX-License-Identifier: MIT
#include "base/rate.h"

#include "base/decimal.h"

namespace cr::base {
namespace {

constexpr int k_decimals = 9;
constexpr std::int64_t k_dollars_max = 1'000'000;

}  // namespace

Result<Rate> Rate::parse(std::string_view dollars_per_million) {
  std::string_view text = dollars_per_million;
  if (text.starts_with('$')) text.remove_prefix(1);
  const auto nano = parse_fixed(text, k_decimals, k_dollars_max);
  if (!nano) {
    return fail(ErrorCode::invalid, "price: not an amount of dollars a million tokens",
                "write it as 0.15 or $2.50: not negative, up to 9 decimals, at most 1000000");
  }
  return Rate{*nano};
}

std::string Rate::to_decimal() const {
  return format_fixed(nano_per_million, k_decimals);
}

}  // namespace cr::base

// SPDX-License-Identifier: MIT
#include "base/decimal.h"

#include <fmt/format.h>

namespace cr::base {
namespace {

std::int64_t power_of_ten(int exponent) {
  std::int64_t value = 1;
  for (; exponent > 0; --exponent) value *= 10;
  return value;
}

bool is_all_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace

std::optional<std::int64_t> parse_fixed(std::string_view text, int decimals, std::int64_t whole_max) {
  const std::size_t point = text.find('.');
  const std::string_view whole = text.substr(0, point);
  const std::string_view fraction = point == std::string_view::npos ? "0" : text.substr(point + 1);
  if (!is_all_digits(whole) || !is_all_digits(fraction)) return std::nullopt;
  if (fraction.size() > static_cast<std::size_t>(decimals)) return std::nullopt;

  std::int64_t value = 0;
  for (const char digit : whole) {
    value = value * 10 + (digit - '0');
    if (value > whole_max) return std::nullopt;
  }
  for (int i = 0; i < decimals; ++i) {
    const auto place = static_cast<std::size_t>(i);
    value = value * 10 + (place < fraction.size() ? fraction[place] - '0' : 0);
  }
  if (value > whole_max * power_of_ten(decimals)) return std::nullopt;
  return value;
}

std::string format_fixed(std::int64_t value, int decimals) {
  const std::int64_t unit = power_of_ten(decimals);
  if (value % unit == 0) return fmt::format("{}", value / unit);
  std::string text = fmt::format("{}.{:0{}}", value / unit, value % unit, decimals);
  text.erase(text.find_last_not_of('0') + 1);
  return text;
}

}  // namespace cr::base

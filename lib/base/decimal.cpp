// SPDX-License-Identifier: MIT
#include "base/decimal.h"

#include <fmt/format.h>

#include <algorithm>

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

// A JSON number in its parts: its digits, `whole` and then `fraction`, times 10^exponent.
struct NumberParts {
  bool negative = false;
  std::string_view whole, fraction;
  std::int64_t exponent = 0;
};

std::string_view take_digits(std::string_view& text) {
  const auto digits = text.substr(0, std::min(text.find_first_not_of("0123456789"), text.size()));
  text.remove_prefix(digits.size());
  return digits;
}

bool take_one(std::string_view& text, std::string_view any_of) {
  const bool takes = !text.empty() && any_of.find(text.front()) != std::string_view::npos;
  if (takes) text.remove_prefix(1);
  return takes;
}

// A number of up to 18 digits and nothing else.
bool take_whole(std::string_view text, std::int64_t& value) {
  if (text.empty() || text.size() > 18) return false;
  value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    value = value * 10 + (c - '0');
  }
  return true;
}

// Beyond which it does not matter any more, by far.
constexpr std::int64_t k_exponent_max = 1'000'000;

std::optional<NumberParts> split_number(std::string_view text) {
  NumberParts parts;
  parts.negative = take_one(text, "-");
  parts.whole = take_digits(text);
  if (parts.whole.empty()) return std::nullopt;
  if (take_one(text, ".")) {
    parts.fraction = take_digits(text);
    if (parts.fraction.empty()) return std::nullopt;
  }
  if (take_one(text, "eE")) {
    const bool smaller = !text.empty() && text.front() == '-';
    take_one(text, "+-");
    const auto digits = take_digits(text);
    if (digits.empty()) return std::nullopt;
    for (const char digit : digits) parts.exponent = std::min(parts.exponent * 10 + (digit - '0'), k_exponent_max);
    if (smaller) parts.exponent = -parts.exponent;
  }
  if (!text.empty()) return std::nullopt;
  return parts;
}

}  // namespace

std::optional<std::int64_t> round_up_number(std::string_view text, int decimals, std::int64_t most) {
  std::int64_t plain = 0;
  // A count is a whole number mostly: what is told of usage comes here with each answer.
  if (decimals == 0 && take_whole(text, plain)) return plain > most ? std::nullopt : std::optional(plain);
  const auto parts = split_number(text);
  if (!parts) return std::nullopt;
  // So many of its digits, or of noughts behind them, are whole units.
  const auto kept = static_cast<std::int64_t>(parts->whole.size()) + parts->exponent + decimals;
  const auto limit = static_cast<std::uint64_t>(most);
  std::int64_t at = 0;
  std::uint64_t value = 0;  // limit + 1 stands for all that is more
  bool rest = false;
  const auto append = [&](unsigned digit) {
    if (value <= limit) value = value > limit / 10 ? limit + 1 : std::min(value * 10 + digit, limit + 1);
  };
  const auto take = [&](std::string_view digits) {
    for (const char digit : digits) {
      if (at++ < kept) {
        append(static_cast<unsigned>(digit - '0'));
      } else {
        rest |= digit != '0';
      }
    }
  };
  take(parts->whole);
  take(parts->fraction);
  for (; at < kept && value != 0 && value <= limit; ++at) append(0);
  if (rest) ++value;
  if (value > limit || (parts->negative && value != 0)) return std::nullopt;
  return static_cast<std::int64_t>(value);
}

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

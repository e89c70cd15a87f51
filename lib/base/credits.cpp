// SPDX-License-Identifier: MIT
#include "base/credits.h"

#include <algorithm>

#include "base/text.h"

namespace cr::base {
namespace {

constexpr std::uint64_t k_nano_per_dollar = 1'000'000'000;
constexpr std::uint64_t k_nano_per_quota_unit = 2'000;  // 500,000 quota units = $1
constexpr std::size_t k_decimals_max = 9;
constexpr std::uint64_t k_positive_max = std::numeric_limits<std::int64_t>::max();

enum class Sign { refused, allowed };

tl::unexpected<Error> bad_amount(std::string_view text, std::string_view why) {
  // Hostile input may be any length; the message shows enough to recognise it.
  const std::string shown = escape_for_terminal(text.substr(0, 40));
  return fail(ErrorCode::invalid, "amount \"" + shown + "\": " + std::string(why),
              "write dollars as 5, $5 or 0.25, or quota units as 500000u (= $1)");
}

bool all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Sum = sum * 10 + digit for each digit; false when it no longer fits.
bool append_digits(std::uint64_t& sum, std::string_view digits) {
  for (const char c : digits) {
    if (__builtin_mul_overflow(sum, std::uint64_t{10}, &sum)) return false;
    if (__builtin_add_overflow(sum, static_cast<std::uint64_t>(c - '0'), &sum)) return false;
  }
  return true;
}

// The size of the amount in nano-dollars, without its sign.
Result<std::uint64_t> parse_magnitude(std::string_view whole_text, std::string_view text) {
  const bool dollar_sign = text.starts_with('$');
  if (dollar_sign) text.remove_prefix(1);
  const bool quota_units = text.ends_with('u');
  if (quota_units) text.remove_suffix(1);
  if (dollar_sign && quota_units) return bad_amount(whole_text, "it is either dollars or quota units");

  const std::size_t point = text.find('.');
  const std::string_view whole = text.substr(0, point);
  const std::string_view decimals = point == std::string_view::npos ? std::string_view() : text.substr(point + 1);
  if (quota_units && point != std::string_view::npos) return bad_amount(whole_text, "quota units are whole numbers");
  // ".5" is what bc(1) prints.
  const bool no_whole = whole.empty() && !decimals.empty();
  if (!no_whole && !all_digits(whole)) return bad_amount(whole_text, "not a number");
  if (point != std::string_view::npos && !all_digits(decimals)) return bad_amount(whole_text, "not a number");
  if (decimals.size() > k_decimals_max) return bad_amount(whole_text, "more than 9 decimals");

  std::uint64_t nano = 0;
  std::uint64_t fraction = 0;
  const std::uint64_t unit = quota_units ? k_nano_per_quota_unit : k_nano_per_dollar;
  bool fits = append_digits(nano, whole) && !__builtin_mul_overflow(nano, unit, &nano);
  append_digits(fraction, decimals);  // at most 9 digits: always fits
  for (std::size_t i = decimals.size(); i < k_decimals_max; ++i) fraction *= 10;
  fits = fits && !__builtin_add_overflow(nano, fraction, &nano);
  if (!fits || nano > k_positive_max + 1) return bad_amount(whole_text, "over 9223372036 dollars");
  return nano;
}

Result<Credits> parse_amount(std::string_view text, Sign sign) {
  if (text.empty()) return bad_amount(text, "it is empty");
  const bool negative = sign == Sign::allowed && text.starts_with('-');
  const auto magnitude = parse_magnitude(text, negative ? text.substr(1) : text);
  if (!magnitude) return tl::unexpected(magnitude.error());
  if (!negative && *magnitude > k_positive_max) return bad_amount(text, "over 9223372036 dollars");
  // Two's complement: negating as unsigned reaches the lowest value too.
  return Credits::from_nano(static_cast<std::int64_t>(negative ? std::uint64_t{0} - *magnitude : *magnitude));
}

std::uint64_t magnitude_of(std::int64_t nano) {
  return nano < 0 ? std::uint64_t{0} - static_cast<std::uint64_t>(nano) : static_cast<std::uint64_t>(nano);
}

// "1.250000000" cut after its last digit that is not 0, keeping `decimals_min` decimals; no point without decimals.
std::string decimal_text(std::uint64_t magnitude, std::size_t decimals_min) {
  std::string fraction = std::to_string(k_nano_per_dollar + magnitude % k_nano_per_dollar).substr(1);
  while (fraction.size() > decimals_min && fraction.back() == '0') fraction.pop_back();
  std::string text = std::to_string(magnitude / k_nano_per_dollar);
  if (!fraction.empty()) text += '.' + fraction;
  return text;
}

}  // namespace

Result<Credits> Credits::parse(std::string_view text) {
  return parse_amount(text, Sign::refused);
}
Result<Credits> Credits::parse_signed(std::string_view text) {
  return parse_amount(text, Sign::allowed);
}

std::string Credits::to_decimal() const {
  return (nano_ < 0 ? "-" : "") + decimal_text(magnitude_of(nano_), 0);
}

std::string Credits::to_display(int decimals_max) const {
  std::uint64_t step = 1;
  for (int shown = std::clamp(decimals_max, 2, 9); shown < 9; ++shown) step *= 10;
  // Half away from zero; the sum is below 2^63 + 10^7, so it fits.
  const std::uint64_t rounded = (magnitude_of(nano_) + step / 2) / step * step;
  const bool negative = nano_ < 0 && rounded != 0;
  return (negative ? "-$" : "$") + decimal_text(rounded, 2);
}

std::optional<Credits> Credits::checked_add(Credits left, Credits right) {
  std::int64_t sum = 0;
  if (__builtin_add_overflow(left.nano_, right.nano_, &sum)) return std::nullopt;
  return Credits(sum);
}

}  // namespace cr::base

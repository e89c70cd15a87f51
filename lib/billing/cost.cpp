// SPDX-License-Identifier: MIT
#include "billing/cost.h"

#include <algorithm>
#include <limits>

namespace cr::billing {
namespace {

constexpr Sum k_million = 1'000'000;
constexpr Sum k_unit = k_million * k_million;  // a nano-dollar, in sums x millionths

Sum unsigned_part(std::int64_t value) {
  return static_cast<Sum>(std::max<std::int64_t>(value, 0));
}

}  // namespace

Sum plus(Sum left, Sum right) {
  Sum sum = 0;
  return __builtin_add_overflow(left, right, &sum) ? k_sum_max : sum;
}

Sum times(std::int64_t tokens, Rate rate) {
  return unsigned_part(tokens) * unsigned_part(rate.nano_per_million);  // 63 + 63 bits
}

Sum units(const Price& price, const dialect::Usage& usage) {
  constexpr std::int64_t k_ms_per_second = 1000;
  const auto fee = [](std::int64_t count, base::Credits each, Sum scale) {
    Sum sum = 0;
    return __builtin_mul_overflow(unsigned_part(count) * unsigned_part(each.nano()), scale, &sum) ? k_sum_max : sum;
  };
  Sum sum = fee(std::max<std::int64_t>(usage.search_units, 1), price.per_request, k_million);
  sum = plus(sum, fee(usage.images, price.per_image, k_million));
  sum = plus(sum, times(usage.characters, price.per_character));
  return plus(sum, fee(usage.audio_ms, price.per_second, k_million / k_ms_per_second));
}

base::Credits round_up(Sum sum, Multiplier multiplier) {
  Sum product = 0;
  if (__builtin_mul_overflow(sum, unsigned_part(multiplier.millionths), &product)) return base::Credits::max();
  const Sum nano = product / k_unit + (product % k_unit == 0 ? 0 : 1);
  if (nano > unsigned_part(std::numeric_limits<std::int64_t>::max())) return base::Credits::max();
  return base::Credits::from_nano(static_cast<std::int64_t>(nano));
}

Sum largest_sum(base::Credits available, Multiplier multiplier) {
  return unsigned_part(available.nano()) * k_unit / unsigned_part(multiplier.millionths);
}

base::Credits cost(const Price& price, Multiplier multiplier, const dialect::Usage& usage) {
  const std::int64_t input = std::max<std::int64_t>(usage.input_tokens, 0);
  const std::int64_t cached = std::clamp<std::int64_t>(usage.cached_tokens, 0, input);
  const std::int64_t written = std::clamp<std::int64_t>(usage.cache_write_tokens, 0, input - cached);
  Sum sum = times(input - cached - written, price.input);
  sum = plus(sum, times(cached, price.cached_input));
  const std::int64_t written_long = std::clamp<std::int64_t>(usage.long_cache_write_tokens, 0, written);
  sum = plus(sum, times(written - written_long, price.cache_write));
  sum = plus(sum, times(written_long, long_cache_write_rate(price)));
  sum = plus(sum, times(usage.output_tokens, price.output));
  return round_up(plus(sum, units(price, usage)), multiplier);
}

bool has_token_rates(const Price& price) {
  return std::max({price.input, price.cached_input, price.cache_write, price.output}) > Rate{};
}

bool can_meter(const Price& price, dialect::Endpoint endpoint) {
  const base::Credits none;
  const bool by_tokens = has_token_rates(price);
  const bool by_images = price.per_image > none;
  const bool by_characters = price.per_character > Rate{};
  if (price.per_request > none || by_tokens || dialect::is_free(endpoint)) return true;
  if (dialect::makes_images(endpoint) && by_images) return true;
  if (dialect::hears_sound(endpoint) && price.per_second > none) return true;
  if (endpoint == dialect::Endpoint::audio_speech && by_characters) return true;
  return !by_images && !by_characters && price.per_second == none;
}

Rate long_cache_write_rate(const Price& price) {
  return {std::max(price.cache_write.nano_per_million, 2 * price.input.nano_per_million)};
}

}  // namespace cr::billing

// SPDX-License-Identifier: MIT
#include "openai/cost.h"

#include <algorithm>
#include <limits>

namespace cr::openai {
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

Sum per_request(const Price& price) {
  return unsigned_part(price.per_request.nano()) * k_million;
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

base::Credits cost(const Price& price, Multiplier multiplier, const Usage& usage) {
  const std::int64_t input = std::max<std::int64_t>(usage.input_tokens, 0);
  const std::int64_t cached = std::clamp<std::int64_t>(usage.cached_tokens, 0, input);
  const std::int64_t written = std::clamp<std::int64_t>(usage.cache_write_tokens, 0, input - cached);
  Sum sum = times(input - cached - written, price.input);
  sum = plus(sum, times(cached, price.cached_input));
  sum = plus(sum, times(written, price.cache_write));
  sum = plus(sum, times(usage.output_tokens, price.output));
  return round_up(plus(sum, per_request(price)), multiplier);
}

}  // namespace cr::openai

// SPDX-License-Identifier: MIT
#include "billing/cost.h"

#include <algorithm>
#include <array>
#include <limits>

#include "billing/price_rules.h"

namespace cr::billing {
namespace {

constexpr Sum k_million = 1'000'000;
constexpr Sum k_unit = k_million * k_million;  // a nano-dollar, in sums x millionths
constexpr std::int64_t k_ms_per_second = 1000;

Sum unsigned_part(std::int64_t value) {
  return static_cast<Sum>(std::max<std::int64_t>(value, 0));
}

// `part` of `whole`, and never more of it than there is.
std::int64_t within(std::int64_t part, std::int64_t whole) {
  return std::clamp<std::int64_t>(part, 0, std::max<std::int64_t>(whole, 0));
}

Sum sound(std::int64_t ms, base::Credits second) {
  Sum sum = 0;
  return __builtin_mul_overflow(unsigned_part(ms) * unsigned_part(second.nano()), k_million / k_ms_per_second, &sum)
             ? k_sum_max
             : sum;
}

// The model tokens of a usage by what they are charged as: parts of one another taken apart.
struct TokenParts {
  std::int64_t text, cached, written, written_hour, audio, cached_audio, image, cached_image, output, audio_output,
      image_output;
};

TokenParts parts_of(const dialect::Usage& usage) {
  TokenParts parts{};
  const auto input = std::max<std::int64_t>(usage.input_tokens, 0);
  const auto cached = within(usage.cached_tokens, input);
  const auto written = within(usage.cache_write_tokens, input - cached);
  parts.written_hour = within(usage.long_cache_write_tokens, written);
  parts.written = written - parts.written_hour;
  parts.cached_audio = within(usage.cached_audio_tokens, cached);
  parts.cached_image = within(usage.cached_image_tokens, cached - parts.cached_audio);
  parts.cached = cached - parts.cached_audio - parts.cached_image;
  const auto fresh = input - cached - written;
  parts.audio = within(usage.audio_input_tokens - parts.cached_audio, fresh);
  parts.image = within(usage.image_input_tokens - parts.cached_image, fresh - parts.audio);
  parts.text = fresh - parts.audio - parts.image;
  const auto output = std::max<std::int64_t>(usage.output_tokens, 0);
  parts.audio_output = within(usage.audio_output_tokens, output);
  parts.image_output = within(usage.image_output_tokens, output - parts.audio_output);
  parts.output = output - parts.audio_output - parts.image_output;
  return parts;
}

// Calls `take` with each charge of tokens, also of none.
template <class Take>
void each_token_charge(const Rates& rates, const TokenParts& parts, const Take& take) {
  const auto charge = [&](Part part, std::int64_t count, Rate rate) {
    take(Charge{part, count, rate, {}, {}, times(count, rate)});
  };
  charge(Part::input, parts.text, rates.input);
  charge(Part::cached_input, parts.cached, rates.cached_input);
  charge(Part::cache_write, parts.written, rates.cache_write);
  charge(Part::cache_write_hour, parts.written_hour, rates.cache_write_hour);
  charge(Part::audio_input, parts.audio, rates.audio_input);
  charge(Part::cached_audio_input, parts.cached_audio, rates.cached_audio_input);
  charge(Part::image_input, parts.image, rates.image_input);
  charge(Part::cached_image_input, parts.cached_image, rates.cached_image_input);
  charge(Part::output, parts.output, rates.output);
  charge(Part::audio_output, parts.audio_output, rates.audio_output);
  charge(Part::image_output, parts.image_output, rates.image_output);
}

template <class Take>
void each_other_charge(const Price& price, const dialect::Usage& usage, const Circumstances& circumstances,
                       const Take& take) {
  const auto charge = [&](Part part, std::int64_t count, base::Credits each, std::string_view tool = {}) {
    take(Charge{part, count, {}, each, tool, times(count, each)});
  };
  take(Charge{
      Part::characters, usage.characters, price.per_character, {}, {}, times(usage.characters, price.per_character)});
  charge(Part::request, std::max<std::int64_t>(usage.search_units, 1), price.per_request);
  charge(Part::image, usage.images, price.per_image);
  take(Charge{Part::sound, usage.audio_ms, {}, price.per_second, {}, sound(usage.audio_ms, price.per_second)});
  if (circumstances.told == nullptr || circumstances.told->counts().empty()) return;
  for (const PriceRule& rule : price.rules.list()) {
    if (rule.is_fee()) charge(Part::tool, circumstances.told->count(rule.count), rule.fee, rule.tool);
  }
}

Sum sum_of_tokens(const Rates& rates, const TokenParts& parts) {
  Sum sum = 0;
  each_token_charge(rates, parts, [&sum](const Charge& charge) { sum = plus(sum, charge.sum); });
  return sum;
}

// The rates of what the response confirms, or those of what the request asked for, whichever are dearer for it.
Rates dearer_rates(const Price& price, const dialect::Usage& usage, const TokenParts& parts,
                   const Circumstances& circumstances) {
  const auto asked = rates_of(price, usage.input_tokens, circumstances);
  if (price.rules.of_rates().empty()) return asked;
  const auto confirmed = rates_of(price, usage.input_tokens, circumstances, true);
  if (asked == confirmed) return asked;
  return sum_of_tokens(asked, parts) >= sum_of_tokens(confirmed, parts) ? asked : confirmed;
}

template <class Take>
void each_charge(const Price& price, const dialect::Usage& usage, const Circumstances& circumstances,
                 const Take& take) {
  if (usage.input_tokens > 0 || usage.output_tokens > 0) {
    const auto parts = parts_of(usage);
    each_token_charge(dearer_rates(price, usage, parts, circumstances), parts, take);
  }
  each_other_charge(price, usage, circumstances, take);
}

}  // namespace

std::string_view name_of(Part part) {
  static constexpr std::array<std::string_view, 16> k_names = {"input",        "cached_input",
                                                               "cache_write",  "cache_write_hour",
                                                               "audio_input",  "cached_audio_input",
                                                               "image_input",  "cached_image_input",
                                                               "output",       "audio_output",
                                                               "image_output", "characters",
                                                               "request",      "image",
                                                               "sound",        "tool"};
  return k_names[static_cast<std::size_t>(part)];
}

Sum plus(Sum left, Sum right) {
  Sum sum = 0;
  return __builtin_add_overflow(left, right, &sum) ? k_sum_max : sum;
}

Sum times(std::int64_t count, Rate rate) {
  return unsigned_part(count) * unsigned_part(rate.nano_per_million);  // 63 + 63 bits
}

Sum times(std::int64_t count, base::Credits each) {
  Sum sum = 0;
  return __builtin_mul_overflow(unsigned_part(count) * unsigned_part(each.nano()), k_million, &sum) ? k_sum_max : sum;
}

base::Credits round_up(Sum sum, Multiplier multiplier) {
  Sum product = 0;
  if (__builtin_mul_overflow(sum, unsigned_part(multiplier.millionths), &product)) return base::Credits::max();
  const Sum nano = product / k_unit + (product % k_unit == 0 ? 0 : 1);
  if (nano > unsigned_part(std::numeric_limits<std::int64_t>::max())) return base::Credits::max();
  return base::Credits::from_nano(static_cast<std::int64_t>(nano));
}

std::vector<Charge> charges_of(const Price& price, const dialect::Usage& usage, const Circumstances& circumstances) {
  std::vector<Charge> charges;
  each_charge(price, usage, circumstances, [&charges](const Charge& charge) {
    if (charge.sum != 0) charges.push_back(charge);
  });
  return charges;
}

Sum sum_of_charges(const Price& price, const dialect::Usage& usage, const Circumstances& circumstances) {
  Sum sum = 0;
  each_charge(price, usage, circumstances, [&sum](const Charge& charge) { sum = plus(sum, charge.sum); });
  return sum;
}

base::Credits cost(const Price& price, Multiplier multiplier, const dialect::Usage& usage,
                   const Circumstances& circumstances) {
  return round_up(sum_of_charges(price, usage, circumstances), multiplier);
}

bool has_token_rates(const Price& price) {
  const auto rates = base_rates(price);
  return std::max({rates.input, rates.cached_input, rates.cache_write, rates.output, rates.audio_input,
                   rates.audio_output, rates.image_input, rates.image_output}) > Rate{};
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

}  // namespace cr::billing

// SPDX-License-Identifier: MIT
// The ledger's table of a price's fields: its settings in the order of admin/price_fields.h, where they have the same
// names. A rate is kept in nano-dollars a million. See record_fields.h.
#pragma once

#include "ledger/core/record_fields.h"
#include "ledger/core/records.h"

namespace cr::ledger {

// A rate that a price need not have.
template <auto member>
constexpr auto other_rate(std::string_view name, std::string_view audit) {
  return setting<At<&PriceRecord::other, member>>(name, {.audit = audit});
}

inline constexpr auto k_price_fields = std::make_tuple(
    setting<At<&PriceRecord::model>>("model"),
    setting<At<&PriceRecord::input>>("input", {.audit = "input_nano_per_million"}),
    setting<At<&PriceRecord::cached_input>>("cached_input", {.audit = "cached_input_nano_per_million"}),
    setting<At<&PriceRecord::cache_write>>("cache_write", {.audit = "cache_write_nano_per_million"}),
    other_rate<&billing::OtherRates::cache_write_hour>("cache_write_hour", "cache_write_hour_nano_per_million"),
    setting<At<&PriceRecord::output>>("output", {.audit = "output_nano_per_million"}),
    other_rate<&billing::OtherRates::audio_input>("audio_input", "audio_input_nano_per_million"),
    other_rate<&billing::OtherRates::cached_audio_input>("cached_audio_input", "cached_audio_input_nano_per_million"),
    other_rate<&billing::OtherRates::audio_output>("audio_output", "audio_output_nano_per_million"),
    other_rate<&billing::OtherRates::image_input>("image_input", "image_input_nano_per_million"),
    other_rate<&billing::OtherRates::cached_image_input>("cached_image_input", "cached_image_input_nano_per_million"),
    other_rate<&billing::OtherRates::image_output>("image_output", "image_output_nano_per_million"),
    setting<At<&PriceRecord::per_request>>("per_request"), setting<At<&PriceRecord::per_image>>("per_image"),
    setting<At<&PriceRecord::per_character>>("per_character", {.audit = "per_character_nano_per_million"}),
    setting<At<&PriceRecord::per_second>>("per_second"),
    setting<At<&PriceRecord::max_output_tokens>>("max_output_tokens"),
    setting<At<&PriceRecord::default_output_tokens>>("default_output_tokens"),
    setting<At<&PriceRecord::context_tokens>>("context_tokens"),
    setting<At<&PriceRecord::image_tokens>>("image_tokens"),
    setting<At<&PriceRecord::output_image_tokens>>("output_image_tokens"), setting<At<&PriceRecord::thinks>>("thinks"),
    setting<At<&PriceRecord::thinking_tokens>>("thinking_tokens"), setting<At<&PriceRecord::rules>>("rules"),
    setting<At<&PriceRecord::source>>("source"),
    setting<At<&PriceRecord::effective_at>>("effective_at", {.none_is_zero = true}),
    kept<At<&PriceRecord::updated_at>>("updated_at"), kept<At<&PriceRecord::generation>>("generation"));

constexpr const auto& fields_of(const PriceRecord&) {
  return k_price_fields;
}

}  // namespace cr::ledger

// SPDX-License-Identifier: MIT
// The ledger's table of a price's fields: its settings in the order of admin/price_fields.h, where they have the same
// names. A rate is kept in nano-dollars a million. See record_fields.h.
#pragma once

#include "ledger/core/record_fields.h"
#include "ledger/core/records.h"

namespace cr::ledger {

inline constexpr auto k_price_fields = std::make_tuple(
    setting<At<&PriceRecord::model>>("model"),
    setting<At<&PriceRecord::input>>("input", {.audit = "input_nano_per_million"}),
    setting<At<&PriceRecord::cached_input>>("cached_input", {.audit = "cached_input_nano_per_million"}),
    setting<At<&PriceRecord::cache_write>>("cache_write", {.audit = "cache_write_nano_per_million"}),
    setting<At<&PriceRecord::output>>("output", {.audit = "output_nano_per_million"}),
    setting<At<&PriceRecord::per_request>>("per_request"), setting<At<&PriceRecord::per_image>>("per_image"),
    setting<At<&PriceRecord::per_character>>("per_character", {.audit = "per_character_nano_per_million"}),
    setting<At<&PriceRecord::per_second>>("per_second"),
    setting<At<&PriceRecord::max_output_tokens>>("max_output_tokens"),
    setting<At<&PriceRecord::context_tokens>>("context_tokens"), setting<At<&PriceRecord::source>>("source"),
    setting<At<&PriceRecord::effective_at>>("effective_at", {.none_is_zero = true}),
    kept<At<&PriceRecord::updated_at>>("updated_at"));

constexpr const auto& fields_of(const PriceRecord&) {
  return k_price_fields;
}

}  // namespace cr::ledger

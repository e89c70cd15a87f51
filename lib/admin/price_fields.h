// SPDX-License-Identifier: MIT
// The table of a price's fields, in the order of its JSON; see record_fields.h. A price is set whole: PriceSet is its
// create message, and it has no edit.
#pragma once

#include "admin/messages.h"
#include "admin/record_fields.h"

namespace cr::admin {

constexpr FieldFacts price_flag(std::string_view flag, std::string_view help) {
  return {.typed = Typed::text, .flag = flag, .metavar = "DOLLARS", .create_help = help};
}

inline constexpr auto k_price_fields =
    std::make_tuple(setting("model", &Price::model, &PriceSet::model, NoMember(), {}),
                    setting("input", &Price::input, &PriceSet::input, NoMember(),
                            price_flag("--input", "Of input; required unless a --per-... is given.")),
                    setting("cached_input", &Price::cached_input, &PriceSet::cached_input, NoMember(),
                            price_flag("--cached-input", "Of input the provider had cached (as input).")),
                    setting("cache_write", &Price::cache_write, &PriceSet::cache_write, NoMember(),
                            price_flag("--cache-write", "Of input the provider caches (as input).")),
                    setting("output", &Price::output, &PriceSet::output, NoMember(),
                            price_flag("--output", "Of output; required unless a --per-... is given.")),
                    setting("per_request", &Price::per_request, &PriceSet::per_request, NoMember(),
                            price_flag("--per-request", "For every request, besides (0).")),
                    setting("per_image", &Price::per_image, &PriceSet::per_image, NoMember(),
                            price_flag("--per-image", "For every image made (0).")),
                    setting("per_character", &Price::per_character, &PriceSet::per_character, NoMember(),
                            price_flag("--per-character", "For a million characters spoken (0).")),
                    setting("per_second", &Price::per_second, &PriceSet::per_second, NoMember(),
                            price_flag("--per-second", "For every second of sound heard (0).")),
                    setting("max_output_tokens", &Price::max_output_tokens, &PriceSet::max_output_tokens, NoMember(),
                            {.typed = Typed::model_tokens,
                             .flag = "--max-output",
                             .metavar = "TOKENS",
                             .create_help = "The most the model answers: 16384, 32k.",
                             .heading = "max_output"}),
                    setting("context_tokens", &Price::context_tokens, &PriceSet::context_tokens, NoMember(),
                            {.typed = Typed::model_tokens,
                             .flag = "--context",
                             .metavar = "TOKENS",
                             .create_help = "The most it reads: 128k, 1M.",
                             .heading = "context"}),
                    told("source", &Price::source),
                    setting("effective_at", &Price::effective_at, &PriceSet::effective_at, NoMember(),
                            {.typed = Typed::moment,
                             .flag = "--effective",
                             .metavar = "WHEN",
                             .create_help = "From when the price holds (now).",
                             .heading = "effective"}),
                    computed("updated_at", &Price::updated_at));

constexpr const auto& fields_of(const Price&) {
  return k_price_fields;
}

}  // namespace cr::admin

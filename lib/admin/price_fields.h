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

constexpr FieldFacts price_tokens(std::string_view flag, std::string_view help, std::string_view heading) {
  return {.typed = Typed::model_tokens, .flag = flag, .metavar = "TOKENS", .create_help = help, .heading = heading};
}

inline constexpr auto k_price_fields = std::make_tuple(
    setting("model", &Price::model, &PriceSet::model, NoMember(), {}),
    setting("input", &Price::input, &PriceSet::input, NoMember(),
            price_flag("--input", "Of input; a new price needs it unless a --per-... is given.")),
    setting("cached_input", &Price::cached_input, &PriceSet::cached_input, NoMember(),
            price_flag("--cached-input", "Of input the provider had cached (as input).")),
    setting("cache_write", &Price::cache_write, &PriceSet::cache_write, NoMember(),
            price_flag("--cache-write", "Of input the provider caches (as input).")),
    setting("cache_write_hour", &Price::cache_write_hour, &PriceSet::cache_write_hour, NoMember(),
            price_flag("--cache-write-hour", "Of input it caches for an hour (twice the input), or none.")),
    setting("output", &Price::output, &PriceSet::output, NoMember(),
            price_flag("--output", "Of output; a new price needs it unless a --per-... is given.")),
    setting("audio_input", &Price::audio_input, &PriceSet::audio_input, NoMember(),
            price_flag("--audio-input", "Of sound in the input (as input), or none.")),
    setting("cached_audio_input", &Price::cached_audio_input, &PriceSet::cached_audio_input, NoMember(),
            price_flag("--cached-audio-input", "Of sound it had cached (as sound), or none.")),
    setting("audio_output", &Price::audio_output, &PriceSet::audio_output, NoMember(),
            price_flag("--audio-output", "Of sound in the output (as output), or none.")),
    setting("image_input", &Price::image_input, &PriceSet::image_input, NoMember(),
            price_flag("--image-input", "Of pictures in the input (as input), or none.")),
    setting("cached_image_input", &Price::cached_image_input, &PriceSet::cached_image_input, NoMember(),
            price_flag("--cached-image-input", "Of pictures it had cached (as pictures), or none.")),
    setting("image_output", &Price::image_output, &PriceSet::image_output, NoMember(),
            price_flag("--image-output", "Of pictures in the output (as output), or none.")),
    setting("per_request", &Price::per_request, &PriceSet::per_request, NoMember(),
            price_flag("--per-request", "For every request, besides (0).")),
    setting("per_image", &Price::per_image, &PriceSet::per_image, NoMember(),
            price_flag("--per-image", "For every image made (0).")),
    setting("per_character", &Price::per_character, &PriceSet::per_character, NoMember(),
            price_flag("--per-character", "For a million characters spoken (0).")),
    setting("per_second", &Price::per_second, &PriceSet::per_second, NoMember(),
            price_flag("--per-second", "For every second of sound heard (0).")),
    setting("max_output_tokens", &Price::max_output_tokens, &PriceSet::max_output_tokens, NoMember(),
            price_tokens("--max-output", "The most the model answers: 16384, 32k.", "max_output")),
    setting("default_output_tokens", &Price::default_output_tokens, &PriceSet::default_output_tokens, NoMember(),
            price_tokens("--default-output", "What a request without a bound is reserved for (the most it answers).",
                         "default_output")),
    setting("context_tokens", &Price::context_tokens, &PriceSet::context_tokens, NoMember(),
            price_tokens("--context", "The most it reads and answers together: 128k, 1M.", "context")),
    setting("image_tokens", &Price::image_tokens, &PriceSet::image_tokens, NoMember(),
            price_tokens("--image-tokens", "The most that a picture in the input comes to.", "image_tokens")),
    setting("output_image_tokens", &Price::output_image_tokens, &PriceSet::output_image_tokens, NoMember(),
            price_tokens("--output-image-tokens", "The most that a picture made comes to.", "output_image_tokens")),
    setting("thinks", &Price::thinks, &PriceSet::thinks, NoMember(),
            {.typed = Typed::choice,
             .flag = "--thinks",
             .metavar = "yes|no",
             .create_help = "Whether the model thinks unasked, within its bound (no)."}),
    setting("thinking_tokens", &Price::thinking_tokens, &PriceSet::thinking_tokens, NoMember(),
            price_tokens("--thinking-tokens", "The most that it thinks beyond its bound, which counts none of it.",
                         "thinking_tokens")),
    setting("rules", &Price::rules, &PriceSet::rules, NoMember(),
            {.typed = Typed::text,
             .flag = "--rules",
             .metavar = "FILE",
             .create_help = "Its rules, a JSON list (see docs/prices.md); - is stdin, or none."}),
    told("source", &Price::source),
    setting("effective_at", &Price::effective_at, &PriceSet::effective_at, NoMember(),
            {.typed = Typed::moment,
             .flag = "--effective",
             .metavar = "WHEN",
             .create_help = "From when the price holds (now).",
             .heading = "effective"}),
    computed("updated_at", &Price::updated_at), computed("generation", &Price::generation));

constexpr const auto& fields_of(const Price&) {
  return k_price_fields;
}

}  // namespace cr::admin

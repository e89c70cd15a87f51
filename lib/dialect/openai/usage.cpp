// SPDX-License-Identifier: MIT
#include "dialect/openai/usage.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "dialect/object_walk.h"
#include "dialect/usage_walk.h"

namespace cr::dialect::openai {
namespace {

// Images and transcriptions say input_token_details or input_tokens_details; DeepSeek and Moonshot have names of their
// own for what was cached; what LiteLLM translates keeps Anthropic's for what was written to the cache.
constexpr std::array<UsageMember, 31> k_members = {{
    {"/prompt_tokens", &UsageReport::input},
    {"/completion_tokens", &UsageReport::output},
    {"/total_tokens", &UsageReport::total},
    {"/input_tokens", &UsageReport::input},
    {"/output_tokens", &UsageReport::output},
    {"/prompt_tokens_details/cached_tokens", &UsageReport::cache_read},
    {"/prompt_tokens_details/cache_write_tokens", &UsageReport::cache_write},
    {"/prompt_tokens_details/audio_tokens", &UsageReport::audio_input},
    {"/prompt_tokens_details/image_tokens", &UsageReport::image_input},
    {"/input_tokens_details/cached_tokens", &UsageReport::cache_read},
    {"/input_tokens_details/cache_write_tokens", &UsageReport::cache_write},
    {"/input_tokens_details/audio_tokens", &UsageReport::audio_input},
    {"/input_tokens_details/image_tokens", &UsageReport::image_input},
    {"/input_tokens_details/cached_tokens_details/audio_tokens", &UsageReport::cached_audio},
    {"/input_tokens_details/cached_tokens_details/image_tokens", &UsageReport::cached_image},
    {"/prompt_tokens_details/cached_tokens_details/audio_tokens", &UsageReport::cached_audio},
    {"/prompt_tokens_details/cached_tokens_details/image_tokens", &UsageReport::cached_image},
    {"/input_token_details/cached_tokens", &UsageReport::cache_read},
    {"/input_token_details/audio_tokens", &UsageReport::audio_input},
    {"/input_token_details/image_tokens", &UsageReport::image_input},
    {"/completion_tokens_details/audio_tokens", &UsageReport::audio_output},
    {"/completion_tokens_details/image_tokens", &UsageReport::image_output},
    {"/completion_tokens_details/reasoning_tokens", &UsageReport::reasoning},
    {"/output_tokens_details/audio_tokens", &UsageReport::audio_output},
    {"/output_tokens_details/image_tokens", &UsageReport::image_output},
    {"/output_tokens_details/reasoning_tokens", &UsageReport::reasoning},
    {"/prompt_cache_hit_tokens", &UsageReport::cache_read},
    {"/prompt_cache_miss_tokens"},
    {"/cached_tokens", &UsageReport::cache_read},
    {"/cache_creation_input_tokens", &UsageReport::cache_write},
    {"/cache_read_input_tokens"},
}};

constexpr std::array<UsageMember, 1> k_sound_members = {{{"/seconds", &UsageReport::audio_ms, 3}}};

bool read_billed_units(json::JsonCursor& cursor, UsageReport& report) {
  return walk_members(cursor, [&](std::string_view key) {
    return key == "search_units" ? read_count(cursor, report.search_units) : cursor.skip_value();
  });
}

constexpr auto members_of_sound() {
  std::array<UsageMember, k_members.size() + k_sound_members.size()> all{};
  std::copy(k_members.begin(), k_members.end(), all.begin());
  std::copy(k_sound_members.begin(), k_sound_members.end(), all.begin() + k_members.size());
  return all;
}
constexpr auto k_members_of_sound = members_of_sound();

// What is made or heard there, where the details do not say: no text.
void complete_parts(Endpoint endpoint, UsageReport& report) {
  if (makes_images(endpoint) && !report.image_output) report.image_output = report.output;
  if (endpoint == Endpoint::audio_speech && !report.audio_output) report.audio_output = report.output;
  if (hears_sound(endpoint) && !report.audio_input) report.audio_input = report.input;
}

// Some (Gemini's and xAI's compatible ends) leave reasoning out of completion_tokens and show it in the total. Where it
// is told as well (xAI), both agree and it counts in full, for such a provider's bound leaves it out, too (docs.x.ai,
// guides/reasoning); where the total alone shows it, it counts within the bound, beyond which a total is no word to
// rely on.
std::int64_t output_with_reasoning(const UsageReport& report, std::int64_t input, std::int64_t output,
                                   std::int64_t output_max) {
  const auto by_total = report.total.value_or(0) - input;
  const auto reasoning = report.reasoning.value_or(0);
  if (reasoning > 0 && by_total - output == reasoning) return by_total;
  return std::max(output, std::min(by_total, output_max));
}

}  // namespace

bool read_usage(Endpoint endpoint, json::JsonCursor& cursor, UsageReport& report, Told& told) {
  if (hears_sound(endpoint)) return walk_usage(cursor, k_members_of_sound, report, told);
  return walk_usage(cursor, k_members, report, told);
}

bool read_seconds(json::JsonCursor& cursor, UsageReport& report) {
  return read_count(cursor, report.audio_ms, 3);
}

bool read_rerank_meta(json::JsonCursor& cursor, UsageReport& report) {
  return walk_members(cursor, [&](std::string_view key) {
    return key == "billed_units" ? read_billed_units(cursor, report) : cursor.skip_value();
  });
}

Usage to_usage(Endpoint endpoint, const UsageReport& told, std::int64_t output_max) {
  auto report = told;
  complete_parts(endpoint, report);
  const std::int64_t input = report.input.value_or(has_output(endpoint) ? 0 : report.total.value_or(0));
  const std::int64_t output = report.output.value_or(0);
  Usage usage;
  usage.input_tokens = input;
  usage.cached_tokens = std::min(report.cache_read.value_or(0), input);
  usage.cache_write_tokens = std::min(report.cache_write.value_or(0), input - usage.cached_tokens);
  usage.output_tokens = has_output(endpoint) ? output_with_reasoning(report, input, output, output_max) : output;
  set_parts(report, usage);
  return usage;
}

}  // namespace cr::dialect::openai

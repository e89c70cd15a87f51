// SPDX-License-Identifier: MIT
// The /v1 endpoints that are relayed, and what differs between them. Pure; any thread.
#pragma once

#include <optional>
#include <string_view>

namespace cr::dialect {

enum class Endpoint {
  chat_completions,
  completions,
  embeddings,
  responses,
  messages,
  count_tokens,
  moderations,
  rerank,
  images_generations,
  audio_speech,
  audio_transcriptions,
  audio_translations,
  images_edits,
  images_variations,
  response_by_id,  // what is done with a response that its provider keeps
};
inline constexpr int k_endpoint_count = static_cast<int>(Endpoint::response_by_id) + 1;

// By path without query ("/v1/chat/completions").
std::optional<Endpoint> find_endpoint(std::string_view path);
std::string_view path_of(Endpoint endpoint);
std::string_view name_of(Endpoint endpoint);  // the path's words: "chat.completions", "messages.count_tokens"
bool takes_form(Endpoint endpoint);           // multipart/form-data with files, which may be large; else JSON

// What comes out of a model there, beside what goes in.
enum class Output {
  none,
  text,   // model tokens, within a bound that a request can carry
  media,  // images or sound: units, or model tokens that no request can bound
};
Output output_of(Endpoint endpoint);
inline bool has_output(Endpoint endpoint) {
  return output_of(endpoint) != Output::none;
}

// Whether the provider always tells model tokens there. Where it need not, only a price by tokens misses them.
bool tells_tokens(Endpoint endpoint);
// Counting what a message would cost, and asking again for what was paid when it was made, costs nothing.
inline bool is_free(Endpoint endpoint) {
  return endpoint == Endpoint::count_tokens || endpoint == Endpoint::response_by_id;
}
// What is charged for beside tokens.
inline bool makes_images(Endpoint endpoint) {
  return endpoint == Endpoint::images_generations || endpoint == Endpoint::images_edits ||
         endpoint == Endpoint::images_variations;
}
inline bool hears_sound(Endpoint endpoint) {
  return endpoint == Endpoint::audio_transcriptions || endpoint == Endpoint::audio_translations;
}
// For a request that names no model, where one may be left out: the name that OpenAI documents as the default. Empty
// where a request must name one.
std::string_view default_model(Endpoint endpoint);

// The shape of an error body: OpenAI's, or Anthropic's on /v1/messages and what is under it.
enum class Dialect { openai, anthropic };
Dialect dialect_of(Endpoint endpoint);

}  // namespace cr::dialect

// SPDX-License-Identifier: MIT
#include "dialect/endpoint.h"

#include <algorithm>
#include <array>

#include "dialect/stored_path.h"

namespace cr::dialect {
namespace {

struct EndpointRow {
  Endpoint endpoint;
  std::string_view path;
  std::string_view name;
  Output output = Output::none;
  bool tells_tokens = true;
};
constexpr std::array<EndpointRow, k_endpoint_count> k_endpoints = {{
    {Endpoint::chat_completions, "/v1/chat/completions", "chat.completions", Output::text, true},
    {Endpoint::completions, "/v1/completions", "completions", Output::text, true},
    {Endpoint::embeddings, "/v1/embeddings", "embeddings", Output::none, true},
    {Endpoint::responses, "/v1/responses", "responses", Output::text, true},
    {Endpoint::messages, "/v1/messages", "messages", Output::text, true},
    {Endpoint::count_tokens, "/v1/messages/count_tokens", "messages.count_tokens", Output::none, false},
    {Endpoint::moderations, "/v1/moderations", "moderations", Output::none, false},
    {Endpoint::rerank, "/v1/rerank", "rerank", Output::none, false},
    {Endpoint::images_generations, "/v1/images/generations", "images.generations", Output::media, false},
    {Endpoint::audio_speech, "/v1/audio/speech", "audio.speech", Output::media, false},
    {Endpoint::audio_transcriptions, "/v1/audio/transcriptions", "audio.transcriptions", Output::text, false},
    {Endpoint::audio_translations, "/v1/audio/translations", "audio.translations", Output::text, false},
    {Endpoint::images_edits, "/v1/images/edits", "images.edits", Output::media, false},
    {Endpoint::images_variations, "/v1/images/variations", "images.variations", Output::media, false},
    {Endpoint::response_by_id, "/v1/responses/{response_id}", "responses.by_id", Output::none, false},
}};

const EndpointRow& row_of(Endpoint endpoint) {
  return k_endpoints[static_cast<std::size_t>(endpoint)];
}

}  // namespace

std::optional<Endpoint> find_endpoint(std::string_view path) {
  const auto* const found =
      std::find_if(k_endpoints.begin(), k_endpoints.end(), [path](const EndpointRow& row) { return row.path == path; });
  if (found != k_endpoints.end() && found->endpoint != Endpoint::response_by_id) return found->endpoint;
  if (read_stored_path(path)) return Endpoint::response_by_id;
  return std::nullopt;
}

std::string_view path_of(Endpoint endpoint) {
  return row_of(endpoint).path;
}

std::string_view name_of(Endpoint endpoint) {
  return row_of(endpoint).name;
}

Output output_of(Endpoint endpoint) {
  return row_of(endpoint).output;
}

bool tells_tokens(Endpoint endpoint) {
  return row_of(endpoint).tells_tokens;
}

// platform.openai.com/docs/api-reference/moderations/create
std::string_view default_model(Endpoint endpoint) {
  return endpoint == Endpoint::moderations ? std::string_view("omni-moderation-latest") : std::string_view();
}

bool takes_form(Endpoint endpoint) {
  switch (endpoint) {
    case Endpoint::audio_transcriptions:
    case Endpoint::audio_translations:
    case Endpoint::images_edits:
    case Endpoint::images_variations:
      return true;
    default:
      return false;
  }
}

Dialect dialect_of(Endpoint endpoint) {
  const bool anthropic = endpoint == Endpoint::messages || endpoint == Endpoint::count_tokens;
  return anthropic ? Dialect::anthropic : Dialect::openai;
}

}  // namespace cr::dialect

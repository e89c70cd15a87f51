// SPDX-License-Identifier: MIT
#include "dialect/endpoint.h"

#include <gtest/gtest.h>

namespace cr::dialect {
namespace {

struct Row {
  Endpoint endpoint;
  std::string_view path;
  std::string_view name;
  Output output;
  bool tells_tokens;
  Dialect dialect;
  bool form = false;
};
constexpr Row k_rows[] = {
    {Endpoint::chat_completions, "/v1/chat/completions", "chat.completions", Output::text, true, Dialect::openai},
    {Endpoint::completions, "/v1/completions", "completions", Output::text, true, Dialect::openai},
    {Endpoint::embeddings, "/v1/embeddings", "embeddings", Output::none, true, Dialect::openai},
    {Endpoint::responses, "/v1/responses", "responses", Output::text, true, Dialect::openai},
    {Endpoint::messages, "/v1/messages", "messages", Output::text, true, Dialect::anthropic},
    {Endpoint::count_tokens, "/v1/messages/count_tokens", "messages.count_tokens", Output::none, false,
     Dialect::anthropic},
    {Endpoint::moderations, "/v1/moderations", "moderations", Output::none, false, Dialect::openai},
    {Endpoint::rerank, "/v1/rerank", "rerank", Output::none, false, Dialect::openai},
    {Endpoint::images_generations, "/v1/images/generations", "images.generations", Output::media, false,
     Dialect::openai},
    {Endpoint::audio_speech, "/v1/audio/speech", "audio.speech", Output::media, false, Dialect::openai},
    {Endpoint::audio_transcriptions, "/v1/audio/transcriptions", "audio.transcriptions", Output::text, false,
     Dialect::openai, true},
    {Endpoint::audio_translations, "/v1/audio/translations", "audio.translations", Output::text, false, Dialect::openai,
     true},
    {Endpoint::images_edits, "/v1/images/edits", "images.edits", Output::media, false, Dialect::openai, true},
    {Endpoint::images_variations, "/v1/images/variations", "images.variations", Output::media, false, Dialect::openai,
     true},
    {Endpoint::response_by_id, "/v1/responses/{response_id}", "responses.by_id", Output::none, false, Dialect::openai},
};
static_assert(std::size(k_rows) == k_endpoint_count);

TEST(Endpoint, EachIsFoundByItsPath) {
  for (const Row& row : k_rows) {
    const bool by_id = row.endpoint == Endpoint::response_by_id;
    EXPECT_EQ(find_endpoint(by_id ? "/v1/responses/resp_1" : row.path), row.endpoint) << row.path;
    EXPECT_EQ(path_of(row.endpoint), row.path);
    EXPECT_EQ(name_of(row.endpoint), row.name);
    EXPECT_EQ(output_of(row.endpoint), row.output) << row.name;
    EXPECT_EQ(tells_tokens(row.endpoint), row.tells_tokens) << row.name;
    EXPECT_EQ(is_free(row.endpoint), row.endpoint == Endpoint::count_tokens || by_id) << row.name;
    EXPECT_EQ(default_model(row.endpoint).empty(), row.endpoint != Endpoint::moderations) << row.name;
    EXPECT_EQ(dialect_of(row.endpoint), row.dialect) << row.name;
    EXPECT_EQ(takes_form(row.endpoint), row.form) << row.name;
  }
}

TEST(Endpoint, NothingElseIsOne) {
  for (const std::string_view path :
       {"", "/", "/v1", "/v1/chat/completions/", "/v1/Chat/completions", "/v1/models", "/v1/messages/batches",
        "/v1/images", "/v1/audio/speech/", "/v1/chat/completions?x=1", "/v1/responses/", "/v1/responses/{response_id}",
        "/v1/responses/..", "/v1/responses/a/b", "/v1/responses/a/"}) {
    EXPECT_EQ(find_endpoint(path), std::nullopt) << path;
  }
}

}  // namespace
}  // namespace cr::dialect

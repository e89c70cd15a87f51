// SPDX-License-Identifier: MIT
#include "openai/endpoint.h"

#include <gtest/gtest.h>

namespace cr::openai {
namespace {

struct Row {
  Endpoint endpoint;
  std::string_view path;
  std::string_view name;
  bool output;
  Dialect dialect;
};
constexpr Row k_rows[] = {
    {Endpoint::chat_completions, "/v1/chat/completions", "chat.completions", true, Dialect::openai},
    {Endpoint::completions, "/v1/completions", "completions", true, Dialect::openai},
    {Endpoint::embeddings, "/v1/embeddings", "embeddings", false, Dialect::openai},
    {Endpoint::responses, "/v1/responses", "responses", true, Dialect::openai},
    {Endpoint::messages, "/v1/messages", "messages", true, Dialect::anthropic},
};
static_assert(std::size(k_rows) == k_endpoint_count);

TEST(Endpoint, EachIsFoundByItsPath) {
  for (const Row& row : k_rows) {
    EXPECT_EQ(find_endpoint(row.path), row.endpoint) << row.path;
    EXPECT_EQ(path_of(row.endpoint), row.path);
    EXPECT_EQ(name_of(row.endpoint), row.name);
    EXPECT_EQ(has_output(row.endpoint), row.output) << row.name;
    EXPECT_EQ(dialect_of(row.endpoint), row.dialect) << row.name;
  }
}

TEST(Endpoint, NothingElseIsOne) {
  for (const std::string_view path : {"", "/", "/v1", "/v1/chat/completions/", "/v1/Chat/completions", "/v1/models",
                                      "/v1/messages/count_tokens", "/v1/chat/completions?x=1"}) {
    EXPECT_EQ(find_endpoint(path), std::nullopt) << path;
  }
}

}  // namespace
}  // namespace cr::openai

// SPDX-License-Identifier: MIT
// Every kind by every endpoint: what is served, where, with which credential, how it is probed, and its quirks.
#include "provider/provider.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "dialect/meter.h"
#include "provider/table.h"

namespace cr::provider {
namespace {

using dialect::Dialect;
using dialect::Endpoint;

// What the endpoints are to the kinds, in the order of Endpoint.
struct ServedRow {
  Endpoint endpoint;
  std::string_view path;
  bool openai, anthropic, echo;
};
constexpr std::array<ServedRow, dialect::k_endpoint_count> k_served{{
    {Endpoint::chat_completions, "/chat/completions", true, false, true},
    {Endpoint::completions, "/completions", true, false, true},
    {Endpoint::embeddings, "/embeddings", true, false, true},
    {Endpoint::responses, "/responses", true, false, true},
    {Endpoint::messages, "/messages", false, true, true},
    {Endpoint::count_tokens, "/messages/count_tokens", false, true, true},
    {Endpoint::moderations, "/moderations", true, false, true},
    {Endpoint::rerank, "/rerank", true, false, true},
    {Endpoint::images_generations, "/images/generations", true, false, true},
    {Endpoint::audio_speech, "/audio/speech", true, false, false},
    {Endpoint::audio_transcriptions, "/audio/transcriptions", true, false, false},
    {Endpoint::audio_translations, "/audio/translations", true, false, false},
    {Endpoint::images_edits, "/images/edits", true, false, false},
    {Endpoint::images_variations, "/images/variations", true, false, false},
    {Endpoint::response_by_id, "/responses/resp_1", true, false, false},
}};

TEST(Provider, serves_the_endpoints_of_its_dialect) {
  for (std::size_t at = 0; at < k_served.size(); ++at) {
    const auto& row = k_served[at];
    ASSERT_EQ(static_cast<std::size_t>(row.endpoint), at);
    const auto client = dialect::dialect_of(row.endpoint);
    EXPECT_EQ(of(Kind::openai).serves(row.endpoint, client), row.openai) << row.path;
    EXPECT_EQ(of(Kind::anthropic).serves(row.endpoint, client), row.anthropic) << row.path;
    EXPECT_EQ(of(Kind::echo).serves(row.endpoint, client), row.echo) << row.path;
  }
}

TEST(Provider, each_kind_has_all_that_its_way_of_answering_needs) {
  for (const auto& row : kinds()) {
    const auto& provider = of(row.kind);
    EXPECT_EQ(&provider, k_providers[static_cast<std::size_t>(row.kind)]);
    EXPECT_NE(provider.serves, nullptr) << row.name;
    EXPECT_EQ(provider.local == nullptr, row.needs_base_url) << row.name;
    if (provider.local != nullptr) {
      EXPECT_NE(provider.local->answer, nullptr) << row.name;
      EXPECT_NE(provider.local->bytes_ceiling, nullptr) << row.name;
      EXPECT_FALSE(provider.local->finding.empty()) << row.name;
      continue;
    }
    EXPECT_NE(provider.target, nullptr) << row.name;
    EXPECT_NE(provider.authorize, nullptr) << row.name;
    EXPECT_NE(provider.probe.body, nullptr) << row.name;
    EXPECT_NE(provider.probe.judge, nullptr) << row.name;
    EXPECT_TRUE(provider.serves(provider.probe.endpoint, *provider.dialect)) << row.name;
  }
}

TEST(Provider, answers_in_its_own_dialect_whoever_asks) {
  for (const auto client : {Dialect::openai, Dialect::anthropic}) {
    EXPECT_EQ(answers_in(of(Kind::openai), client), Dialect::openai);
    EXPECT_EQ(answers_in(of(Kind::anthropic), client), Dialect::anthropic);
    EXPECT_EQ(answers_in(of(Kind::echo), client), client);
  }
}

// Whatever the client asked for, and in which dialect.
TEST(Provider, usage_is_read_as_the_providers_dialect_has_it) {
  constexpr std::string_view k_anthropic =
      R"({"type":"message","usage":{"input_tokens":10,"cache_read_input_tokens":30,"output_tokens":5}})";
  constexpr std::string_view k_openai = R"({"choices":[],"usage":{"prompt_tokens":40,"completion_tokens":5}})";
  const auto read = [](Kind kind, Endpoint endpoint, std::string_view body) {
    dialect::Meter meter(meter_form(of(kind), dialect::dialect_of(endpoint)), endpoint, dialect::UsageEvent::forward);
    meter.observe_body(body);
    return meter.usage();
  };
  for (const auto endpoint : {Endpoint::chat_completions, Endpoint::responses, Endpoint::messages}) {
    const auto name = dialect::name_of(endpoint);
    EXPECT_EQ(read(Kind::anthropic, endpoint, k_anthropic), (dialect::Usage{40, 30, 0, 5})) << name;
    EXPECT_EQ(read(Kind::anthropic, endpoint, k_openai), std::nullopt) << name;
    EXPECT_EQ(read(Kind::openai, endpoint, k_openai), (dialect::Usage{40, 0, 0, 5})) << name;
    EXPECT_EQ(read(Kind::openai, endpoint, k_anthropic), (dialect::Usage{10, 0, 0, 5})) << name;
  }
  EXPECT_EQ(read(Kind::echo, Endpoint::messages, k_anthropic), (dialect::Usage{40, 30, 0, 5}));
  EXPECT_EQ(read(Kind::echo, Endpoint::chat_completions, k_openai), (dialect::Usage{40, 0, 0, 5}));
}

TEST(Provider, a_target_is_the_endpoints_own_path_where_the_dialect_is_the_vendors) {
  for (const auto kind : {Kind::openai, Kind::anthropic}) {
    for (const auto& row : k_served) {
      const auto target = of(kind).target({row.endpoint, row.path, {}, "a model/of ours"});
      EXPECT_TRUE(is_plain(target));
      EXPECT_EQ(target.path, row.path);
      EXPECT_EQ(to_text(of(kind).target({row.endpoint, row.path, "after=x&limit=2", {}})),
                std::string(row.path) + "?after=x&limit=2");
    }
  }
}

TEST(Provider, a_target_in_pieces_is_encoded_and_joined) {
  const auto text = [](std::string_view model) { return to_text({"/models/", model, ":generate"}); };
  EXPECT_EQ(text("gemini-2.5_pro~1"), "/models/gemini-2.5_pro~1:generate");
  EXPECT_EQ(text("a b/c?d#e%f"), "/models/a%20b%2Fc%3Fd%23e%25f:generate");
  EXPECT_EQ(text("caf\xc3\xa9\r\n"), "/models/caf%C3%A9%0D%0A:generate");
  EXPECT_EQ(text("../up"), "/models/..%2Fup:generate");
  EXPECT_EQ(to_text({"/d/", "..", "/chat"}), "/d/__/chat") << "no step up";
  EXPECT_EQ(to_text({"/d/", ".", "/chat"}), "/d/_/chat");
  EXPECT_EQ(to_text({"/chat", {}, {}, "api-version=1"}), "/chat?api-version=1");
  EXPECT_EQ(to_text({"/chat", {}, {}, {}, "after=2"}), "/chat?after=2");
  EXPECT_EQ(to_text({"/chat", {}, {}, "api-version=1", "after=2"}), "/chat?api-version=1&after=2");
}

std::string credential_fields(Kind kind, std::string_view key, const http::message::RequestHead* client = nullptr) {
  std::string text;
  http::message::HeadWriter writer(text);
  of(kind).authorize(writer, {"POST", "/v1/x", key, client});
  return text;
}

TEST(Provider, a_credential_is_in_the_vendors_own_field) {
  EXPECT_EQ(credential_fields(Kind::openai, "sk-1"), "authorization: Bearer sk-1\r\n");
  EXPECT_EQ(credential_fields(Kind::openai, ""), "");
  EXPECT_EQ(credential_fields(Kind::anthropic, "sk-1"), "anthropic-version: 2023-06-01\r\nx-api-key: sk-1\r\n");
  EXPECT_EQ(credential_fields(Kind::anthropic, ""), "anthropic-version: 2023-06-01\r\n");
  http::message::RequestHead client;
  client.fields = {{"Anthropic-Version", "2024-01-01"}};
  EXPECT_EQ(credential_fields(Kind::anthropic, "sk-1", &client), "x-api-key: sk-1\r\n") << "passed on by then";
  EXPECT_EQ(credential_fields(Kind::openai, "sk-1", &client), "authorization: Bearer sk-1\r\n");
}

TEST(Provider, a_probe_is_a_small_request_that_the_scanner_takes) {
  dialect::RequestScanner scanner;
  for (const auto& row : kinds()) {
    const auto& probe = of(row.kind).probe;
    if (probe.body == nullptr) continue;
    const auto body = probe.body("m \"1\"", "max_completion_tokens");
    const auto scan = scanner.scan(probe.endpoint, body);
    ASSERT_TRUE(scan) << body;
    EXPECT_EQ(scan->model, "m \"1\"");
    EXPECT_EQ(scan->output_bound, 16);
    EXPECT_EQ(scan->messages, 1);
    EXPECT_EQ(scan->bound_field, row.kind == Kind::anthropic ? "max_tokens" : "max_completion_tokens");
  }
}

TEST(Provider, a_probe_is_judged_by_its_status) {
  for (const auto kind : {Kind::openai, Kind::anthropic}) {
    const auto judge = of(kind).probe.judge;
    EXPECT_TRUE(judge(200).ok);
    EXPECT_TRUE(judge(299).ok);
    for (const int status : {101, 301, 400, 401, 403, 404, 429, 500, 503}) EXPECT_FALSE(judge(status).ok) << status;
    EXPECT_THAT(judge(401).message, testing::HasSubstr("key"));
    EXPECT_THAT(judge(403).message, testing::HasSubstr("key"));
    EXPECT_THAT(judge(404).message, testing::HasSubstr("address or model"));
    EXPECT_THAT(judge(429).message, testing::HasSubstr("limits"));
    EXPECT_THAT(judge(500).message, testing::HasSubstr("trouble"));
    EXPECT_THAT(judge(302).message, testing::HasSubstr("redirects"));
  }
}

TEST(Provider, an_output_bound_goes_where_the_endpoint_and_the_channel_have_it) {
  for (const auto& row : kinds()) {
    const auto field = [&](Endpoint endpoint, std::string_view channel) {
      return bound_field(of(row.kind), endpoint, "m", channel);
    };
    EXPECT_EQ(field(Endpoint::responses, "max_tokens"), "max_output_tokens");
    EXPECT_EQ(field(Endpoint::messages, "max_completion_tokens"), "max_tokens");
    EXPECT_EQ(field(Endpoint::completions, "max_completion_tokens"), "max_tokens");
    EXPECT_EQ(field(Endpoint::chat_completions, "max_completion_tokens"), "max_completion_tokens");
    EXPECT_EQ(field(Endpoint::chat_completions, ""), "max_tokens");
  }
}

TEST(Provider, what_a_kind_says_of_a_model_goes_before_the_channels_setting) {
  constexpr std::array<BoundField, 2> k_fields{{{"o*", "max_completion_tokens"}, {"*", "max_tokens"}}};
  Provider provider;
  provider.quirks.bound_fields = k_fields;
  EXPECT_EQ(bound_field(provider, Endpoint::chat_completions, "o3", "max_tokens"), "max_completion_tokens");
  EXPECT_EQ(bound_field(provider, Endpoint::chat_completions, "gpt-4o", "max_completion_tokens"), "max_tokens");
}

TEST(Provider, usage_of_a_stream_is_asked_for_where_it_must_be_and_was_not) {
  dialect::RequestScan scan;
  const auto asks = [&](Kind kind, Endpoint endpoint) { return asks_for_usage(of(kind), endpoint, scan); };
  EXPECT_FALSE(asks(Kind::openai, Endpoint::chat_completions)) << "no stream";
  scan.stream = true;
  EXPECT_TRUE(asks(Kind::openai, Endpoint::chat_completions));
  EXPECT_TRUE(asks(Kind::openai, Endpoint::completions));
  EXPECT_TRUE(asks(Kind::echo, Endpoint::chat_completions));
  EXPECT_FALSE(asks(Kind::openai, Endpoint::responses)) << "it tells by itself";
  EXPECT_FALSE(asks(Kind::anthropic, Endpoint::messages));
  scan.include_usage = false;
  EXPECT_TRUE(asks(Kind::openai, Endpoint::chat_completions));
  scan.include_usage = true;
  EXPECT_FALSE(asks(Kind::openai, Endpoint::chat_completions));
}

TEST(Provider, quirks_are_data) {
  EXPECT_EQ(of(Kind::openai).quirks.passed_prefix, "openai-");
  EXPECT_EQ(of(Kind::anthropic).quirks.passed_prefix, "anthropic-");
  EXPECT_EQ(output_rate_max(of(Kind::openai), "api.openai.com"), 1'000);
  EXPECT_EQ(output_rate_max(of(Kind::openai), "team.openai.azure.com"), 1'000);
  EXPECT_EQ(output_rate_max(of(Kind::openai), "api.groq.com"), 4'000);
  EXPECT_EQ(output_rate_max(of(Kind::openai), "notopenai.com"), 4'000);
  EXPECT_EQ(output_rate_max(of(Kind::openai), ""), 4'000);
  EXPECT_EQ(output_rate_max(of(Kind::anthropic), "gateway.example.com"), 1'000);
  EXPECT_EQ(output_rate_max(of(Kind::echo), ""), 4'000);
  for (const auto& row : kinds()) {
    EXPECT_TRUE(of(row.kind).quirks.bound_fields.empty()) << row.name;
    EXPECT_TRUE(of(row.kind).quirks.left_out.empty()) << row.name;
  }
}

}  // namespace
}  // namespace cr::provider

// SPDX-License-Identifier: MIT
// Every endpoint that is relayed: what the client gets, what is posted for it, and who is refused, in which dialect.
#include "integration/gateway.h"

namespace cr::test {
namespace {

constexpr const char* k_json = "application/json";
constexpr const char* k_events = "text/event-stream";

struct Case {
  std::string name, path;
  Json body;
  std::vector<std::string> price;  // of the body's model, as crctl takes it
  std::int64_t cost = 0;           // nano-dollars
  std::string content_type = k_json;
  Json row = Json::object();  // members that the request's row has
  std::vector<std::string> flags = {};
};
void PrintTo(const Case& one, std::ostream* out) {
  *out << one.name;
}

std::string model_of(const Case& one) {
  return one.body.value("model", "omni-moderation-latest");
}
std::string kind_of(const std::string& path) {
  return path.starts_with("/v1/messages") ? "anthropic" : "openai";
}

const std::vector<std::string> k_tokens{"--input", "1", "--output", "2", "--max-output", "4096"};
const std::vector<std::string> k_image_tokens{"--input", "5", "--output", "40", "--max-output", "300"};
const std::vector<std::string> k_voice_tokens{"--input", "0.6", "--output", "12", "--max-output", "2000"};
const std::vector<std::string> k_per_image{"--per-image", "0.04"};
const std::vector<std::string> k_per_character{"--per-character", "15"};
const std::vector<std::string> k_per_request{"--per-request", "0.002"};

Json many(std::size_t count) {
  return Json(std::vector<std::string>(count, "a text"));
}

std::vector<Case> text_cases() {
  const Json messages = Json::array({{{"role", "user"}, {"content", "hello"}}});
  constexpr std::int64_t k_usual = 10 * 1000 + 20 * 2000;
  return {
      {"chat", "/v1/chat/completions", {{"model", "fake-a"}, {"messages", messages}}, k_tokens, k_usual},
      {"completions", "/v1/completions", {{"model", "fake-a"}, {"prompt", "hello"}}, k_tokens, k_usual},
      {"embeddings", "/v1/embeddings", {{"model", "fake-a"}, {"input", "hello"}}, k_tokens, 10 * 1000},
      {"responses", "/v1/responses", {{"model", "fake-a"}, {"input", "hello"}}, k_tokens, k_usual},
      {"messages",
       "/v1/messages",
       {{"model", "fake-a"}, {"max_tokens", 50}, {"messages", messages}},
       k_tokens,
       k_usual},
      {"count_tokens", "/v1/messages/count_tokens", {{"model", "fake-a"}, {"messages", messages}}, k_tokens, 0},
      {"moderations_of_the_default_model",
       "/v1/moderations",
       {{"input", "hello"}},
       {"--input", "0", "--output", "0"},
       0},
      {"moderations_by_request",
       "/v1/moderations",
       {{"model", "fake-mod"}, {"input", Json::array({"one", "two"})}},
       k_per_request,
       2'000'000},
      {"rerank_by_tokens",
       "/v1/rerank",
       {{"model", "fake-a"}, {"query", "[[tokens=1 input=120]]"}, {"documents", many(3)}, {"top_n", 2}},
       k_tokens,
       120 * 1000,
       k_json,
       {{"input_tokens", 120}}},
      {"rerank_by_search_units",
       "/v1/rerank",
       {{"model", "fake-rank"}, {"query", "[[units=2]]"}, {"documents", many(150)}},
       k_per_request,
       4'000'000,
       k_json,
       {{"search_units", 2}, {"input_tokens", 0}}},
      {"rerank_by_request",
       "/v1/rerank",
       {{"model", "fake-rank"}, {"query", "q"}, {"documents", many(3)}},
       k_per_request,
       2'000'000,
       k_json,
       {{"search_units", nullptr}}},
  };
}

std::vector<Case> media_cases() {
  const Json by_tokens = {{"model", "fake-pic"}, {"prompt", "[[tokens=1 input=12 output=272]]"}};
  Json streamed = by_tokens;
  streamed["stream"] = true;
  const Json spoken = {{"model", "fake-voice"}, {"voice", "v"}, {"input", "[[tokens=1 input=14 output=101]]"}};
  Json events = spoken;
  events["stream_format"] = "sse";
  constexpr std::int64_t k_picture = 12 * 5000 + 272 * 40'000;
  // Nobody tells the tokens of plain sound: a token for four bytes of the body, and the longest answer.
  const auto estimate = (static_cast<std::int64_t>(spoken.dump().size()) + 3) / 4 * 600 + 2000 * 12'000;
  const Json words = {{"model", "fake-tts"}, {"voice", "v"}, {"input", "héllo wörld €𝄞"}, {"response_format", "wav"}};
  return {
      {"images_by_image",
       "/v1/images/generations",
       {{"model", "fake-dall"}, {"prompt", "a cat"}, {"n", 3}},
       k_per_image,
       3 * 40'000'000,
       k_json,
       {{"images", 3}, {"input_tokens", 0}}},
      {"images_by_tokens",
       "/v1/images/generations",
       by_tokens,
       k_image_tokens,
       k_picture,
       k_json,
       {{"images", 1}, {"output_tokens", 272}}},
      {"images_streamed", "/v1/images/generations", streamed, k_image_tokens, k_picture, k_events, {{"images", 1}}},
      {"speech_by_characters",
       "/v1/audio/speech",
       words,
       k_per_character,
       14 * 15'000,
       "audio/wav",
       {{"characters", 14}, {"input_tokens", 0}}},
      {"speech_in_events",
       "/v1/audio/speech",
       events,
       k_voice_tokens,
       14 * 600 + 101 * 12'000,
       k_events,
       {{"output_tokens", 101}}},
      {"speech_by_tokens_untold",
       "/v1/audio/speech",
       spoken,
       k_voice_tokens,
       estimate,
       "audio/mpeg",
       {{"output_tokens", 2000}},
       {"estimated"}},
  };
}

std::vector<Case> cases() {
  auto all = text_cases();
  for (auto& one : media_cases()) all.push_back(std::move(one));
  return all;
}

class EndpointTest : public testing::TestWithParam<Case> {
 protected:
  EndpointTest() {
    gateway_.daemon.must({"channel", "edit", "fake", "--models", "fake-*,omni-moderation-latest"});
    gateway_.set_price(model_of(GetParam()), GetParam().price);
  }

  HttpAnswer post(const std::string& key) { return gateway_.post(key, GetParam().body, GetParam().path); }

  void expect_refused(const HttpAnswer& answer, int status, const std::string& code) {
    EXPECT_EQ(answer.status, status) << answer.body;
    EXPECT_EQ(error_code(answer), code) << answer.body;
    const Json body = Json::parse(answer.body, nullptr, false);
    EXPECT_EQ(body.value("type", "") == "error", kind_of(GetParam().path) == "anthropic") << answer.body;
  }

  Gateway gateway_;
};

TEST_P(EndpointTest, IsAnsweredAndPosted) {
  const Case& expected = GetParam();
  for (const bool limited : {true, false}) {
    const std::string name = limited ? "limited" : "unlimited";
    const auto key =
        gateway_.token(name, limited ? std::vector<std::string>{"--quota", "1"} : std::vector<std::string>{});
    const auto answer = post(key);
    ASSERT_EQ(answer.status, 200) << answer.body;
    EXPECT_EQ(answer.header("content-type"), expected.content_type);
    EXPECT_FALSE(answer.body.empty());
    EXPECT_EQ(gateway_.posted(name), expected.cost);
    EXPECT_EQ(gateway_.reserved(name), 0);
    const Json row = gateway_.request(answer);
    EXPECT_EQ(row["model"], model_of(expected));
    EXPECT_EQ(row["flags"], Json(expected.flags));
    EXPECT_EQ(row["ending"], "complete");
    for (const auto& [member, value] : expected.row.items()) EXPECT_EQ(row.value(member, Json()), value) << member;
  }
  EXPECT_EQ(gateway_.daemon.sql_value("SELECT coalesce(sum(overrun), 0) FROM request"), "0");
  const Json seen = gateway_.upstream.requests().back();
  EXPECT_EQ("/v1/" + seen["endpoint"].get<std::string>(), expected.path);
  EXPECT_EQ(seen["model"], model_of(expected)) << "a model that was left out is written into the body";
}

TEST_P(EndpointTest, RefusesWhatItCannotPay) {
  const auto poor = post(gateway_.token("poor", {"--quota", "0.000000001"}));
  if (GetParam().cost == 0) {
    EXPECT_EQ(poor.status, 200) << "what is free needs no credit: " << poor.body;
  } else {
    expect_refused(poor, 429, "insufficient_quota");
    EXPECT_EQ(poor.header("x-should-retry"), "false");
  }
  gateway_.daemon.must({"price", "unset", model_of(GetParam())});
  const auto unpriced = post(gateway_.token("limited", {"--quota", "1"}));
  if (GetParam().path.ends_with("count_tokens")) {
    EXPECT_EQ(unpriced.status, 200) << "counting costs nothing, whatever the price: " << unpriced.body;
  } else {
    expect_refused(unpriced, 403, "model_not_priced");
  }
  EXPECT_EQ(gateway_.posted("limited"), 0);
}

TEST_P(EndpointTest, IsServedByChannelsOfItsKindOnly) {
  const auto key = gateway_.token("limited", {"--quota", "1"});
  const bool openai = kind_of(GetParam().path) == "openai";
  gateway_.daemon.must({"channel", "disable", openai ? "fake" : "fake-messages"});
  expect_refused(post(key), 404, "model_not_found");
  EXPECT_EQ(gateway_.arrived(), 0);
}

INSTANTIATE_TEST_SUITE_P(All, EndpointTest, testing::ValuesIn(cases()),
                         [](const auto& tested) { return tested.param.name; });

TEST(Endpoints, SoundPassesByteForByte) {
  Gateway gateway;
  gateway.set_price("fake-tts", {"--per-character", "15"});
  const auto key = gateway.token("t", {"--quota", "1"});
  // 160,000 bytes: more than is gathered before an answer's head goes out.
  const Json body = {{"model", "fake-tts"}, {"voice", "v"}, {"input", std::string(20'000, 'a')}};
  std::string expected;
  for (std::int64_t at = 0; at < 160'000; ++at) expected += static_cast<char>(at * 37);
  const auto answer = gateway.post(key, body, "/v1/audio/speech");
  EXPECT_EQ(answer.header("content-type"), "audio/mpeg");
  EXPECT_TRUE(answer.body == expected) << answer.body.size();
  EXPECT_EQ(gateway.posted("t"), 20'000 * 15'000);
}

TEST(Endpoints, ImagesOfAnAnswerThatCannotBeReadAreChargedAsAsked) {
  Gateway gateway;
  gateway.set_price("fake-dall", {"--per-image", "0.04"});
  const auto key = gateway.token("t", {"--quota", "1"});
  const Json body = {{"model", "fake-dall"}, {"prompt", "a cat"}, {"n", 2}};
  gateway.upstream.behave({{"body", R"({"created":1})"}});
  const auto garbled = gateway.post(key, body, "/v1/images/generations");
  EXPECT_EQ(gateway.posted("t"), 80'000'000);
  EXPECT_EQ(gateway.request(garbled)["flags"], Json({"estimated"}));
  gateway.upstream.behave({{"status", 400}, {"body", R"({"error":{"code":"moderation_blocked"}})"}});
  EXPECT_EQ(gateway.post(key, body, "/v1/images/generations").status, 400);
  gateway.upstream.behave({{"body", R"({"created":1,"data":[]})"}});
  EXPECT_EQ(gateway.post(key, body, "/v1/images/generations").status, 200);
  EXPECT_EQ(gateway.posted("t"), 80'000'000) << "no image came";
}

TEST(Endpoints, WhatHasNoBoundIsRefusedToALimitedToken) {
  Gateway gateway;
  const auto key = gateway.token("t", {"--quota", "1"});
  const Json picture = {{"model", "fake-pic"}, {"prompt", "a cat"}};
  gateway.daemon.must({"price", "set", "fake-pic", "--input", "5", "--output", "40"});
  const auto unbounded = gateway.post(key, picture, "/v1/images/generations");
  EXPECT_EQ(unbounded.status, 400);
  EXPECT_THAT(unbounded.body, testing::HasSubstr("--max-output"));
  gateway.daemon.must({"price", "set", "fake-pic-2", "--per-character", "15"});
  const auto other_unit = gateway.post(key, {{"model", "fake-pic-2"}, {"prompt", "a cat"}}, "/v1/images/generations");
  EXPECT_EQ(other_unit.status, 403);
  EXPECT_EQ(error_code(other_unit), "model_not_priced");
  EXPECT_EQ(gateway.arrived(), 0);
  EXPECT_EQ(gateway.posted("t"), 0);
}

struct Bad {
  const char* path;
  const char* body;
  const char* param;
};

TEST(Endpoints, WrongTypesAreNamed) {
  Gateway gateway;
  const auto key = gateway.token("t", {"--quota", "1"});
  for (const Bad& bad : {
           Bad{"/v1/moderations", R"({"model":"fake-a"})", "input"},
           Bad{"/v1/moderations", R"({"model":7,"input":"x"})", "model"},
           Bad{"/v1/moderations", R"({"input":7})", "input"},
           Bad{"/v1/rerank", R"({"query":"q","documents":["a"]})", "model"},
           Bad{"/v1/rerank", R"({"model":"fake-a","documents":["a"]})", "query"},
           Bad{"/v1/rerank", R"({"model":"fake-a","query":"q","documents":"a"})", "documents"},
           Bad{"/v1/images/generations", R"({"model":"fake-a","prompt":"p","n":0})", "n"},
           Bad{"/v1/images/generations", R"({"model":"fake-a","prompt":"p","n":"two"})", "n"},
           Bad{"/v1/audio/speech", R"({"model":"fake-a","voice":"v","input":["a"]})", "input"},
           Bad{"/v1/audio/speech", R"({"model":"fake-a","voice":"v"})", "input"},
           Bad{"/v1/messages/count_tokens", R"({"messages":[]})", "model"},
       }) {
    const auto answer = HttpClient(gateway.daemon.port(), key).post(bad.path, bad.body);
    EXPECT_EQ(answer.status, 400) << bad.body;
    EXPECT_EQ(error_code(answer), "invalid_value") << bad.body;
    EXPECT_THAT(answer.body, testing::HasSubstr(bad.param)) << bad.body;
  }
  EXPECT_EQ(gateway.arrived(), 0);
}

// --- what of the input was cached, and what of the output was thought ---
struct Cached {
  const char* name;
  const char* path;
  const char* asked;  // of the fake provider
  std::int64_t cost;
};

TEST(Endpoints, CachedWrittenAndReasonedTokensHaveTheirOwnPrices) {
  Gateway gateway;
  gateway.set_price("fake-a", {"--input", "3", "--cached-input", "0.3", "--cache-write", "3.75", "--output", "15",
                               "--max-output", "4096"});
  const auto key = gateway.token("t", {"--quota", "10"});
  constexpr std::int64_t k_output = 20 * 15'000;
  std::int64_t posted = 0;
  for (const Cached& row : {
           Cached{"chat", "/v1/chat/completions", "[[input=1000 cached=900]]", 100 * 3000 + 900 * 300 + k_output},
           Cached{"chat, reasoning is a part of the output", "/v1/chat/completions",
                  "[[input=100 output=50 reasoning=40]]", 100 * 3000 + 50 * 15'000},
           Cached{"responses", "/v1/responses", "[[input=1000 cached=400 output=30 reasoning=25]]",
                  600 * 3000 + 400 * 300 + 30 * 15'000},
           Cached{"messages read", "/v1/messages", "[[input=1000 cached=900]]", 100 * 3000 + 900 * 300 + k_output},
           Cached{"messages written", "/v1/messages", "[[input=1000 cached=500 write=300]]",
                  200 * 3000 + 500 * 300 + 300 * 3750 + k_output},
           Cached{"messages written for an hour, at twice the input", "/v1/messages",
                  "[[input=1000 write=300 long=200]]", 700 * 3000 + 100 * 3750 + 200 * 6000 + k_output},
       }) {
    for (const bool streamed : {false, true}) {
      Json body = {{"model", "fake-a"}, {"stream", streamed}};
      const std::string path = row.path;
      body[path.ends_with("responses") ? "max_output_tokens" : "max_tokens"] = 4000;
      Json message = {{"role", "user"}, {"content", row.asked}};
      body[path.ends_with("responses") ? "input" : "messages"] = Json::array({message});
      const auto answer = gateway.post(key, body, path);
      ASSERT_EQ(answer.status, 200) << row.name << answer.body;
      posted += row.cost;
      EXPECT_EQ(gateway.posted("t"), posted) << row.name << (streamed ? ", streamed" : "");
      posted = gateway.posted("t");
      EXPECT_EQ(gateway.request(answer)["flags"], Json::array()) << row.name;
    }
  }
  EXPECT_EQ(gateway.reserved("t"), 0);
  EXPECT_EQ(gateway.daemon.sql_value("SELECT coalesce(sum(overrun), 0) FROM request"), "0");
}

TEST(Endpoints, AnHoursCacheIsHeldAtItsPrice) {
  Gateway gateway;
  gateway.set_price("fake-a", {"--input", "3", "--cache-write", "3.75", "--output", "0"});
  const auto key = gateway.token("t", {"--quota", "1"});
  for (const auto& [ttl, rate] : {std::pair{"5m", 3750}, std::pair{"1h", 6000}}) {
    const Json part = {{"type", "text"}, {"text", "hello"}, {"cache_control", {{"type", "ephemeral"}, {"ttl", ttl}}}};
    const Json message = {{"role", "user"}, {"content", Json::array({part})}};
    const Json body = {{"model", "fake-a"}, {"max_tokens", 5}, {"messages", Json::array({message})}};
    const auto row = gateway.request(gateway.post(key, body, "/v1/messages"));
    const auto tokens = static_cast<std::int64_t>(body.dump().size()) + 64 + 16;
    EXPECT_EQ(std::stod(row["held"].get<std::string>()), static_cast<double>(tokens * rate) / 1e9) << ttl;
  }
}

}  // namespace
}  // namespace cr::test

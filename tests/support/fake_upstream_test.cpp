// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>

#include <future>

#include "support/client.h"
#include "support/upstream.h"

namespace cr::test {
namespace {

using Json = nlohmann::json;
using testing::HasSubstr;

Json chat(const std::string& model, const Json& more = Json::object()) {
  Json body = {{"model", model}, {"messages", Json::array({{{"role", "user"}, {"content", "hello"}}})}};
  body.update(more);
  return body;
}

class FakeUpstreamTest : public testing::Test {
 protected:
  HttpAnswer post(const std::string& path, const Json& body) {
    HttpClient client(upstream_.port(), "sk-provider-1234");
    return client.post("/v1/" + path, body.dump(),
                       {{"x-api-key", "sk-provider-1234"}, {"anthropic-version", "2023-06-01"}});
  }
  std::vector<std::string> stream(const std::string& path, const Json& body, bool* clean = nullptr) {
    RawClient client(upstream_.port());
    client.send(raw_request("POST", "/v1/" + path, "sk-provider-1234", body.dump(),
                            "x-api-key: sk-provider-1234\r\nanthropic-version: 2023-06-01\r\n"));
    const auto head = client.read_head();
    std::vector<std::string> events;
    while (auto event = client.read_event(*head)) events.push_back(*event);
    if (clean) *clean = client.clean_end();
    return events;
  }
  static Json data_of(const std::string& event) { return Json::parse(event.substr(event.find("data: ") + 6)); }

  FakeUpstream upstream_;
};

TEST_F(FakeUpstreamTest, CountsTenAMessageAndTwentyOut) {
  const auto answer = post("chat/completions", chat("fake-a"));
  ASSERT_EQ(answer.status, 200) << answer.body;
  const Json body = Json::parse(answer.body);
  EXPECT_EQ(body["usage"]["prompt_tokens"], 10);
  EXPECT_EQ(body["usage"]["completion_tokens"], 20);
  EXPECT_EQ(body["choices"][0]["finish_reason"], "stop");
  EXPECT_EQ(body["choices"][0]["message"]["content"].get<std::string>().size(), 80U);
}

TEST_F(FakeUpstreamTest, FullModelCostsItsWholeCeiling) {
  const Json body = chat("fake-full", {{"max_tokens", 100}, {"n", 2}});
  const Json answer = Json::parse(post("chat/completions", body).body);
  EXPECT_EQ(answer["usage"]["prompt_tokens"], body.dump().size() + 16 + 64);
  EXPECT_EQ(answer["usage"]["completion_tokens"], 200);
}

TEST_F(FakeUpstreamTest, TheTextMayNameTheUsage) {
  Json body = chat("fake-a");
  body["messages"][0]["content"] = "please [[input=123 output=45 cached=6]]";
  const Json usage = Json::parse(post("chat/completions", body).body)["usage"];
  EXPECT_EQ(usage["prompt_tokens"], 123);
  EXPECT_EQ(usage["completion_tokens"], 45);
  EXPECT_EQ(usage["prompt_tokens_details"]["cached_tokens"], 6);
}

TEST_F(FakeUpstreamTest, StreamsAWordATokenAndUsageWhenAsked) {
  auto events = stream("chat/completions", chat("fake-a", {{"stream", true}, {"max_tokens", 3}}));
  ASSERT_EQ(events.size(), 6U);  // role, three words, the finish, [DONE]
  EXPECT_EQ(data_of(events[4])["choices"][0]["finish_reason"], "length");
  EXPECT_EQ(events.back(), "data: [DONE]\n\n");
  EXPECT_EQ(upstream_.requests()[0]["reported"], Json());

  events = stream("chat/completions",
                  chat("fake-a", {{"stream", true}, {"max_tokens", 3}, {"stream_options", {{"include_usage", true}}}}));
  ASSERT_EQ(events.size(), 7U);
  EXPECT_EQ(data_of(events[5])["usage"]["completion_tokens"], 3);
  EXPECT_EQ(upstream_.requests()[1]["reported"]["output"], 3);
}

TEST_F(FakeUpstreamTest, CallsTheToolOfARequestThatHasOne) {
  const Json tools = {{{"type", "function"}, {"function", {{"name", "weather"}, {"parameters", Json::object()}}}}};
  const Json plain = Json::parse(post("chat/completions", chat("fake-a", {{"tools", tools}})).body);
  EXPECT_EQ(plain["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"], "{\"city\":\"Paris\"}");
  std::string arguments;
  for (const auto& event : stream("chat/completions", chat("fake-a", {{"tools", tools}, {"stream", true}}))) {
    if (event.find("tool_calls\":[") != std::string::npos)
      arguments += data_of(event)["choices"][0]["delta"]["tool_calls"][0]["function"]["arguments"].get<std::string>();
  }
  EXPECT_EQ(arguments, "{\"city\":\"Paris\"}");
}

TEST_F(FakeUpstreamTest, AnswersTheOtherEndpoints) {
  const Json completion =
      Json::parse(post("completions", {{"model", "fake-a"}, {"prompt", "x"}, {"max_tokens", 2}}).body);
  EXPECT_EQ(completion["choices"][0]["text"], "one two ");
  const Json embeddings = Json::parse(post("embeddings", {{"model", "fake-a"}, {"input", {"a", "b"}}}).body);
  EXPECT_EQ(embeddings["data"].size(), 2U);
  EXPECT_EQ(embeddings["usage"]["prompt_tokens"], 20);
  const Json packed = Json::parse(
      post("embeddings", {{"model", "fake-a"}, {"input", "a"}, {"dimensions", 1}, {"encoding_format", "base64"}}).body);
  EXPECT_EQ(packed["data"][0]["embedding"], "AAAAAA==");
  const Json response =
      Json::parse(post("responses", {{"model", "fake-a"}, {"input", "x"}, {"max_output_tokens", 2}}).body);
  EXPECT_EQ(response["status"], "incomplete");
  EXPECT_EQ(response["usage"]["output_tokens"], 2);
  const Json message = Json::parse(post("messages", chat("fake-a", {{"max_tokens", 2}})).body);
  EXPECT_EQ(message["stop_reason"], "max_tokens");
  EXPECT_EQ(message["usage"]["output_tokens"], 2);
}

TEST_F(FakeUpstreamTest, StreamsResponsesAndMessages) {
  auto events = stream("responses", {{"model", "fake-a"}, {"input", "x"}, {"stream", true}});
  EXPECT_THAT(events.front(), HasSubstr("event: response.created\n"));
  EXPECT_EQ(data_of(events.back())["response"]["usage"]["output_tokens"], 20);
  events = stream("messages", chat("fake-a", {{"max_tokens", 50}, {"stream", true}}));
  EXPECT_EQ(data_of(events.front())["message"]["usage"]["input_tokens"], 10);
  EXPECT_EQ(data_of(events[events.size() - 2])["usage"]["output_tokens"], 20);
  EXPECT_THAT(events.back(), HasSubstr("message_stop"));
}

TEST_F(FakeUpstreamTest, RefusesWhatARealOneRefuses) {
  HttpClient nobody(upstream_.port());
  EXPECT_EQ(nobody.post("/v1/chat/completions", chat("fake-a").dump()).status, 401);
  EXPECT_EQ(post("chat/completions", chat("fake-a", {{"stream_options", {{"include_usage", true}}}})).status, 400);
  EXPECT_EQ(post("chat/completions", chat("fake-a", {{"stream", "yes"}})).status, 400);
  EXPECT_EQ(post("messages", chat("fake-a")).status, 400) << "max_tokens is required there";
  EXPECT_EQ(post("v1/chat/completions", chat("fake-a")).status, 404);
  EXPECT_EQ(upstream_.tally()["output"], 0);
}

TEST_F(FakeUpstreamTest, BehavesBadlyAsToldAsOftenAsTold) {
  upstream_.behave(
      {{{"status", 429}, {"headers", {{"Retry-After", "7"}}}}, {{"body", "not json"}, {"model", "fake-b"}}});
  const auto limited = post("chat/completions", chat("fake-a"));
  EXPECT_EQ(limited.status, 429);
  EXPECT_EQ(limited.header("retry-after"), "7");
  EXPECT_EQ(post("chat/completions", chat("fake-a")).status, 200);
  EXPECT_EQ(post("chat/completions", chat("fake-b")).body, "not json");
  EXPECT_THROW(upstream_.behave({{"statsu", 1}}), std::runtime_error);
}

TEST_F(FakeUpstreamTest, CutsAStreamAndCountsWhatItHadProduced) {
  upstream_.behave({{"cut_after", 4}});
  bool clean = true;
  EXPECT_EQ(stream("chat/completions", chat("fake-a", {{"stream", true}}), &clean).size(), 4U);
  EXPECT_FALSE(clean);
  const Json tally = upstream_.wait_for("cut", 1);
  EXPECT_EQ(tally["input"], 10);
  EXPECT_EQ(tally["output"], 3) << "the first event is the role";
}

TEST_F(FakeUpstreamTest, WritesAnyEventsOrBytes) {
  upstream_.behave(
      {{{"events", {"data: {\"a\":1}\n\n", "data: x\ndata: y\n\n"}}}, {{"raw", "HTTP/1.1 200 OK\r\nbroken"}}});
  EXPECT_EQ(stream("chat/completions", chat("fake-a", {{"stream", true}})).at(1), "data: x\ndata: y\n\n");
  RawClient client(upstream_.port());
  client.send(raw_request("POST", "/v1/chat/completions", "k", chat("fake-a").dump()));
  EXPECT_EQ(client.read_all(), "HTTP/1.1 200 OK\r\nbroken");
}

TEST_F(FakeUpstreamTest, TheGateHoldsAnswersAndSeesWhoLeaves) {
  upstream_.close_gate();
  auto waiting = std::async(std::launch::async, [&] { return post("chat/completions", chat("fake-a")); });
  RawClient leaver(upstream_.port());
  leaver.send(raw_request("POST", "/v1/chat/completions", "k", chat("fake-a").dump()));
  EXPECT_EQ(upstream_.wait_for("held", 2)["finished"], 0);
  leaver.reset();
  EXPECT_EQ(upstream_.wait_for("gone", 1)["held"], 1);
  upstream_.open_gate();
  EXPECT_EQ(waiting.get().status, 200);
}

TEST_F(FakeUpstreamTest, TheGateCanCloseInMidStream) {
  upstream_.close_gate(2);
  RawClient client(upstream_.port());
  client.send(raw_request("POST", "/v1/chat/completions", "k", chat("fake-a", {{"stream", true}}).dump()));
  const auto head = client.read_head();
  EXPECT_TRUE(client.read_event(*head) && client.read_event(*head));
  upstream_.wait_for("held", 1);
  upstream_.open_gate();
  int rest = 0;
  while (client.read_event(*head)) ++rest;
  EXPECT_EQ(rest, 23 - 2);  // role, 20 words, the finish, [DONE]
  EXPECT_TRUE(client.clean_end());
}

TEST_F(FakeUpstreamTest, HoldsHundredsAtOnce) {
  constexpr int k_clients = 300;
  upstream_.close_gate();
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < k_clients; ++i) {
    clients.push_back(std::make_unique<RawClient>(upstream_.port()));
    clients.back()->send(raw_request("POST", "/v1/chat/completions", "k", chat("fake-a").dump()));
  }
  upstream_.wait_for("held", k_clients);
  upstream_.open_gate();
  for (auto& client : clients) EXPECT_EQ(client->read_head()->status, 200);
}

TEST_F(FakeUpstreamTest, RecordsHeadersAndBody) {
  const Json body = chat("fake-a", {{"max_tokens", 9}});
  post("chat/completions", body);
  const Json seen = upstream_.requests()[0];
  EXPECT_EQ(seen["body"], body.dump());
  EXPECT_EQ(seen["authorization_end"], "1234");
  EXPECT_EQ(seen["bound"], 9);
  EXPECT_THAT(seen["headers"].dump(), HasSubstr("anthropic-version"));
}

}  // namespace
}  // namespace cr::test

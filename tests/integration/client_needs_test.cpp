// SPDX-License-Identifier: MIT
// What vendors' SDKs, command lines and browsers need beside a good answer: HEAD, where an id stands, how a wrong
// address, a WebSocket or a credential is refused.
#include <poll.h>

#include <fstream>
#include <thread>

#include "integration/gateway.h"

namespace cr::test {
namespace {

using testing::AllOf;
using testing::AnyOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

Json message(const std::string& model = "fake-a") {
  return {{"model", model}, {"max_tokens", 16}, {"messages", Json::array({{{"role", "user"}, {"content", "x"}}})}};
}

class Clients : public testing::Test {
 protected:
  Gateway gateway_;
  std::string key_ = gateway_.token("t", {"--quota", "5"});
};

// A HEAD and the GET behind it on one connection: a body of the first would be taken for the answer to the second.
struct HeadAndGet {
  RawHead head, get;
  std::string body;
};
HeadAndGet head_and_get(const Listener& listener, const std::string& path, const std::string& key) {
  RawClient client(listener);
  client.send(raw_request("HEAD", path, key) + raw_request("GET", path, key));
  HeadAndGet both;
  both.head = client.read_head().value();
  both.get = client.read_head().value();
  both.body = client.read_body(both.get);
  return both;
}

TEST_F(Clients, HeadIsGetWithoutABodyWhateverTheAnswer) {
  const auto created = gateway_.post(key_, {{"model", "fake-a"}, {"input", "hello"}}, "/v1/responses");
  const auto id = Json::parse(created.body).at("id").get<std::string>();
  const auto stranger = gateway_.token("stranger");
  struct Row {
    std::string path, key;
    int status;
  };
  for (const Row& row :
       {Row{"/", "", 200}, Row{"/healthz", "", 200}, Row{"/readyz", "", 200}, Row{"/v1/models", key_, 200},
        Row{"/v1/models/fake-a", key_, 200}, Row{"/v1/models/none", key_, 404}, Row{"/v1/token", key_, 200},
        Row{"/v1/token", "no", 401}, Row{"/v1/dashboard/billing/usage", key_, 200},
        Row{"/v1/chat/completions", key_, 405}, Row{"/v1/messages", key_, 405},
        Row{"/v1/audio/transcriptions", key_, 405}, Row{"/v1/nothing", key_, 404}, Row{"/v1/v1/messages", key_, 404},
        Row{"/v1/responses/" + id, key_, 200}, Row{"/v1/responses/" + id + "/input_items", key_, 200},
        Row{"/v1/responses/" + id, stranger, 404}, Row{"/v1/responses/" + id, "no", 401},
        Row{"/v1/responses/" + id + "/cancel", key_, 405}}) {
    SCOPED_TRACE(row.path);
    const auto both = head_and_get(gateway_.daemon.port(), row.path, row.key);
    EXPECT_EQ(both.head.status, row.status);
    EXPECT_EQ(both.get.status, row.status);
    EXPECT_EQ(both.head.header("content-length"), both.get.header("content-length"));
    EXPECT_EQ(both.head.header("content-type"), both.get.header("content-type"));
    EXPECT_EQ(both.head.header("allow"), both.get.header("allow"));
    EXPECT_EQ(std::to_string(both.body.size()), both.get.header("content-length"));
  }
}

TEST_F(Clients, AHeadThatIsRefusedForItsFramingHasNoBodyEither) {
  for (const std::string head : {"HEAD / HTTP/1.1\r\n\r\n", "HEAD / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",
                                 "HEAD / HTTP/1.1\r\nhost : a\r\n\r\n", "\r\nHEAD / HTTP/9.9\r\nhost: a\r\n\r\n"}) {
    RawClient client(gateway_.daemon.port());
    client.send(head);
    EXPECT_THAT(client.read_all(), EndsWith("\r\n\r\n")) << head;
  }
}

TEST_F(Clients, AnthropicsFindTheIdOfAnswersRefusalsAndStreams) {
  const auto check = [](const HttpAnswer& answer, int status) {
    EXPECT_EQ(answer.status, status) << answer.body;
    EXPECT_THAT(answer.header("request-id"), testing::StartsWith("req_"));
    EXPECT_EQ(answer.header("request-id"), answer.header("x-request-id"));
  };
  auto streamed = message();
  streamed["stream"] = true;
  check(gateway_.post(key_, message(), "/v1/messages"), 200);
  check(gateway_.post(key_, message(), "/v1/messages/count_tokens"), 200);
  check(gateway_.post(key_, streamed, "/v1/messages"), 200);
  check(gateway_.post("no", message(), "/v1/messages"), 401);
  check(gateway_.post(key_, message("none"), "/v1/messages"), 404);
  check(gateway_.post(key_, message(), "/v1/v1/messages"), 404);
  check(HttpClient(gateway_.daemon.port(), key_).get("/v1/messages"), 405);
  check(HttpClient(gateway_.daemon.port(), key_).get("/v1/models", {{"anthropic-version", "2023-06-01"}}), 200);
  EXPECT_EQ(gateway_.post(key_, chat()).header("request-id"), "");
}

TEST_F(Clients, AWrongBaseUrlIsTold) {
  const std::string here = "gw.example:8787";
  for (const auto& [path, said] : {std::pair<std::string, std::string>{"/v1/v1/chat/completions", here + "/v1"},
                                   {"/chat/completions", here + "/v1"},
                                   {"/v1/chat/completions/", "slash"},
                                   {"//v1/chat/completions", here + "/v1"},
                                   {"/v1/responses/compact", "not relayed"},
                                   {"/v1/responses/input_tokens", "not relayed"}}) {
    const auto answer = gateway_.post(key_, chat(), path, {{"host", here}});
    EXPECT_EQ(answer.status, 404) << path;
    EXPECT_EQ(error_code(answer), "unknown_endpoint") << path;
    EXPECT_THAT(answer.body, AllOf(HasSubstr(said), Not(HasSubstr("crctl")))) << path;
  }
  const auto anthropic = gateway_.post(key_, message(), "/v1/v1/messages", {{"host", here}});
  EXPECT_EQ(Json::parse(anthropic.body)["error"]["type"], "not_found_error");
  EXPECT_THAT(anthropic.body, HasSubstr(here + ", without /v1"));
  EXPECT_EQ(gateway_.arrived(), 0);
}

TEST_F(Clients, AWebSocketIsRefusedOnceAndForAll) {
  for (const std::string path : {"/v1/responses", "/v1/chat/completions", "/v1/models", "/v1/responses/resp_1", "/"}) {
    RawClient client(gateway_.daemon.port());
    client.send(raw_request("GET", path, key_, {},
                            "connection: Upgrade\r\nupgrade: WebSocket\r\nsec-websocket-version: 13\r\n"
                            "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"));
    const auto head = client.read_head().value();
    EXPECT_EQ(head.status, 426) << path;
    EXPECT_EQ(head.header("upgrade"), "");
    EXPECT_EQ(head.header("x-should-retry"), "false");
    EXPECT_THAT(client.read_body(head), HasSubstr("upgrade_required"));
    // No tunnel: what follows is a request like any other.
    client.send(raw_request("GET", "/healthz", ""));
    EXPECT_EQ(client.read_head().value().status, 200);
  }
  RawClient client(gateway_.daemon.port());
  client.send(raw_request("POST", "/v1/chat/completions", key_, chat().dump(), "upgrade: h2c, websocket\r\n"));
  EXPECT_EQ(client.read_head().value().status, 200) << "an offer that need not be taken";
}

TEST_F(Clients, AVendorsOwnHeadersReachItsChannels) {
  gateway_.daemon.must({"channel", "edit", "fake", "--header", "OpenAI-Own: channel"});
  const auto seen_of = [&](const std::string& path, const Json& body) {
    RawClient client(gateway_.daemon.port());
    client.send(raw_request("POST", path, key_, body.dump(),
                            "Anthropic-Beta: one\r\nanthropic-beta: two\r\nopenai-beta: three\r\nOpenAI-Beta: four\r\n"
                            "openai-own: client\r\nx-client-request-id: mine\r\nopenai-organization: org-1\r\n"
                            "OpenAI-Project: proj_1\r\nanthropic-workspace-id: ws-1\r\nx-stainless-os: Linux\r\n"));
    EXPECT_EQ(client.read_head().value().status, 200);
    return gateway_.upstream.requests().back().at("headers").dump();
  };
  EXPECT_THAT(seen_of("/v1/chat/completions", chat()),
              AllOf(HasSubstr("three"), HasSubstr("four"), HasSubstr("channel"), HasSubstr("mine"),
                    Not(AnyOf(HasSubstr("one"), HasSubstr("client\""), HasSubstr("org-1"), HasSubstr("proj_1"),
                              HasSubstr("Linux")))));
  EXPECT_THAT(seen_of("/v1/messages", message()),
              AllOf(HasSubstr("one"), HasSubstr("two"), HasSubstr("mine"),
                    Not(AnyOf(HasSubstr("three"), HasSubstr("ws-1"), HasSubstr("org-1")))));
}

TEST_F(Clients, WhatAProviderSaysOfARequestReachesTheClient) {
  const Json headers = {{"request-id", "req_theirs"},
                        {"retry-after-ms", "1500"},
                        {"openai-processing-ms", "12"},
                        {"x-ratelimit-remaining-requests", "7"},
                        {"anthropic-ratelimit-requests-limit", "9"},
                        {"openai-organization", "org-1"}};
  gateway_.upstream.behave(Json::array(
      {{{"headers", headers}}, {{"headers", headers}, {"status", 400}, {"body", "{}"}}, {{"headers", headers}}}));
  for (const int status : {200, 400}) {
    const auto answer = gateway_.post(key_, chat("fake-a", {{"stream", status == 200}}));
    EXPECT_EQ(answer.status, status);
    EXPECT_EQ(answer.header("x-upstream-request-id"), "req_theirs");
    EXPECT_EQ(answer.header("retry-after-ms"), "1500");
    EXPECT_EQ(answer.header("openai-processing-ms"), "12");
    EXPECT_EQ(answer.header("x-ratelimit-remaining-requests"), "7");
    EXPECT_EQ(answer.header("anthropic-ratelimit-requests-limit"), "9");
    EXPECT_EQ(answer.header("openai-organization"), "");
    EXPECT_NE(answer.header("x-request-id"), "req_theirs");
    EXPECT_EQ(gateway_.request(answer)["upstream_id"], "req_theirs");
    EXPECT_EQ(answer.headers.count("x-request-id"), 1u);
  }
  const auto rated = gateway_.post(gateway_.token("rated", {"--rpm", "100"}), chat());
  EXPECT_EQ(rated.header("x-ratelimit-remaining-requests"), "99") << "its own rates, not the channel's";
  EXPECT_EQ(rated.headers.count("x-ratelimit-remaining-requests"), 1u);
  EXPECT_EQ(rated.header("anthropic-ratelimit-requests-limit"), "");
}

TEST_F(Clients, WhetherToTryAgainTheProviderKnowsBest) {
  for (const auto& [status, says, told] :
       {std::tuple{400, "true", "true"}, {400, "", "false"}, {429, "false", "false"}, {429, "", ""}}) {
    Json behaviour = {{"status", status}, {"body", "{}"}};
    if (*says != '\0') behaviour["headers"] = {{"x-should-retry", says}};
    gateway_.upstream.behave(behaviour);
    const auto answer = gateway_.post(key_, chat("fake-a"));
    EXPECT_EQ(answer.status, status);
    EXPECT_EQ(answer.header("x-should-retry"), told);
    EXPECT_LE(answer.headers.count("x-should-retry"), 1u);
    gateway_.daemon.must({"channel", "edit", "fake", "--note", says});  // a fresh start
  }
}

// By when it was told to, a client finds the way open; until then every refusal tells a wait that ends no later.
TEST_F(Clients, WhoWaitsAsLongAsToldIsNotRefusedAgain) {
  for (const Json& headers : {Json{{"retry-after", "1"}}, Json{{"retry-after", "0"}}, Json{{"retry-after-ms", "700"}},
                              Json{{"retry-after", "0.5"}}, Json::object()}) {
    SCOPED_TRACE(headers.dump());
    gateway_.daemon.must({"channel", "edit", "fake", "--note", headers.dump()});  // a fresh start
    gateway_.upstream.behave({{"status", 429}, {"headers", headers}, {"body", "{}"}});
    const auto refused = gateway_.post(key_, chat());
    EXPECT_EQ(refused.status, 429);
    const auto ms = refused.header("retry-after-ms"), seconds = refused.header("retry-after");
    ASSERT_FALSE(ms.empty() && seconds.empty());
    std::this_thread::sleep_for(std::chrono::duration<double>(ms.empty() ? std::stod(seconds) : std::stod(ms) / 1000));
    EXPECT_EQ(gateway_.post(key_, chat()).status, 200);
  }
}

// A probe whose good answer thinks long keeps nobody out for longer than its second.
TEST_F(Clients, ASlowProbeLetsOthersIn) {
  gateway_.upstream.behave({{"status", 429}, {"headers", {{"retry-after-ms", "1"}}}, {"body", "{}"}});
  EXPECT_EQ(gateway_.post(key_, chat()).status, 429);
  gateway_.upstream.close_gate();
  std::vector<std::unique_ptr<RawClient>> held;
  // Asks until the provider has it; refusals on the way are such as tell to come again soon.
  const auto ask = [&] {
    const auto before = gateway_.arrived();
    for (;;) {
      held.push_back(std::make_unique<RawClient>(gateway_.daemon.port()));
      held.back()->send(raw_request("POST", "/v1/chat/completions", key_, chat().dump()));
      pollfd answer{held.back()->fd(), POLLIN, 0};
      while (::poll(&answer, 1, 20) == 0) {
        if (gateway_.arrived() > before) return;
      }
      const auto refused = held.back()->read_head().value();
      ASSERT_EQ(refused.status, 429);
      EXPECT_EQ(refused.header("retry-after"), "1");
      held.pop_back();
    }
  };
  for (int probe_and_others = 0; probe_and_others < 4; ++probe_and_others) ask();
  gateway_.upstream.open_gate();
  for (auto& client : held) EXPECT_EQ(client->read_head().value().status, 200);
}

class Pages : public testing::Test {
 protected:
  static DaemonOptions options() {
    DaemonOptions options;
    options.tables = "[cors]\nallow_origins = [\"https://app.example\"]\n";
    return options;
  }
  HttpAnswer preflight(const std::string& path, const std::string& origin) {
    return HttpClient(gateway_.daemon.port())
        .call("OPTIONS", path, "",
              {{"origin", origin},
               {"access-control-request-method", "POST"},
               {"access-control-request-headers", "authorization,x-stainless-lang"}});
  }
  void reload(const std::string& line) {
    std::ifstream file(gateway_.daemon.config_file());
    std::string text{std::istreambuf_iterator<char>(file), {}};
    const auto from = text.find("allow_origins");
    text.replace(from, text.find('\n', from) - from, line);
    std::ofstream(gateway_.daemon.config_file()) << text;
    gateway_.daemon.must({"config", "reload"});
  }
  Gateway gateway_{options()};
  std::string key_ = gateway_.token("t");
};

TEST_F(Pages, OfAnAllowedOriginMayCallAndRead) {
  for (const std::string path :
       {"/v1/chat/completions", "/v1/messages", "/v1/models", "/v1/responses/resp_1", "/v1/wrong"}) {
    const auto asked = preflight(path, "https://app.example");
    EXPECT_EQ(asked.status, 204) << path << asked.body;
    EXPECT_EQ(asked.body, "");
    EXPECT_EQ(asked.header("content-length"), "") << "RFC 9110, 8.6";
    EXPECT_EQ(asked.header("access-control-allow-origin"), "https://app.example");
    EXPECT_THAT(asked.header("access-control-allow-headers"),
                AllOf(HasSubstr("authorization"), HasSubstr("x-api-key"), HasSubstr("x-stainless-lang")));
    EXPECT_THAT(asked.header("access-control-allow-methods"), HasSubstr("POST"));
    EXPECT_THAT(asked.header("vary"), HasSubstr("Origin"));
  }
  const Headers from{{"origin", "https://app.example"}};
  HttpClient page(gateway_.daemon.port(), key_);
  const auto readable = [](const HttpAnswer& answer, int status) {
    EXPECT_EQ(answer.status, status) << answer.body;
    EXPECT_EQ(answer.header("access-control-allow-origin"), "https://app.example");
    EXPECT_THAT(answer.header("access-control-expose-headers"),
                AllOf(HasSubstr("x-request-id"), HasSubstr("retry-after")));
    EXPECT_EQ(answer.header("vary"), "Origin");
  };
  readable(page.post("/v1/chat/completions", chat().dump(), from), 200);
  readable(page.post("/v1/chat/completions", chat("fake-a", {{"stream", true}}).dump(), from), 200);
  readable(page.get("/v1/models", from), 200);
  readable(page.post("/v1/chat/completions", "{", from), 400);
  readable(page.post("/v1/chat/completions", chat("none").dump(), from), 404);
  readable(page.get("/v1/nothing", from), 404);
  readable(page.get("/v1/chat/completions", from), 405);
  readable(page.get("/healthz", from), 200);
  readable(HttpClient(gateway_.daemon.port()).post("/v1/messages", message().dump(), from), 401);
  gateway_.upstream.behave({{"status", 500}, {"body", "{}"}});
  readable(page.post("/v1/chat/completions", chat().dump(), from), 500);
  RawClient twice(gateway_.daemon.port());
  twice.send("GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\norigin: https://app.example\r\n\r\n");
  EXPECT_EQ(twice.read_head().value().header("access-control-allow-origin"), "https://app.example");
}

TEST_F(Pages, OfOthersMayNot) {
  for (const std::string origin : {"https://evil.example", "http://app.example", "https://app.example.evil", "null"}) {
    const auto asked = preflight("/v1/chat/completions", origin);
    EXPECT_EQ(asked.status, 403);
    EXPECT_EQ(error_code(asked), "origin_not_allowed");
    EXPECT_EQ(asked.header("access-control-allow-origin"), "");
    EXPECT_EQ(asked.header("vary"), "Origin");
    const auto answer = gateway_.post(key_, chat(), "/v1/chat/completions", {{"origin", origin}});
    EXPECT_EQ(answer.status, 200) << "its browser keeps it from the page";
    EXPECT_EQ(answer.header("access-control-allow-origin"), "");
    EXPECT_EQ(answer.header("vary"), "Origin");
  }
}

TEST_F(Pages, AReloadIsObeyed) {
  reload(R"(allow_origins = ["*"])");
  EXPECT_EQ(preflight("/v1/models", "https://evil.example").header("access-control-allow-origin"), "*");
  reload("allow_origins = []");
  EXPECT_EQ(preflight("/v1/models", "https://app.example").status, 403);
  const auto answer = gateway_.post(key_, chat(), "/v1/chat/completions", {{"origin", "https://app.example"}});
  EXPECT_EQ(answer.header("access-control-allow-origin") + answer.header("vary"), "");
}

}  // namespace
}  // namespace cr::test

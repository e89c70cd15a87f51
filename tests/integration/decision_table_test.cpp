// SPDX-License-Identifier: MIT
// Every row of the decision table of /v1: status, code, retry header, request id, body shape; nothing reaches the
// upstream and the ledger does not move.
#include "integration/gateway.h"

namespace cr::test {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class DecisionTable : public testing::Test {
 protected:
  enum class Retry { said_no, left_open };
  void expect_refused(const HttpAnswer& answer, int status, const std::string& code, Retry retry = Retry::said_no) {
    EXPECT_EQ(answer.status, status) << answer.body << answer.error;
    EXPECT_EQ(error_code(answer), code) << answer.body;
    EXPECT_EQ(answer.header("x-should-retry"), retry == Retry::said_no ? "false" : "");
    EXPECT_THAT(answer.header("x-request-id"), StartsWith("req_"));
    EXPECT_EQ(answer.header("www-authenticate"), status == 401 ? "Bearer" : "");
    EXPECT_THAT(answer.body, Not(HasSubstr("sk-cr-")));
    EXPECT_EQ(gateway_.arrived(), 0);
    EXPECT_EQ(ledger_sum(gateway_, "posted + reserved"), 0);
  }
  Gateway gateway_;
};

TEST_F(DecisionTable, NoKeyAndKeysThatAreNone) {
  const auto good = gateway_.token("good");
  auto mistyped = good;
  mistyped.back() = mistyped.back() == 'a' ? 'b' : 'a';
  HttpClient client(gateway_.daemon.port());
  const auto body = chat().dump();
  const auto with = [&](const std::string& value) {
    return client.post("/v1/chat/completions", body, {{"authorization", value}});
  };
  expect_refused(client.post("/v1/chat/completions", body), 401, "invalid_api_key");
  expect_refused(client.post("/v1/chat/completions?api_key=" + good, body), 401, "invalid_api_key");
  expect_refused(client.post("/v1/chat/completions", body, {{"cookie", "key=" + good}}), 401, "invalid_api_key");
  for (const auto& value : {std::string("Bearer ") + mistyped, "Bearer Bearer " + good, "Bearer \"" + good + "\"",
                            "Bearer\t" + good, "Bearer " + good + " junk", "Basic " + good, good,
                            "Bearer " + std::string(600, 'a'), std::string("Bearer ' OR 1=1--"),
                            std::string("Bearer %"), std::string("Bearer *"), "Bearer sk-cr-" + std::string(49, '0')}) {
    expect_refused(with(value), 401, "invalid_api_key");
  }
  EXPECT_EQ(with("bEaReR " + good).status, 200);
  EXPECT_EQ(with("Bearer  " + good).status, 200);
}

TEST_F(DecisionTable, TwoDifferentKeys) {
  const auto key = gateway_.token("one");
  const auto other = gateway_.token("two");
  const Json body = {
      {"model", "fake-a"}, {"max_tokens", 16}, {"messages", Json::array({{{"role", "user"}, {"content", "x"}}})}};
  HttpClient client(gateway_.daemon.port(), key);
  const auto refused = client.post("/v1/messages", body.dump(), {{"x-api-key", other}});
  EXPECT_EQ(refused.status, 400) << refused.body;
  EXPECT_EQ(Json::parse(refused.body)["type"], "error");
  EXPECT_EQ(gateway_.arrived(), 0);
  EXPECT_EQ(client.post("/v1/messages", body.dump(), {{"x-api-key", key}}).status, 200);
}

// Programs send two credentials, of which one is a placeholder, another service's, or empty.
TEST_F(DecisionTable, OfSeveralCredentialsTheKnownKeyCounts) {
  const auto key = gateway_.token("one");
  const auto other = gateway_.token("two");
  HttpClient client(gateway_.daemon.port());
  const auto ask = [&](const Headers& headers) {
    return std::pair{client.post("/v1/chat/completions", chat().dump(), headers), client.get("/v1/token", headers)};
  };
  for (const Headers& headers : {Headers{{"x-api-key", key}},
                                 {{"api-key", key}},
                                 {{"x-goog-api-key", key}},
                                 {{"authorization", "Bearer "}, {"x-api-key", key}},
                                 {{"authorization", "Bearer " + key}, {"x-api-key", ""}},
                                 {{"authorization", "Bearer sk-ant-placeholder"}, {"x-api-key", key}},
                                 {{"authorization", "Basic dXNlcjpwYXNz"}, {"x-api-key", key}},
                                 {{"authorization", "Bearer " + key}, {"x-api-key", "dummy"}},
                                 {{"authorization", "Bearer " + key}, {"x-api-key", "\"" + key + "\""}},
                                 {{"authorization", "Bearer " + key}, {"x-api-key", key}, {"api-key", key}}}) {
    const auto [relayed, own] = ask(headers);
    EXPECT_EQ(relayed.status, 200) << relayed.body;
    EXPECT_EQ(own.status, 200) << own.body;
  }
  for (const Headers& headers : {Headers{{"authorization", "Bearer " + key}, {"x-api-key", other}},
                                 {{"x-api-key", key}, {"x-goog-api-key", other}}}) {
    const auto [relayed, own] = ask(headers);
    EXPECT_EQ(error_code(relayed), "conflicting_credentials");
    EXPECT_EQ(relayed.status, 400);
    EXPECT_EQ(own.status, 400);
  }
}

TEST_F(DecisionTable, TwoLinesOfOneCredentialAreRefusedThoughOneIsKnown) {
  const auto key = gateway_.token("one");
  struct Row {
    std::string lines;
    int status;
    std::string code;
  };
  for (const std::string field : {"x-api-key", "Api-Key", "x-goog-api-key"}) {
    const auto line = [&field](const std::string& value) { return field + ": " + value + "\r\n"; };
    for (const Row& row : {Row{line(key) + line("placeholder"), 400, "conflicting_credentials"},
                           Row{line("placeholder") + line(key), 400, "conflicting_credentials"},
                           Row{line(key) + "x-api-key2: x\r\n" + line(key + "x"), 400, "conflicting_credentials"},
                           Row{line(key) + line(key + ", x"), 400, "conflicting_credentials"},
                           Row{line("one") + line("two"), 401, "invalid_api_key"}, Row{line(key) + line(key), 200, ""},
                           Row{line("") + line(key), 200, ""}}) {
      RawClient client(gateway_.daemon.port());
      client.send("GET /v1/token HTTP/1.1\r\nhost: localhost\r\n" + row.lines + "\r\n");
      const auto head = client.read_head();
      ASSERT_TRUE(head) << field;
      EXPECT_EQ(head->status, row.status) << row.lines.size();
      EXPECT_THAT(client.read_body(*head), HasSubstr(row.code));
    }
  }
}

TEST_F(DecisionTable, DeletedToken) {
  const auto key = gateway_.token("gone");
  gateway_.daemon.must({"token", "delete", "gone", "--yes"});
  expect_refused(gateway_.post(key, chat()), 401, "invalid_api_key");
}

TEST_F(DecisionTable, DisabledTokenAndAccount) {
  const auto key = gateway_.token("off", {"--disabled"});
  expect_refused(gateway_.post(key, chat()), 401, "token_disabled");
  gateway_.daemon.must({"account", "create", "team"});
  const auto other = gateway_.token("of-team", {"--account", "team"});
  gateway_.daemon.must({"account", "disable", "team"});
  expect_refused(gateway_.post(other, chat()), 401, "account_disabled");
  gateway_.daemon.must({"account", "enable", "team"});
  gateway_.daemon.must({"token", "enable", "off"});
  EXPECT_EQ(gateway_.post(key, chat()).status, 200);
  EXPECT_EQ(gateway_.post(other, chat()).status, 200);
}

TEST_F(DecisionTable, NotYetValid) {
  const auto key = gateway_.token("later", {"--not-before", "2d"});
  expect_refused(gateway_.post(key, chat()), 401, "token_not_yet_valid");
}

TEST_F(DecisionTable, AddressNotInTheAllowlist) {
  const auto key = gateway_.token("elsewhere", {"--allow-ip", "192.0.2.0/24"});
  expect_refused(gateway_.post(key, chat()), 403, "ip_not_allowed");
  // Nobody was told to trust this header.
  expect_refused(gateway_.post(key, chat(), "/v1/chat/completions", {{"x-forwarded-for", "192.0.2.7"}}), 403,
                 "ip_not_allowed");
  gateway_.daemon.must({"token", "edit", "elsewhere", "--allow-ip", "+127.0.0.1"});
  EXPECT_EQ(gateway_.post(key, chat()).status, 200);
}

TEST_F(DecisionTable, BodiesThatAreNotRequests) {
  const auto key = gateway_.token("reader");
  const auto post = [&](const std::string& body) {
    return HttpClient(gateway_.daemon.port(), key)
        .call("POST", "/v1/chat/completions", body, {{"content-type", "application/json"}});
  };
  const std::string tail = R"(,"messages":[{"role":"user","content":"x"}]})";
  for (const std::string body : {"", "{", "[]", "null", "\"x\"", "{\"model\":\"fake-a\",}", "{\"model\":\"fake-a\"} x",
                                 "\xEF\xBB\xBF{}", "{\"model\":\"\xff\"}"}) {
    expect_refused(post(body), 400, "invalid_json");
  }
  expect_refused(post(R"({"model":"fake-a","model":"fake-b")" + tail), 400, "duplicate_key");
  expect_refused(post(R"({"Model":"fake-a","model":"fake-b")" + tail), 400, "duplicate_key");
  expect_refused(post(R"({"model":"fake-a","mod\u0065l":"fake-b")" + tail), 400, "duplicate_key");
  for (const std::string value : {"null", "1", "[]", "{}", "\"\""}) {
    expect_refused(post(R"({"model":)" + value + tail), 400, "invalid_value");
  }
  for (const std::string member : {R"("max_tokens":-1)", R"("max_tokens":1.5)", R"("max_tokens":"100")",
                                   R"("stream":"true")", R"("api_base":"http://x")", R"("api_key":"x")"}) {
    expect_refused(post(R"({"model":"fake-a",)" + member + tail), 400, "invalid_value");
  }
  EXPECT_EQ(post(R"({"model":"fake-a")" + tail).status, 200);
}

TEST_F(DecisionTable, WrongMediaTypeEncodingMethodAndAddress) {
  const auto key = gateway_.token("reader");
  HttpClient client(gateway_.daemon.port(), key);
  const auto body = chat().dump();
  const auto text = client.call("POST", "/v1/chat/completions", body, {{"content-type", "text/plain"}});
  expect_refused(text, 415, "unsupported_media_type");
  expect_refused(client.post("/v1/chat/completions", body, {{"content-encoding", "br"}}), 415, "unsupported_encoding");
  expect_refused(client.get("/v1/chat/completions"), 405, "method_not_allowed");
  expect_refused(client.get("/v1/nothing-here"), 404, "unknown_endpoint");
  expect_refused(client.get("/admin/v1/tokens"), 404, "unknown_endpoint");
}

TEST_F(DecisionTable, BodyOverItsLimit) {
  DaemonOptions options;
  options.tables = "[limits]\nbody_bytes_max = 2048\n";
  Gateway small(options);
  const auto key = small.token("large");
  const auto answer = small.post(key, chat("fake-a", {{"user", std::string(4096, 'x')}}));
  EXPECT_EQ(answer.status, 413) << answer.body;
  EXPECT_EQ(small.arrived(), 0);
  EXPECT_EQ(small.post(key, chat()).status, 200);
}

TEST_F(DecisionTable, ModelNotInTheList) {
  const auto key = gateway_.token("narrow", {"--models", "fake-b,gpt-*"});
  for (const std::string model : {"fake-a", "fake-b ", "FAKE-B", "fake-b\u200b", "\uff46ake-b"}) {
    expect_refused(gateway_.post(key, chat(model)), 403, "model_not_allowed");
  }
  EXPECT_EQ(gateway_.post(key, chat("fake-b")).status, 200);
}

TEST_F(DecisionTable, NoChannelServesTheModel) {
  const auto key = gateway_.token("any");
  expect_refused(gateway_.post(key, chat("other-model")), 404, "model_not_found");
  gateway_.daemon.must({"group", "create", "empty"});
  const auto other = gateway_.token("in-empty", {"--group", "empty"});
  expect_refused(gateway_.post(other, chat()), 404, "model_not_found");
  gateway_.daemon.must({"channel", "disable", "fake"});
  expect_refused(gateway_.post(key, chat()), 404, "model_not_found");
}

TEST_F(DecisionTable, NoPriceOnALimitedToken) {
  const auto limited = gateway_.token("limited", {"--quota", "1"});
  expect_refused(gateway_.post(limited, chat("fake-unpriced")), 403, "model_not_priced");
  const auto unlimited = gateway_.token("unlimited");
  const auto answer = gateway_.post(unlimited, chat("fake-unpriced"));
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(gateway_.request(answer)["flags"].dump(), HasSubstr("unpriced"));
}

TEST_F(DecisionTable, NoCreditLeft) {
  const auto empty = gateway_.token("empty", {"--quota", "0"});
  expect_refused(gateway_.post(empty, chat()), 429, "insufficient_quota");
  gateway_.daemon.must({"account", "create", "poor", "--quota", "0"});
  const auto poor = gateway_.token("poor", {"--account", "poor"});
  expect_refused(gateway_.post(poor, chat()), 429, "insufficient_quota");
  gateway_.daemon.must({"account", "credit", "poor", "1"});
  EXPECT_EQ(gateway_.post(poor, chat()).status, 200);
}

TEST_F(DecisionTable, AnthropicShapeOnMessages) {
  HttpClient client(gateway_.daemon.port());
  const auto answer = client.post("/v1/messages", chat().dump());
  const Json body = Json::parse(answer.body);
  EXPECT_EQ(answer.status, 401);
  EXPECT_EQ(body["type"], "error");
  EXPECT_EQ(body["error"]["type"], "authentication_error");
  EXPECT_EQ(body["request_id"], answer.header("x-request-id"));
}

// The upstream's failures: the hold is given back, the code says whose fault it was.
TEST_F(DecisionTable, UpstreamFailures) {
  const auto key = gateway_.token("u", {"--quota", "10"});
  struct Row {
    Json behaviour;
    int status;
    std::string code;
    std::string retry;
  };
  const std::vector<Row> rows{
      {{{"status", 401}}, 502, "upstream_auth", "false"},
      {{{"status", 403}}, 502, "upstream_auth", "false"},
      {{{"status", 302}}, 502, "upstream_invalid", ""},
      {{{"raw", "not http at all\r\n\r\n"}}, 502, "upstream_invalid", ""},
  };
  for (const auto& row : rows) {
    gateway_.upstream.behave(row.behaviour);
    gateway_.daemon.must({"channel", "edit", "fake", "--note", row.behaviour.dump()});  // a fresh start for its health
    const auto answer = gateway_.post(key, chat());
    EXPECT_EQ(answer.status, row.status) << row.behaviour.dump() << answer.body;
    EXPECT_EQ(error_code(answer), row.code) << row.behaviour.dump();
    EXPECT_EQ(answer.header("x-should-retry"), row.retry) << row.behaviour.dump();
    EXPECT_EQ(gateway_.reserved("u"), 0) << row.behaviour.dump();
  }
  // What blames the request passes as it is.
  gateway_.upstream.behave({{"status", 422}, {"body", R"({"error":{"message":"no","code":"upstream_word"}})"}});
  const auto passed = gateway_.post(key, chat());
  EXPECT_EQ(passed.status, 422);
  EXPECT_EQ(error_code(passed), "upstream_word");
  EXPECT_EQ(passed.header("x-should-retry"), "false");
}

TEST_F(DecisionTable, UpstreamNotThere) {
  gateway_.daemon.must({"channel", "create", "nobody", "--kind", "openai", "--base-url", "http://127.0.0.1:1/v1",
                        "--models", "lost", "--allow-private"});
  gateway_.daemon.must({"channel", "create", "private", "--kind", "openai", "--base-url", gateway_.upstream.url(),
                        "--models", "guarded"});
  const auto key = gateway_.token("any");
  expect_refused(gateway_.post(key, chat("lost")), 502, "upstream_unreachable", Retry::left_open);
  // Loopback is refused unless the channel says so.
  expect_refused(gateway_.post(key, chat("guarded")), 502, "upstream_unreachable", Retry::left_open);
}

TEST_F(DecisionTable, UpstreamSilent) {
  gateway_.daemon.must({"channel", "edit", "fake", "--timeout-first-byte", "300ms"});
  gateway_.upstream.behave({{"silent_after", -1}});
  const auto key = gateway_.token("patient", {"--quota", "1"});
  const auto answer = gateway_.post(key, chat());
  EXPECT_EQ(answer.status, 504) << answer.body;
  EXPECT_EQ(error_code(answer), "upstream_timeout");
  const auto row = gateway_.request(answer);
  EXPECT_EQ(row["ending"], "upstream_silent");
  EXPECT_THAT(row["flags"].dump(), HasSubstr("unknown"));
  EXPECT_GT(gateway_.posted("patient"), 0);
  EXPECT_EQ(gateway_.reserved("patient"), 0);
}

}  // namespace
}  // namespace cr::test

// SPDX-License-Identifier: MIT
// Which channel a request goes to, and what happens when that one has a bad day: the client's view, what each provider
// saw, and the ledger.
#include <set>

#include "integration/gateway.h"

namespace cr::test {
namespace {

using testing::HasSubstr;

// Channel "fake" first, then "second" with a provider of its own, then "third" with the second's.
class Siblings : public testing::Test {
 protected:
  explicit Siblings(const std::string& relay = {}) : gateway_(options(relay)) {
    gateway_.also_billed_by(second_);
    add("second", second_, -1);
    quick("fake");
    key_ = gateway_.token("t", {"--quota", "1"});
  }

  static DaemonOptions options(const std::string& relay) {
    DaemonOptions options;
    if (!relay.empty()) options.tables = "[relay]\n" + relay;
    return options;
  }
  void add(const std::string& name, FakeUpstream& upstream, int priority, const std::string& group = "default") {
    daemon().must({"channel", "create", name, "--kind", "openai", "--base-url", upstream.url(), "--models", "fake-*",
                   "--priority", std::to_string(priority), "--group", group, "--key-stdin", "--allow-private"},
                  "sk-second-9876\n");
  }
  void quick(const std::string& channel) {
    daemon().must(
        {"channel", "edit", channel, "--timeout-connect", "1s", "--timeout-first-byte", "1s", "--timeout-idle", "1s"});
  }
  Daemon& daemon() { return gateway_.daemon; }
  FakeUpstream& first() { return gateway_.upstream; }
  std::int64_t arrived(FakeUpstream& upstream) { return upstream.tally()["arrived"].get<std::int64_t>(); }
  HttpAnswer ask(const std::string& key, const Json& more = {{"max_tokens", 100}}) {
    return gateway_.post(key, chat("fake-a", more));
  }
  // What both providers saw consumed, in nano-dollars.
  std::int64_t witnessed() {
    std::int64_t cost = 0;
    for (auto* upstream : {&first(), &second_}) {
      for (const auto& request : upstream->requests()) cost += request["bill"].get<std::int64_t>();
    }
    return cost;
  }
  Json explained(const std::string& token, const std::string& model = "fake-a") {
    Json by_name = Json::object();
    const auto told = daemon().crctl({"route", "explain", "--token", token, "--model", model, "--json"});
    for (const auto& one : Json::parse(told.out)) by_name[one["channel"].get<std::string>()] = one;
    return by_name;
  }
  Json channel(const std::string& name) { return Json::parse(daemon().must({"channel", "show", name, "--json"})); }

  FakeUpstream second_;
  Gateway gateway_;
  std::string key_;
};

struct Fault {
  std::string name;  // the row of the table of faults
  Json behaviour;
  std::string base_url = {};
};
void PrintTo(const Fault& fault, std::ostream* out) {
  *out << fault.name;
}

std::vector<Fault> faults() {
  const auto status = [](int code) { return Json{{"status", code}, {"body", R"({"error":{"code":"x"}})"}}; };
  std::vector<Fault> all{
      {"F4_refused", {}, "http://127.0.0.1:1/v1"},
      {"F6_no_tls", {}, "https:upstream"},
      {"F13_redirect", {{"status", 307}, {"headers", {{"location", "http://127.0.0.1:1/"}}}, {"body", ""}}},
      {"F14_head_too_large", {{"raw", "HTTP/1.1 200 OK\r\nx-big: " + std::string(70'000, 'x')}}},
      {"F15_not_http", {{"raw", "SMTP ready\r\n"}}},
      {"F16_two_lengths", {{"raw", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}"}}},
  };
  for (const int code : {401, 402, 403}) all.push_back({"F9_" + std::to_string(code), status(code)});
  all.push_back({"F10_429", status(429)});
  for (const int code : {500, 502, 503, 504, 529}) all.push_back({"F12_" + std::to_string(code), status(code)});
  return all;
}

class Failover : public Siblings, public testing::WithParamInterface<Fault> {};

TEST_P(Failover, GoesToTheSiblingOnTheSameReservation) {
  const Fault& fault = GetParam();
  if (!fault.base_url.empty()) {
    const auto own = "https://127.0.0.1:" + std::to_string(first().port());
    daemon().must({"channel", "edit", "fake", "--base-url", fault.base_url == "https:upstream" ? own : fault.base_url});
  }
  std::int64_t posted = 0;
  for (const bool streamed : {false, true}) {
    SCOPED_TRACE(streamed ? "streamed" : "plain");
    // A fresh start for the channel: what the fault before did to its health is not what is asked here.
    daemon().must({"channel", "edit", "fake", "--note", streamed ? "streamed" : "plain"});
    if (!fault.behaviour.is_null()) first().behave(fault.behaviour);
    const Json body = chat("fake-a", {{"max_tokens", 100}, {"stream", streamed}});
    const auto answer = gateway_.post(key_, body);
    EXPECT_EQ(answer.status, 200) << answer.body;
    EXPECT_THAT(answer.body, HasSubstr(streamed ? "[DONE]" : "\"usage\""));
    EXPECT_EQ(arrived(second_), streamed ? 2 : 1);
    const Json row = gateway_.request(answer);
    EXPECT_EQ(row["channel"], "second");
    EXPECT_EQ(row["ending"], "complete");
    EXPECT_EQ(row["flags"], Json::array());
    posted += 50'000;
    EXPECT_EQ(gateway_.posted("t"), posted);
    EXPECT_EQ(gateway_.reserved("t"), 0);
    EXPECT_EQ(daemon().sql_value("SELECT count(*) FROM request"), streamed ? "2" : "1") << "one request, one row";
    EXPECT_LE(witnessed(), posted);
  }
}
INSTANTIATE_TEST_SUITE_P(Faults, Failover, testing::ValuesIn(faults()), [](const auto& row) { return row.param.name; });

// Sent whole and not answered: nobody cancelled it, and it may have been done for all that was asked.
TEST_F(Siblings, WhatWasNotAnsweredIsSentAgainOnlyWhereBothCanBePaidAndNotAfterATimeout) {
  quick("fake");
  const auto unlimited = gateway_.token("u");
  const Json body = chat("fake-a", {{"max_tokens", 100}});
  struct Row {
    Json behaviour;
    int status;
    bool again;  // for a token without a limit
    bool wanted = false;
  };
  for (const auto& row : {Row{{{"cut_after", -1}, {"times", 2}}, 502, true},
                          Row{{{"cut_after", -1}, {"reset", true}, {"times", 2}}, 502, true},
                          Row{{{"silent_after", -1}}, 504, false}, Row{{{"silent_after", -1}}, 504, true, true}}) {
    daemon().must({"channel", "edit", "fake", row.wanted ? "--retry-after-timeout" : "--no-retry-after-timeout"});
    for (const bool limited : {true, false}) {
      SCOPED_TRACE(row.behaviour.dump() + (limited ? " limited" : ""));
      daemon().must({"channel", "edit", "fake", "--note", row.behaviour.dump() + (limited ? "1" : "2")});
      first().reset();
      first().behave(row.behaviour);
      const auto before = arrived(second_);
      const auto answer = gateway_.post(limited ? key_ : unlimited, body);
      const bool served = !limited && row.again;
      EXPECT_EQ(answer.status, served ? 200 : row.status) << answer.body;
      EXPECT_EQ(answer.header("x-should-retry"), served ? "" : "false");
      EXPECT_EQ(arrived(second_) - before, served ? 1 : 0);
      const Json told = gateway_.request(answer);
      EXPECT_EQ(told["flags"], Json::array({"unknown"}));
      EXPECT_EQ(gateway_.reserved("t"), 0);
      if (limited) {
        EXPECT_EQ(told["cost"], told["held"]);
      }
    }
  }
}

// A plain answer that goes wrong behind its head, while the client has seen nothing of it.
struct BrokenBody {
  std::string name;
  Json behaviour;
  std::int64_t received = 0;  // bytes of the body, which count as output
  bool lost = true;           // else it was an error's body: nothing was used
};
std::string json_head(const std::string& framing, const std::string& status = "200 OK") {
  return "HTTP/1.1 " + status + "\r\nContent-Type: application/json\r\n" + framing + "\r\n\r\n";
}

std::vector<BrokenBody> broken_bodies() {
  const std::string chunked = "Transfer-Encoding: chunked", sized = "Content-Length: 400";
  return {
      {"F15_bad_chunk_size", {{"raw", json_head(chunked) + "5\r\n{\"a\":\r\nzz\r\n"}}, 5},
      {"F15_no_line_end_after_a_chunk", {{"raw", json_head(chunked) + "5\r\n{\"a\":1\r\n"}}, 5},
      {"F18_silent", {{"silent_after", 100}}, 100},
      {"F19_cut", {{"cut_after", 202}}, 202},
      {"F19_cut_before_its_first_byte", {{"raw", json_head(sized)}}, 0},
      {"F19_cut_in_chunks", {{"raw", json_head(chunked) + "5\r\n{\"a\":\r\n"}}, 5},
      {"F19_cut_after_much", {{"raw", json_head("Content-Length: 65000") + std::string(60'000, '{')}}, 60'000},
      {"F11_cut_error", {{"raw", json_head(sized, "404 Not Found") + "{\"error\":{"}}, 10, false},
  };
}

TEST_F(Siblings, AndBothCountWhereABodyBreaksOff) {
  daemon().must({"channel", "edit", "fake", "--timeout-idle", "200ms"});
  const Json body = chat("fake-a", {{"max_tokens", 100}});
  const auto bytes = static_cast<std::int64_t>(body.dump().size());
  const auto hold = (bytes + 16 + 64) * 1000 + 100 * 2000;
  std::int64_t posted = 0, rows = 0;
  for (const auto& broken : broken_bodies()) {
    SCOPED_TRACE(broken.name);
    daemon().must({"channel", "edit", "fake", "--note", broken.name});  // a fresh start
    first().behave(broken.behaviour);
    const auto answer = gateway_.post(key_, body);
    EXPECT_EQ(answer.status, 200);
    EXPECT_THAT(answer.body, HasSubstr("\"usage\""));
    EXPECT_EQ(answer.header("connection"), "") << "the client's connection is as good as ever";
    ++rows;
    EXPECT_EQ(arrived(first()), rows);
    EXPECT_EQ(arrived(second_), rows);
    const Json row = gateway_.request(answer);
    EXPECT_EQ(row["channel"], "second");
    EXPECT_EQ(row["ending"], "complete");
    EXPECT_EQ(row["status"], 200);
    EXPECT_EQ(row["error"], "");
    EXPECT_EQ(row["flags"], broken.lost ? Json::array({"unknown"}) : Json::array());
    // Of what came nothing could be read: all that was asked for may have been made.
    const auto lost =
        broken.lost ? (bytes + 16 + 64) * 1000 + std::max<std::int64_t>(100, (broken.received + 3) / 4) * 2000 : 0;
    posted += std::min(hold, 50'000 + lost);
    EXPECT_EQ(gateway_.posted("t"), posted) << "an estimate never passes what was reserved";
    EXPECT_EQ(gateway_.reserved("t"), 0);
    EXPECT_LE(witnessed(), posted);
  }
  EXPECT_EQ(daemon().sql_value("SELECT count(*) FROM request WHERE overrun = 0"), std::to_string(rows));
  EXPECT_EQ(channel("fake")["health"]["error_percent"], 100);
  EXPECT_EQ(channel("second")["health"]["error_percent"], 0);
}

TEST_F(Siblings, ABrokenBodyThatTheClientHasSeenABitOfIsCut) {
  first().behave({{"raw", json_head("Content-Length: 100000") + std::string(70'000, '{')}});
  RawClient client(daemon().port());
  client.send(raw_request("POST", "/v1/chat/completions", key_, chat("fake-a", {{"max_tokens", 100}}).dump()));
  const auto head = client.read_head();
  ASSERT_TRUE(head.has_value());
  EXPECT_EQ(head->status, 200);
  EXPECT_LT(client.read_body(*head).size(), 100'000U);
  EXPECT_FALSE(client.clean_end());
  EXPECT_EQ(arrived(second_), 0);
  const Json row = Json::parse(daemon().must({"request", "show", head->header("x-request-id"), "--json"}));
  EXPECT_EQ(row["ending"], "upstream_cut");
  EXPECT_EQ(row["flags"], Json::array({"estimated"}));
  EXPECT_GT(gateway_.posted("t"), 0);
  EXPECT_EQ(gateway_.reserved("t"), 0);
}

TEST_F(Siblings, WhoseBodiesAllBreakOffAreAskedOnceEach) {
  daemon().must({"channel", "set-key", "fake", "--add", "--key-stdin"}, "sk-provider-5678\n");
  for (auto* upstream : {&first(), &second_}) upstream->behave({{"cut_after", 202}, {"times", -1}});
  const Json body = chat("fake-a", {{"max_tokens", 100}});
  const auto answer = gateway_.post(key_, body);
  EXPECT_EQ(answer.status, 502);
  EXPECT_EQ(error_code(answer), "upstream_invalid");
  EXPECT_EQ(arrived(first()), 1) << "its second key is no second try";
  EXPECT_EQ(arrived(second_), 1);
  const Json row = gateway_.request(answer);
  EXPECT_EQ(row["channel"], "second");
  EXPECT_EQ(row["ending"], "upstream_cut");
  EXPECT_EQ(row["flags"], Json({"estimated", "unknown"}));
  const auto bytes = static_cast<std::int64_t>(body.dump().size());
  EXPECT_EQ(gateway_.posted("t"), (bytes + 16 + 64) * 1000 + 100 * 2000) << "all that is reserved";
  EXPECT_EQ(gateway_.reserved("t"), 0);
  EXPECT_LE(witnessed(), gateway_.posted("t"));
}

TEST_F(Siblings, NobodyIsAskedForAClientThatLeftDuringTheBody) {
  daemon().must({"channel", "edit", "fake", "--timeout-idle", "1m"});
  first().behave({{"silent_after", 100}});
  RawClient client(daemon().port());
  client.send(raw_request("POST", "/v1/chat/completions", key_, chat("fake-a", {{"max_tokens", 100}}).dump()));
  first().wait_for("arrived", 1);
  client.reset();
  first().wait_for("silent", 1);
  while (gateway_.reserved("t") != 0) continue;
  EXPECT_EQ(arrived(second_), 0);
  EXPECT_GT(gateway_.posted("t"), 0);
  EXPECT_EQ(Json::parse(daemon().must({"request", "list", "--json"})).at(0)["ending"], "client_gone");
}

TEST_F(Siblings, ABrokenBodyAndASiblingThatCannotBeReached) {
  daemon().must({"channel", "edit", "second", "--base-url", "http://127.0.0.1:1/v1"});
  first().behave({{"cut_after", 202}});
  const Json body = chat("fake-a", {{"max_tokens", 100}});
  const auto answer = gateway_.post(key_, body);
  EXPECT_EQ(answer.status, 502);
  EXPECT_EQ(error_code(answer), "upstream_unreachable");
  const Json row = gateway_.request(answer);
  EXPECT_EQ(row["ending"], "upstream_failed");
  EXPECT_EQ(row["flags"], Json::array({"unknown"}));
  EXPECT_EQ(gateway_.posted("t"), (static_cast<std::int64_t>(body.dump().size()) + 16 + 64) * 1000 + 100 * 2000);
  EXPECT_EQ(gateway_.reserved("t"), 0);
}

TEST_F(Siblings, F11WhatBlamesTheRequestPassesThrough) {
  for (const int status : {400, 413, 422}) {
    SCOPED_TRACE(status);
    first().behave({{"status", status}, {"body", R"({"error":{"code":"theirs"}})"}});
    const auto answer = ask(key_);
    EXPECT_EQ(answer.status, status);
    EXPECT_EQ(error_code(answer), "theirs");
  }
  EXPECT_EQ(arrived(second_), 0);
  EXPECT_EQ(gateway_.posted("t"), 0);
  EXPECT_EQ(gateway_.reserved("t"), 0);
  EXPECT_EQ(channel("fake")["health"]["state"], "ready") << "a client's mistakes are not the channel's";
}

TEST_F(Siblings, WhatAnotherMayServeGoesToTheSibling) {
  const std::string missing = R"({"error":{"code":"model_not_found","message":"The model `fake-a` does not exist"}})";
  int asked = 0;
  for (const int status : {404, 408, 409, 425, 498, 499}) {
    SCOPED_TRACE(status);
    daemon().must({"channel", "edit", "fake", "--note", std::to_string(status)});  // a fresh start
    first().behave({{"status", status}, {"body", missing}});
    EXPECT_EQ(ask(key_).status, 200);
    EXPECT_EQ(arrived(first()), ++asked);
    EXPECT_EQ(arrived(second_), asked);
  }
  EXPECT_EQ(gateway_.posted("t"), asked * 50'000);
  EXPECT_EQ(gateway_.reserved("t"), 0);
  daemon().must({"channel", "delete", "second", "--yes"});
  first().behave({{"status", 404}, {"body", missing}});
  const auto answer = ask(key_);
  EXPECT_EQ(answer.status, 404) << "the only one's words";
  EXPECT_EQ(error_code(answer), "model_not_found");
}

TEST_F(Siblings, F19NeverAfterTheFirstByte) {
  first().behave({{"cut_after", 5}});
  RawClient client(daemon().port());
  client.send(raw_request("POST", "/v1/chat/completions", key_, chat("fake-a", {{"stream", true}}).dump()));
  const auto head = client.read_head();
  ASSERT_TRUE(head.has_value());
  EXPECT_EQ(head->status, 200);
  std::string last;
  while (const auto event = client.read_event(*head)) last = *event;
  EXPECT_FALSE(client.clean_end());
  EXPECT_THAT(last, HasSubstr("upstream_invalid"));
  EXPECT_EQ(arrived(second_), 0);
  EXPECT_EQ(Json::parse(daemon().must({"request", "list", "--json"})).at(0)["ending"], "upstream_cut");
  EXPECT_GT(gateway_.posted("t"), 0);
  EXPECT_EQ(gateway_.reserved("t"), 0);
}

TEST_F(Siblings, F10F12TheLastOnesErrorWhenNoneIsLeft) {
  first().behave({{"status", 500}});
  second_.behave({{"status", 429}, {"headers", {{"retry-after", "7"}}}, {"body", R"({"error":{"code":"theirs"}})"}});
  const auto answer = ask(key_);
  EXPECT_EQ(answer.status, 429);
  EXPECT_EQ(answer.header("retry-after"), "7");
  EXPECT_EQ(error_code(answer), "theirs");
  EXPECT_EQ(gateway_.posted("t"), 0);
  EXPECT_EQ(gateway_.request(answer)["channel"], "second");
}

TEST_F(Siblings, EachIsTriedOnceAndTheKeysOfOneDoNotMultiplyIt) {
  daemon().must({"channel", "set-key", "fake", "--add", "--key-stdin"}, "sk-provider-5678\n");
  first().behave({{"status", 500}, {"times", -1}});
  second_.behave({{"status", 500}, {"times", -1}});
  EXPECT_EQ(ask(key_).status, 500);
  EXPECT_EQ(arrived(first()), 1);
  EXPECT_EQ(arrived(second_), 1);
}

class TwoTries : public Siblings {
 protected:
  TwoTries() : Siblings("tries_max = 2\n") {}
};

TEST_F(TwoTries, CountThoseWhoseBodiesBrokeOff) {
  add("third", second_, -2);
  for (auto* upstream : {&first(), &second_}) upstream->behave({{"cut_after", 202}});
  EXPECT_EQ(ask(key_).status, 502);
  EXPECT_EQ(arrived(second_), 1);
  EXPECT_EQ(gateway_.reserved("t"), 0);
}

TEST_F(TwoTries, AreTheMost) {
  add("third", second_, -2);
  for (auto* upstream : {&first(), &second_}) upstream->behave({{"status", 500}});
  EXPECT_EQ(ask(key_).status, 500);
  EXPECT_EQ(arrived(second_), 1);
  // The asker saw the first two fail; to another they are what they were.
  gateway_.token("other");
  EXPECT_THAT(explained("other")["third"]["reason"], HasSubstr("tries_max is 2"));
}

class QuickBreaker : public Siblings {
 protected:
  QuickBreaker() : Siblings("failures_in_a_row = 3\ncool_down_first = \"200ms\"\ncool_down_max = \"30s\"\n") {}
};

TEST_F(QuickBreaker, F30OpensAndAProbeBringsItBack) {
  daemon().must({"channel", "delete", "second", "--yes"});
  first().behave({{"status", 500}, {"times", -1}});
  EXPECT_EQ(ask(key_).status, 500);
  // crd's own request fails, too: it is the channel.
  first().wait_for("probes", 1);
  EXPECT_THAT(daemon().log_with("channel set aside"), HasSubstr("channel set aside"));
  const auto before = arrived(first());
  const auto closed = ask(key_);
  EXPECT_EQ(closed.status, 503);
  EXPECT_EQ(error_code(closed), "unavailable");
  EXPECT_EQ(closed.header("retry-after"), "1");
  EXPECT_EQ(arrived(first()), before);
  first().reset();
  EXPECT_EQ(gateway_.request(closed)["ending"], "refused");
  EXPECT_EQ(gateway_.posted("t"), 0);
  EXPECT_EQ(gateway_.reserved("t"), 0);
  // Its cool-down ends by itself: who asks then is the probe.
  for (HttpAnswer answer = ask(key_);; answer = ask(key_)) {
    if (answer.status == 200) break;
    ASSERT_EQ(answer.status, 503);
  }
  EXPECT_EQ(arrived(first()), 1);
  EXPECT_EQ(channel("fake")["health"]["state"], "ready");
  EXPECT_THAT(daemon().log_with("channel is back"), HasSubstr("channel is back"));
}

// So slow a machine there is none that a probe would be due within a test.
class LastingBreaker : public Siblings {
 protected:
  LastingBreaker() : Siblings("failures_in_a_row = 3\ncool_down_first = \"5m\"\ncool_down_max = \"10m\"\n") {}
};

TEST_F(LastingBreaker, OpensAfterBodiesThatBroke) {
  first().behave({{"cut_after", 202}, {"times", -1}});
  EXPECT_EQ(ask(key_).status, 200);
  EXPECT_THAT(daemon().log_with("its answer broke off"), HasSubstr("channel set aside")) << "crd's own did, too";
  const auto before = arrived(first());
  for (int i = 0; i < 4; ++i) EXPECT_EQ(ask(gateway_.token("u" + std::to_string(i))).status, 200);
  EXPECT_EQ(arrived(first()), before) << "no probe is due";
  EXPECT_GE(arrived(second_), 4);
}

TEST_F(QuickBreaker, AClientThatLeavesSaysNothingOfTheChannel) {
  first().close_gate();
  for (int i = 0; i < 4; ++i) {
    RawClient client(daemon().port());
    client.send(raw_request("POST", "/v1/chat/completions", key_, chat("fake-a", {{"max_tokens", 100}}).dump()));
    first().wait_for("arrived", i + 1);
    client.reset();
    first().wait_for("gone", i + 1);
  }
  first().open_gate();
  EXPECT_EQ(ask(key_).status, 200);
  EXPECT_EQ(arrived(second_), 0);
}

TEST_F(Siblings, F10RetryAfterIsObeyedAndSurvivesAReload) {
  first().behave({{"status", 429}, {"model", "fake-a"}, {"headers", {{"retry-after", "600"}}}, {"times", -1}});
  EXPECT_EQ(ask(key_).status, 200);
  EXPECT_THAT(daemon().log_with("channel set aside"), HasSubstr("answered 429")) << "crd's own request was, too";
  daemon().must({"config", "reload"});
  EXPECT_EQ(ask(key_).status, 200);
  EXPECT_EQ(arrived(first()), 1) << "set aside, it is not asked again";
  EXPECT_EQ(arrived(second_), 2);
  EXPECT_EQ(gateway_.post(key_, chat("fake-b", {{"max_tokens", 100}})).status, 200);
  EXPECT_EQ(arrived(first()), 2) << "a limit is of one model";
  const Json told = explained("t");
  EXPECT_EQ(told["fake"]["kept"], false);
  EXPECT_THAT(told["fake"]["reason"], HasSubstr("set aside: answered 429, asked again in "));
  EXPECT_EQ(told["second"]["place"], 1);
  const auto list = daemon().must({"channel", "list", "--fields", "name,state,reason,errors"});
  EXPECT_THAT(list, HasSubstr("fake\tready\tkey "));
  EXPECT_THAT(list, HasSubstr("was answered 429 for fake-a"));
  EXPECT_THAT(list, HasSubstr("second\tready\t\t0"));
  EXPECT_EQ(gateway_.posted("t"), 3 * 50'000);
  EXPECT_EQ(gateway_.reserved("t"), 0);
  // An edit is a fresh start.
  first().reset();
  daemon().must({"channel", "edit", "fake", "--note", "again"});
  EXPECT_EQ(ask(key_).status, 200);
  EXPECT_EQ(arrived(first()), 1);
}

TEST_F(Siblings, F9ARefusedKeyIsSetAsideAlone) {
  daemon().must({"channel", "set-key", "fake", "--add", "--key-stdin"}, "sk-provider-5678\n");
  first().behave({{"status", 401}});
  for (int i = 0; i < 5; ++i) EXPECT_EQ(ask(key_).status, 200);
  std::vector<std::string> keys;
  for (const auto& request : first().requests()) keys.push_back(request["authorization_end"]);
  EXPECT_EQ(keys, (std::vector<std::string>{"1234", "5678", "5678", "5678", "5678"}));
  EXPECT_EQ(arrived(second_), 1);
  EXPECT_EQ(gateway_.posted("t"), 5 * 50'000);
  EXPECT_EQ(gateway_.reserved("t"), 0);
  const Json health = channel("fake")["health"];
  EXPECT_EQ(health["state"], "ready");
  EXPECT_EQ(health["keys_aside"], 1);
  EXPECT_THAT(health["reason"], HasSubstr("...34 was answered 401"));
  EXPECT_THAT(daemon().log_with("the provider refuses a channel's key"),
              HasSubstr("the provider refuses a channel's key"));
  EXPECT_THAT(daemon().log(), testing::Not(HasSubstr("sk-provider-1234")));
  EXPECT_THAT(daemon().must({"metrics"}), HasSubstr("crd_channel_keys_refused{channel=\"fake\"} 1"));
}

TEST_F(Siblings, F10LimitedEverywhereIsSaidSo) {
  for (auto* upstream : {&first(), &second_})
    upstream->behave({{"status", 429},
                      {"headers", {{"retry-after", "600"}}},
                      {"body", R"({"error":{"code":"theirs"}})"},
                      {"times", -1}});
  EXPECT_EQ(error_code(ask(key_)), "theirs");
  while (metric_of(daemon(), "crd_probes_total{outcome=\"bad\"}") < 2) continue;
  const auto next = ask(key_);
  EXPECT_EQ(next.status, 429);
  EXPECT_EQ(error_code(next), "rate_limit_exceeded");
  const auto wait = std::stoi(next.header("retry-after"));
  EXPECT_TRUE(wait > 500 && wait <= 600) << wait;
  EXPECT_EQ(arrived(first()) + arrived(second_), 2);
  EXPECT_EQ(gateway_.posted("t"), 0);
}

TEST_F(Siblings, KeysTakeTurns) {
  daemon().must({"channel", "set-key", "fake", "--add", "--key-stdin"}, "sk-provider-5678\n");
  std::multiset<std::string> keys;
  for (int i = 0; i < 10; ++i) EXPECT_EQ(ask(key_).status, 200);
  for (const auto& request : first().requests()) keys.insert(request["authorization_end"].get<std::string>());
  EXPECT_EQ(keys.count("1234"), 5u);
  EXPECT_EQ(keys.count("5678"), 5u);
}

TEST_F(Siblings, F9RefusedEverywhereIsTheOperatorsBusiness) {
  daemon().must({"channel", "delete", "fake-messages", "--yes"});
  for (auto* upstream : {&first(), &second_}) upstream->behave({{"status", 401}});
  for (const bool known : {false, true}) {
    const auto answer = ask(key_);
    EXPECT_EQ(answer.status, 502);
    EXPECT_EQ(error_code(answer), "upstream_auth");
    EXPECT_EQ(answer.header("x-should-retry"), "false");
    EXPECT_EQ(arrived(first()) + arrived(second_), 2) << known;
  }
  EXPECT_EQ(gateway_.posted("t"), 0);
  const auto check = daemon().crctl({"token", "check", "t", "--model", "fake-a"});
  EXPECT_EQ(check.exit, 14);
  EXPECT_THAT(check.out, HasSubstr("upstream_auth"));
  EXPECT_THAT(check.out, HasSubstr("crctl route explain --token t --model 'fake-a'"));
  EXPECT_EQ(daemon().crctl({"route", "explain", "--token", "t", "--model", "fake-a"}).exit, 14);
  EXPECT_THAT(daemon().must({"metrics"}), HasSubstr("crd_channel_up{channel=\"fake\"} 0"));
}

TEST_F(Siblings, ATestThatIsAnsweredTakesTheChannelBack) {
  first().behave({{"status", 503}, {"headers", {{"retry-after", "600"}}}, {"times", -1}});
  EXPECT_EQ(ask(key_).status, 200);
  while (channel("fake")["health"]["state"] != "cooling") continue;
  first().reset();
  daemon().must({"channel", "test", "fake", "--model", "fake-a"});
  EXPECT_EQ(channel("fake")["health"]["state"], "ready");
}

class Groups : public Siblings {
 protected:
  Groups() {
    daemon().must({"group", "create", "vip"});
    daemon().must({"group", "create", "dear", "--multiplier", "2"});
    daemon().must({"channel", "edit", "second", "--group", "vip,dear"});
  }
};

TEST_F(Groups, TheNextOnlyWhenTheFirstHasNoHealthyChannel) {
  const auto key = gateway_.token("vips", {"--quota", "1", "--group", "vip,default"});
  EXPECT_EQ(ask(key).status, 200);
  EXPECT_EQ(arrived(second_), 1);
  EXPECT_EQ(arrived(first()), 0);
  second_.behave({{"status", 503}, {"headers", {{"retry-after", "600"}}}});
  const auto within = ask(key);
  EXPECT_EQ(within.status, 200) << "in the same request already";
  EXPECT_EQ(gateway_.request(within)["group"], "default");
  EXPECT_EQ(ask(key).status, 200);
  EXPECT_EQ(arrived(second_), 2);
  EXPECT_EQ(arrived(first()), 2);
  EXPECT_EQ(gateway_.posted("vips"), 3 * 50'000);
  EXPECT_EQ(explained("vips")["fake"]["place"], 1);
}

TEST_F(Groups, ADearerOneTakesOverWhereTheCreditCarriesIt) {
  const auto key = gateway_.token("thrifty", {"--quota", "1", "--group", "default,dear"});
  EXPECT_THAT(explained("thrifty")["second"]["reason"], HasSubstr("dearer group"));
  first().behave({{"status", 503}, {"headers", {{"retry-after", "600"}}}});
  // What carries the first group but not twice of it is no reservation for the dearer one.
  const auto poor = gateway_.token("poor", {"--quota", "0.0006", "--group", "default,dear"});
  EXPECT_EQ(ask(poor).status, 503);
  EXPECT_EQ(arrived(second_), 0);
  first().behave({{"status", 503}, {"headers", {{"retry-after", "600"}}}});
  const auto next = ask(key);
  EXPECT_EQ(next.status, 200);
  EXPECT_EQ(gateway_.request(next)["group"], "dear");
  EXPECT_EQ(gateway_.posted("thrifty"), 2 * 50'000);
  const auto unlimited = gateway_.token("rich", {"--group", "default,dear"});
  daemon().must({"channel", "edit", "fake", "--note", "a fresh start"});
  first().behave({{"status", 500}});
  EXPECT_EQ(ask(unlimited).status, 200) << "nothing is held: nothing keeps it back";
}

TEST_F(Groups, ExplainedChannelByChannel) {
  daemon().must({"channel", "create", "off", "--kind", "echo", "--models", "*", "--disabled"});
  daemon().must({"channel", "create", "others", "--kind", "echo", "--models", "other"});
  daemon().must({"channel", "edit", "fake", "--map", "fast=fake-a"});
  const Json told = explained("t", "fast");
  EXPECT_EQ(told["fake"]["place"], 1);
  EXPECT_EQ(told["fake"]["share_percent"], 100);
  EXPECT_EQ(told["fake"]["upstream_model"], "fake-a");
  EXPECT_EQ(told["second"]["reason"], "does not serve the model");
  EXPECT_EQ(told["off"]["reason"], "disabled");
  EXPECT_EQ(told["others"]["reason"], "does not serve the model");
  EXPECT_EQ(told["fake-messages"]["reason"], "its kind does not serve chat/completions");
  EXPECT_EQ(explained("t")["second"]["reason"], "in none of the token's groups");
  const auto messages = daemon().crctl({"route", "explain", "--token", "t", "--model", "fake-a", "--endpoint",
                                        "messages", "--fields", "channel,verdict"});
  EXPECT_THAT(messages.out, HasSubstr("fake-messages\tkept"));
  EXPECT_EQ(daemon().crctl({"route", "explain", "--token", "t", "--model", "nothing"}).exit, 14);
  EXPECT_EQ(daemon().crctl({"route", "explain", "--token", "tt", "--model", "m"}).exit, 10);
  const auto endpoint = daemon().crctl({"route", "explain", "--token", "t", "--model", "m", "--endpoint", "chats"});
  EXPECT_EQ(endpoint.exit, 2);
  EXPECT_THAT(endpoint.err, HasSubstr("none that is relayed"));
}

TEST_F(Siblings, TheListShowsHowTheyDo) {
  first().behave({{"status", 500}});
  EXPECT_EQ(ask(key_).status, 200);
  const auto other = gateway_.token("other");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(ask(other).status, 200);
  const Json fake = channel("fake");
  EXPECT_EQ(fake["health"]["requests"], 4);
  EXPECT_EQ(fake["health"]["error_percent"], 25);
  EXPECT_GE(fake["health"]["p50_ms"].get<std::int64_t>(), 0);
  EXPECT_GE(fake["health"]["first_byte_p50_ms"].get<std::int64_t>(), 0);
  EXPECT_EQ(fake["spent_30d"], "0.00015");
  EXPECT_EQ(channel("second")["spent_30d"], "0.00005");
}

}  // namespace
}  // namespace cr::test

// SPDX-License-Identifier: MIT
// Responses that their provider keeps: asked of the channel, and with the key, that made them, by nobody but the token
// that did; and what a request that goes on from one costs.
#include <csignal>
#include <set>

#include "integration/gateway.h"

namespace cr::test {
namespace {

using testing::HasSubstr;

// Channels "fake", with two keys, and "second", at a provider of its own, share what is asked.
class Stored : public testing::Test {
 protected:
  Stored() {
    daemon().must({"channel", "set-key", "fake", "--add", "--key-stdin"}, "sk-another-5678\n");
    daemon().must({"channel", "create", "second", "--kind", "openai", "--base-url", second_.url(), "--models", "fake-*",
                   "--key-stdin", "--allow-private"},
                  "sk-second-9876\n");
    gateway_.also_billed_by(second_);
    key_ = gateway_.token("t", {"--quota", "5"});
    daemon().must(
        {"price", "set", "fake-a", "--input", "1", "--output", "2", "--max-output", "4096", "--context", "9000"});
  }
  Daemon& daemon() { return gateway_.daemon; }
  HttpAnswer respond(const Json& more = Json::object(), const std::string& key = {}) {
    Json body = {{"model", "fake-a"}, {"input", "hello"}};
    body.update(more);
    return gateway_.post(key.empty() ? key_ : key, body, "/v1/responses");
  }
  std::string id_of(const HttpAnswer& answer) {
    EXPECT_EQ(answer.status, 200) << answer.body;
    return Json::parse(answer.body)["id"];
  }
  HttpAnswer by_id(const std::string& rest, const std::string& method = "GET", const std::string& key = {}) {
    return HttpClient(daemon().listener(), key.empty() ? key_ : key).call(method, "/v1/responses/" + rest, "", {});
  }
  std::string channel_of(const HttpAnswer& answer) { return gateway_.request(answer)["channel"]; }
  std::int64_t arrived() { return gateway_.arrived() + second_.tally()["arrived"].get<std::int64_t>(); }
  // Nobody was asked, nothing is held or posted for it.
  void expect_refused(const HttpAnswer& answer, int status, const std::string& code) {
    EXPECT_EQ(answer.status, status) << answer.body;
    EXPECT_EQ(error_code(answer), code);
    const Json row = gateway_.request(answer);
    EXPECT_EQ(row["cost"], "0");
    EXPECT_EQ(row["ending"], "refused");
    EXPECT_EQ(gateway_.reserved("t"), 0);
  }

  FakeUpstream second_;
  Gateway gateway_;
  std::string key_;
};

TEST_F(Stored, IsAskedOfTheChannelAndWithTheKeyThatMadeIt) {
  std::map<std::string, std::string> made;  // id -> channel
  std::set<std::string> channels;
  for (int i = 0; i < 200 && (channels.size() < 2 || made.size() < 8); ++i) {
    const auto answer = respond();
    made[id_of(answer)] = channel_of(answer);
    channels.insert(channel_of(answer));
  }
  ASSERT_EQ(channels.size(), 2U);
  const auto posted = gateway_.posted("t");
  for (const auto& [id, channel] : made) {
    const auto answer = by_id(id);
    EXPECT_EQ(answer.status, 200) << answer.body;
    EXPECT_EQ(Json::parse(answer.body)["id"], id);
    const Json row = gateway_.request(answer);
    EXPECT_EQ(row["channel"], channel);
    EXPECT_EQ(row["endpoint"], "responses.by_id");
    EXPECT_EQ(row["model"], "fake-a");
    EXPECT_EQ(row["cost"], "0");
    const auto next = respond({{"previous_response_id", id}});
    EXPECT_EQ(next.status, 200) << next.body;
    EXPECT_EQ(channel_of(next), channel);
  }
  EXPECT_EQ(gateway_.posted("t"), posted + static_cast<std::int64_t>(made.size()) * 50'000)
      << "asking again is free, going on is not";
  EXPECT_EQ(gateway_.reserved("t"), 0);
}

TEST_F(Stored, AllThatIsDoneWithOneGoesThere) {
  const auto id = id_of(respond());
  const auto items = by_id(id + "/input_items?limit=5");
  EXPECT_EQ(items.status, 200);
  EXPECT_EQ(Json::parse(items.body)["object"], "list");
  const auto cancelled = by_id(id + "/cancel", "POST");
  EXPECT_EQ(cancelled.status, 200) << cancelled.body;
  EXPECT_EQ(Json::parse(cancelled.body)["status"], "cancelled");
  const auto streamed = by_id(id + "?stream=true&starting_after=0");
  EXPECT_EQ(streamed.header("content-type"), "text/event-stream");
  EXPECT_THAT(streamed.body, HasSubstr("response.completed"));
  EXPECT_EQ(gateway_.request(streamed)["stream"], true);
  const auto deleted = by_id(id, "DELETE");
  EXPECT_EQ(deleted.status, 200);
  EXPECT_EQ(Json::parse(deleted.body)["deleted"], true);
  const auto gone = by_id(id);
  EXPECT_EQ(gone.status, 404) << "the provider's own answer";
  EXPECT_THAT(gone.body, HasSubstr("Response with id"));
  std::set<std::string> targets;
  for (auto* upstream : {&gateway_.upstream, &second_}) {
    for (const auto& request : upstream->requests()) targets.insert(request["target"].get<std::string>());
  }
  EXPECT_TRUE(targets.contains("/v1/responses/" + id + "/input_items?limit=5"));
}

TEST_F(Stored, IsTheTokensOwn) {
  const auto id = id_of(respond());
  const auto other = gateway_.token("other", {"--quota", "1"});
  const auto before = arrived();
  for (const auto* method : {"GET", "DELETE"}) {
    expect_refused(by_id(id, method, other), 404, "response_not_found");
    expect_refused(by_id("resp_unknown", method), 404, "response_not_found");
  }
  expect_refused(by_id(id + "/cancel", "POST", other), 404, "response_not_found");
  expect_refused(respond({{"previous_response_id", id}}, other), 400, "previous_response_not_found");
  expect_refused(respond({{"previous_response_id", "resp_unknown"}}), 400, "previous_response_not_found");
  EXPECT_EQ(arrived(), before);
  EXPECT_EQ(by_id(id).status, 200);
  const auto rotated = daemon().must({"token", "rotate", "t", "--grace", "1h"});
  EXPECT_EQ(by_id(id, "GET", rotated.substr(0, rotated.find('\n'))).status, 200) << "a new key of the same token";
}

TEST_F(Stored, MethodsAndAddressesThatAreNone) {
  const auto id = id_of(respond());
  for (const auto& [method, rest, allow] : {std::tuple{"PUT", id, "GET, HEAD, DELETE"},
                                            {"POST", id, "GET, HEAD, DELETE"},
                                            {"GET", id + "/cancel", "POST"},
                                            {"POST", id + "/input_items", "GET, HEAD"}}) {
    const auto answer = by_id(rest, method);
    EXPECT_EQ(answer.status, 405) << method << ' ' << rest;
    EXPECT_EQ(answer.header("allow"), allow);
  }
  for (const auto& rest : {std::string("a%2Fb"), id + "/x", id + "/", std::string(300, 'a'), std::string("..")}) {
    const auto answer = by_id(rest);
    EXPECT_EQ(answer.status, 404) << rest;
    EXPECT_EQ(error_code(answer), "unknown_endpoint") << rest;
  }
  for (const Json& bad : {Json(7), Json(""), Json("a b"), Json(std::string(300, 'a')), Json("../x")}) {
    expect_refused(respond({{"previous_response_id", bad}}), 400, "invalid_value");
  }
}

TEST_F(Stored, OnlyWhatItsProviderKeepsIs) {
  const auto unkept = id_of(respond({{"store", false}}));
  expect_refused(by_id(unkept), 404, "response_not_found");
  gateway_.upstream.behave({{"status", 500}, {"body", R"({"id":"resp_broken","error":{"code":"x"}})"}});
  second_.behave({{"status", 500}, {"body", R"({"id":"resp_broken","error":{"code":"x"}})"}});
  EXPECT_EQ(respond().status, 500);
  expect_refused(by_id("resp_broken"), 404, "response_not_found");
}

TEST_F(Stored, AStreamedOneIsKeptTooAndAllOutliveARestart) {
  const auto streamed = respond({{"stream", true}});
  const auto at = streamed.body.find("\"id\":\"resp_");
  ASSERT_NE(at, std::string::npos) << streamed.body;
  const auto begin = at + std::string("\"id\":\"").size();
  const auto id = streamed.body.substr(begin, streamed.body.find('"', begin) - begin);
  EXPECT_EQ(Json::parse(by_id(id).body)["id"], id);
  daemon().restart();
  EXPECT_EQ(Json::parse(by_id(id).body)["id"], id);
  EXPECT_EQ(respond({{"previous_response_id", id}, {"stream", true}}).status, 200);
}

TEST_F(Stored, ItsChannelMayBeOutOfReach) {
  const auto first = respond();
  const auto id = id_of(first);
  const auto channel = channel_of(first);
  daemon().must({"channel", "disable", channel});
  const auto before = arrived();
  expect_refused(by_id(id), 404, "response_not_found");
  expect_refused(respond({{"previous_response_id", id}}), 400, "previous_response_not_found");
  daemon().must({"channel", "enable", channel});
  daemon().must({"channel", "edit", channel, "--models", "other-*"});
  EXPECT_EQ(by_id(id).status, 200) << "what was made is there, whatever the channel serves now";
  expect_refused(respond({{"previous_response_id", id}}), 400, "previous_response_not_found");
  daemon().must({"channel", "edit", channel, "--models", "fake-*"});
  EXPECT_EQ(arrived(), before + 1);
  // Set aside: told so, and when; never sent to the sibling, which does not have it.
  auto& provider = channel == "second" ? second_ : gateway_.upstream;
  provider.behave({{"status", 503}, {"headers", {{"retry-after", "60"}}}, {"times", -1}});
  EXPECT_EQ(by_id(id).status, 503);
  EXPECT_THAT(daemon().log_with("channel set aside"), testing::HasSubstr("answered 503"));
  const auto closed = respond({{"previous_response_id", id}});
  expect_refused(closed, 503, "unavailable");
  EXPECT_FALSE(closed.header("retry-after").empty());
  daemon().must({"channel", "delete", channel, "--yes"});
  expect_refused(by_id(id), 404, "response_not_found");
}

// Its first answer says nothing of what it will have used: the hold is what it can have been at most.
TEST_F(Stored, OneMadeInTheBackgroundCostsItsHold) {
  const auto queued = respond({{"background", true}, {"max_output_tokens", 100}});
  const auto id = id_of(queued);
  EXPECT_EQ(Json::parse(queued.body)["status"], "queued");
  const Json row = gateway_.request(queued);
  EXPECT_EQ(row["cost"], row["held"]);
  EXPECT_EQ(row["flags"], Json::array({"estimated"}));
  EXPECT_EQ(row["output_tokens"], 100);
  const auto posted = gateway_.posted("t");
  EXPECT_GE(posted, 10 * 1000 + 20 * 2000) << "no less than the provider counts";
  const auto later = by_id(id);
  EXPECT_EQ(Json::parse(later.body)["status"], "completed");
  EXPECT_EQ(Json::parse(later.body)["usage"]["output_tokens"], 20);
  EXPECT_EQ(gateway_.posted("t"), posted);
  EXPECT_EQ(gateway_.reserved("t"), 0);
}

TEST(StoredByNobody, EchoGoesOnButKeepsNothing) {
  BookedDaemon daemon;
  daemon.must({"channel", "create", "echo", "--kind", "echo", "--models", "echo-*"});
  auto key = daemon.must({"token", "create", "t"});
  key.pop_back();
  HttpClient client(daemon.listener(), key);
  const auto first = client.post("/v1/responses", R"({"model":"echo-1","input":"hello"})");
  ASSERT_EQ(first.status, 200) << first.body;
  const std::string id = Json::parse(first.body)["id"];
  const Json next = {{"model", "echo-1"}, {"input", "again"}, {"previous_response_id", id}};
  EXPECT_EQ(client.post("/v1/responses", next.dump()).status, 200);
  const auto asked = client.get("/v1/responses/" + id);
  EXPECT_EQ(asked.status, 404);
  EXPECT_THAT(asked.body, HasSubstr("echo"));
}

}  // namespace
}  // namespace cr::test

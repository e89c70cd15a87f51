// SPDX-License-Identifier: MIT
// A token's life on the request path: expiry to the millisecond, rotation, edits seen by the very next request.
#include "integration/gateway.h"

namespace cr::test {
namespace {

using namespace std::chrono_literals;

// Requests on one connection that stays open.
class KeptConnection {
 public:
  KeptConnection(Gateway& gateway, std::string key) : client_(gateway.daemon.port()), key_(std::move(key)) {}
  int post(const Json& body = chat()) {
    client_.send(raw_request("POST", "/v1/chat/completions", key_, body.dump()));
    const auto head = client_.read_head();
    if (!head) return 0;
    body_ = client_.read_body(*head);
    return head->status;
  }
  std::string code() const { return Json::parse(body_)["error"]["code"]; }

 private:
  RawClient client_;
  std::string key_;
  std::string body_;
};

TEST(TokenLife, ExpiryToTheMillisecond) {
  DaemonOptions options;
  options.clock = true;
  Gateway gateway(options);
  const auto noon = std::chrono::sys_days(std::chrono::year(2030) / 1 / 1) + 12h;
  gateway.daemon.set_time(noon);
  const auto key = gateway.token("brief", {"--expires", "2030-01-01T13:00:00Z"});
  const auto later = gateway.token("later", {"--not-before", "2030-01-01T13:00:00Z"});
  KeptConnection brief(gateway, key), starting(gateway, later);
  gateway.daemon.set_time(noon + 1h - 1ms);
  EXPECT_EQ(brief.post(), 200);
  EXPECT_EQ(starting.post(), 401);
  EXPECT_EQ(starting.code(), "token_not_yet_valid");
  gateway.daemon.set_time(noon + 1h);
  EXPECT_EQ(brief.post(), 401);
  EXPECT_EQ(brief.code(), "token_expired");
  EXPECT_EQ(starting.post(), 200);
  gateway.daemon.set_time(noon + 1h + 1ms);
  EXPECT_EQ(brief.post(), 401);
  EXPECT_EQ(gateway.show("brief")["status"], "expired");
  // A raised expiry makes it work again at once, on the connection that is open.
  gateway.daemon.must({"token", "edit", "brief", "--expires", "1h"});
  EXPECT_EQ(brief.post(), 200);
  check_witness(gateway, Run::clean);
}

TEST(TokenLife, EveryEditIsSeenByTheNextRequest) {
  Gateway gateway;
  const auto key = gateway.token("edited", {"--quota", "1"});
  KeptConnection client(gateway, key);
  const auto expect_after = [&](std::vector<std::string> args, int status, const std::string& code) {
    gateway.daemon.must(std::move(args));
    EXPECT_EQ(client.post(), status) << code;
    if (status != 200) {
      EXPECT_EQ(client.code(), code);
    }
  };
  EXPECT_EQ(client.post(), 200);
  expect_after({"token", "disable", "edited"}, 401, "token_disabled");
  expect_after({"token", "enable", "edited"}, 200, "");
  expect_after({"token", "edit", "edited", "--models", "gpt-*"}, 403, "model_not_allowed");
  expect_after({"token", "edit", "edited", "--models", ""}, 200, "");
  expect_after({"token", "edit", "edited", "--allow-ip", "192.0.2.1"}, 403, "ip_not_allowed");
  expect_after({"token", "edit", "edited", "--allow-ip", ""}, 200, "");
  expect_after({"token", "edit", "edited", "--quota", "0"}, 429, "insufficient_quota");
  expect_after({"token", "edit", "edited", "--quota", "1"}, 200, "");
  expect_after({"token", "delete", "edited", "--yes"}, 401, "invalid_api_key");
  check_witness(gateway, Run::clean);
}

TEST(TokenLife, BothKeysWorkInTheGraceAndTheOldOneStopsAtItsEnd) {
  DaemonOptions options;
  options.clock = true;
  Gateway gateway(options);
  const auto start = std::chrono::sys_days(std::chrono::year(2030) / 1 / 1) + 0h;
  gateway.daemon.set_time(start);
  const auto old_key = gateway.token("turning", {"--quota", "1"});
  auto new_key = gateway.daemon.must({"token", "rotate", "turning", "--grace", "1h"});
  new_key.pop_back();
  ASSERT_NE(old_key, new_key);
  KeptConnection with_old(gateway, old_key), with_new(gateway, new_key);
  EXPECT_EQ(with_old.post(), 200);
  EXPECT_EQ(with_new.post(), 200);
  EXPECT_EQ(gateway.posted("turning"), 100'000) << "usage stays one";
  EXPECT_EQ(gateway.show("turning")["status"], "rotating");
  EXPECT_EQ(gateway.show("turning")["keys"].size(), 2U);
  gateway.daemon.set_time(start + 1h - 1ms);
  EXPECT_EQ(with_old.post(), 200);
  gateway.daemon.set_time(start + 1h);
  EXPECT_EQ(with_old.post(), 401);
  EXPECT_EQ(with_new.post(), 200);
  EXPECT_EQ(gateway.show("turning")["status"], "enabled");
  check_witness(gateway, Run::clean);
}

TEST(TokenLife, RotateNowStopsTheOldKeyAtOnce) {
  Gateway gateway;
  const auto old_key = gateway.token("urgent");
  KeptConnection with_old(gateway, old_key);
  EXPECT_EQ(with_old.post(), 200);
  auto new_key = gateway.daemon.must({"token", "rotate", "urgent", "--now", "--yes"});
  new_key.pop_back();
  EXPECT_EQ(with_old.post(), 401);
  EXPECT_EQ(KeptConnection(gateway, new_key).post(), 200);
}

TEST(TokenLife, DeletedAndRestoredKeepsItsUsage) {
  Gateway gateway;
  const auto key = gateway.token("back", {"--quota", "1"});
  ASSERT_EQ(gateway.post(key, chat()).status, 200);
  gateway.daemon.must({"token", "delete", "back", "--yes"});
  EXPECT_EQ(gateway.post(key, chat()).status, 401);
  gateway.daemon.must({"token", "restore", "back"});
  EXPECT_EQ(gateway.show("back")["used"], "0.00005");
  EXPECT_EQ(gateway.post(key, chat()).status, 401) << "its key was destroyed";
  auto new_key = gateway.daemon.must({"token", "rotate", "back"});
  new_key.pop_back();
  EXPECT_EQ(gateway.post(new_key, chat()).status, 200);
}

TEST(TokenLife, ModelsAreWhatTheTokenCanCall) {
  Gateway gateway;
  const auto names = [&](const std::string& key) {
    std::vector<std::string> ids;
    const Json body = Json::parse(HttpClient(gateway.daemon.port(), key).get("/v1/models").body);
    for (const auto& model : body["data"]) ids.push_back(model["id"]);
    return ids;
  };
  const auto all = gateway.token("all");
  const auto narrow = gateway.token("narrow", {"--models", "fake-b"});
  EXPECT_THAT(names(all), testing::ElementsAre("fake-a", "fake-b", "fake-full"));
  EXPECT_THAT(names(narrow), testing::ElementsAre("fake-b"));
  HttpClient client(gateway.daemon.port(), narrow);
  EXPECT_EQ(client.get("/v1/models/fake-b").status, 200);
  EXPECT_EQ(client.get("/v1/models/fake-a").status, 404);
  EXPECT_EQ(client.get("/v1/token").status, 200);
  // What would be refused for want of a price is not offered.
  gateway.daemon.must({"channel", "create", "more", "--kind", "echo", "--models", "unpriced-a"});
  const auto limited = gateway.token("limited", {"--quota", "1"});
  EXPECT_THAT(names(all), testing::ElementsAre("fake-a", "fake-b", "fake-full", "unpriced-a"));
  EXPECT_THAT(names(limited), testing::ElementsAre("fake-a", "fake-b", "fake-full"));
  EXPECT_EQ(HttpClient(gateway.daemon.port(), all).get("/v1/models/unpriced-a").status, 200);
  EXPECT_EQ(HttpClient(gateway.daemon.port(), limited).get("/v1/models/unpriced-a").status, 404);
  EXPECT_EQ(error_code(gateway.post(limited, chat("unpriced-a"))), "model_not_priced");
  const auto empty = gateway.token("empty", {"--quota", "0"});
  EXPECT_EQ(Json::parse(HttpClient(gateway.daemon.port(), empty).get("/v1/token").body)["status"], "exhausted");
}

TEST(TokenLife, AliasesAreMappedForTheUpstream) {
  Gateway gateway;
  gateway.daemon.must({"channel", "edit", "fake", "--map", "fast=fake-a"});
  const auto key = gateway.token("alias", {"--quota", "1"});
  const auto answer = gateway.post(key, chat("fast"));
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(gateway.upstream.requests()[0]["model"], "fake-a");
  EXPECT_EQ(gateway.request(answer)["upstream_model"], "fake-a");
  check_witness(gateway, Run::clean);
}

}  // namespace
}  // namespace cr::test

// SPDX-License-Identifier: MIT
// Hard quotas: what a token may spend is a wall under any number of parallel requests.
#include <atomic>
#include <thread>

#include "integration/gateway.h"

namespace cr::test {
namespace {

// Sends `count` requests at once, each on a connection of its own; how many got which status.
std::map<int, int> storm(Gateway& gateway, const std::string& key, int count, const Json& body) {
  std::vector<std::future<int>> answers;
  for (int i = 0; i < count; ++i) {
    answers.push_back(std::async(std::launch::async, [&] { return gateway.post(key, body).status; }));
  }
  std::map<int, int> statuses;
  for (auto& answer : answers) ++statuses[answer.get()];
  return statuses;
}

// The hold of one request whose answer uses all of it: the fake model says how the sum is made.
std::int64_t ceiling_of(const Json& body) {
  const auto input = static_cast<std::int64_t>(body.dump().size()) + 16 + 64;
  return input * 1000 + body["max_tokens"].get<std::int64_t>() * 2000;
}

TEST(Quota, FiftyOfTwoHundredPassWhereEachUsesItsWholeCeiling) {
  Gateway gateway;
  const Json body = chat("fake-full", {{"max_tokens", 100}});
  const auto key = gateway.token("fifty", {"--quota", dollars(50 * ceiling_of(body)), "--when-low", "refuse"});
  const auto statuses = storm(gateway, key, 200, body);
  EXPECT_EQ(statuses.at(200), 50);
  EXPECT_EQ(statuses.at(429), 150);
  EXPECT_EQ(gateway.arrived(), 50);
  EXPECT_EQ(gateway.posted("fifty"), 50 * ceiling_of(body));
  check_witness(gateway, Run::clean);
}

TEST(Quota, NeverMoreThanItPaysWhereAnswersUseLess) {
  Gateway gateway;
  const Json body = chat("fake-a", {{"max_tokens", 100}});
  const auto quota = 50 * ceiling_of(body);
  const auto key = gateway.token("less", {"--quota", dollars(quota)});
  const auto statuses = storm(gateway, key, 200, body);
  EXPECT_GE(statuses.at(200), 50);
  EXPECT_LE(gateway.posted("less"), quota);
  check_witness(gateway, Run::clean);
}

TEST(Quota, TheAccountBindsAnUnlimitedToken) {
  Gateway gateway;
  const Json body = chat("fake-full", {{"max_tokens", 100}});
  gateway.daemon.must({"account", "create", "team", "--quota", dollars(10 * ceiling_of(body))});
  const auto first = gateway.token("first", {"--account", "team", "--when-low", "refuse"});
  const auto second = gateway.token("second", {"--account", "team", "--when-low", "refuse"});
  auto one = std::async(std::launch::async, [&] { return storm(gateway, first, 20, body); });
  auto statuses = storm(gateway, second, 20, body);
  for (const auto& [status, count] : one.get()) statuses[status] += count;
  EXPECT_EQ(statuses.at(200), 10);
  EXPECT_EQ(gateway.arrived(), 10);
  check_witness(gateway, Run::clean);
}

TEST(Quota, ToggledWhileBusyLosesNoDebit) {
  Gateway gateway;
  const auto key = gateway.token("busy", {"--quota", "100"});
  std::atomic<bool> done{false};
  std::thread toggler([&] {
    while (!done) {
      gateway.daemon.must({"token", "disable", "busy"});
      gateway.daemon.must({"token", "enable", "busy"});
      gateway.daemon.must({"token", "edit", "busy", "--quota", "+1"});
    }
  });
  const auto statuses = storm(gateway, key, 100, chat());
  done = true;
  toggler.join();
  const auto passed = statuses.contains(200) ? statuses.at(200) : 0;
  EXPECT_EQ(gateway.arrived(), passed);
  // 10 in, 20 out: $0.00005 each.
  EXPECT_EQ(gateway.posted("busy"), passed * 50'000);
  check_witness(gateway, Run::clean);
}

TEST(Quota, TheBoundIsLoweredToWhatIsAffordable) {
  Gateway gateway;
  const Json body = chat("fake-full", {{"max_tokens", 4000}});
  const auto key = gateway.token("low", {"--quota", dollars(ceiling_of(chat("fake-full", {{"max_tokens", 1000}})))});
  const auto answer = gateway.post(key, body);
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.header("x-crd-output-limit"), "1000");
  EXPECT_EQ(Json::parse(answer.body)["usage"]["completion_tokens"], 1000);
  EXPECT_THAT(gateway.request(answer)["flags"].dump(), testing::HasSubstr("clamped"));
  EXPECT_EQ(gateway.post(key, body).status, 429);
  check_witness(gateway, Run::clean);
}

TEST(Quota, ABoundIsWrittenWhereTheClientGaveNone) {
  Gateway gateway;
  const auto key = gateway.token("unbounded", {"--quota", "1"});
  ASSERT_EQ(gateway.post(key, chat()).status, 200);
  EXPECT_TRUE(gateway.upstream.requests()[0]["bound"].is_null()) << "its longest answer is reserved: nothing to lower";
  gateway.daemon.must({"price", "set", "fake-a", "--default-output", "1000"});
  ASSERT_EQ(gateway.post(key, chat()).status, 200);
  EXPECT_EQ(gateway.upstream.requests()[1]["bound"], 1000);
  const auto free_key = gateway.token("free");
  ASSERT_EQ(gateway.post(free_key, chat()).status, 200);
  EXPECT_TRUE(gateway.upstream.requests()[2]["bound"].is_null());
  check_witness(gateway, Run::clean);
}

TEST(Quota, TheSameRemainingEverywhere) {
  Gateway gateway;
  const auto key = gateway.token("same", {"--quota", "1"});
  for (int i = 0; i < 5; ++i) ASSERT_EQ(gateway.post(key, chat()).status, 200);
  const std::string left = "0.99975";
  EXPECT_EQ(Json::parse(HttpClient(gateway.daemon.port(), key).get("/v1/token").body)["remaining"], left);
  EXPECT_EQ(gateway.show("same")["left"], left);
  EXPECT_EQ(gateway.posted("same"), 250'000);
  const auto subscription =
      Json::parse(HttpClient(gateway.daemon.port(), key).get("/v1/dashboard/billing/subscription").body);
  const auto usage = Json::parse(HttpClient(gateway.daemon.port(), key).get("/v1/dashboard/billing/usage").body);
  EXPECT_NEAR(subscription["hard_limit_usd"].get<double>(), 1.0, 1e-9);
  EXPECT_NEAR(usage["total_usage"].get<double>(), 0.025, 1e-9);
}

// What its use left of a quota or a budget pays no request: that is said wherever its status is asked for.
TEST(Quota, DustIsNothing) {
  Gateway gateway;
  const auto status_of = [&](const std::string& name, const std::string& key) {
    const auto own = Json::parse(HttpClient(gateway.daemon.listener(), key).get("/v1/token").body).at("status");
    EXPECT_EQ(gateway.show(name).at("status"), own);
    const auto listed = gateway.daemon.must({"token", "list", "--status", own.get<std::string>(), "-o", "name"});
    EXPECT_THAT(listed, testing::HasSubstr(name));
    const bool allowed = gateway.daemon.crctl({"token", "check", name, "--model", "fake-a"}).exit == 0;
    EXPECT_EQ(allowed, own == "enabled");
    EXPECT_EQ(gateway.post(key, chat()).status == 200, allowed) << "admission says the same";
    return own.get<std::string>();
  };
  const auto spent = gateway.token("spent", {"--quota", "0.01"});
  const auto daily = gateway.token("daily", {"--budget", "0.01/day"});
  const auto whole = gateway.token("whole", {"--quota", "0.01", "--budget", "0.01/day"});
  for (const auto& key : {spent, daily}) {
    for (int i = 0; i < 1000 && gateway.post(key, chat()).status == 200; ++i) continue;
  }
  EXPECT_GT(gateway.posted("spent"), 0);
  EXPECT_LT(gateway.posted("spent"), 10'000'000) << "there is dust";
  EXPECT_EQ(status_of("spent", spent), "exhausted");
  EXPECT_EQ(status_of("daily", daily), "limited");
  EXPECT_EQ(status_of("whole", whole), "enabled");
  check_witness(gateway, Run::clean);
}

TEST(Quota, GroupMultiplier) {
  Gateway gateway;
  gateway.daemon.must({"group", "create", "dear", "--multiplier", "1.5"});
  gateway.daemon.must({"channel", "edit", "fake", "--group", "+dear"});
  const auto key = gateway.token("dear-one", {"--group", "dear", "--quota", "1"});
  ASSERT_EQ(gateway.post(key, chat()).status, 200);
  EXPECT_EQ(gateway.posted("dear-one"), 75'000);
}

TEST(Quota, AKilledDaemonPostsWhatWasOpen) {
  Gateway gateway;
  const Json body = chat("fake-full", {{"max_tokens", 100}});
  const auto key = gateway.token("killed", {"--quota", "1"});
  gateway.upstream.close_gate();
  auto lost = std::async(std::launch::async, [&] { return gateway.post(key, body).status; });
  gateway.upstream.wait_for("arrived", 1);
  gateway.daemon.kill9();
  gateway.upstream.open_gate();
  EXPECT_EQ(lost.get(), 0);
  gateway.daemon.start();
  EXPECT_EQ(gateway.posted("killed"), ceiling_of(body));
  EXPECT_EQ(gateway.reserved("killed"), 0);
  const auto rows = Json::parse(gateway.daemon.must({"request", "list", "--json"}));
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0]["ending"], "in_doubt");
  check_witness(gateway, Run::with_faults);
}

}  // namespace
}  // namespace cr::test

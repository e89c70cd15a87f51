// SPDX-License-Identifier: MIT
// Whose fault a failure is: a bad token's requests, which providers refuse or fail at, beside a good one's, which must
// all be served; and keys, accounts and channels that really are to blame, which must be found all the same. The
// providers decide by what is in a request.
#include "integration/gateway.h"

namespace cr::test {
namespace {

using testing::HasSubstr;

constexpr std::string_view k_bad_prompt = "bad-prompt";

// Channel "fake" and two more of the same priority, each with a provider of its own.
class ThreeChannels {
 public:
  ThreeChannels() {
    gateway.daemon.must({"channel", "delete", "fake-messages", "--yes"});
    for (auto* provider : {&second, &third}) gateway.also_billed_by(*provider);
    add("second", second);
    add("third", third);
  }
  ~ThreeChannels() {
    if (checks_costs) check_witness(gateway, Run::clean);  // probes are on no token
  }
  ThreeChannels(const ThreeChannels&) = delete;
  ThreeChannels& operator=(const ThreeChannels&) = delete;

  std::vector<FakeUpstream*> upstreams() { return {&gateway.upstream, &second, &third}; }
  void behave(const Json& behaviour) {
    for (auto* upstream : upstreams()) upstream->behave(behaviour);
  }
  HttpAnswer ask(const std::string& key, std::string_view prompt = "hello") {
    Json body = {{"model", "fake-a"}, {"max_tokens", 100}};
    body["messages"] = Json::array({{{"role", "user"}, {"content", prompt}}});
    return gateway.post(key, body);
  }
  std::int64_t probes() {
    std::int64_t count = 0;
    for (auto* upstream : upstreams()) count += upstream->tally()["probes"].get<std::int64_t>();
    return count;
  }
  Json health(const std::string& channel) {
    return Json::parse(gateway.daemon.must({"channel", "show", channel, "--json"}))["health"];
  }

  FakeUpstream second, third;
  Gateway gateway;
  bool checks_costs = true;

 private:
  void add(const std::string& name, FakeUpstream& upstream) {
    gateway.daemon.must({"channel", "create", name, "--kind", "openai", "--base-url", upstream.url(), "--models",
                         "fake-*", "--key-stdin", "--allow-private"},
                        "sk-" + name + "-9876\n");
  }
};

struct BadPrompt {
  std::string name;
  int status;
  std::string body;
  int good, bad;       // so many of each in turn
  bool passes = true;  // the asker gets the provider's status and words
};

const std::vector<BadPrompt>& bad_prompts() {
  static const std::vector<BadPrompt> k_rows = {
      {"Flagged", 403, R"({"error":{"code":403,"message":"fake-a requires moderation. Your input was flagged."}})", 1,
       1},
      {"CanOnlyAfford", 402,
       R"({"error":{"message":"This request requires more credits, or fewer max_tokens. You requested up to 64000 tokens, but can only afford 3919.","code":402}})",
       5, 1},
      {"RequestTooLarge", 429,
       R"({"error":{"message":"Request too large for fake-a on tokens per min (TPM): Limit 30000, Requested 48212.","type":"tokens","code":"rate_limit_exceeded"}})",
       1, 2},
      {"OnePicture", 500, R"({"error":{"message":"The server had an error while processing your request"}})", 1, 10},
      {"Overloaded", 503, R"({"error":{"message":"overloaded"}})", 1, 3},
  };
  return k_rows;
}

enum class Askers { one_bad, three_bad_of_one_account, one_account, three_bad_on_one_account };
std::string name_of(Askers askers) {
  switch (askers) {
    case Askers::one_bad:
      return "OneBad";
    case Askers::three_bad_of_one_account:
      return "ThreeBadOfOneAccount";
    case Askers::one_account:
      return "OneAccount";
    case Askers::three_bad_on_one_account:
      break;
  }
  return "ThreeBadOnOneAccount";
}

class BadBesideGood : public testing::TestWithParam<std::tuple<BadPrompt, Askers>> {};

TEST_P(BadBesideGood, EveryGoodRequestIsServed) {
  const auto& [row, askers] = GetParam();
  ThreeChannels site;
  const bool one_account = askers == Askers::one_account || askers == Askers::three_bad_on_one_account;
  const bool three = askers == Askers::three_bad_of_one_account || askers == Askers::three_bad_on_one_account;
  std::vector<std::string> flags;
  if (!one_account) {
    site.gateway.daemon.must({"account", "create", "tenant"});
    flags = {"--account", "tenant"};
  }
  std::vector<std::string> bad;
  for (int i = 0; i < (three ? 3 : 1); ++i) bad.push_back(site.gateway.token("bad" + std::to_string(i), flags));
  const auto good = site.gateway.token("good", {"--quota", "1"});
  site.behave({{"contains", k_bad_prompt}, {"status", row.status}, {"body", row.body}, {"times", -1}});
  std::size_t turn = 0;
  for (int served = 0; served < 60;) {
    for (int i = 0; i < row.bad; ++i) {
      const auto answer = site.ask(bad[turn++ % bad.size()], k_bad_prompt);
      EXPECT_EQ(answer.status, row.status);
      EXPECT_EQ(answer.body, row.body);
    }
    for (int i = 0; i < row.good; ++i, ++served) EXPECT_EQ(site.ask(good).status, 200) << served;
  }
  EXPECT_EQ(site.gateway.posted("good"), 60 * 50'000);
  for (const auto* channel : {"fake", "second", "third"}) EXPECT_EQ(site.health(channel)["state"], "ready") << channel;
  EXPECT_LE(metric_of(site.gateway.daemon, "crd_probes_total{outcome=\"bad\"}"), 0);
  EXPECT_GT(site.probes(), 0);
}
INSTANTIATE_TEST_SUITE_P(Rows, BadBesideGood,
                         testing::Combine(testing::ValuesIn(bad_prompts()),
                                          testing::Values(Askers::one_bad, Askers::three_bad_of_one_account,
                                                          Askers::one_account, Askers::three_bad_on_one_account)),
                         [](const auto& row) { return std::get<0>(row.param).name + name_of(std::get<1>(row.param)); });

// What names the content is the client's at once; of the rest the other routes are asked first.
TEST(WhoseFault, OfWhatMayPassElsewhereTheOtherRoutesAreAsked) {
  for (const auto& row : bad_prompts()) {
    SCOPED_TRACE(row.name);
    ThreeChannels site;
    const auto key = site.gateway.token("bad");
    site.behave({{"contains", k_bad_prompt}, {"status", row.status}, {"body", row.body}, {"times", -1}});
    EXPECT_EQ(site.ask(key, k_bad_prompt).status, row.status);
    std::int64_t arrived = 0;
    for (auto* upstream : site.upstreams()) arrived += upstream->tally()["arrived"].get<std::int64_t>();
    EXPECT_EQ(arrived, row.status == 403 ? 1 : 3);
  }
}

struct Credit {
  std::string name;
  int status;
  std::string body;
};
class OutOfCredit : public testing::TestWithParam<Credit> {};

TEST_P(OutOfCredit, IsTheKeysAndAnotherRouteServes) {
  ThreeChannels site;
  const auto& row = GetParam();
  for (const auto* name : {"second", "third"}) site.gateway.daemon.must({"channel", "edit", name, "--priority", "-1"});
  site.gateway.upstream.behave({{"status", row.status}, {"body", row.body}, {"times", -1}});
  const auto key = site.gateway.token("t");
  EXPECT_EQ(site.ask(key).status, 200);
  // crd's own request confirms it: an alarm, and the key is set aside for all.
  EXPECT_THAT(site.gateway.daemon.log_with("has no credit left"), HasSubstr("channel=fake"));
  EXPECT_EQ(site.health("fake")["state"], "keys_refused");
  EXPECT_EQ(metric_of(site.gateway.daemon, "crd_channel_keys_refused{channel=\"fake\"}"), 1);
  EXPECT_EQ(metric_of(site.gateway.daemon, "crd_channel_keys_without_credit{channel=\"fake\"}"), 1);
  const auto before = site.gateway.arrived();
  EXPECT_EQ(site.ask(site.gateway.token("other")).status, 200);
  EXPECT_EQ(site.gateway.arrived(), before);
  // Where nothing else is left it is tried: it may have been topped up.
  for (const auto* name : {"second", "third"}) site.gateway.daemon.must({"channel", "disable", name});
  const auto refused = site.ask(key);
  EXPECT_EQ(refused.status, 502);
  EXPECT_EQ(error_code(refused), "upstream_auth");
  EXPECT_THAT(refused.body, HasSubstr("no credit left"));
  site.gateway.upstream.reset();
  EXPECT_EQ(site.ask(key).status, 200);
  EXPECT_EQ(site.health("fake")["state"], "ready");
  // What was seen consumed went with the reset.
  site.checks_costs = false;
}
INSTANTIATE_TEST_SUITE_P(
    Rows, OutOfCredit,
    testing::Values(
        Credit{
            "Anthropic", 400,
            R"({"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the Anthropic API."}})"},
        Credit{
            "OpenAI", 429,
            R"({"error":{"message":"You exceeded your current quota, please check your plan and billing details.","type":"insufficient_quota","code":"insufficient_quota"}})"},
        Credit{"DeepSeek", 402, R"({"error":{"message":"Insufficient Balance","type":"unknown_error"}})"}),
    [](const auto& row) { return row.param.name; });

TEST(WhoseFault, AKeyThatIsReallyRefusedIsFoundBesideABadToken) {
  ThreeChannels site;
  site.gateway.daemon.must({"account", "create", "tenant"});
  const auto bad = site.gateway.token("bad", {"--account", "tenant"});
  const auto good = site.gateway.token("good");
  const auto& flagged = bad_prompts().front();
  site.behave({{"contains", k_bad_prompt}, {"status", flagged.status}, {"body", flagged.body}, {"times", -1}});
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(site.ask(bad, k_bad_prompt).status, 403);
    EXPECT_EQ(site.ask(good).status, 200);
  }
  // The minute's own request has been made; the key is revoked now.
  site.gateway.upstream.behave({{"status", 403},
                                {"body", R"({"error":{"message":"Your API key has no access to this model"}})"},
                                {"times", -1}});
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  const auto is_found = [&] {
    return site.health("fake")["reason"].get<std::string>().find("answered 403 for fake-a") != std::string::npos;
  };
  while (!is_found() && std::chrono::steady_clock::now() < until) {
    site.ask(bad, k_bad_prompt);
    EXPECT_EQ(site.ask(good).status, 200);
  }
  EXPECT_TRUE(is_found());
  EXPECT_THAT(site.gateway.daemon.log_with("refuses a channel's key"), HasSubstr("answered 403"));
}

TEST(WhoseFault, AChannelThatReallyFailsIsFoundByItsFirstFailure) {
  ThreeChannels site;
  for (const auto* name : {"second", "third"}) site.gateway.daemon.must({"channel", "edit", name, "--priority", "-1"});
  site.gateway.upstream.behave({{"status", 500}, {"times", -1}});
  EXPECT_EQ(site.ask(site.gateway.token("t")).status, 200);
  EXPECT_THAT(site.gateway.daemon.log_with("channel set aside"), HasSubstr("answered 500"));
  EXPECT_EQ(metric_of(site.gateway.daemon, "crd_probes_total{outcome=\"bad\"}"), 1);
}

// What crd asks by itself costs the operator, and no token.
TEST(WhoseFault, WhatProbesCostIsCountedAndLogged) {
  ThreeChannels site;
  const auto key = site.gateway.token("t", {"--quota", "1"});
  site.gateway.upstream.behave({{"contains", k_bad_prompt}, {"status", 500}, {"times", -1}});
  for (const auto* name : {"second", "third"}) site.gateway.daemon.must({"channel", "edit", name, "--priority", "-1"});
  EXPECT_EQ(site.ask(key, k_bad_prompt).status, 200);
  site.gateway.upstream.wait_for("probes", 1);
  EXPECT_THAT(site.gateway.daemon.log_with("asked a channel"), HasSubstr("it answers"));
  EXPECT_EQ(metric_of(site.gateway.daemon, "crd_probes_total{outcome=\"good\"}"), 1);
  EXPECT_GT(metric_of(site.gateway.daemon, "crd_probe_model_tokens_total{kind=\"output\"}"), 0);
  EXPECT_THAT(site.gateway.daemon.must({"metrics"}), testing::Not(HasSubstr("crd_probe_cost_dollars_total 0\n")));
  EXPECT_EQ(site.gateway.posted("t"), 50'000);
  const auto own = [&] {
    site.gateway.flush();
    return site.gateway.daemon.sql_value("SELECT coalesce(sum(cost), 0) FROM own_request");
  };
  while (own() == "0") std::this_thread::yield();
  EXPECT_EQ(own(), "42000") << "ten in, and out its bound of sixteen: the bill is what is posted, and this";
}

}  // namespace
}  // namespace cr::test

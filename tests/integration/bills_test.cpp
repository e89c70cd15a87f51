// SPDX-License-Identifier: MIT
// What a request costs by the rules of its price: tiers, lengths, tools, sound, aliases, what the provider tells; what
// is reserved for it; and how crctl shows the sum. Answers are scripted; the ledger and the bill are checked.
#include <atomic>
#include <fstream>

#include "integration/gateway.h"

namespace cr::test {
namespace {

using testing::Contains;
using testing::HasSubstr;

Json answer_of(const Json& usage, const Json& more = Json::object()) {
  Json body = {{"id", "chatcmpl-1"},
               {"object", "chat.completion"},
               {"choices", Json::array({{{"index", 0}, {"message", {{"role", "assistant"}, {"content", "hello"}}}}})},
               {"usage", usage}};
  body.update(more);
  return body;
}

class Bills : public testing::Test {
 protected:
  void set_price(const std::string& model, std::vector<std::string> flags, const std::string& rules = {}) {
    if (!rules.empty()) {
      const std::string file = gateway_.daemon.dir() / "rules.json";
      std::ofstream(file) << rules;
      flags.insert(flags.end(), {"--rules", file});
    }
    gateway_.set_price(model, flags);
  }
  // The row of a request that is answered so.
  Json row(const Json& body, const Json& answer) {
    gateway_.upstream.behave({{"body", answer.dump()}});
    const auto got = gateway_.post(key_, body);
    EXPECT_EQ(got.status, 200) << got.body;
    auto row = gateway_.request(got);
    check_bill(row);
    return row;
  }
  // Its lines sum to what the provider charges, rounded up.
  static void check_bill(const Json& row) {
    ASSERT_TRUE(row["bill"].is_object()) << row;
    long double sum = 0;
    for (const auto& line : row["bill"]["lines"]) sum += std::stold(line["dollars"].get<std::string>());
    if (row["bill"]["told_cost"].is_null()) {
      EXPECT_NEAR(static_cast<double>(sum), std::stod(row["bill"]["provider_cost"].get<std::string>()), 1.01e-9) << row;
    }
  }

  Gateway gateway_;
  std::string key_ = gateway_.token("t", {"--quota", "10"});
};

TEST_F(Bills, TheTierThatAnsweredIsCharged) {
  set_price("fake-a", {}, R"([
    {"request":"/service_tier","answer":"/service_tier","is":["priority"],"input":"2","output":"4"},
    {"request":"/service_tier","answer":"/service_tier","is":["flex"],"factor":"0.5"},
    {"request":"/service_tier","answer":"/service_tier","is":["default","auto"]}])");
  const Json usage = {{"prompt_tokens", 100}, {"completion_tokens", 10}};
  EXPECT_EQ(row(chat(), answer_of(usage))["cost"], "0.00012");
  EXPECT_EQ(row(chat(), answer_of(usage, {{"service_tier", "default"}}))["cost"], "0.00012");
  const auto asked = chat("fake-a", {{"service_tier", "priority"}});
  EXPECT_EQ(row(asked, answer_of(usage, {{"service_tier", "priority"}}))["cost"], "0.00024");
  EXPECT_EQ(row(asked, answer_of(usage, {{"service_tier", "default"}}))["cost"], "0.00012");
  EXPECT_EQ(row(asked, answer_of(usage))["cost"], "0.00024") << "nobody confirmed the cheaper one";
  const auto flex = chat("fake-a", {{"service_tier", "flex"}});
  EXPECT_EQ(row(flex, answer_of(usage, {{"service_tier", "flex"}}))["cost"], "0.00006");
  EXPECT_EQ(row(flex, answer_of(usage))["cost"], "0.00012");
  EXPECT_EQ(row(chat(), answer_of(usage, {{"service_tier", "priority"}}))["cost"], "0.00024") << "the project's own";
}

TEST_F(Bills, AValueThatNobodyKnowsIsRefusedToLimitedTokensOrLeftOut) {
  const auto body = chat("fake-a", {{"service_tier", "turbo"}});
  const auto refused = gateway_.post(key_, body);
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(Json::parse(refused.body)["error"]["param"], "service_tier");
  EXPECT_EQ(gateway_.post(gateway_.token("free"), body).status, 200) << "who has no limit may";
  gateway_.daemon.must({"channel", "edit", "fake", "--strip", "service_tier"});
  EXPECT_EQ(gateway_.post(key_, body).status, 200);
  EXPECT_THAT(gateway_.upstream.requests().back()["body"].get<std::string>(), testing::Not(HasSubstr("turbo")));
  EXPECT_EQ(gateway_.post(key_, chat("fake-a", {{"temperature", 1}, {"new_member", "x"}})).status, 200)
      << "members that nobody knows pass";
}

TEST_F(Bills, LongPromptsToolsAndSoundHaveTheirOwnRates) {
  set_price("fake-a", {"--audio-input", "10", "--audio-output", "20"}, R"([
    {"input_over":1000,"input":"2","output":"3"},
    {"tool":"web_search","count":"/usage/server_tool_use/web_search_requests","fee":"0.01","most":5,"brings":100}])");
  EXPECT_EQ(row(chat(), answer_of({{"prompt_tokens", 1000}, {"completion_tokens", 10}}))["cost"], "0.00102");
  EXPECT_EQ(row(chat(), answer_of({{"prompt_tokens", 1001}, {"completion_tokens", 10}}))["cost"], "0.002032");
  const Json tools = Json::array({{{"type", "web_search"}, {"max_uses", 3}}});
  const auto searched =
      row(chat("fake-a", {{"tools", tools}}),
          answer_of(
              {{"prompt_tokens", 100}, {"completion_tokens", 10}, {"server_tool_use", {{"web_search_requests", 3}}}}));
  EXPECT_EQ(searched["cost"], "0.03012");
  EXPECT_EQ(searched["overrun"], "0") << "it was held for them";
  EXPECT_EQ(searched["bill"]["lines"][2]["what"], "web_search");
  const auto heard = row(chat(), answer_of({{"prompt_tokens", 100},
                                            {"completion_tokens", 30},
                                            {"prompt_tokens_details", {{"audio_tokens", 40}}},
                                            {"completion_tokens_details", {{"audio_tokens", 10}}}}));
  EXPECT_EQ(heard["cost"], "0.0007") << "60 + 400 of input, 40 + 200 of output";
}

TEST_F(Bills, APartWithoutAPriceIsFlagged) {
  const auto told = row(chat(), answer_of({{"prompt_tokens", 100}, {"completion_tokens", 10}, {"magic_spells", 2}}));
  EXPECT_THAT(told["flags"], Contains("unpriced"));
  const auto plain = row(chat(), answer_of({{"prompt_tokens", 100},
                                            {"completion_tokens", 10},
                                            {"completion_tokens_details", {{"reasoning_tokens", 5}}}}));
  EXPECT_EQ(plain["flags"], Json::array());
}

TEST_F(Bills, TheGreaterOfTheToldCostAndOursIsCharged) {
  const Json usage = {{"prompt_tokens", 100}, {"completion_tokens", 10}, {"cost", 0.5}};
  const auto more = row(chat(), answer_of(usage));
  EXPECT_THAT(more["flags"], Contains("told_cost"));
  EXPECT_EQ(more["bill"]["told_cost"], "0.5");
  const auto less = row(chat(), answer_of({{"prompt_tokens", 100}, {"completion_tokens", 10}, {"cost", 0.00001}}));
  EXPECT_EQ(less["cost"], "0.00012");
  EXPECT_EQ(less["flags"], Json::array());
}

// An alias has another price on each channel: what is held carries the dearest, what is charged is the one that
// answered.
TEST_F(Bills, AnAliasIsHeldAndChargedByItsRoute) {
  set_price("fake-dear", {"--input", "100", "--output", "200", "--max-output", "4096"});
  set_price("fake-full", {"--max-output", "100"});
  auto& daemon = gateway_.daemon;
  daemon.must({"channel", "edit", "fake", "--map", "smart=fake-full", "--priority", "2"});
  FakeUpstream second;
  daemon.must({"channel", "create", "second", "--kind", "openai", "--base-url", second.url(), "--map",
               "smart=fake-dear", "--key-stdin", "--allow-private"},
              "sk-provider-1234\n");
  const auto body = chat("smart", {{"max_tokens", 50}});
  gateway_.upstream.behave({{"status", 503}});
  const auto answered = gateway_.post(key_, body);
  ASSERT_EQ(answered.status, 200) << answered.body;
  const auto dear = gateway_.request(answered);
  EXPECT_EQ(dear["channel"], "second");
  EXPECT_EQ(dear["cost"], "0.005") << "10 x $100 and 20 x $200 a million";
  // Credit for the cheap one alone leaves the dear one out.
  const auto poor = gateway_.token("poor", {"--quota", "0.001"});
  gateway_.upstream.behave({{"status", 503}});
  EXPECT_EQ(gateway_.post(poor, body).status, 503);
  EXPECT_EQ(second.tally()["arrived"], 1);
  EXPECT_EQ(gateway_.posted("poor"), 0);
}

TEST_F(Bills, TheModelThatAnsweredIsCharged) {
  set_price("fake-dear", {"--input", "100", "--output", "200"});
  const auto told = row(chat(), answer_of({{"prompt_tokens", 10}, {"completion_tokens", 2}}, {{"model", "fake-dear"}}));
  EXPECT_EQ(told["cost"], "0.0014");
  EXPECT_EQ(told["bill"]["model"], "fake-dear");
  const auto dated = row(chat(), answer_of({{"prompt_tokens", 10}, {"completion_tokens", 2}}, {{"model", "fake-a-1"}}));
  EXPECT_EQ(dated["cost"], "0.000014") << "a name without a price of its own";
}

TEST_F(Bills, WhatLetsTheProviderChooseIsRefusedToLimitedTokens) {
  for (const char* member : {"models", "route", "fallbacks", "provider", "plugins", "transforms", "model_list"}) {
    const auto body = chat("fake-a", {{member, Json::array({"fake-b"})}});
    const auto refused = gateway_.post(key_, body);
    EXPECT_EQ(refused.status, 400) << member;
    EXPECT_THAT(refused.body, HasSubstr(member));
  }
  const auto listed = gateway_.token("listed", {"--models", "fake-a"});
  EXPECT_EQ(gateway_.post(listed, chat("fake-a", {{"models", Json::array({"fake-b"})}})).status, 400);
  EXPECT_EQ(gateway_.post(gateway_.token("free"), chat("fake-a", {{"models", Json::array({"fake-b"})}})).status, 200);
}

// The price is changed and unset meanwhile: a row is shown by the one it was charged by.
TEST_F(Bills, ARowIsShownByThePriceOfItsTime) {
  gateway_.upstream.behave({{"body", answer_of({{"prompt_tokens", 100}, {"completion_tokens", 10}}).dump()}});
  const auto answer = gateway_.post(key_, chat());
  set_price("fake-a", {"--input", "50"});
  gateway_.daemon.must({"price", "unset", "fake-a"});
  const auto row = gateway_.request(answer);
  check_bill(row);
  EXPECT_EQ(row["bill"]["lines"][0]["rate"], "1");
  const auto shown = gateway_.daemon.must({"request", "show", answer.header("x-request-id")});
  EXPECT_THAT(shown, HasSubstr("100 input tokens x $1 a million = $0.0001"));
}

// Each is allowed four times what it uses, and the credit carries six of them at once: they wait for one another.
TEST_F(Bills, WhoFitsButForRunningRequestsWaits) {
  const Json body = chat("fake-a", {{"max_tokens", 95}});
  const auto key = gateway_.token("shared", {"--quota", "0.00125"});  // 25 times 10 and 20 tokens
  std::vector<std::future<HttpAnswer>> answers;
  for (int i = 0; i < 60; ++i) {
    answers.push_back(std::async(std::launch::async, [&] { return gateway_.post(key, body); }));
  }
  int served = 0;
  for (auto& answer : answers) {
    const auto got = answer.get();
    served += got.status == 200 ? 1 : 0;
    if (got.status != 200) {
      EXPECT_THAT(got.body, HasSubstr("insufficient_quota")) << "what is left pays no request any more";
    }
  }
  // Until less is left than one may come to.
  const auto hold = std::stoll(gateway_.daemon.sql_value("SELECT max(held) FROM request"));
  EXPECT_EQ(served, 1 + (1'250'000 - hold) / 50'000);
  EXPECT_EQ(gateway_.posted("shared"), served * 50'000);
  EXPECT_EQ(gateway_.reserved("shared"), 0);
}

TEST(BillsWait, WhoWaitsTooLongIsToldToComeAgain) {
  DaemonOptions options;
  options.tables = "[tokens]\ncredit_wait = '50ms'\n";
  Gateway gateway(options);
  const Json body = chat("fake-a", {{"max_tokens", 100}});
  const auto key = gateway.token("held", {"--quota", "0.0004"});
  gateway.upstream.close_gate();
  auto first = std::async(std::launch::async, [&] { return gateway.post(key, body); });
  gateway.upstream.wait_for("held", 1);
  const auto second = gateway.post(key, body);
  gateway.upstream.open_gate();
  EXPECT_EQ(second.status, 429);
  EXPECT_EQ(Json::parse(second.body)["error"]["code"], "credit_reserved");
  EXPECT_THAT(second.body, HasSubstr("is reserved by a running request"));
  EXPECT_EQ(second.header("retry-after"), "1");
  EXPECT_EQ(second.header("x-should-retry"), "");
  EXPECT_EQ(first.get().status, 200);
}

}  // namespace
}  // namespace cr::test

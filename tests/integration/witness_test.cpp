// SPDX-License-Identifier: MIT
// What makes a price: each kind of it is asked for, the provider bills by its own code, and the ledger says the same;
// and never less where an answer ended early.
#include "integration/gateway.h"

namespace cr::test {
namespace {

struct Kind {
  std::string name, path;
  Json body;
  Json behaviour = Json::object();
};
void PrintTo(const Kind& kind, std::ostream* out) {
  *out << kind.name;
}

Json said(const std::string& text) {
  return Json::array({{{"role", "user"}, {"content", text}}});
}

void add_tiers(std::vector<Kind>& kinds) {
  for (const std::string tier : {"priority", "flex", "default", "auto"}) {
    kinds.push_back({"chat_" + tier, "/v1/chat/completions", chat("fake-a", {{"service_tier", tier}})});
    kinds.push_back(
        {"completions_" + tier, "/v1/completions", {{"model", "fake-a"}, {"prompt", "hello"}, {"service_tier", tier}}});
    kinds.push_back(
        {"responses_" + tier, "/v1/responses", {{"model", "fake-a"}, {"input", "hello"}, {"service_tier", tier}}});
    kinds.push_back({"chat_" + tier + "_lowered", "/v1/chat/completions", chat("fake-a", {{"service_tier", tier}}),
                     Json{{"tier", "default"}}});
  }
}

void add_searches(std::vector<Kind>& kinds) {
  const Json tool = {{"type", "web_search_20250305"}, {"name", "web_search"}};
  Json bounded = tool;
  bounded["max_uses"] = 2;
  for (const auto& [name, one] : {std::pair{"messages_searches", tool}, {"messages_bounded_searches", bounded}}) {
    kinds.push_back({name,
                     "/v1/messages",
                     {{"model", "fake-a"},
                      {"max_tokens", 50},
                      {"messages", said("[[searches=5]]")},
                      {"tools", Json::array({one})}}});
  }
  kinds.push_back({"responses_searches",
                   "/v1/responses",
                   {{"model", "fake-a"},
                    {"input", "[[searches=5]]"},
                    {"service_tier", "priority"},
                    {"tools", Json::array({{{"type", "web_search"}}})}}});
}

std::vector<Kind> kinds() {
  std::vector<Kind> all;
  add_tiers(all);
  add_searches(all);
  const Json messages = said("hello");
  for (const std::string speed : {"fast", "standard"}) {
    all.push_back({"messages_" + speed,
                   "/v1/messages",
                   {{"model", "fake-a"}, {"max_tokens", 50}, {"messages", messages}, {"speed", speed}}});
  }
  for (const std::string model : {"fake-dear", "fake-cheap"}) {
    all.push_back({"chat_answered_by_" + model.substr(5), "/v1/chat/completions", chat(), Json{{"answers_as", model}}});
    all.push_back({"messages_answered_by_" + model.substr(5),
                   "/v1/messages",
                   {{"model", "fake-a"}, {"max_tokens", 4000}, {"messages", messages}},
                   Json{{"answers_as", model}}});
  }
  // Two bytes a token: what is not told is charged as reserved.
  const std::string padding(2000, 'x');
  all.push_back(
      {"long", "/v1/chat/completions", {{"model", "fake-long"}, {"messages", said("[[input=1001]]" + padding)}}});
  all.push_back(
      {"not_long", "/v1/chat/completions", {{"model", "fake-long"}, {"messages", said("[[input=1000]]" + padding)}}});
  all.push_back({"long_cached_priority",
                 "/v1/chat/completions",
                 {{"model", "fake-long"},
                  {"service_tier", "priority"},
                  {"messages", said("[[input=1500 cached=900]]" + padding)}}});
  all.push_back(
      {"cached_and_written",
       "/v1/messages",
       {{"model", "fake-cached"}, {"max_tokens", 50}, {"messages", said("[[input=100 cached=50 write=30 long=10]]")}}});
  for (auto& kind : all) std::replace(kind.name.begin(), kind.name.end(), '-', '_');
  return all;
}

class EveryPrice : public testing::TestWithParam<Kind> {
 protected:
  EveryPrice() { gateway_.publish_whole_card(); }
  Json body(bool streamed) {
    Json body = GetParam().body;
    if (streamed) body["stream"] = true;
    return body;
  }
  void behave(Json more) {
    more.update(GetParam().behaviour);
    if (!more.empty()) gateway_.upstream.behave(more);
  }

  Gateway gateway_;
  std::string key_ = gateway_.token("t", {"--quota", "10"});
};

TEST_P(EveryPrice, IsPostedAsItIsBilled) {
  for (const bool streamed : {false, true}) {
    behave({});
    const auto answer = gateway_.post(key_, body(streamed), GetParam().path);
    ASSERT_EQ(answer.status, 200) << answer.body;
    const auto row = gateway_.request(answer);
    EXPECT_EQ(row["flags"], Json::array());
    EXPECT_EQ(row["overrun"], "0");
    check_witness(gateway_, Run::clean);
  }
}

// At any place of it.
TEST_P(EveryPrice, IsPostedToTheFullWhereItsAnswerEndsEarly) {
  for (const bool streamed : {false, true}) {
    // After five searches there are 21 events, before them the head or nothing.
    for (const int after : streamed ? std::vector{-1, 0, 1, 2, 6, 12, 21, 24} : std::vector{-1, 0, 1, 250}) {
      const auto known = gateway_.posted("t");
      const auto billed = gateway_.upstream.bill()["requests"].get<std::int64_t>();
      behave({{"cut_after", after}});
      gateway_.post(key_, body(streamed), GetParam().path);
      EXPECT_GE(gateway_.posted("t") - known, gateway_.upstream.bill()["requests"].get<std::int64_t>() - billed)
          << "cut after " << after << (streamed ? " events" : " bytes");
    }
  }
  EXPECT_EQ(gateway_.daemon.sql_value("SELECT sum(overrun) FROM request"), "0");
}

INSTANTIATE_TEST_SUITE_P(All, EveryPrice, testing::ValuesIn(kinds()), [](const auto& kind) { return kind.param.name; });

// A provider that works on whatever becomes of the connection, and crd told so.
TEST(Witness, WhatIsWorkedOnToItsEndIsPostedWhole) {
  Gateway gateway;
  gateway.daemon.must({"channel", "edit", "fake", "--cancels", "never"});
  const auto key = gateway.token("t", {"--quota", "1"});
  gateway.upstream.behave({{"works_on", true}, {"event_delay_ms", 20}});
  RawClient client(gateway.daemon.port());
  client.send(raw_request(
      "POST", "/v1/chat/completions", key,
      chat("fake-full", {{"stream", true}, {"stream_options", {{"include_usage", true}}}, {"max_tokens", 3000}})
          .dump()));
  const auto head = client.read_head();
  EXPECT_TRUE(head && client.read_event(*head));
  client.reset();
  gateway.upstream.wait_for("gone", 1);
  while (gateway.daemon.sql_value("SELECT count(*) FROM request") != "1") gateway.flush();
  EXPECT_GE(gateway.posted("t"), 3000 * 2000);
  check_witness(gateway, Run::with_faults);
}

// The end of the test holds crd's own requests against the provider's bill of them.
TEST(Witness, WhatCrdAsksByItselfIsBookedAsItIsBilled) {
  Gateway gateway;
  auto& daemon = gateway.daemon;
  gateway.publish_whole_card();
  gateway.set_price("smart");
  daemon.must({"channel", "edit", "fake", "--map", "smart=fake-dear"});
  daemon.must({"channel", "test", "fake", "--model", "smart"});
  gateway.upstream.behave({{"tier", "priority"}});
  daemon.must({"channel", "test", "fake", "--model", "fake-a"});
  gateway.upstream.behave({{"answers_as", "fake-dear"}, {"tier", "flex"}});
  daemon.must({"channel", "test", "fake", "--model", "fake-a"});
  daemon.must({"channel", "test", "fake-messages", "--model", "fake-b"});
  gateway.flush();
  const Json bill = gateway.upstream.bill();
  EXPECT_EQ(bill["requests"], 0);
  EXPECT_GT(bill["own"], 0);
  EXPECT_EQ(daemon.sql_value("SELECT sum(cost) FROM own_request"), std::to_string(bill["own"].get<std::int64_t>()));
}

}  // namespace
}  // namespace cr::test

// SPDX-License-Identifier: MIT
#include "relay/routing/router.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <random>

#include "ledger/core/directory_builder.h"

namespace cr::relay::routing {
namespace {

using dialect::Endpoint;
using ledger::ChannelKind;

ledger::ChannelRecord channel(ChannelKind kind, const std::vector<std::string>& models) {
  ledger::ChannelRecord record;
  record.kind = kind;
  record.models = models;
  record.model_set = token::ModelSet::parse(models).value();
  return record;
}

TEST(Judge, ByKindAndEndpoint) {
  const auto openai = channel(ChannelKind::openai, {"m"});
  const auto anthropic = channel(ChannelKind::anthropic, {"m"});
  const auto echo = channel(ChannelKind::echo, {"m"});
  for (const auto endpoint :
       {Endpoint::chat_completions, Endpoint::completions, Endpoint::embeddings, Endpoint::responses}) {
    EXPECT_EQ(decide(openai, "m", endpoint), RouteDecision::yes);
    EXPECT_EQ(decide(anthropic, "m", endpoint), RouteDecision::other_endpoint);
    EXPECT_EQ(decide(echo, "m", endpoint), RouteDecision::yes);
  }
  for (const auto endpoint :
       {Endpoint::moderations, Endpoint::rerank, Endpoint::images_generations, Endpoint::audio_speech}) {
    EXPECT_EQ(decide(openai, "m", endpoint), RouteDecision::yes);
    EXPECT_EQ(decide(anthropic, "m", endpoint), RouteDecision::other_endpoint);
    EXPECT_EQ(decide(echo, "m", endpoint) == RouteDecision::yes, endpoint != Endpoint::audio_speech)
        << "it does not speak";
  }
  EXPECT_EQ(decide(openai, "m", Endpoint::count_tokens), RouteDecision::other_endpoint);
  EXPECT_EQ(decide(anthropic, "m", Endpoint::count_tokens), RouteDecision::yes);
  EXPECT_EQ(decide(echo, "m", Endpoint::count_tokens), RouteDecision::yes);
  EXPECT_EQ(decide(openai, "m", Endpoint::messages), RouteDecision::other_endpoint);
  EXPECT_EQ(decide(anthropic, "m", Endpoint::messages), RouteDecision::yes);
  EXPECT_EQ(decide(echo, "m", Endpoint::messages), RouteDecision::yes);
  for (const auto endpoint : {Endpoint::audio_transcriptions, Endpoint::audio_translations, Endpoint::images_edits,
                              Endpoint::images_variations}) {
    EXPECT_EQ(decide(echo, "m", endpoint), RouteDecision::other_endpoint) << "it cannot say a file back";
    EXPECT_EQ(decide(openai, "m", endpoint), RouteDecision::yes);
    EXPECT_EQ(decide(anthropic, "m", endpoint), RouteDecision::other_endpoint);
  }
}

TEST(Judge, ByModelPatternAndAlias) {
  auto record = channel(ChannelKind::openai, {"gpt-*", "o3"});
  record.model_map["fast"] = "gpt-4o-mini";
  EXPECT_EQ(decide(record, "gpt-4o", Endpoint::chat_completions), RouteDecision::yes);
  EXPECT_EQ(decide(record, "o3", Endpoint::chat_completions), RouteDecision::yes);
  EXPECT_EQ(decide(record, "fast", Endpoint::chat_completions), RouteDecision::yes);
  EXPECT_EQ(decide(record, "o3-mini", Endpoint::chat_completions), RouteDecision::other_model);
  EXPECT_EQ(decide(record, "GPT-4o", Endpoint::chat_completions), RouteDecision::other_model);
}

TEST(Judge, OffIsOff) {
  auto record = channel(ChannelKind::echo, {"*"});
  record.enabled = ledger::Switch::off;
  EXPECT_EQ(decide(record, "anything", Endpoint::chat_completions), RouteDecision::disabled);
}

struct Wanted {
  std::string name, group;
  std::int64_t priority = 0, weight = 1;
};

// Channels that all serve "m", in groups that all cost the same.
class RoutesTest : public testing::Test {
 protected:
  void make(const std::vector<Wanted>& channels) {
    ledger::Directory::Impl impl;
    std::int64_t id = 0;
    for (const auto& wanted : channels) {
      if (!impl.groups->contains(wanted.group)) {
        ledger::GroupRecord group;
        group.name = wanted.group;
        impl.put_group(std::make_shared<const ledger::GroupRecord>(group));
      }
      auto record = channel(ChannelKind::openai, {"m"});
      record.id = base::ChannelId{++id};
      record.rev = 1;
      record.name = wanted.name;
      record.groups = {wanted.group};
      record.priority = wanted.priority;
      record.weight = wanted.weight;
      impl.put_channel(std::make_shared<const ledger::ChannelRecord>(record));
    }
    directory_ = std::make_unique<ledger::Directory>(std::make_shared<const ledger::Directory::Impl>(std::move(impl)));
  }
  Routes find(std::uint32_t random = 0) {
    return find_routes(*directory_, token_, "m", Endpoint::chat_completions, health_, now_, random);
  }
  std::vector<std::string> names(std::uint32_t random = 0) {
    std::vector<std::string> names;
    for (const auto& route : find(random).tries) names.push_back(route.channel->name);
    return names;
  }
  const ledger::ChannelRecord& record(const std::string& name) {
    for (const auto& one : directory_->channels()) {
      if (one->name == name) return *one;
    }
    throw std::invalid_argument(name);
  }
  void report(const std::string& name, const Observation& observation) {
    const auto claim = health_.claim(record(name), "m", now_);
    ASSERT_TRUE(claim.has_value()) << name;
    health_.report(*claim, observation, now_);
  }
  void set_aside(const std::string& name) {
    report(name, {Observation::Kind::failed, 503, {}, std::chrono::seconds(20)});
  }
  // Of 10,000 picks, how often each was the first (or a later) choice.
  std::map<std::string, int> count(std::size_t choice) {
    std::mt19937 random(20'261'126);
    std::map<std::string, int> counts;
    for (int i = 0; i < 10'000; ++i) ++counts[names(static_cast<std::uint32_t>(random())).at(choice)];
    return counts;
  }

  std::unique_ptr<ledger::Directory> directory_;
  ledger::TokenRecord token_ = [] {
    ledger::TokenRecord token;
    token.settings.edit().groups = {"vip", "default"};
    return token;
  }();
  CircuitBreaker health_;
  base::SteadyTime now_ = base::steady_now();
};

// Four standard deviations of a binomial distribution of 10,000 draws.
void expect_share(int count, double share) {
  const double deviation = std::sqrt(10'000 * share * (1 - share));
  EXPECT_NEAR(count, 10'000 * share, 4 * deviation);
}

TEST_F(RoutesTest, PicksFollowTheWeights) {
  make({{"a", "vip", 0, 60}, {"b", "vip", 0, 30}, {"c", "vip", 0, 10}, {"low", "vip", -1, 1000}});
  auto first = count(0);
  expect_share(first["a"], 0.6);
  expect_share(first["b"], 0.3);
  expect_share(first["c"], 0.1);
  EXPECT_EQ(first["low"], 0);
  // Drawn without putting back: P(b second) = 0.6 * 30/40 + 0.1 * 30/90.
  auto second = count(1);
  expect_share(second["a"], 0.3 * 60 / 70 + 0.1 * 60 / 90);
  expect_share(second["b"], 0.6 * 30 / 40 + 0.1 * 30 / 90);
  expect_share(second["c"], 0.6 * 10 / 40 + 0.3 * 10 / 70);
  EXPECT_EQ(count(3)["low"], 10'000);
}

TEST_F(RoutesTest, WhatIsSetAsideIsPickedNeverAndAProbeBringsItBack) {
  make({{"a", "vip", 0, 1}, {"b", "vip", 0, 1}});
  set_aside("a");
  EXPECT_EQ(count(0)["b"], 10'000);
  EXPECT_EQ(names(), std::vector<std::string>{"b"});
  now_ += std::chrono::seconds(20);
  auto due = count(0);
  expect_share(due["a"], 0.5);
  // Whoever comes first probes; until that is answered nobody else is sent.
  const auto probe = health_.claim(record("a"), "m", now_);
  ASSERT_TRUE(probe.has_value());
  EXPECT_EQ(count(0)["b"], 10'000);
  health_.report(*probe, {}, now_);
  expect_share(count(0)["a"], 0.5);
}

TEST_F(RoutesTest, HighestPriorityFirst) {
  make({{"a", "vip", 1}, {"b", "vip", 5}, {"c", "vip", 3}});
  EXPECT_EQ(names(), (std::vector<std::string>{"b", "c", "a"}));
}

TEST_F(RoutesTest, AGroupLeadsUntilItHasNoHealthyChannel) {
  make({{"a", "vip"}, {"b", "default", 100}});
  EXPECT_EQ(names(), (std::vector<std::string>{"a", "b"})) << "the next group stands behind, whatever its priority";
  set_aside("a");
  EXPECT_EQ(names(), std::vector<std::string>{"b"});
  EXPECT_EQ(find().tries.front().group->name, "default");
}

TEST_F(RoutesTest, NothingLeftSaysWhatIsWaitedFor) {
  make({{"a", "vip"}, {"b", "default"}});
  report("a", {Observation::Kind::key_refused, 401, {}, {}});
  const auto until = now_ + std::chrono::seconds(20);
  set_aside("b");
  const auto routes = find();
  EXPECT_TRUE(routes.tries.empty());
  ASSERT_TRUE(routes.closed.has_value());
  EXPECT_EQ(routes.closed->state, Availability::State::cooling);
  EXPECT_EQ(routes.closed->until, until);
  EXPECT_EQ(closed_refusal(*routes.closed).code, dialect::RefusalCode::unavailable);
  EXPECT_TRUE(closed_refusal(*routes.closed).retry_after.has_value());
}

TEST_F(RoutesTest, OnlyRefusedKeysAreTheOperatorsBusiness) {
  make({{"a", "vip"}});
  report("a", {Observation::Kind::key_refused, 401, {}, {}});
  ASSERT_TRUE(find().closed.has_value());
  EXPECT_EQ(closed_refusal(*find().closed).code, dialect::RefusalCode::upstream_auth);
}

TEST_F(RoutesTest, ExplainedByTheSameRules) {
  make({{"a", "vip", 0, 3}, {"b", "vip", 0, 1}, {"c", "default"}, {"d", "other"}, {"e", "vip"}});
  set_aside("e");
  const auto all = explain_routes(*directory_, token_, "m", Endpoint::chat_completions, health_, now_);
  std::map<std::string, Explained> by_name;
  for (const auto& one : all) by_name[one.channel->name] = one;
  ASSERT_EQ(all.size(), 5u);
  EXPECT_EQ(by_name["a"].share_percent, 75);
  EXPECT_EQ(by_name["b"].share_percent, 25);
  EXPECT_EQ(by_name["c"].share_percent, 0);
  EXPECT_EQ(all[2].channel->name, "c");
  EXPECT_EQ(by_name["d"].group, nullptr);
  EXPECT_EQ(by_name["e"].availability.state, Availability::State::cooling);
}

// --- where a stored response is ---

TEST_F(RoutesTest, AStoredResponsesHomeIsItsChannelAlone) {
  make({{"one", "default", 5, 1}, {"two", "default", 0, 1}, {"apart", "elsewhere", 0, 1}});
  const auto home = [&](std::int64_t channel, std::string_view model = "m", Endpoint endpoint = Endpoint::responses) {
    return find_home(*directory_, token_, {"resp_1", base::ChannelId{channel}, "", "m"}, model, endpoint, health_,
                     now_);
  };
  ASSERT_EQ(home(2).tries.size(), 1U);
  EXPECT_EQ(home(2).tries.front().channel->name, "two");
  EXPECT_EQ(home(2).tries.front().group->name, "default");
  EXPECT_FALSE(home(2).tries.front().key) << "its key is not among the channel's: another will do";
  for (const auto& none : {home(3), home(9), home(2, "other")}) {
    EXPECT_TRUE(none.tries.empty() && !none.closed);
  }
  EXPECT_EQ(home(2, "other", Endpoint::response_by_id).tries.size(), 1U) << "whatever the channel serves now";
  set_aside("two");
  EXPECT_TRUE(home(2).tries.empty());
  ASSERT_TRUE(home(2).closed);
  EXPECT_EQ(home(2).closed->state, Availability::State::cooling);
}

TEST(FindHome, OfTheKeysTheOneThatMadeIt) {
  ledger::Directory::Impl impl;
  ledger::GroupRecord group;
  group.name = "default";
  impl.put_group(std::make_shared<const ledger::GroupRecord>(group));
  auto record = channel(ChannelKind::openai, {"m"});
  record.id = base::ChannelId{1};
  record.groups = {"default"};
  record.key_hints = {{base::ShortText<10>("sk-a"), base::ShortText<4>("1111")},
                      {base::ShortText<10>("sk-b"), base::ShortText<4>("2222")}};
  impl.put_channel(std::make_shared<const ledger::ChannelRecord>(record));
  const ledger::Directory directory(std::make_shared<const ledger::Directory::Impl>(std::move(impl)));
  ledger::TokenRecord token;
  token.settings.edit().groups = {"default"};
  CircuitBreaker health;
  const auto home = [&](const std::string& hint) {
    return find_home(directory, token, {"resp_1", record.id, hint, "m"}, "m", Endpoint::responses, health,
                     base::steady_now());
  };
  EXPECT_EQ(home("sk-b...2222").tries.at(0).key, 1U);
  EXPECT_EQ(home("sk-a...1111").tries.at(0).key, 0U);
  EXPECT_FALSE(home("sk-c...3333").tries.at(0).key);
}

}  // namespace
}  // namespace cr::relay::routing

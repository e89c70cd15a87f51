// SPDX-License-Identifier: MIT
// The decisions of /v1 in their order, each without a socket, a store or a clock.
#include "relay/request/admission.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ledger/core/directory_builder.h"

namespace cr::relay::request {
namespace {

using base::Credits;
using dialect::Endpoint;
using dialect::RefusalCode;
using ledger::ChannelKind;
using ledger::Switch;
using testing::HasSubstr;
using testing::Not;

constexpr std::string_view k_key = "sk-cr-key-of-ci";
constexpr std::string_view k_other_key = "sk-cr-key-of-another";

token::Digest digest_of(std::string_view key) {
  token::Digest digest{};
  std::copy_n(key.begin(), std::min(key.size(), digest.size()), digest.begin());
  return digest;
}

class AdmissionTest : public testing::Test {
 protected:
  AdmissionTest() {
    token_.id = base::TokenId{1};
    token_.name = "ci";
    token_.account = base::AccountId{1};
    token_.settings.edit().groups = {"default"};
    account_.id = base::AccountId{1};
    account_.name = "team";
    add_channel("main", ChannelKind::openai, {"m", "unpriced", "picture"});
    add_price("m", [](ledger::PriceRecord& price) {
      price.input = price.cached_input = price.cache_write = base::Rate{1'000'000'000};
      price.output = {2'000'000'000};
    });
    add_price("picture", [](ledger::PriceRecord& price) { price.per_image = Credits::from_nano(40'000'000); });
  }

  void add_channel(const std::string& name, ChannelKind kind, const std::vector<std::string>& models,
                   std::map<std::string, std::string> aliases = {}) {
    ledger::ChannelRecord channel;
    channel.id = base::ChannelId{static_cast<std::int64_t>(channels_.size()) + 1};
    channel.rev = 1;
    channel.name = name;
    channel.kind = kind;
    channel.groups = {"default"};
    channel.models = models;
    channel.model_set = token::ModelSet::parse(models).value();
    channel.model_map = {aliases.begin(), aliases.end()};
    channels_.push_back(channel);
  }
  void add_price(const std::string& model, const std::function<void(ledger::PriceRecord&)>& set) {
    ledger::PriceRecord price;
    price.model = model;
    set(price);
    prices_.push_back(price);
  }
  void allow_models(const std::vector<std::string>& models) {
    token_.settings.edit().models = models;
    token_.settings.edit().model_set = token::ModelSet::parse(models).value();
  }

  // Of what was set until now. The key `k_key` is the token's.
  std::unique_ptr<Admission> make(Endpoint endpoint = Endpoint::chat_completions) {
    ledger::Directory::Impl impl;
    ledger::GroupRecord group;
    group.name = "default";
    group.multiplier_millionths = 1'500'000;
    impl.put_group(std::make_shared<const ledger::GroupRecord>(group));
    impl.put_account(std::make_shared<const ledger::AccountRecord>(account_));
    put_token(impl, token_, k_key);
    auto other = token_;
    other.id = base::TokenId{2};
    other.name = "other";
    put_token(impl, other, k_other_key);
    for (const auto& channel : channels_) impl.put_channel(std::make_shared<const ledger::ChannelRecord>(channel));
    for (const auto& price : prices_) impl.put_price(std::make_shared<const ledger::PriceRecord>(price));
    directories_.push_back(
        std::make_shared<const ledger::Directory>(std::make_shared<const ledger::Directory::Impl>(std::move(impl))));
    return std::make_unique<Admission>(*directories_.back(), health_, rates_, endpoint);
  }
  void put_token(ledger::Directory::Impl& impl, const ledger::TokenRecord& token, std::string_view key) {
    impl.put_token(std::make_shared<const ledger::TokenRecord>(token));
    ledger::KeyRecord record;
    record.id = base::KeyId{token.id.value};
    record.token = token.id;
    record.digest = digest_of(key);
    if (key == k_key) record.not_after = key_not_after_;
    impl.put_keys(token.id, {std::make_shared<const ledger::KeyRecord>(record)});
  }

  Admission::MaybeRefusal identify(Admission& admission, const std::string& authorization) {
    http::message::RequestHead head;
    head.fields.push_back({"authorization", authorization});
    return identify(admission, head);
  }
  Admission::MaybeRefusal identify(Admission& admission, const http::message::RequestHead& head) {
    const KeyReader keys{"sk-other-", digest_of};
    return admission.identify(head, peer_, settings_, keys, now_);
  }
  // One whose token is known.
  std::unique_ptr<Admission> identified(Endpoint endpoint = Endpoint::chat_completions) {
    auto admission = make(endpoint);
    const auto refusal = identify(*admission, "Bearer " + std::string(k_key));
    EXPECT_FALSE(refusal) << refusal->message;
    return admission;
  }
  static dialect::RequestScan asking(const std::string& model) {
    dialect::RequestScan scan;
    scan.model = model;
    scan.messages = 1;
    return scan;
  }
  // Model, route and price, as a relayed request goes through them.
  Admission::MaybeRefusal call(Admission& admission, const dialect::RequestScan& scan) {
    auto refusal = admission.allow(scan);
    if (!refusal) refusal = admission.route(nullptr, now_, steady_, 0);
    if (!refusal) refusal = admission.check_price({400, 400});
    return refusal;
  }
  Admission::MaybeRefusal call(const std::string& model, Endpoint endpoint = Endpoint::chat_completions) {
    auto admission = identified(endpoint);
    return call(*admission, asking(model));
  }
  Admission::MaybeRefusal call_smallest(const std::string& model) {
    std::vector<const ledger::ChannelRecord*> channels;
    return identified()->call_smallest(model, now_, steady_, channels);
  }
  bool lists(const std::string& model) {
    const auto admission = identified();
    routing::ModelNames names(ledger::DirectorySnapshot(directories_.back()), token_.settings->groups);
    while (!names.build(100)) continue;
    return admission->lists(model, names.targets_of(model), now_);
  }

  static void expect(const Admission::MaybeRefusal& refusal, RefusalCode code) {
    ASSERT_TRUE(refusal) << dialect::row_of(code).name;
    EXPECT_EQ(refusal->code, code) << refusal->message;
    EXPECT_THAT(refusal->message, Not(HasSubstr("crctl"))) << "what only the administrator can run";
    EXPECT_THAT(refusal->message, Not(HasSubstr("sk-")));
  }

  ledger::TokenRecord token_;
  ledger::AccountRecord account_;
  std::vector<ledger::ChannelRecord> channels_;
  std::vector<ledger::PriceRecord> prices_;
  std::optional<base::Time> key_not_after_;
  std::vector<std::shared_ptr<const ledger::Directory>> directories_;
  routing::CircuitBreaker health_;
  routing::RateLimiter rates_;
  policy::Settings settings_;
  token::IpAddress peer_ = token::IpAddress::parse("192.0.2.1").value();
  base::Time now_ = base::from_unix_ms(1'800'000'000'000);
  base::SteadyTime steady_ = base::steady_now();
};

TEST_F(AdmissionTest, AKnownKeyIsItsToken) {
  const auto admission = identified();
  EXPECT_EQ(admission->caller().token->name, "ci");
  EXPECT_EQ(admission->caller().account->name, "team");
  EXPECT_EQ(admission->caller().source->to_string(), "192.0.2.1");
}

TEST_F(AdmissionTest, NoKeyOrAnUnknownOneIsRefused) {
  auto admission = make();
  expect(identify(*admission, http::message::RequestHead{}), RefusalCode::invalid_api_key);
  expect(identify(*admission, "Bearer nobody-has-this-one"), RefusalCode::invalid_api_key);
  EXPECT_EQ(admission->caller().token, nullptr);
}

TEST_F(AdmissionTest, TwoKnownKeysAreRefused) {
  auto admission = make();
  http::message::RequestHead head;
  const std::string bearer = "Bearer " + std::string(k_key);
  head.fields.push_back({"authorization", bearer});
  head.fields.push_back({"x-api-key", k_other_key});
  expect(identify(*admission, head), RefusalCode::conflicting_credentials);
}

TEST_F(AdmissionTest, AKeyThatWasRotatedOutIsRefused) {
  key_not_after_ = now_;
  auto admission = make();
  expect(identify(*admission, "Bearer " + std::string(k_key)), RefusalCode::invalid_api_key);
}

TEST_F(AdmissionTest, TokensAndAccountsThatMayNotAsk) {
  const auto refusal = [&] {
    auto admission = make();
    auto refused = identify(*admission, "Bearer " + std::string(k_key));
    EXPECT_TRUE(admission->caller().token) << "its request can be recorded";
    if (refused) {
      EXPECT_THAT(refused->message, HasSubstr("'ci'"));
      EXPECT_THAT(refused->message, HasSubstr("administrator"));
    }
    return refused;
  };
  token_.settings.edit().ip_set = token::IpSet::parse({"198.51.100.0/24"}).value();
  expect(refusal(), RefusalCode::ip_not_allowed);
  account_.enabled = Switch::off;
  expect(refusal(), RefusalCode::account_disabled);
  token_.settings.edit().not_before = now_ + std::chrono::hours(1);
  expect(refusal(), RefusalCode::token_not_yet_valid);
  token_.expires = now_;
  expect(refusal(), RefusalCode::token_expired);
  token_.enabled = Switch::off;
  expect(refusal(), RefusalCode::token_disabled);
}

// As `token check` asks.
TEST_F(AdmissionTest, ATokenThatIsNamedIsJudgedByTheSameRules) {
  token_.settings.edit().ip_set = token::IpSet::parse({"198.51.100.0/24"}).value();
  auto admission = make();
  const auto named = [&](std::optional<token::IpAddress> source) {
    return admission->identify(Caller{{},
                                      std::make_shared<const ledger::TokenRecord>(token_),
                                      std::make_shared<const ledger::AccountRecord>(account_),
                                      {}},
                               source, now_);
  };
  EXPECT_FALSE(named(std::nullopt)) << "no address was asked about";
  expect(named(peer_), RefusalCode::ip_not_allowed);
  EXPECT_FALSE(named(token::IpAddress::parse("198.51.100.9").value()));
  token_.enabled = Switch::off;
  expect(named(std::nullopt), RefusalCode::token_disabled);
}

TEST_F(AdmissionTest, NobodyIsServedByADaemonThatCannotRecord) {
  EXPECT_FALSE(Admission::serve(true));
  expect(Admission::serve(false), RefusalCode::unavailable);
}

TEST_F(AdmissionTest, RequestsAMinuteAndAtOnce) {
  token_.settings.edit().rates.requests_per_minute = 2;
  token_.settings.edit().rates.requests_at_once = 1;
  auto first = identified();
  EXPECT_FALSE(first->enter(steady_));
  auto second = identified();
  expect(second->look_at_rates(steady_), RefusalCode::concurrency_limit_exceeded);
  expect(second->enter(steady_), RefusalCode::concurrency_limit_exceeded);
  first.reset();
  EXPECT_FALSE(second->look_at_rates(steady_)) << "it left";
  EXPECT_FALSE(second->look_at_rates(steady_)) << "looking is not counted";
  EXPECT_FALSE(second->enter(steady_));
  const auto third = identified();
  const auto refusal = third->enter(steady_);
  expect(refusal, RefusalCode::rate_limit_exceeded);
  EXPECT_GE(refusal->retry_after, std::chrono::seconds(60)) << "when the first is a minute old";
  expect(third->look_at_rates(steady_), RefusalCode::rate_limit_exceeded);
  EXPECT_FALSE(third->ask(steady_)) << "questions are counted apart";
}

TEST_F(AdmissionTest, ATokenThatIsRefusedTooOftenIsShutOutForTheSecond) {
  constexpr std::int64_t k_most = 3;
  const auto begun = std::chrono::floor<std::chrono::seconds>(steady_);
  const auto refuse = [&](RefusalCode code) {
    const auto admission = identified();
    EXPECT_FALSE(admission->enter(begun, k_most)) << dialect::row_of(code).name;
    admission->note_refused(code, begun);
  };
  // None of these is the fault of what the token asks.
  for (int i = 0; i < 5; ++i) {
    for (const auto code : {RefusalCode::rate_limit_exceeded, RefusalCode::concurrency_limit_exceeded,
                            RefusalCode::unavailable, RefusalCode::overloaded, RefusalCode::upstream_unreachable})
      refuse(code);
    identified()->note_refused(RefusalCode::ip_not_allowed, begun);  // it never got so far as to enter
  }
  for (const auto code : {RefusalCode::insufficient_quota, RefusalCode::model_not_found, RefusalCode::invalid_json})
    refuse(code);
  const auto admission = identified();
  const auto refusal = admission->enter(begun, k_most);
  expect(refusal, RefusalCode::too_many_refusals);
  EXPECT_EQ(refusal->retry_after, std::chrono::seconds(1));
  admission->note_refused(refusal->code, begun);
  expect(identified()->ask(begun, k_most), RefusalCode::too_many_refusals);
  expect(identified()->look_at_rates(begun, k_most), RefusalCode::too_many_refusals);
  EXPECT_FALSE(identified()->look_at_rates(begun));
  EXPECT_FALSE(identified()->enter(begun, 0)) << "it is not asked for";
  EXPECT_FALSE(identified()->enter(begun + std::chrono::seconds(1), k_most));
}

TEST_F(AdmissionTest, WhatCrdAnswersByItselfCountsAgainstItsTokenToo) {
  const auto begun = std::chrono::floor<std::chrono::seconds>(steady_);
  const auto asked = identified();
  EXPECT_FALSE(asked->ask(begun, 1));
  asked->note_refused(RefusalCode::model_not_found, begun);
  expect(identified()->enter(begun, 1), RefusalCode::too_many_refusals);
}

TEST_F(AdmissionTest, ModelTokensAMinuteAreChargedByEstimateAndPutRight) {
  token_.settings.edit().rates.tokens_per_minute = 150;
  auto first = identified();
  ASSERT_FALSE(first->allow(asking("m")));
  ASSERT_FALSE(first->charge_rates(first->priced({400, 400}), steady_));
  EXPECT_EQ(first->rate_status(steady_)->remaining_tokens, 50);
  auto second = identified();
  ASSERT_FALSE(second->allow(asking("m")));
  expect(second->charge_rates(second->priced({400, 400}), steady_), RefusalCode::rate_limit_exceeded);
  first->correct_rates(20, steady_);
  EXPECT_EQ(first->rate_status(steady_)->remaining_tokens, 130);
  EXPECT_FALSE(second->charge_rates(second->priced({400, 400}), steady_));
}

TEST_F(AdmissionTest, AModelThatIsNotInTheTokensList) {
  allow_models({"other*"});
  expect(call("m"), RefusalCode::model_not_allowed);
  expect(call_smallest("m"), RefusalCode::model_not_allowed);
  EXPECT_FALSE(lists("m"));
}

TEST_F(AdmissionTest, AModelThatNoChannelServes) {
  expect(call("nobody-has-it"), RefusalCode::model_not_found);
  expect(call_smallest("nobody-has-it"), RefusalCode::model_not_found);
  expect(call("m", Endpoint::messages), RefusalCode::model_not_found);
}

TEST_F(AdmissionTest, AModelWhoseChannelsAreAllSetAside) {
  {
    const auto admission = identified();
    ASSERT_FALSE(call(*admission, asking("m")));
    const auto claim = health_.claim(*admission->routes().tries.front().channel, "m", steady_);
    health_.report(*claim, {routing::Observation::Kind::failed, 503, {}, std::chrono::seconds(20)}, steady_);
  }
  expect(call("m"), RefusalCode::unavailable);
  expect(call_smallest("m"), RefusalCode::unavailable);
  EXPECT_TRUE(lists("m")) << "it comes back by itself";
}

// The channels that are explained first are those that a request is routed to, in that order.
TEST_F(AdmissionTest, WhatIsExplainedIsWhatIsRouted) {
  add_channel("other", ChannelKind::openai, {"another"});
  add_channel("second", ChannelKind::openai, {"m"});
  auto admission = identified();
  EXPECT_FALSE(call(*admission, asking("m")));
  const auto explained = admission->explain_routes(Endpoint::chat_completions, steady_);
  const auto& routes = admission->routes().tries;
  ASSERT_EQ(routes.size(), 2U);
  ASSERT_EQ(explained.size(), 3U);
  for (std::size_t i = 0; i < routes.size(); ++i) {
    EXPECT_EQ(explained[i].channel, routes[i].channel);
    EXPECT_EQ(explained[i].kept, routing::RouteDecision::yes);
  }
  EXPECT_EQ(explained[2].channel->name, "other");
  EXPECT_EQ(explained[2].kept, routing::RouteDecision::other_model);
}

TEST_F(AdmissionTest, AModelWithoutAPriceIsForTokensWithoutALimit) {
  EXPECT_FALSE(call("unpriced"));
  EXPECT_FALSE(call_smallest("unpriced"));
  EXPECT_TRUE(lists("unpriced"));
  for (const bool of_account : {false, true}) {
    token_.quota = of_account ? std::nullopt : std::optional(Credits::from_nano(1));
    account_.quota = of_account ? std::optional(Credits::from_nano(1)) : std::nullopt;
    expect(call("unpriced"), RefusalCode::model_not_priced);
    expect(call_smallest("unpriced"), RefusalCode::model_not_priced);
    EXPECT_FALSE(lists("unpriced"));
    EXPECT_FALSE(call("m"));
    EXPECT_TRUE(lists("m"));
  }
}

TEST_F(AdmissionTest, AnAliasIsPricedByTheNameItStandsFor) {
  token_.quota = Credits::from_nano(1);
  add_channel("mapped", ChannelKind::openai, {}, {{"fast", "m"}, {"slow", "unpriced"}});
  EXPECT_FALSE(call("fast"));
  EXPECT_FALSE(call_smallest("fast"));
  EXPECT_TRUE(lists("fast"));
  expect(call("slow"), RefusalCode::model_not_priced);
  EXPECT_FALSE(lists("slow"));
}

TEST_F(AdmissionTest, APriceMustHaveWhatTheEndpointIsMeteredBy) {
  token_.quota = Credits::from_nano(1);
  expect(call("picture"), RefusalCode::model_not_priced);
  EXPECT_FALSE(call("picture", Endpoint::images_generations));
  EXPECT_FALSE(call_smallest("picture")) << "some endpoint takes it";
  EXPECT_TRUE(lists("picture"));
}

TEST_F(AdmissionTest, WhatNoBoundIsKnownOfIsNotForLimitedTokens) {
  auto scan = asking("m");
  scan.unbounded_media = true;
  EXPECT_FALSE(call(*identified(), scan));
  token_.quota = Credits::from_nano(1);
  expect(call(*identified(), scan), RefusalCode::invalid_value);
  prices_.front().context_tokens = 128'000;
  EXPECT_FALSE(call(*identified(), scan));
}

TEST_F(AdmissionTest, CountingTokensNeedsNoPrice) {
  token_.quota = Credits::from_nano(1);
  add_channel("claude", ChannelKind::anthropic, {"free"});
  EXPECT_FALSE(call("free", Endpoint::count_tokens));
  expect(call("free", Endpoint::messages), RefusalCode::model_not_priced);
  expect(call_smallest("free"), RefusalCode::model_not_priced);
}

TEST_F(AdmissionTest, ItIsPricedAtItsGroupsMultiplier) {
  const auto admission = identified();
  ASSERT_FALSE(call(*admission, asking("m")));
  const auto request = admission->priced({400, 400});
  EXPECT_EQ(request.multiplier.millionths, 1'500'000);
  EXPECT_EQ(request.body_bytes, 400U);
  ASSERT_TRUE(request.price);
  EXPECT_EQ(request.price->output.nano_per_million, 2'000'000'000);
}

TEST_F(AdmissionTest, TheSmallestRequestIsOfTheFirstEndpointThatTakesIt) {
  add_channel("claude", ChannelKind::anthropic, {"m", "only-there"});
  auto admission = identified();
  std::vector<const ledger::ChannelRecord*> channels;
  ASSERT_FALSE(admission->call_smallest("m", now_, steady_, channels));
  EXPECT_EQ(admission->endpoint(), Endpoint::chat_completions);
  ASSERT_EQ(channels.size(), 2U);
  EXPECT_EQ(channels.front()->name, "main");
  channels.clear();
  ASSERT_FALSE(admission->call_smallest("only-there", now_, steady_, channels));
  EXPECT_EQ(admission->endpoint(), Endpoint::messages);
  ASSERT_EQ(channels.size(), 1U);
  EXPECT_EQ(channels.front()->name, "claude");
}

TEST_F(AdmissionTest, WhatIsLeftCarriesTheSmallestRequestOrNot) {
  token_.quota = Credits::from_nano(1);
  auto admission = identified();
  std::vector<const ledger::ChannelRecord*> channels;
  ASSERT_FALSE(admission->call_smallest("m", now_, steady_, channels));
  const auto hold = billing::size_reservation(admission->reservation_terms(), Credits::max());
  ASSERT_TRUE(hold);
  EXPECT_TRUE(admission->fits(hold->amount));
  EXPECT_FALSE(admission->fits(hold->amount - Credits::from_nano(1)));
}

TEST_F(AdmissionTest, WhatTheLedgerReservedOrNot) {
  const auto admission = identified();
  ledger::ReserveOp reservation;
  const std::vector<std::pair<ledger::ReserveOutcome, RefusalCode>> table = {
      {ledger::ReserveOutcome::no_token_credit, RefusalCode::insufficient_quota},
      {ledger::ReserveOutcome::no_account_credit, RefusalCode::insufficient_quota},
      {ledger::ReserveOutcome::no_budget, RefusalCode::budget_exceeded},
      {ledger::ReserveOutcome::gone, RefusalCode::invalid_api_key},
      {ledger::ReserveOutcome::unavailable, RefusalCode::unavailable},
  };
  reservation.budget_resets_at = now_ + std::chrono::seconds(90);
  for (const auto& [outcome, code] : table) {
    reservation.outcome = outcome;
    const auto refusal = admission->check_reservation(reservation, now_);
    expect(refusal, code);
    if (code == RefusalCode::budget_exceeded) {
      EXPECT_EQ(refusal->retry_after, std::chrono::seconds(90));
    }
  }
  for (const auto outcome : {ledger::ReserveOutcome::reserved, ledger::ReserveOutcome::unlimited}) {
    reservation.outcome = outcome;
    EXPECT_FALSE(admission->check_reservation(reservation, now_));
  }
}

TEST_F(AdmissionTest, AStoredResponseIsAskedOfTheChannelThatKeepsIt) {
  allow_models({"other*"});  // who made it may have it
  add_channel("second", ChannelKind::openai, {"m"});
  auto admission = identified(Endpoint::response_by_id);
  http::message::RequestHead head;
  head.method_text = "GET";
  head.path = "/v1/responses/resp_1";
  Stored stored(token_.id, "resp_1", head);
  stored.query.response.channel = channels_.at(1).id;
  stored.query.response.model = "m";
  ASSERT_FALSE(admission->allow({}));
  ASSERT_FALSE(admission->route(&stored, now_, steady_, 0));
  ASSERT_EQ(admission->routes().tries.size(), 1U);
  EXPECT_EQ(admission->routes().tries.front().channel->name, "second");
  EXPECT_EQ(admission->scan().model, "m");
  EXPECT_FALSE(admission->is_limited());
  stored.query.response.channel = base::ChannelId{99};
  expect(admission->route(&stored, now_, steady_, 0), RefusalCode::response_not_found);
}

TEST_F(AdmissionTest, WhatAPreviousResponseUsedIsKnownFromWhereItIsStored) {
  auto admission = identified(Endpoint::responses);
  dialect::RequestScan scan;
  scan.model = "m";
  scan.previous_response = "resp_1";
  ASSERT_FALSE(admission->allow(std::move(scan)));
  Stored stored(token_.id, "resp_1");
  stored.query.response.channel = channels_.at(0).id;
  ASSERT_FALSE(admission->route(&stored, now_, steady_, 0));
  EXPECT_EQ(admission->scan().continued_tokens, std::nullopt) << "nobody told";
  stored.query.response.tokens = 1234;
  ASSERT_FALSE(admission->route(&stored, now_, steady_, 0));
  EXPECT_EQ(admission->scan().continued_tokens, 1234);
}

}  // namespace
}  // namespace cr::relay::request

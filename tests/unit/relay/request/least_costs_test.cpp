// SPDX-License-Identifier: MIT
#include "relay/request/least_costs.h"

#include <gtest/gtest.h>

#include "ledger/core/directory_builder.h"

namespace cr::relay::request {
namespace {

using base::Credits;
using ledger::Directory;

constexpr std::int64_t k_dollar = 1'000'000'000;

class LeastCostsTest : public testing::Test {
 protected:
  LeastCostsTest() {
    token_.id = base::TokenId{1};
    token_.account = base::AccountId{1};
    token_.settings.edit().groups = {"default"};
    token_.quota = Credits::from_nano(1);
    add_model("dear", 100 * k_dollar);
    add_model("cheap", k_dollar);
    add_model("unpriced", -1);
  }
  // Of a token of output; -1: it has no price.
  void add_model(const std::string& name, std::int64_t nano_a_million) {
    models_.push_back(name);
    if (nano_a_million < 0) return;
    auto price = std::make_shared<ledger::PriceRecord>();
    price->model = name;
    price->input = price->cached_input = price->cache_write = base::Rate{0};
    price->output = {nano_a_million};
    impl_.put_price(price);
  }
  std::shared_ptr<const Directory> directory() {
    ledger::AccountRecord account;
    account.id = base::AccountId{1};
    impl_.put_account(std::make_shared<const ledger::AccountRecord>(account));
    ledger::GroupRecord group;
    group.name = "default";
    group.multiplier_millionths = 2'000'000;
    impl_.put_group(std::make_shared<const ledger::GroupRecord>(group));
    ledger::ChannelRecord channel;
    channel.id = base::ChannelId{1};
    channel.name = "main";
    channel.groups = {"default"};
    channel.models = models_;
    channel.model_set = token::ModelSet::parse(models_).value();
    impl_.put_channel(std::make_shared<const ledger::ChannelRecord>(channel));
    return std::make_shared<const Directory>(std::make_shared<const Directory::Impl>(impl_));
  }
  void allow(const std::vector<std::string>& models) {
    token_.settings.edit().models = models;
    token_.settings.edit().model_set = token::ModelSet::parse(models).value();
  }
  LeastCost search() {
    const auto found = directory();
    LeastCostSearch search(*found, std::make_shared<const ledger::TokenRecord>(token_), now_);
    for (const auto& model : models_) search.look_at(model);
    return search.least();
  }
  // 256 tokens of output, twice their price.
  static Credits cost(std::int64_t nano_a_million) { return Credits::from_nano(2 * 256 * nano_a_million / 1'000'000); }

  const base::Time now_{std::chrono::hours(24 * 20'000)};
  ledger::TokenRecord token_;
  ledger::Directory::Impl impl_;
  std::vector<std::string> models_;
};

TEST_F(LeastCostsTest, IsThatOfTheCheapestModelThatTheTokenMayAskFor) {
  EXPECT_EQ(search(), cost(k_dollar));
  allow({"dear", "unpriced"});
  EXPECT_EQ(search(), cost(100 * k_dollar));
  allow({"d*"});
  EXPECT_EQ(search(), cost(100 * k_dollar));
}

TEST_F(LeastCostsTest, WithoutAnyPriceThereIsNone) {
  allow({"unpriced"});
  EXPECT_EQ(search(), std::nullopt);
}

TEST_F(LeastCostsTest, AFreeModelIsTheLeast) {
  add_model("free", 0);
  EXPECT_EQ(search(), Credits());
}

TEST_F(LeastCostsTest, ASwitchedOffTokensIsAskedAllTheSame) {
  token_.enabled = token::Switch::off;
  EXPECT_EQ(search(), cost(k_dollar));
}

TEST_F(LeastCostsTest, AreKeptByGroupsAndModelsUntilAPriceChangesOrAMinuteIsOver) {
  LeastCosts kept;
  const auto first = directory();
  EXPECT_FALSE(kept.find(*first, token_, now_));
  kept.put(*first, token_, now_, Credits::from_nano(7));
  auto other = token_;
  other.id = base::TokenId{2};
  ASSERT_TRUE(kept.find(*first, other, now_)) << "whose it is does not matter";
  EXPECT_EQ(kept.find(*first, other, now_)->least, Credits::from_nano(7));
  other.settings.edit().models = {"dear"};
  EXPECT_FALSE(kept.find(*first, other, now_));
  kept.put(*first, other, now_, std::nullopt);
  EXPECT_EQ(kept.find(*first, other, now_)->least, std::nullopt);
  EXPECT_FALSE(kept.find(*first, token_, now_ + std::chrono::minutes(1)));
  kept.put(*first, token_, now_, Credits::from_nano(7));
  add_model("cheaper", 1);
  EXPECT_FALSE(kept.find(*directory(), token_, now_));
}

TEST_F(LeastCostsTest, NamesThatTogetherReadAlikeAreKeptApart) {
  LeastCosts kept;
  const auto found = directory();
  token_.settings.edit().models = {"ab", "c"};
  kept.put(*found, token_, now_, Credits::from_nano(7));
  token_.settings.edit().models = {"a", "bc"};
  EXPECT_FALSE(kept.find(*found, token_, now_));
}

}  // namespace
}  // namespace cr::relay::request

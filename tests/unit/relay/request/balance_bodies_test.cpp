// SPDX-License-Identifier: MIT
#include "relay/request/balance_bodies.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace cr::relay::request {
namespace {

using base::Credits;
using Json = nlohmann::json;

Credits dollars(std::int64_t whole) {
  return Credits::from_nano(whole * 1'000'000'000);
}

class BalanceBodies : public testing::Test {
 protected:
  BalanceBodies() {
    ledger::TokenRecord token;
    token.name = "ci";
    caller_.token = std::make_shared<const ledger::TokenRecord>(token);
  }
  Json token() const { return Json::parse(token_body(caller_, balance_, least_)); }
  Json subscription() const { return Json::parse(subscription_body(caller_, balance_)); }
  void add_budget(Credits limit, Credits used) {
    ledger::BudgetUse budget;
    budget.limit = limit;
    budget.used = used;
    balance_.budgets.push_back(budget);
  }

  Credits least_;
  Caller caller_;
  ledger::BalanceQuery balance_{ledger::TokenId{1}};
};

TEST_F(BalanceBodies, OfNoLimitAreNullOrWhatClientsTakeForNone) {
  balance_.token_balance.posted = dollars(3);
  EXPECT_EQ(token().at("remaining"), Json());
  EXPECT_EQ(token().at("status"), "enabled");
  EXPECT_EQ(subscription().at("hard_limit_usd"), 100'000'000.0);
  EXPECT_EQ(Json::parse(usage_body(balance_)).at("total_usage"), 300.0);
}

TEST_F(BalanceBodies, TellTheLeastThatIsLeft) {
  balance_.token_balance = {dollars(10), dollars(3), dollars(1)};
  EXPECT_EQ(token().at("remaining"), dollars(6).to_decimal());
  balance_.account_balance = {dollars(5), dollars(0), dollars(1)};
  EXPECT_EQ(token().at("remaining"), dollars(4).to_decimal());
  add_budget(dollars(2), dollars(1));
  EXPECT_EQ(token().at("remaining"), dollars(1).to_decimal());
  EXPECT_EQ(subscription().at("hard_limit_usd"), 5.0) << "what is left, and what it has used";
}

TEST_F(BalanceBodies, TellWhatStopsTheToken) {
  balance_.token_balance = {dollars(10), dollars(3), dollars(0)};
  add_budget(dollars(2), dollars(2));
  EXPECT_EQ(token().at("status"), "limited");
  balance_.token_balance.posted = dollars(10);
  EXPECT_EQ(token().at("status"), "exhausted");
}

TEST_F(BalanceBodies, WhatPaysNoRequestIsNothing) {
  least_ = dollars(2);
  balance_.token_balance = {dollars(10), dollars(8), dollars(0)};
  add_budget(dollars(5), dollars(3));
  EXPECT_EQ(token().at("status"), "enabled");
  balance_.budgets.front().reserved = Credits::from_nano(1);
  EXPECT_EQ(token().at("status"), "limited");
  balance_.token_balance.reserved = Credits::from_nano(1);
  EXPECT_EQ(token().at("status"), "exhausted");
  EXPECT_EQ(token().at("remaining"), Credits::from_nano(1'999'999'999).to_decimal()) << "what is left stays told";
}

}  // namespace
}  // namespace cr::relay::request

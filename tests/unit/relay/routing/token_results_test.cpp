// SPDX-License-Identifier: MIT
// Whether the failures of some tokens are their channel's.
#include "relay/routing/token_results.h"

#include <gtest/gtest.h>

#include <string>

namespace cr::relay::routing {
namespace {

using namespace std::chrono_literals;

class TokenResultsTest : public testing::Test {
 protected:
  // "1+" is a good answer of token 1, "1-" a failure; tokens 10 to 19 are of account 1, 20 to 29 of account 2, and so
  // on. A second passes after each.
  void see(const std::string& story) {
    for (std::size_t at = 0; at + 2 < story.size() + 1; at += 4) {
      const Asker asker{base::TokenId{std::stoll(story.substr(at, 2))}, base::AccountId{story[at] - '0'}, false};
      if (story[at + 2] == '+') {
        results_.note_good(asker, now_);
      } else {
        results_.note_failure(asker, now_);
      }
      now_ += 1s;
    }
  }
  bool agree() const { return results_.agree(false, now_); }
  bool agree_on_one() const { return results_.agree(true, now_); }

  TokenResults results_;
  base::SteadyTime now_ = base::steady_now();
};

TEST_F(TokenResultsTest, OneTokenSaysNothingHoweverOften) {
  see("10- 10- 10- 10- 10- 10-");
  EXPECT_FALSE(agree());
  EXPECT_FALSE(agree_on_one());
}

TEST_F(TokenResultsTest, TwoTokensOfOneAccountSayItOnASiteThatHasNoOther) {
  see("10- 11-");
  EXPECT_FALSE(agree());
  EXPECT_TRUE(agree_on_one());
}

TEST_F(TokenResultsTest, TwoAccountsSayIt) {
  see("10- 20-");
  EXPECT_TRUE(agree());
}

TEST_F(TokenResultsTest, NotIfHalfOfTheTokensWereServed) {
  see("30+ 31+ 10- 20-");
  EXPECT_FALSE(agree());
}

TEST_F(TokenResultsTest, NotIfSomebodyWasServedSince) {
  see("10- 20- 30+");
  EXPECT_FALSE(agree());
  see("10-");
  EXPECT_FALSE(agree()) << "one account since then";
  see("20-");
  EXPECT_FALSE(agree()) << "the one that was served has not failed";
}

TEST_F(TokenResultsTest, ThreeBadTokensBesideAGoodOneSayNothing) {
  for (int i = 0; i < 30; ++i) {
    see("10+ 11- 12- 13-");
    EXPECT_FALSE(agree());
    EXPECT_FALSE(agree_on_one());
  }
}

TEST_F(TokenResultsTest, ATokenThatWasServedSaysItAfterAFew) {
  see("10+ 20- 10-");
  EXPECT_FALSE(agree());
  see("20- 10-");
  EXPECT_FALSE(agree());
  see("20- 10-");
  EXPECT_TRUE(agree());
}

TEST_F(TokenResultsTest, CrdsOwnGoodAnswerIsOneToo) {
  see("10- 20-");
  results_.note_own_good(now_);
  EXPECT_FALSE(agree());
  now_ += 1s;
  see("10- 20-");
  EXPECT_TRUE(agree()) << "small requests work, and no others";
  see("11-");
  now_ += 60s;
  see("10- 11-");
  EXPECT_TRUE(agree_on_one());
}

TEST_F(TokenResultsTest, OnASiteWithOneAccountItOutweighsTwoTokens) {
  results_.note_own_good(now_);
  now_ += 1s;
  see("10- 11- 12-");
  EXPECT_FALSE(agree_on_one());
}

TEST_F(TokenResultsTest, WhatIsLongAgoIsForgotten) {
  see("30+ 31+ 10- 20-");
  now_ += 61s;
  EXPECT_FALSE(agree());
  see("10- 20-");
  EXPECT_TRUE(agree());
}

TEST_F(TokenResultsTest, ManyTokensPushOutOnlyThoseOfTheirPlaces) {
  see("10+");
  const auto began = now_ - 1s;
  for (std::int64_t token = 1000; token < 100'000; ++token)
    results_.note_failure({base::TokenId{token}, base::AccountId{2}, false}, now_);
  EXPECT_FALSE(results_.agree(false, began)) << "of one account, however many";
}

}  // namespace
}  // namespace cr::relay::routing

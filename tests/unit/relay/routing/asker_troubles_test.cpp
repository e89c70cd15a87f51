// SPDX-License-Identifier: MIT
#include "relay/routing/asker_troubles.h"

#include <gtest/gtest.h>

#include <string>

namespace cr::relay::routing {
namespace {

using namespace std::chrono_literals;

class AskerTroublesTest : public testing::Test {
 protected:
  AskerTroubles::Trouble* add(const AskerTroubles::Subject& subject, base::SteadyTime sent_at) {
    auto* trouble = troubles_.add(subject, sent_at, now_);
    if (trouble != nullptr) trouble->until = now_ + 10s;
    return trouble;
  }

  AskerTroubles troubles_;
  base::SteadyTime now_ = base::steady_now();
  const AskerTroubles::Subject one_{base::TokenId{1}, 0, "m"};
};

TEST_F(AskerTroublesTest, AreOfOneTokenKeyAndModelForATime) {
  ASSERT_NE(add(one_, now_), nullptr);
  EXPECT_NE(troubles_.find(one_, now_), nullptr);
  EXPECT_EQ(troubles_.find({base::TokenId{2}, 0, "m"}, now_), nullptr);
  EXPECT_EQ(troubles_.find({base::TokenId{1}, 1, "m"}, now_), nullptr);
  EXPECT_EQ(troubles_.find({base::TokenId{1}, 0, "n"}, now_), nullptr);
  EXPECT_EQ(troubles_.find({{}, 0, "m"}, now_), nullptr) << "crd itself";
  EXPECT_EQ(troubles_.find(one_, now_ + 10s), nullptr);
}

TEST_F(AskerTroublesTest, OfEveryKey) {
  add({base::TokenId{1}, AskerTroubles::k_every_key, "m"}, now_);
  EXPECT_NE(troubles_.find({base::TokenId{1}, 5, "m"}, now_), nullptr);
}

TEST_F(AskerTroublesTest, ComeAgainOnceForThoseThatWereUnderWay) {
  const auto before = now_;
  add(one_, now_);
  now_ += 1s;
  EXPECT_EQ(add(one_, before), nullptr);
  now_ += 10s;
  const auto* again = add(one_, now_);
  ASSERT_NE(again, nullptr);
  EXPECT_EQ(again->step, 1U);
}

TEST_F(AskerTroublesTest, AreOverAfterAGoodAnswerThatWasAskedForLater) {
  add(one_, now_);
  troubles_.clear(one_, now_);
  EXPECT_FALSE(troubles_.empty()) << "it was under way";
  troubles_.clear(one_, now_ + 1s);
  EXPECT_TRUE(troubles_.empty());
}

TEST_F(AskerTroublesTest, AreRememberedForAWhileAndThenForgotten) {
  add(one_, now_);
  troubles_.forget_old(now_ + 69s);
  EXPECT_FALSE(troubles_.empty());
  troubles_.forget_old(now_ + 70s);
  EXPECT_TRUE(troubles_.empty());
}

TEST_F(AskerTroublesTest, AreBoundedAndEachTokensShareOfThem) {
  for (std::int64_t token = 2; token < 100; ++token) add({base::TokenId{token}, 0, "m"}, now_);
  for (int i = 0; i < 10'000; ++i) add({base::TokenId{1}, 0, "m" + std::to_string(i)}, now_);
  for (std::int64_t token = 2; token < 100; ++token)
    EXPECT_NE(troubles_.find({base::TokenId{token}, 0, "m"}, now_), nullptr);
  EXPECT_NE(troubles_.find({base::TokenId{1}, 0, "m9999"}, now_), nullptr);
  EXPECT_EQ(troubles_.find({base::TokenId{1}, 0, "m0"}, now_), nullptr);
  for (std::int64_t token = 100; token < 10'000; ++token) {
    now_ += 1ms;
    add({base::TokenId{token}, 0, "m"}, now_);
  }
  EXPECT_EQ(troubles_.find({base::TokenId{2}, 0, "m"}, now_), nullptr) << "the oldest goes first";
}

}  // namespace
}  // namespace cr::relay::routing

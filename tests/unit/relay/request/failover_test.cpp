// SPDX-License-Identifier: MIT
// Whose turn it is: the order of the routes, what is left out, and when no route is left.
#include "relay/request/failover.h"

#include <gtest/gtest.h>

#include <array>

namespace cr::relay::request {
namespace {

class FailoverTest : public testing::Test {
 protected:
  FailoverTest() {
    health_.use(limits_);
    for (std::size_t i = 0; i < channels_.size(); ++i) {
      channels_[i].id = base::ChannelId{static_cast<std::int64_t>(i) + 1};
      channels_[i].rev = 1;
      channels_[i].name = std::string(1, static_cast<char>('a' + i));
    }
    usual_.multiplier_millionths = 1'000'000;
    for (const auto& channel : channels_) routes_.push_back({&channel, &usual_, "m", {}});
  }
  Failover failover(std::uint32_t attempts_max = 10) { return {routes_, health_, attempts_max}; }
  // The names of the channels whose turn comes, to the end.
  static std::string turns(Failover& failover) {
    std::string names;
    while (const auto claimed = failover.next()) names += claimed->route->channel->name;
    return names;
  }
  void set_aside(const ledger::ChannelRecord& channel) {
    const auto now = base::steady_now();
    const auto claim = health_.claim(channel, "m", now);
    ASSERT_TRUE(claim);
    health_.report(*claim, {routing::Observation::Kind::failed, 0, "could not be reached", {}}, now);
  }

  policy::HealthLimits limits_{.failures_in_a_row = 1};
  routing::CircuitBreaker health_;
  std::array<ledger::ChannelRecord, 3> channels_;
  ledger::GroupRecord usual_, dearer_;
  std::vector<routing::Route> routes_;
};

TEST_F(FailoverTest, routes_take_their_turns) {
  auto all = failover();
  EXPECT_EQ(turns(all), "abc");
  EXPECT_FALSE(all.is_left());
}

TEST_F(FailoverTest, only_so_many_are_tried) {
  auto two = failover(2);
  EXPECT_TRUE(two.next());
  EXPECT_TRUE(two.is_left());
  EXPECT_TRUE(two.next());
  EXPECT_FALSE(two.is_left());
  EXPECT_FALSE(two.next());
}

TEST_F(FailoverTest, what_is_set_aside_is_passed_over_and_counts_as_no_attempt) {
  set_aside(channels_[0]);
  auto two = failover(2);
  EXPECT_EQ(turns(two), "bc");
  set_aside(channels_[2]);
  auto one = failover();
  const auto first = one.next();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->route->channel->name, "b");
  EXPECT_FALSE(one.is_left());
}

TEST_F(FailoverTest, what_is_reserved_need_not_carry_every_route) {
  auto unlimited = failover();
  EXPECT_EQ(turns(unlimited), "abc");
  auto limited = failover();
  limited.leave_out(1);
  EXPECT_EQ(turns(limited), "ac");
  auto alone = failover();
  alone.leave_out(2);
  alone.leave_out(1);
  EXPECT_TRUE(alone.next());
  EXPECT_FALSE(alone.is_left());
}

TEST_F(FailoverTest, the_same_route_again_is_no_other_attempt_and_keeps_its_claim) {
  auto two = failover(2);
  const auto first = two.next();
  ASSERT_TRUE(first);
  EXPECT_FALSE(first->fresh);
  two.again(*first);
  const auto again = two.next();
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->fresh);
  EXPECT_EQ(again->route, first->route);
  EXPECT_EQ(again->claim.channel, first->claim.channel);
  EXPECT_EQ(turns(two), "b");
}

TEST_F(FailoverTest, what_crd_wrote_is_changed_on_the_same_route) {
  auto two = failover(2);
  const auto first = two.next();
  ASSERT_TRUE(first);
  two.rewritten(*first, std::nullopt);
  auto again = two.next();
  ASSERT_TRUE(again);
  EXPECT_FALSE(again->fresh);
  EXPECT_EQ(again->rewrites, 1);
  EXPECT_FALSE(again->bound_most);
  two.rewritten(*again, 300);
  again = two.next();
  ASSERT_TRUE(again);
  EXPECT_EQ(again->rewrites, 2);
  EXPECT_EQ(again->bound_most, 300);
  EXPECT_EQ(turns(two), "b");
}

// What one token saw of a channel keeps it away while another is left, and no longer.
TEST_F(FailoverTest, a_route_set_aside_for_this_token_alone_is_the_last) {
  const routing::Asker asker{base::TokenId{7}, base::AccountId{1}, false};
  for (auto& route : routes_) route.asker = asker;
  const auto now = base::steady_now();
  const auto claim = health_.claim(channels_[0], "m", now, {asker, {}, false});
  ASSERT_TRUE(claim);
  health_.report(*claim, {routing::Observation::Kind::failed, 500, {}, {}, true}, now);
  auto others = failover();
  EXPECT_EQ(turns(others), "bc");
  std::rotate(routes_.begin(), routes_.begin() + 1, routes_.end());
  routes_.back().as_last = true;
  auto all = failover();
  ASSERT_TRUE(all.next());
  ASSERT_TRUE(all.next());
  EXPECT_TRUE(all.is_left());
  EXPECT_EQ(turns(all), "a");
}

TEST_F(FailoverTest, the_last_failure_is_what_the_client_is_told) {
  auto none = failover();
  EXPECT_EQ(none.refusal().code, dialect::RefusalCode::unavailable);
  none.note({dialect::RefusalCode::upstream_unreachable, "one", {}, {}});
  none.note({dialect::RefusalCode::upstream_timeout, "two", {}, {}});
  EXPECT_EQ(none.refusal().message, "two");
}

}  // namespace
}  // namespace cr::relay::request

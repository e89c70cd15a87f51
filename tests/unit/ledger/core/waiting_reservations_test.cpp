// SPDX-License-Identifier: MIT
#include "ledger/core/waiting_reservations.h"

#include <gtest/gtest.h>

#include <functional>
#include <list>
#include <string>

namespace cr::ledger {
namespace {

using base::Credits;

class WaitingReservationsTest : public testing::Test {
 protected:
  ReserveOp& wait(std::int64_t token, const std::string& model) {
    ReserveOp& op = ops_.emplace_back();
    op.facts.token = TokenId{token};
    op.facts.model = model;
    EXPECT_TRUE(waiting_.add(op));
    return op;
  }
  // Those decided, where `most` may be reserved for each token.
  std::string retry(int most) {
    std::map<TokenId, int> reserved;
    OpList<ReserveOp> decided;
    const auto done = waiting_.retry(
        [&](ReserveOp& op) -> base::Result<void> {
          const bool fits = ++reserved[op.facts.token] <= most;
          op.outcome = fits ? ReserveOutcome::reserved : ReserveOutcome::credit_reserved;
          return {};
        },
        decided);
    EXPECT_TRUE(done);
    return models(decided);
  }
  static std::string models(const OpList<ReserveOp>& list) {
    std::string text;
    for (const ReserveOp* op = list.head; op != nullptr; op = op->next) text += op->facts.model;
    return text;
  }
  std::list<ReserveOp> ops_;
  WaitingReservations waiting_;
};

TEST_F(WaitingReservationsTest, each_tokens_go_in_their_order) {
  wait(1, "a");
  wait(2, "x");
  wait(1, "b");
  wait(1, "c");
  EXPECT_TRUE(waiting_.has_before(ops_.front()));
  EXPECT_EQ(retry(0), "");
  EXPECT_EQ(waiting_.size(), 4U);
  EXPECT_EQ(retry(2), "abx");
  EXPECT_EQ(retry(1), "c");
  EXPECT_TRUE(waiting_.empty());
  EXPECT_FALSE(waiting_.has_before(ops_.front()));
}

TEST_F(WaitingReservationsTest, who_stands_behind_has_in_its_way_what_the_first_has) {
  ReserveOp& first = ops_.emplace_back();
  first.facts.token = TokenId{1};
  first.in_the_way = {Credits::from_nano(4), Credits::from_nano(5), 3};
  EXPECT_TRUE(waiting_.add(first));
  for (const auto& behind : {std::ref(wait(1, "b")), std::ref(wait(1, "c"))}) {
    EXPECT_EQ(behind.get().in_the_way.reserved, Credits::from_nano(4));
    EXPECT_EQ(behind.get().in_the_way.limit, Credits::from_nano(5));
    EXPECT_EQ(behind.get().in_the_way.requests, 3);
  }
  EXPECT_EQ(wait(2, "x").in_the_way.requests, 0);
}

TEST_F(WaitingReservationsTest, those_who_left_go_undecided) {
  ReserveOp& left = wait(1, "a");
  wait(1, "b");
  left.abandon();
  EXPECT_EQ(retry(1), "ab");
  EXPECT_EQ(left.outcome, ReserveOutcome::unavailable);
}

TEST_F(WaitingReservationsTest, an_error_leaves_the_rest_waiting) {
  wait(1, "a");
  wait(2, "b");
  OpList<ReserveOp> decided;
  const auto done = waiting_.retry(
      [](ReserveOp& op) -> base::Result<void> {
        op.outcome = ReserveOutcome::reserved;
        if (op.facts.model == "b") return base::fail(base::ErrorCode::unavailable, "no disk");
        return {};
      },
      decided);
  EXPECT_FALSE(done);
  EXPECT_EQ(models(decided), "a");
  EXPECT_EQ(waiting_.size(), 1U);
  EXPECT_EQ(models(waiting_.take_all()), "b");
  EXPECT_TRUE(waiting_.empty());
}

TEST_F(WaitingReservationsTest, are_bounded) {
  for (std::size_t i = 0; i < WaitingReservations::k_most; ++i) wait(static_cast<std::int64_t>(i % 7), "a");
  ReserveOp more;
  EXPECT_FALSE(waiting_.add(more));
}

}  // namespace
}  // namespace cr::ledger

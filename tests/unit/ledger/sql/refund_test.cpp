// SPDX-License-Identifier: MIT
// Refunds: audited, never above what was posted, in balances, budgets and usage alike.
#include "unit/ledger/ledger_fixture.h"

namespace cr::ledger {
namespace {

using base::ErrorCode;

class RefundTest : public LedgerFixture {
 protected:
  void SetUp() override {
    open();
    create_account("team", dollars(100));
    NewToken wanted;
    wanted.name = "ci";
    wanted.account = "team";
    wanted.quota = dollars(10);
    wanted.budgets[0] = dollars(9);
    token_ = create_token(wanted);
    op_ = reservation(*token_, dollars(5));
    reserve(op_);
    ledger_->settle(settlement(op_, dollars(4)));
  }
  Result<Credits> refund(std::optional<Credits> amount, const RequestId& id) {
    return write([&](Store& store) { return store.refund_request(id, amount, actor_); });
  }
  void expect_posted(Credits posted) {
    const BalanceQuery now = balance(token_->token->id);
    EXPECT_EQ(now.token_balance.posted, posted);
    EXPECT_EQ(now.account_balance.posted, posted);
    ASSERT_EQ(now.budgets.size(), 1U);
    EXPECT_EQ(now.budgets[0].used, posted);
    const auto usage = read([&](Reports& reports) {
      return reports.usage(
          {{}, op_.facts.started_at, op_.facts.started_at + std::chrono::seconds(1), {}, {}, {}, {}, {}, {}});
    });
    ASSERT_TRUE(usage);
    ASSERT_EQ(usage->size(), 1U);
    EXPECT_EQ(usage->front().cost, posted);
    EXPECT_EQ(usage->front().requests, 1);
    expect_sound();
  }
  std::optional<IssuedKey> token_;
  ReserveOp op_;
};

TEST_F(RefundTest, gives_back_a_part_or_the_rest_and_never_more) {
  expect_posted(dollars(4));
  EXPECT_EQ(refund(dollars(1), op_.facts.id).value(), dollars(1));
  expect_posted(dollars(3));
  EXPECT_EQ(refund(dollars(4), op_.facts.id).error().code, ErrorCode::invalid);
  EXPECT_EQ(refund(Credits(), op_.facts.id).error().code, ErrorCode::invalid);
  EXPECT_EQ(refund(Credits() - dollars(1), op_.facts.id).error().code, ErrorCode::invalid);
  expect_posted(dollars(3));
  EXPECT_EQ(refund({}, op_.facts.id).value(), dollars(3));
  expect_posted(Credits());
  EXPECT_EQ(refund({}, op_.facts.id).error().code, ErrorCode::invalid);
  const auto row = read([&](Reports& reports) { return reports.request(op_.facts.id); });
  EXPECT_EQ(row->booking.posted, dollars(4));
  EXPECT_EQ(row->booking.refunded, dollars(4));
  const auto audit = read([](Reports& reports) { return reports.audit(0, 100); });
  ASSERT_GE(audit->size(), 2U);
  EXPECT_EQ(audit->back().action, "request.refund");
  EXPECT_EQ(audit->back().object, "request " + op_.facts.id.to_string());
  crash();
  expect_posted(Credits());
}

TEST_F(RefundTest, of_what_is_open_or_unknown_is_refused) {
  ReserveOp open = reservation(*token_, dollars(1));
  reserve(open);
  EXPECT_EQ(refund({}, open.facts.id).error().code, ErrorCode::not_found);
  EXPECT_EQ(refund({}, RequestId{}).error().code, ErrorCode::not_found);
  ledger_->settle(settlement(open, Credits(), Ending::upstream_failed));
  EXPECT_EQ(refund({}, open.facts.id).error().code, ErrorCode::invalid) << "it cost nothing";
}

TEST_F(RefundTest, that_is_taken_back_changes_nothing) {
  const auto dry = ledger_->write(
      [&](Store& store) -> Result<void> {
        const auto refunded = store.refund_request(op_.facts.id, dollars(2), actor_);
        if (!refunded) return tl::unexpected(refunded.error());
        return {};
      },
      Ledger::DryRun::yes);
  EXPECT_TRUE(dry);
  expect_posted(dollars(4));
  const auto failed = ledger_->write([&](Store& store) -> Result<void> {
    EXPECT_TRUE(store.refund_request(op_.facts.id, dollars(2), actor_));
    return base::fail(ErrorCode::refused, "changed my mind");
  });
  EXPECT_FALSE(failed);
  expect_posted(dollars(4));
}

TEST_F(RefundTest, of_a_request_in_doubt) {
  ReserveOp open = reservation(*token_, dollars(2));
  reserve(open);
  crash();
  EXPECT_EQ(balance(token_->token->id).token_balance.posted, dollars(6));
  EXPECT_EQ(refund({}, open.facts.id).value(), dollars(2));
  EXPECT_EQ(balance(token_->token->id).token_balance.posted, dollars(4));
  expect_sound();
}

}  // namespace
}  // namespace cr::ledger

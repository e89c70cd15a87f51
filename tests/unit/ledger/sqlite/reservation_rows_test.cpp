// SPDX-License-Identifier: MIT
// How open reservations lie in the store: a row for each commit, and a view of those that have no ending yet.
#include <array>
#include <span>

#include "unit/ledger/ledger_fixture.h"

namespace cr::ledger {
namespace {

class ReservationRowsTest : public LedgerFixture {
 protected:
  void SetUp() override {
    open();
    token_ = create_token("ci", dollars(100));
  }
  std::int64_t count(const std::string& sql) {
    const auto found = database().query_int(("SELECT count(*) FROM " + sql).c_str());
    EXPECT_TRUE(found) << found.error().message;
    return found.value_or(-1);
  }
  // All wait while the ledger thread is kept busy, and so ride in one commit.
  void reserve_together(std::span<ReserveOp> ops) {
    ASSERT_TRUE(ledger_->write([&](Store&) -> base::Result<void> {
      for (ReserveOp& op : ops) ledger_->reserve(op);
      return {};
    }));
    for (ReserveOp& op : ops) waiters_.wait(&op);
  }
  void settle(const ReserveOp& op, Credits cost) {
    ledger_->settle(settlement(op, cost));
    ASSERT_TRUE(ledger_->flush());
  }
  std::optional<IssuedKey> token_;
};

TEST_F(ReservationRowsTest, view_shows_what_was_reserved_whatever_its_texts_hold) {
  ReserveOp op = reservation(*token_, dollars(2));
  op.facts.model = std::string("a\"b\\c\n\x01\0\xc3\xa9/[]{},", 16);
  op.facts.group = "";
  op.facts.stream = true;
  reserve(op);
  auto db = database();
  auto row = sqlite::Statement::prepare(
      db,
      "SELECT id, token_id, account_id, key_id, started_at, held, stream, model, group_name, endpoint, source_ip"
      " FROM reservation");
  ASSERT_TRUE(*row->step());
  EXPECT_TRUE(std::ranges::equal(row->column_blob(0), op.facts.id.bytes));
  EXPECT_EQ(row->column_int(1), token_->token->id.value);
  EXPECT_EQ(row->column_int(2), token_->token->account.value);
  EXPECT_EQ(row->column_int(3), token_->key_id.value);
  EXPECT_EQ(row->column_int(4), base::to_unix_ms(op.facts.started_at));
  EXPECT_EQ(row->column_int(5), dollars(2).nano());
  EXPECT_EQ(row->column_int(6), 1);
  EXPECT_EQ(row->column_text(7), "a\"b\\c\n\x01\xef\xbf\xbd\xc3\xa9/[]{},") << "of a NUL a mark is left";
  EXPECT_EQ(row->column_text(8), "");
  EXPECT_EQ(row->column_text(9), "chat.completions");
  EXPECT_EQ(row->column_text(10), "192.0.2.7");
  EXPECT_FALSE(*row->step());
}

TEST_F(ReservationRowsTest, one_commit_is_one_row_which_the_last_ending_takes_away) {
  std::array<ReserveOp, 3> ops;
  for (ReserveOp& op : ops) op = reservation(*token_, dollars(2));
  reserve_together(ops);
  EXPECT_EQ(count("reservation_batch"), 1);
  EXPECT_EQ(count("reservation"), 3);
  settle(ops[0], dollars(1));
  settle(ops[2], dollars(1));
  EXPECT_EQ(count("reservation_batch"), 1);
  EXPECT_EQ(count("reservation"), 1);
  expect_sound();
  settle(ops[1], dollars(1));
  EXPECT_EQ(count("reservation_batch"), 0);
  expect_sound();
}

// The views read all of a row for each id in it.
TEST_F(ReservationRowsTest, many_of_one_commit_are_rows_of_a_bounded_length) {
  std::vector<ReserveOp> ops;
  for (int i = 0; i < 150; ++i) ops.push_back(reservation(*token_, Credits::from_nano(1)));
  reserve_together(ops);
  EXPECT_EQ(count("reservation_batch"), 3);
  EXPECT_EQ(count("reservation_batch WHERE length(ids) > 64 * 16"), 0);
  EXPECT_EQ(count("(SELECT DISTINCT id FROM reservation)"), 150);
  expect_sound();
  ASSERT_TRUE(ledger_->write([&](Store&) -> base::Result<void> {
    for (const ReserveOp& op : ops) ledger_->settle(settlement(op, Credits()));
    return {};
  }));
  ASSERT_TRUE(ledger_->flush());
  EXPECT_EQ(count("reservation_batch"), 0);
  EXPECT_EQ(count("unsummed WHERE length(ids) > 64 * 16"), 0);
  expect_sound();
}

TEST_F(ReservationRowsTest, crash_posts_what_is_open_of_a_row_and_only_that) {
  std::array<ReserveOp, 2> ops;
  for (ReserveOp& op : ops) op = reservation(*token_, dollars(2));
  reserve_together(ops);
  settle(ops[0], dollars(1));
  crash();
  EXPECT_EQ(balance(token_->token->id).token_balance.posted, dollars(3));
  EXPECT_EQ(count("reservation_batch"), 0);
  EXPECT_EQ(count("request WHERE flags & 4"), 1);
  expect_sound();
}

// Who has ended in a row is told by the rows of `request`: pruned too soon, an ended one would look open again.
TEST_F(ReservationRowsTest, ended_siblings_of_an_open_one_are_not_pruned) {
  const auto made = [&](int hours_ago) {
    ReserveOp op = reservation(*token_, dollars(2));
    op.facts.started_at = base::wall_now() - std::chrono::hours(hours_ago);
    op.facts.id = RequestId::make(op.facts.started_at);
    return op;
  };
  std::array<ReserveOp, 2> ops{made(48), made(48)};
  reserve_together(ops);
  ReserveOp older = made(72);
  reserve(older);
  ledger_->settle(settlement(older, dollars(1)));
  settle(ops[0], dollars(1));
  const auto nothing = [](Store&) -> base::Result<void> { return {}; };
  while (count("unsummed") > 0) ASSERT_TRUE(ledger_->write(nothing));
  ledger_->keep_requests(std::chrono::hours(1));
  while (count("request") > 1) ASSERT_TRUE(ledger_->write(nothing));
  crash();
  EXPECT_EQ(balance(token_->token->id).token_balance.posted, dollars(4));
  expect_sound();
}

}  // namespace
}  // namespace cr::ledger

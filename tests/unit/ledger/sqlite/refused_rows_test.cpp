// SPDX-License-Identifier: MIT
// Refusals of a real ledger: rows for the first of a minute, sums for the others, in usage and reports alike.
#include "ledger/sqlite/refused_rows.h"

#include "unit/ledger/ledger_fixture.h"

namespace cr::ledger {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using testing::ElementsAre;
using testing::Pair;
using Row = RefusedCounts::Row;

class RefusedOfLedger : public LedgerFixture {
 protected:
  void SetUp() override { open(); }

  // As a request that is refused before anything is reserved for it.
  void refuse(const IssuedKey& token, std::string_view code, Time when, int times = 1, Row row = Row::wanted) {
    for (int i = 0; i < times; ++i) {
      if (!ledger_->count_refused({token.token->id, token.token->account, code, when}, row)) continue;
      Settlement ended;
      ended.facts = facts_of(token);
      ended.facts.started_at = when;
      ended.facts.id = RequestId::make(when);
      ended.ending = Ending::refused;
      ended.status = 429;
      ended.error = code;
      ledger_->settle(ended);
    }
  }
  // Requests and errors of the usage, by token.
  std::map<std::string, std::pair<std::int64_t, std::int64_t>> used(Time since, Time until) {
    const auto rows = read([&](Reports& reports) {
      return reports.usage({{UsageBy::token}, since, until, {}, {}, {}, {}, {}, {}});
    });
    EXPECT_TRUE(rows);
    std::map<std::string, std::pair<std::int64_t, std::int64_t>> found;
    for (const auto& row : *rows) found[row.key[0]] = {row.requests, row.errors};
    return found;
  }
  std::int64_t number(const std::string& sql) { return *database().query_int(sql.c_str()); }
  std::int64_t rows() { return number("SELECT count(*) FROM request"); }

  const Time now_ = base::wall_now();
};

TEST_F(RefusedOfLedger, are_in_the_usage_whether_they_have_a_row_or_not) {
  const IssuedKey one = create_token("one", {}), two = create_token("two", {});
  refuse(one, "insufficient_quota", now_, 3000);
  refuse(one, "rate_limit_exceeded", now_, 7, Row::none);
  refuse(two, "invalid_json", now_, 4);
  ledger_->count_refused({.code = "invalid_api_key", .at = now_}, Row::none);
  const auto expected = [&] { return ElementsAre(Pair("one", std::pair(3007, 3007)), Pair("two", std::pair(4, 4))); };
  EXPECT_THAT(used(now_ - hours(1), now_ + hours(1)), expected());
  EXPECT_EQ(rows(), 14);
  expect_sound();
  // More of the same minute are added to what is written.
  refuse(one, "insufficient_quota", now_, 2);
  EXPECT_THAT(used(now_ - hours(1), now_ + hours(1)),
              ElementsAre(Pair("one", std::pair(3009, 3009)), Pair("two", std::pair(4, 4))));
  EXPECT_EQ(rows(), 14);
  EXPECT_EQ(number("SELECT requests FROM refused WHERE code = 'insufficient_quota'"), 3002);
  EXPECT_EQ(number("SELECT without_row FROM refused WHERE code = 'insufficient_quota'"), 2992);
  EXPECT_EQ(number("SELECT without_row FROM refused WHERE code = 'rate_limit_exceeded'"), 7);
  EXPECT_EQ(number("SELECT requests FROM refused WHERE token_id = 0"), 1) << "nobody's";
  expect_sound();
  open();  // what is counted outlives the daemon
  EXPECT_THAT(used(now_ - hours(1), now_ + hours(1)),
              ElementsAre(Pair("one", std::pair(3009, 3009)), Pair("two", std::pair(4, 4))));
  expect_sound();
}

TEST_F(RefusedOfLedger, are_written_at_the_end) {
  const IssuedKey one = create_token("one", {});
  refuse(one, "invalid_json", now_, 50);
  ledger_.reset();
  EXPECT_EQ(number("SELECT sum(requests) FROM refused"), 50);
  EXPECT_EQ(number("SELECT sum(without_row) FROM refused"), 40);
}

// Beside reservations, in the commits that are made for those.
TEST_F(RefusedOfLedger, are_written_without_a_report_too) {
  const IssuedKey one = create_token("one", dollars(5));
  refuse(one, "rate_limit_exceeded", now_, 50, Row::none);
  for (int i = 0; number("SELECT coalesce(sum(requests), 0) FROM refused") == 0; ++i) {
    ASSERT_LT(i, 10'000);
    ReserveOp op = reservation(one, Credits::from_nano(1));
    reserve(op);
  }
  EXPECT_EQ(number("SELECT sum(without_row) FROM refused"), 50);
}

TEST_F(RefusedOfLedger, are_told_by_verify_where_they_do_not_fit_the_usage) {
  const IssuedKey one = create_token("one", {});
  refuse(one, "invalid_json", now_, 50);
  expect_sound();
  const std::pair<const char*, const char*> changes[] = {
      {"UPDATE refused SET without_row = without_row - 1", "UPDATE refused SET without_row = without_row + 1"},
      {"UPDATE refused SET token_id = token_id + 100", "UPDATE refused SET token_id = token_id - 100"}};
  for (const auto& [change, back] : changes) {
    ASSERT_TRUE(database().execute(change));
    const auto verified = read([](Reports& reports) { return reports.verify(); });
    ASSERT_FALSE(verified) << change;
    EXPECT_THAT(verified.error().message, testing::HasSubstr("token 'one': its requests' rows and its refusals"));
    ASSERT_TRUE(database().execute(back));
    expect_sound();
  }
  ASSERT_TRUE(database().execute("DELETE FROM refused"));
  EXPECT_FALSE(read([](Reports& reports) { return reports.verify(); }));
}

TEST_F(RefusedOfLedger, go_as_rows_go_and_stay_in_the_usage) {
  const IssuedKey one = create_token("one", {});
  const Time old = now_ - hours(24 * 100);
  for (int i = 0; i < 200; ++i) refuse(one, "invalid_json", old + minutes(i), 11);
  for (int i = 0; i < 200; ++i) refuse(one, "rate_limit_exceeded", old + minutes(i), 3, Row::none);
  refuse(one, "invalid_json", now_ - hours(24), 12);
  open();
  const auto nothing = [](Store&) -> base::Result<void> { return {}; };
  while (number("SELECT count(*) FROM refused") > 1) ASSERT_TRUE(ledger_->write(nothing));
  EXPECT_EQ(rows(), 10);
  EXPECT_THAT(used(old - hours(24), now_), ElementsAre(Pair("one", std::pair(200 * 14 + 12, 200 * 14 + 12))));
  const auto verified = read([](Reports& reports) { return reports.verify(); });
  ASSERT_TRUE(verified) << verified.error().message;
  EXPECT_TRUE(verified->since.has_value());
}

TEST_F(RefusedOfLedger, those_without_any_row_make_the_store_one_that_was_pruned) {
  const IssuedKey one = create_token("one", {});
  refuse(one, "rate_limit_exceeded", now_ - hours(24 * 100), 3, Row::none);
  refuse(one, "rate_limit_exceeded", now_, 3, Row::none);
  open();
  const auto nothing = [](Store&) -> base::Result<void> { return {}; };
  while (number("SELECT count(*) FROM refused") > 1) ASSERT_TRUE(ledger_->write(nothing));
  EXPECT_THAT(used(now_ - hours(24 * 101), now_ + hours(1)), ElementsAre(Pair("one", std::pair(6, 6))));
  expect_sound();
}

}  // namespace
}  // namespace cr::ledger

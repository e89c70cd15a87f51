// SPDX-License-Identifier: MIT
// Usage: summed up by steps, read in any zone's days, and there when the requests' rows are gone.
#include "ledger/sqlite/usage_sums.h"

#include <random>

#include "base/text.h"
#include "ledger/sql/usage_pieces.h"
#include "unit/ledger/ledger_fixture.h"

namespace cr::ledger {
namespace {

using base::TimeSpan;
using base::Zone;
using std::chrono::hours;
using std::chrono::minutes;
using testing::ElementsAre;
using testing::SizeIs;

Time at(std::string_view text) {
  return *base::parse_time(text);
}
Zone zone(const char* name) {
  return *Zone::find(name);
}

TEST(UsagePieces, are_the_longest_that_fit) {
  const TimeSpan span{at("2026-01-05T21:45:00Z"), at("2026-01-08T01:15:00Z")};
  const auto q = [](std::string_view time) { return step_at(Step::quarter, at(time)); };
  const auto h = [](std::string_view time) { return step_at(Step::hour, at(time)); };
  const auto d = [](std::string_view time) { return step_at(Step::day, at(time)); };
  EXPECT_THAT(usage_pieces(span, Step::day, HourSteps::there),
              ElementsAre(UsagePiece{Step::quarter, q("2026-01-05T21:45:00Z"), q("2026-01-05T22:00:00Z")},
                          UsagePiece{Step::hour, h("2026-01-05T22:00:00Z"), h("2026-01-06")},
                          UsagePiece{Step::day, d("2026-01-06"), d("2026-01-08")},
                          UsagePiece{Step::hour, h("2026-01-08"), h("2026-01-08T01:00:00Z")},
                          UsagePiece{Step::quarter, q("2026-01-08T01:00:00Z"), q("2026-01-08T01:15:00Z")}));
  EXPECT_THAT(usage_pieces(span, Step::day, HourSteps::missing),
              ElementsAre(UsagePiece{Step::quarter, q("2026-01-05T21:45:00Z"), q("2026-01-06")},
                          UsagePiece{Step::day, d("2026-01-06"), d("2026-01-08")},
                          UsagePiece{Step::quarter, q("2026-01-08"), q("2026-01-08T01:15:00Z")}));
  EXPECT_THAT(usage_pieces({span.start, span.start}, Step::day, HourSteps::there), SizeIs(0));
}

TEST(UsagePieces, cover_every_quarter_once) {
  std::mt19937 random(3);
  for (int i = 0; i < 2000; ++i) {
    const auto from = static_cast<std::int64_t>(random() % 5000), to = from + static_cast<std::int64_t>(random() % 400);
    const auto longest = static_cast<Step>(random() % 3);
    const auto hours_there = random() % 2 == 0 ? HourSteps::there : HourSteps::missing;
    std::int64_t next = from;
    for (const auto& piece :
         usage_pieces({time_of(Step::quarter, from), time_of(Step::quarter, to)}, longest, hours_there)) {
      ASSERT_LE(static_cast<int>(piece.step), static_cast<int>(longest));
      ASSERT_EQ(time_of(piece.step, piece.from), time_of(Step::quarter, next));
      ASSERT_LT(piece.from, piece.to);
      next = time_of(piece.step, piece.to).time_since_epoch() / length_of(Step::quarter);
    }
    ASSERT_EQ(next, to);
  }
}

TEST(UsagePieces, know_which_steps_a_zones_days_are_made_of) {
  const TimeSpan year{at("2026-01-01"), at("2027-01-01")};
  EXPECT_EQ(longest_within_days(Zone(), year), Step::day);
  EXPECT_EQ(longest_within_days(zone("Europe/Berlin"), year), Step::hour);
  EXPECT_EQ(longest_within_days(zone("Asia/Kolkata"), year), Step::quarter);
  EXPECT_EQ(longest_within_hours(zone("Asia/Kathmandu"), year), Step::quarter);
  EXPECT_EQ(longest_within_days(zone("Europe/London"), {at("2026-01-01"), at("2026-02-01")}), Step::day);
  EXPECT_EQ(longest_within_days(zone("Europe/London"), year), Step::hour) << "summer comes";
}

TEST(UsageSums, steps_count_from_1970_both_ways) {
  EXPECT_EQ(step_at(Step::quarter, Time()), 0);
  EXPECT_EQ(step_at(Step::hour, Time() - std::chrono::milliseconds(1)), -1);
  EXPECT_EQ(step_at(Step::day, at("1970-01-02")), 1);
  EXPECT_EQ(time_of(Step::quarter, step_at(Step::quarter, at("2026-01-05T10:44:59Z"))), at("2026-01-05T10:30:00Z"));
}

class UsageOfLedger : public LedgerFixture {
 protected:
  void SetUp() override { open(); }
  void spend(const IssuedKey& token, Time when, Credits cost) {
    Settlement ended;
    ended.facts = facts_of(token);
    ended.facts.started_at = when;
    ended.facts.id = RequestId::make(when);
    ended.cost = cost;
    ended.status = 200;
    ledger_->settle(ended);
  }
  std::vector<std::pair<std::string, std::int64_t>> costs(UsageBy by, const Zone& its_zone, Time since, Time until,
                                                          std::optional<std::string> token = {}) {
    const auto rows = read([&](Reports& reports) {
      return reports.usage({{by}, since, until, token, {}, {}, {}, {}, its_zone});
    });
    EXPECT_TRUE(rows);
    std::vector<std::pair<std::string, std::int64_t>> found;
    for (const auto& row : *rows) found.emplace_back(row.key[0], row.cost.nano());
    return found;
  }
  // Everything into the sums: what a stop does.
  void fold() {
    open();
    ASSERT_EQ(*database().query_int("SELECT count(*) FROM unsummed"), 0);
  }
};

TEST_F(UsageOfLedger, is_the_same_before_and_after_it_is_summed_up) {
  const IssuedKey one = create_token("one", {}), two = create_token("two", {});
  std::mt19937 random(5);
  const Time start = at("2026-03-27T00:00:00Z");  // over a change of clocks
  std::map<std::string, std::map<std::string, std::int64_t>> expected;
  const char* zones[] = {"UTC", "Europe/Berlin", "Asia/Kolkata", "Asia/Kathmandu", "America/St_Johns"};
  const std::pair<UsageBy, base::Period> periods[] = {
      {UsageBy::day, base::Period::day}, {UsageBy::week, base::Period::week}, {UsageBy::month, base::Period::month}};
  for (int i = 0; i < 400; ++i) {
    const Time when = start + std::chrono::milliseconds(random() % (6 * 86'400'000));
    const auto cost = static_cast<std::int64_t>(random() % 1000 + 1);
    spend(i % 2 == 0 ? one : two, when, Credits::from_nano(cost));
    for (const char* name : zones) {
      for (const auto& [by, period] : periods) {
        const auto day = zone(name).day_text(zone(name).period_of(period, when).start);
        const auto key = by == UsageBy::month ? day.substr(0, 7) : day;
        expected[std::string(name) + static_cast<char>('0' + static_cast<int>(by))][key] += cost;
      }
      expected[std::string(name) + "h"][zone(name).hour_text(when)] += cost;
    }
  }
  const auto check = [&] {
    for (const char* name : zones) {
      const auto as_map = [&](UsageBy by) {
        std::map<std::string, std::int64_t> found;
        for (const auto& [key, cost] : costs(by, zone(name), start, start + hours(24 * 6))) found[key] = cost;
        return found;
      };
      for (const auto& [by, period] : periods)
        EXPECT_EQ(as_map(by), expected[std::string(name) + static_cast<char>('0' + static_cast<int>(by))]) << name;
      EXPECT_EQ(as_map(UsageBy::hour), expected[std::string(name) + "h"]) << name;
    }
    expect_sound();
  };
  check();
  fold();
  check();
  spend(one, start + minutes(3), Credits::from_nano(7));  // and with both
  for (const char* name : zones) {
    for (const auto& [by, period] : periods) {
      const auto day = zone(name).day_text(zone(name).period_of(period, start + minutes(3)).start);
      expected[std::string(name) + static_cast<char>('0' + static_cast<int>(by))]
              [by == UsageBy::month ? day.substr(0, 7) : day] += 7;
    }
    expected[std::string(name) + "h"][zone(name).hour_text(start + minutes(3))] += 7;
  }
  check();
}

TEST_F(UsageOfLedger, is_not_lost_by_a_crash_before_it_is_summed_up) {
  const IssuedKey one = create_token("one", {});
  spend(one, at("2026-01-05T10:00:00Z"), dollars(1));
  ReserveOp open = reservation(one, dollars(1));
  crash();
  EXPECT_THAT(costs(UsageBy::day, Zone(), at("2026-01-01"), at("2026-02-01")),
              ElementsAre(std::pair(std::string("2026-01-05"), k_dollar)));
  fold();
  EXPECT_THAT(costs(UsageBy::token, Zone(), at("2026-01-01"), at("2026-02-01")),
              ElementsAre(std::pair(std::string("one"), k_dollar)));
  EXPECT_THAT(costs(UsageBy::day, Zone(), at("2026-01-01"), at("2026-02-01"), "one"),
              ElementsAre(std::pair(std::string("2026-01-05"), k_dollar)));
  expect_sound();
}

TEST_F(UsageOfLedger, rows_older_than_their_retention_go_and_their_sums_stay) {
  const IssuedKey one = create_token("one", dollars(5000));
  const Time now = base::wall_now();
  for (int i = 0; i < 3000; ++i) spend(one, now - hours(24 * 100) + minutes(i), Credits::from_nano(1'000'000));
  spend(one, now - hours(24 * 80), dollars(2));
  fold();  // and with it the rows begin to go
  const auto nothing = [](Store&) -> base::Result<void> { return {}; };
  while (*database().query_int("SELECT count(*) FROM request") > 1) ASSERT_TRUE(ledger_->write(nothing));
  EXPECT_EQ(balance(one.token->id).token_balance.posted, dollars(5));
  const auto all = read([&](Reports& reports) {
    return reports.usage({{}, now - hours(24 * 200), now, {}, {}, {}, {}, {}, {}});
  });
  ASSERT_THAT(*all, SizeIs(1));
  EXPECT_EQ(all->front().cost, dollars(5));
  EXPECT_EQ(all->front().requests, 3001);
  const auto verified = read([](Reports& reports) { return reports.verify(); });
  ASSERT_TRUE(verified) << verified.error().message;
  EXPECT_TRUE(verified->since.has_value());
  EXPECT_EQ(verified->requests, 1);
  // What is left is still held against the sums.
  ASSERT_TRUE(database().execute("UPDATE request SET posted = posted + 1"));
  EXPECT_FALSE(read([](Reports& reports) { return reports.verify(); }));
}

// A store that is never idle must not grow for good: rows go beside reservations too.
TEST_F(UsageOfLedger, rows_go_beside_a_steady_load) {
  const IssuedKey one = create_token("one", dollars(5000));
  const Time now = base::wall_now();
  for (int i = 0; i < 300; ++i) spend(one, now - hours(24 * 100) + minutes(i), Credits::from_nano(1'000'000));
  fold();
  std::int64_t old = 300;
  for (int sent = 0; old > 0 && sent < 50'000; ++sent) {
    ReserveOp op = reservation(one, Credits::from_nano(1000));
    reserve(op);
    ledger_->settle(settlement(op, Credits::from_nano(1000)));
    if (sent % 500 != 0) continue;
    auto db = database();
    auto count = sqlite::Statement::prepare(db, "SELECT count(*) FROM request WHERE started_at < ?1");
    count->bind(1, base::to_unix_ms(now - hours(24 * 95)));
    ASSERT_TRUE(*count->step());
    old = count->column_int(0);
  }
  EXPECT_EQ(old, 0);
}

TEST_F(UsageOfLedger, a_store_that_lost_no_row_is_checked_whole) {
  const IssuedKey one = create_token("one", {});
  spend(one, base::wall_now() - hours(24 * 80), dollars(2));
  fold();
  fold();
  const auto verified = read([](Reports& reports) { return reports.verify(); });
  ASSERT_TRUE(verified) << verified.error().message;
  EXPECT_FALSE(verified->since.has_value());
}

TEST_F(UsageOfLedger, rows_are_kept_for_good_if_told_so) {
  options_.retention = std::chrono::milliseconds(0);
  open();
  const IssuedKey one = create_token("one", {});
  spend(one, at("2001-01-01"), dollars(1));
  fold();
  fold();
  EXPECT_EQ(*database().query_int("SELECT count(*) FROM request"), 1);
}

}  // namespace
}  // namespace cr::ledger

// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.h"
#include "crctl/flags.h"
#include "crctl/values.h"

namespace cr::crctl {
namespace {

using base::Credits;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr base::Time k_now = base::Time(std::chrono::milliseconds(1'800'000'000'000));

Credits dollars(std::int64_t amount) {
  return Credits::from_nano(amount * 1'000'000'000);
}

TEST(Quota, is_an_amount_or_none) {
  struct Case {
    const char* text;
    admin::Quota quota;
  };
  for (const auto& [text, quota] : {Case{"20", dollars(20)}, Case{"$5", dollars(5)}, Case{"500000u", dollars(1)},
                                    Case{" 3 ", dollars(3)}, Case{"unlimited", {}}, Case{"None", {}}, Case{"-1", {}}}) {
    const auto parsed = parse_quota(text);
    ASSERT_TRUE(parsed) << text << ": " << parsed.error().message;
    EXPECT_EQ(*parsed, quota) << text;
  }
  for (const char* text : {"", "-2", "+5", "5 dollars", "1e3", "never"}) EXPECT_FALSE(parse_quota(text)) << text;
}

TEST(QuotaEdit, tells_changes_from_amounts) {
  struct Case {
    const char* text;
    bool unlimited;
    std::optional<Credits> set, delta;
  };
  for (const auto& [text, unlimited, set, delta] :
       {Case{"25", false, dollars(25), {}}, Case{"+5", false, {}, dollars(5)}, Case{"-5", false, {}, dollars(-5)},
        Case{".5", false, Credits::from_nano(500'000'000), {}}, Case{"-1.00", false, {}, dollars(-1)},
        Case{"unlimited", true, {}, {}}}) {
    const auto edit = parse_quota_edit(text);
    ASSERT_TRUE(edit) << text;
    EXPECT_EQ(edit->unlimited, unlimited) << text;
    EXPECT_EQ(edit->set, set) << text;
    EXPECT_EQ(edit->delta, delta) << text;
  }
  for (const char* text : {"", "+", "--5", "+-5", "five", "."}) EXPECT_FALSE(parse_quota_edit(text)) << text;
  const auto quota = parse_quota_edit("-1").error();
  EXPECT_THAT(quota.message, HasSubstr("two things"));
  EXPECT_EQ(quota.hint, "write -1.00 to take away a dollar, unlimited to lift the limit");
  const std::vector<std::string> a_dollar{"-1/day"};
  const auto budget = parse_budgets_edit("--budget", a_dollar).error();
  EXPECT_EQ(budget.message, "--budget: '-1/day' can mean two things here");
  EXPECT_EQ(budget.hint, "write -1.00/day to take away a dollar, none/day to take the budget away");
  const std::vector<std::string> none{"-1/day", "none/week", "5/month"};
  EXPECT_THAT(*parse_budgets("--budget", none), testing::ElementsAre(testing::Pair("month", dollars(5))));
}

TEST(Expiry, refuses_the_past) {
  EXPECT_EQ(*parse_expiry("30d", k_now), k_now + std::chrono::hours(30 * 24));
  for (const char* text : {"never", "none", "-1"}) EXPECT_EQ(*parse_expiry(text, k_now), std::nullopt) << text;
  const auto past = parse_expiry("2020-01-01", k_now);
  ASSERT_FALSE(past);
  EXPECT_EQ(past.error().code, base::ErrorCode::invalid);
  EXPECT_THAT(past.error().message, HasSubstr("past"));
  EXPECT_FALSE(parse_expiry("0s", k_now));
  EXPECT_FALSE(parse_expiry("30", k_now));
  EXPECT_FALSE(parse_expiry("30M", k_now));
}

TEST(Expiry, of_a_date_is_the_end_of_that_day_in_the_zone_of_the_tables) {
  const char* before = std::getenv("TZ");
  const std::string kept = before == nullptr ? "" : before;
  for (const auto& [zone, expected] :
       {std::pair{"UTC", "2026-11-01T00:00:00Z"}, std::pair{"Europe/Berlin", "2026-10-31T23:00:00Z"},
        std::pair{"America/New_York", "2026-11-01T04:00:00Z"}}) {
    ::setenv("TZ", zone, 1);
    ::tzset();
    EXPECT_EQ(**parse_expiry("2026-10-31", *base::parse_time("2026-10-31T12:00:00Z")), *base::parse_time(expected))
        << zone;
  }
  ::setenv("TZ", "UTC", 1);
  ::tzset();
  EXPECT_EQ(**parse_expiry("2027-12-31", k_now), *base::parse_time("2028-01-01")) << "of a year the last";
  EXPECT_EQ(**parse_expiry("2027-12-31T00:00:00Z", k_now), *base::parse_time("2027-12-31"));
  if (kept.empty())
    ::unsetenv("TZ");
  else
    ::setenv("TZ", kept.c_str(), 1);
  ::tzset();
}

TEST(Moment, goes_back_from_now) {
  EXPECT_EQ(*parse_moment("7d", k_now), k_now - std::chrono::hours(7 * 24));
  EXPECT_EQ(*parse_moment("2026-01-31", k_now), *base::parse_time("2026-01-31"));
  EXPECT_FALSE(parse_moment("yesterday", k_now));
}

TEST(TokenCount, takes_k_and_m) {
  struct Case {
    const char* text;
    std::int64_t count;
  };
  for (const auto& [text, count] : {Case{"0", 0}, Case{"800", 800}, Case{"12k", 12'000}, Case{"1.5M", 1'500'000},
                                    Case{"0.5k", 500}, Case{"128K", 128'000}}) {
    const auto parsed = parse_token_count(text);
    ASSERT_TRUE(parsed) << text;
    EXPECT_EQ(*parsed, count) << text;
  }
  for (const char* text : {"", "k", "-1", "1.5", "1e3", "12kk", "0.0001k", "nan", "1000000M"}) {
    EXPECT_FALSE(parse_token_count(text)) << text;
  }
}

TEST(Percent, is_0_to_100) {
  EXPECT_EQ(*parse_percent("80%"), 80);
  EXPECT_EQ(*parse_percent("80"), 80);
  for (const char* text : {"", "%", "101", "-1", "8.5", "80%%"}) EXPECT_FALSE(parse_percent(text)) << text;
}

TEST(List, empty_is_no_restriction_and_nothing_is_refused) {
  EXPECT_THAT(*parse_list("--models", Texts{"a, b", "c"}), ElementsAre("a", "b", "c"));
  EXPECT_THAT(*parse_list("--models", Texts{""}), IsEmpty());
  for (const char* text : {",", " ", " , ,", "+a"}) {
    const auto list = parse_list("--models", Texts{text});
    ASSERT_FALSE(list) << text;
    EXPECT_THAT(list.error().message, HasSubstr("--models")) << text;
  }
}

TEST(ListEdit, is_all_new_or_all_changes) {
  const auto whole = parse_list_edit("--models", Texts{"a,b"});
  ASSERT_TRUE(whole && whole->set);
  EXPECT_THAT(*whole->set, ElementsAre("a", "b"));
  const auto none = parse_list_edit("--models", Texts{""});
  ASSERT_TRUE(none && none->set);
  EXPECT_THAT(*none->set, IsEmpty());
  const auto changes = parse_list_edit("--models", Texts{"+a,-b", "+c"});
  ASSERT_TRUE(changes);
  EXPECT_FALSE(changes->set);
  EXPECT_THAT(changes->add, ElementsAre("a", "c"));
  EXPECT_THAT(changes->remove, ElementsAre("b"));
  for (const char* text : {",", "a,+b", "+", "-,a"}) EXPECT_FALSE(parse_list_edit("--models", Texts{text})) << text;
}

TEST(Pairs, have_a_name) {
  EXPECT_EQ(*parse_pairs("--tag", Texts{"env=prod", "x=a=b", "bare"}),
            (admin::Tags{{"env", "prod"}, {"x", "a=b"}, {"bare", ""}}));
  for (const char* text : {"", "=v", "-k"}) EXPECT_FALSE(parse_pairs("--tag", Texts{text})) << text;
  const auto edit = parse_pairs_edit("--tag", Texts{"a=1", "-b", "+c=2"});
  ASSERT_TRUE(edit);
  EXPECT_EQ(edit->at("a"), "1");
  EXPECT_EQ(edit->at("b"), std::nullopt);
  EXPECT_EQ(edit->at("c"), "2");
}

}  // namespace
}  // namespace cr::crctl

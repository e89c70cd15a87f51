// SPDX-License-Identifier: MIT
#include "admin/changes.h"

#include <gtest/gtest.h>

#include "admin/account_fields.h"
#include "admin/channel_fields.h"
#include "admin/price_fields.h"
#include "admin/token_fields.h"
#include "unit/admin/samples.h"

namespace cr::admin {
namespace {

std::string line_of(const Change& change) {
  return change.field + ": " + change.before + " -> " + change.after;
}

TEST(Changes, name_what_differs) {
  Channel before;
  before.rev = 1;
  before.models = {"a"};
  before.spent_30d = Credits::from_nano(1);
  Channel after = before;
  after.rev = 2;
  after.note = "x";
  after.models = {"a", "b"};
  after.enabled = false;
  after.spent_30d = Credits::from_nano(2);
  const auto changes = changes_between(before, after);
  ASSERT_EQ(changes.size(), 3U);
  EXPECT_EQ(line_of(changes[0]), "enabled: yes -> no");
  EXPECT_EQ(line_of(changes[1]), "models: a -> a,b");
  EXPECT_EQ(line_of(changes[2]), "note: none -> x");
}

// Each setting of a token with a value of each kind, in the order an edit tells them.
TEST(Changes, of_a_token_are_told_section_by_section) {
  const auto changes = changes_between(Token(), sample_token());
  std::string told;
  for (const auto& change : changes) told += line_of(change) + "\n";
  EXPECT_EQ(told,
            "name: none -> ci-runner\n"
            "enabled: yes -> no\n"
            "expires_at: never -> 2026-02-02T02:40:01.007Z\n"
            "not_before: always -> 2026-02-02T02:40:02.007Z\n"
            "quota: unlimited -> $20.50\n"
            "budgets: none -> $0.000000005/day\n"
            "time_zone: none -> Europe/Berlin\n"
            "requests_per_minute: unlimited -> 60\n"
            "tokens_per_minute: unlimited -> 90000\n"
            "requests_at_once: unlimited -> 4\n"
            "models: all -> gpt-4o,o3-*\n"
            "allow_ip: all -> 10.0.0.0/8,::1\n"
            "groups: all -> default,fast\n"
            "account:  -> team\n"
            "when_low: none -> refuse\n"
            "tags:  -> team=b\u00fcro,x=\n"
            "note:  -> line\nwith \"quotes\" and \\ and \u202e\n"
            "retrievable: no -> yes\n");
}

TEST(Changes, of_a_budget_are_those_of_its_limit) {
  Token before = sample_token();
  Token after = before;
  after.budgets[0].used = Credits::from_nano(1);
  EXPECT_TRUE(changes_between(before, after).empty());
  after.budgets[0].limit = Credits::from_nano(2'000'000'000);
  ASSERT_EQ(changes_between(before, after).size(), 1U);
  EXPECT_EQ(changes_between(before, after)[0].after, "$2.00/day");
}

TEST(Changes, of_a_channels_keys_show_both_ends) {
  Channel before = sample_channel();
  Channel after = before;
  after.keys.push_back({"sk-xyz", "1234", sample_time(9)});
  const auto changes = changes_between(before, after);
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_EQ(line_of(changes[0]), "keys: sk-abc...wxyz -> sk-abc...wxyz,sk-xyz...1234");
}

TEST(Changes, are_none_between_the_same) {
  EXPECT_TRUE(changes_between(sample_token(), sample_token()).empty());
  EXPECT_TRUE(changes_between(sample_channel(), sample_channel()).empty());
  EXPECT_TRUE(changes_between(sample_group(), sample_group()).empty());
  EXPECT_TRUE(changes_between(sample_account(), sample_account()).empty());
  EXPECT_TRUE(changes_between(sample_price(), sample_price()).empty());
}

TEST(Changes, to_nothing_tell_what_there_was) {
  const auto changes = changes_to_nothing(sample_price());
  ASSERT_EQ(changes.size(), 13U);
  EXPECT_EQ(line_of(changes[0]), "model: gpt-4o -> none");
  EXPECT_EQ(line_of(changes[1]), "input: 2.5 -> none");
  EXPECT_EQ(line_of(changes[9]), "max_output_tokens: 16384 -> none");
}

// What the tables say of flags holds together: a flag has a metavar and help, help has a flag.
TEST(FieldTables, flags_are_whole) {
  const auto check = [](const auto& row) {
    const auto& facts = row.facts;
    SCOPED_TRACE(row.name);
    const bool explained = !facts.create_help.empty() || !facts.edit_help.empty();
    EXPECT_EQ(facts.flag.empty(), facts.typed == Typed::none);
    EXPECT_EQ(facts.flag.empty(), facts.metavar.empty());
    EXPECT_EQ(facts.flag.empty(), !explained);
    EXPECT_EQ(facts.typed == Typed::choice, facts.metavar.find('|') != std::string_view::npos);
    EXPECT_TRUE(facts.flag.empty() || facts.flag.starts_with("--"));
  };
  base::each_field(k_token_fields, check);
  base::each_field(k_channel_fields, check);
  base::each_field(k_account_fields, check);
  base::each_field(k_group_fields, check);
  base::each_field(k_price_fields, check);
}

TEST(FieldTables, have_each_name_once) {
  const auto check = [](const auto& table) {
    const auto names = base::field_names(table);
    for (std::size_t at = 0; at < names.size(); ++at) EXPECT_EQ(base::field_index(table, names[at]), at) << names[at];
    EXPECT_EQ(base::field_index(table, "no such"), names.size());
  };
  check(k_token_fields);
  check(k_channel_fields);
  check(k_account_fields);
  check(k_group_fields);
  check(k_price_fields);
}

}  // namespace
}  // namespace cr::admin

// SPDX-License-Identifier: MIT
#include "ledger/sql/record_changes.h"

#include <gtest/gtest.h>

#include "ledger/core/token_fields.h"

namespace cr::ledger {
namespace {

TEST(RecordChanges, change_what_is_named_and_no_more) {
  TokenRecord token;
  token.settings.edit().note = "old";
  token.quota = Credits::from_nano(20);
  token.settings.edit().tags = {{"a", "1"}, {"b", "2"}};
  TokenPatch patch;
  ASSERT_TRUE(change_record(k_token_fields, token, patch));
  EXPECT_TRUE(same_settings(k_token_fields, token, token));
  const TokenRecord before = token;
  patch.quota = QuotaChange{QuotaChange::Kind::delta, Credits::from_nano(5)};
  patch.tags = MapPatch{{"a", std::nullopt}, {"c", "3"}};
  patch.expires = std::optional<Time>(Time(std::chrono::milliseconds(7)));
  patch.models = [](const std::vector<std::string>&) -> Result<std::vector<std::string>> {
    return std::vector<std::string>{"m"};
  };
  ASSERT_TRUE(change_record(k_token_fields, token, patch));
  EXPECT_EQ(token.quota, Credits::from_nano(25));
  EXPECT_EQ(token.settings->tags, (std::map<std::string, std::string>{{"b", "2"}, {"c", "3"}}));
  EXPECT_EQ(token.expires, Time(std::chrono::milliseconds(7)));
  EXPECT_EQ(token.settings->models, std::vector<std::string>{"m"});
  EXPECT_EQ(token.settings->note, "old");
  EXPECT_FALSE(same_settings(k_token_fields, token, before));
}

TEST(RecordChanges, a_refused_value_names_its_budget) {
  TokenRecord token;
  TokenPatch patch;
  patch.budgets[0] = QuotaChange{QuotaChange::Kind::set, Credits::from_nano(-1)};
  const auto done = change_record(k_token_fields, token, patch);
  ASSERT_FALSE(done);
  EXPECT_TRUE(done.error().message.starts_with("budget of a day: ")) << done.error().message;
  patch.budgets = {};
  patch.groups = [](const std::vector<std::string>&) -> Result<std::vector<std::string>> {
    return base::fail(base::ErrorCode::invalid, "groups: no");
  };
  EXPECT_FALSE(change_record(k_token_fields, token, patch));
}

TEST(RecordChanges, a_new_record_takes_every_setting_wished) {
  NewToken wanted;
  wanted.name = "ci";
  wanted.groups = {"g"};
  wanted.rates.tokens_per_minute = 7;
  wanted.retrievable = true;
  TokenRecord token;
  take_wanted(k_token_fields, token, wanted);
  EXPECT_EQ(token.name, "ci");
  EXPECT_EQ(token.settings->groups, std::vector<std::string>{"g"});
  EXPECT_EQ(token.settings->rates.tokens_per_minute, 7);
  EXPECT_TRUE(token.settings->retrievable);
}

}  // namespace
}  // namespace cr::ledger

// SPDX-License-Identifier: MIT
#include "server/admin/field_values.h"

#include <gmock/gmock.h>

#include "admin/account_fields.h"
#include "admin/channel_fields.h"
#include "admin/token_fields.h"
#include "ledger/core/account_fields.h"
#include "ledger/core/channel_fields.h"
#include "ledger/core/token_fields.h"
#include "provider/kinds/kind.h"

namespace cr::server::admin {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

// Every setting of the messages is one of the ledger's of the same name: else it would be read and forgotten.
template <const auto& messages, const auto& records>
std::vector<std::string> settings_without_a_twin() {
  std::vector<std::string> alone;
  base::each_field(messages, [&](const auto& row) {
    if (cr::admin::k_role_of<decltype(row)> == cr::admin::Role::setting &&
        base::field_index(records, row.name) == base::field_names(records).size())
      alone.emplace_back(row.name);
  });
  return alone;
}

TEST(FieldValues, every_setting_of_a_message_has_its_place_in_the_ledger) {
  EXPECT_THAT((settings_without_a_twin<cr::admin::k_token_fields, ledger::k_token_fields>()), ElementsAre());
  EXPECT_THAT((settings_without_a_twin<cr::admin::k_channel_fields, ledger::k_channel_fields>()), ElementsAre());
  EXPECT_THAT((settings_without_a_twin<cr::admin::k_account_fields, ledger::k_account_fields>()), ElementsAre());
  EXPECT_THAT((settings_without_a_twin<cr::admin::k_group_fields, ledger::k_group_fields>()), ElementsAre());
}

TEST(FieldValues, what_a_create_message_leaves_out_stays_as_it_was_made) {
  cr::admin::ChannelCreate create;
  create.name = "c";
  create.kind = "anthropic";
  create.timeout_idle_ms = 1500;
  create.enabled = false;
  ledger::ChannelRecord record;
  record.groups = {"default"};
  ASSERT_TRUE((take_created<cr::admin::k_channel_fields, ledger::k_channel_fields>(create, record)));
  EXPECT_EQ(record.name, "c");
  EXPECT_EQ(record.kind, provider::Kind::anthropic);
  EXPECT_EQ(record.enabled, token::Switch::off);
  EXPECT_EQ(record.timeout_idle, 1500ms);
  EXPECT_EQ(record.timeout_connect, ledger::ChannelRecord().timeout_connect);
  EXPECT_THAT(record.groups, ElementsAre("default"));

  cr::admin::Channel shown;
  show_fields<cr::admin::k_channel_fields, ledger::k_channel_fields>(shown, record);
  EXPECT_EQ(shown.kind, "anthropic");
  EXPECT_FALSE(shown.enabled);
  EXPECT_EQ(shown.timeout_idle_ms, 1500);
}

TEST(FieldValues, an_edit_changes_what_it_names_only) {
  ledger::ChannelRecord record;
  record.models = {"a", "b"};
  record.headers = {{"x-one", "1"}, {"x-two", "2"}};
  record.note = "mine";
  cr::admin::ChannelEdit edit;
  edit.models = cr::admin::ListEdit{{}, {"c"}, {"a"}};
  edit.headers = StringMapEdit{{"x-one", std::nullopt}, {"x-three", "3"}};
  ASSERT_TRUE((take_edited<cr::admin::k_channel_fields, ledger::k_channel_fields>(edit, record)));
  EXPECT_THAT(record.models, ElementsAre("b", "c"));
  EXPECT_THAT(record.headers, ElementsAre(Pair("x-three", "3"), Pair("x-two", "2")));
  EXPECT_EQ(record.note, "mine");
}

TEST(FieldValues, a_patch_holds_what_the_edit_says_and_nothing_else) {
  cr::admin::TokenEdit edit;
  edit.quota = cr::admin::QuotaEdit{false, {}, base::Credits::parse("5").value()};
  edit.expires_at.emplace();  // never
  edit.budgets = std::map<std::string, cr::admin::QuotaEdit>{{"week", {true, {}, {}}}};
  ledger::TokenPatch patch;
  ASSERT_TRUE((take_edited<cr::admin::k_token_fields, ledger::k_token_fields>(edit, patch)));
  ASSERT_TRUE(patch.quota && patch.expires);
  EXPECT_EQ(patch.quota->kind, ledger::QuotaChange::Kind::delta);
  EXPECT_FALSE(patch.expires->has_value());
  const auto week = static_cast<std::size_t>(base::Period::week);
  ASSERT_TRUE(patch.budgets.at(week));
  EXPECT_EQ(patch.budgets.at(week)->kind, ledger::QuotaChange::Kind::unlimited);
  EXPECT_FALSE(patch.budgets.at(static_cast<std::size_t>(base::Period::day)));
  EXPECT_FALSE(patch.name || patch.enabled || patch.models || patch.tags || patch.zone || patch.when_low);
}

template <class Place, class Given>
std::string refused(std::string_view member, Place place, const Given& given) {
  const auto taken = take_value(member, place, given);
  return taken ? "taken" : taken.error().message;
}

TEST(FieldValues, a_value_that_is_none_is_refused_by_its_name) {
  EXPECT_THAT(refused("when_low", ledger::WhenLow::clamp, std::string("never")), HasSubstr("when_low: expected"));
  EXPECT_THAT(refused("kind", provider::Kind::echo, std::string("gpt")), HasSubstr("kind: expected one of \"openai\""));
  EXPECT_THAT(refused("time_zone", base::Zone(), std::string("Mars/North")), HasSubstr("time_zone: "));
  EXPECT_THAT(refused("multiplier", std::int64_t{0}, std::string("-1")), HasSubstr("multiplier: "));
  EXPECT_THAT(refused("timeout_idle_ms", 1ms, std::int64_t{0}), HasSubstr("from 1 to 86400000"));
  EXPECT_EQ(refused("echo_delay_ms", 1ms, std::int64_t{0}), "taken");
  EXPECT_THAT(refused("echo_delay_ms", 1ms, std::int64_t{-1}), HasSubstr("from 0 to"));
  EXPECT_THAT(refused("budgets", ledger::BudgetLimits(), std::map<std::string, base::Credits>{{"year", {}}}),
              HasSubstr("'year' is no period"));
  EXPECT_THAT(refused("models", std::vector<std::string>{"gpt-4o"}, cr::admin::ListEdit{{}, {}, {"gpt-4"}}),
              HasSubstr("'gpt-4' is not in the list"));
}

}  // namespace
}  // namespace cr::server::admin

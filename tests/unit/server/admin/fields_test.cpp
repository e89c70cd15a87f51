// SPDX-License-Identifier: MIT
// The admin side's tables of fields against the ledger's: what one calls a setting the other does too, by the same name
// and in the same order.
#include <gmock/gmock.h>

#include "admin/account_fields.h"
#include "admin/channel_fields.h"
#include "admin/price_fields.h"
#include "admin/token_fields.h"
#include "ledger/core/account_fields.h"
#include "ledger/core/channel_fields.h"
#include "ledger/core/price_fields.h"
#include "ledger/core/token_fields.h"

namespace cr::server::admin {
namespace {

using Names = std::vector<std::string_view>;

// What is set, or told of an edit.
template <class Table>
Names admin_settings(const Table& table) {
  Names names;
  base::each_field(table, [&](const auto& row) {
    if (cr::admin::k_role_of<decltype(row)> != cr::admin::Role::computed) names.push_back(row.name);
  });
  return names;
}

template <class Table>
Names ledger_settings(const Table& table) {
  Names names;
  base::each_field(table, [&](const auto& field) {
    if (ledger::FieldOf<decltype(field)>::is_setting) names.push_back(field.name);
  });
  return names;
}

TEST(FieldTables, agree_on_the_settings_of_each_record) {
  EXPECT_EQ(admin_settings(cr::admin::k_token_fields), ledger_settings(ledger::k_token_fields));
  EXPECT_EQ(admin_settings(cr::admin::k_channel_fields), ledger_settings(ledger::k_channel_fields));
  EXPECT_EQ(admin_settings(cr::admin::k_account_fields), ledger_settings(ledger::k_account_fields));
  EXPECT_EQ(admin_settings(cr::admin::k_group_fields), ledger_settings(ledger::k_group_fields));
  EXPECT_EQ(admin_settings(cr::admin::k_price_fields), ledger_settings(ledger::k_price_fields));
}

// What else the ledger keeps, its ids and times, the admin side shows under the same name.
TEST(FieldTables, agree_on_what_is_kept) {
  const auto check = [](const auto& ledger_table, const auto& admin_table) {
    const auto names = base::field_names(admin_table);
    for (const auto name : base::field_names(ledger_table)) EXPECT_THAT(names, testing::Contains(name));
  };
  check(ledger::k_token_fields, cr::admin::k_token_fields);
  check(ledger::k_channel_fields, cr::admin::k_channel_fields);
  check(ledger::k_account_fields, cr::admin::k_account_fields);
  check(ledger::k_group_fields, cr::admin::k_group_fields);
  check(ledger::k_price_fields, cr::admin::k_price_fields);
}

}  // namespace
}  // namespace cr::server::admin

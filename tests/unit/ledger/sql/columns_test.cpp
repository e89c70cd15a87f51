// SPDX-License-Identifier: MIT
#include "ledger/sql/columns.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "ledger/sql/rows.h"

namespace cr::ledger {
namespace {

TEST(Columns, texts_are_made_of_the_table) {
  EXPECT_EQ(k_group_columns, "grp.id, grp.rev, grp.name, grp.multiplier_millionths, grp.note, grp.created_at");
  const auto columns = columns_in(k_group_fields, "id");
  EXPECT_EQ(insert_text("grp", columns),
            "INSERT INTO grp (rev, name, multiplier_millionths, note, created_at) VALUES (?1, ?2, ?3, ?4, ?5)");
  EXPECT_EQ(update_text("grp", columns),
            "UPDATE grp SET rev = ?1, name = ?2, multiplier_millionths = ?3, note = ?4, created_at = ?5 WHERE id = ?6");
  EXPECT_EQ(excluded_list({"a", "b", "c"}, {"b"}), "a = excluded.a, c = excluded.c");
}

// Each column has its parameter, in the same order; what is kept beside the table has neither.
TEST(Columns, and_parameters_are_as_many) {
  const auto check = [](const auto& table, const auto& record) {
    Parameters parameters;
    add_parameters(parameters, table, record);
    EXPECT_EQ(parameters.values().size(), columns_in(table).size());
    EXPECT_EQ(static_cast<std::size_t>(count_columns(table)), columns_in(table).size());
  };
  check(k_token_fields, TokenRecord());
  check(k_account_fields, AccountRecord());
  check(k_group_fields, GroupRecord());
  check(k_price_fields, PriceRecord());
  check(k_channel_fields, ChannelRecord());
  EXPECT_EQ(std::tuple_size_v<decltype(k_channel_fields)>, columns_in(k_channel_fields).size() + 1);
}

TEST(Columns, hold_values_as_the_store_keeps_them) {
  TokenRecord token;
  token.name = "ci";
  token.settings.edit().when_low = WhenLow::refuse;
  token.settings.edit().groups = {"a", "b"};
  token.settings.edit().budgets[0] = Credits::from_nano(5'000'000'000);
  Parameters parameters;
  add_parameters(parameters, k_token_fields, token);
  const auto of = [&](std::string_view column) {
    const auto columns = columns_in(k_token_fields);
    return parameters
        .values()[static_cast<std::size_t>(std::find(columns.begin(), columns.end(), column) - columns.begin())];
  };
  EXPECT_EQ(of("name").text(), "ci");
  EXPECT_EQ(of("when_low").number(), 1);
  EXPECT_EQ(of("groups").text(), R"(["a","b"])");
  EXPECT_EQ(of("budgets").text(), R"({"day":"5"})");
  EXPECT_EQ(of("expires").kind(), SqlValue::Kind::null);
  EXPECT_EQ(of("time_zone").text(), "UTC");
}

// A price that holds since ever has 0 in its key, which cannot be NULL.
TEST(Columns, keep_an_absent_date_of_a_price_as_zero) {
  Parameters parameters;
  add_parameters(parameters, k_price_fields, PriceRecord());
  const auto columns = columns_in(k_price_fields);
  const auto at = std::find(columns.begin(), columns.end(), "effective_at") - columns.begin();
  const auto& value = parameters.values()[static_cast<std::size_t>(at)];
  EXPECT_EQ(value.kind(), SqlValue::Kind::number);
  EXPECT_EQ(value.number(), 0);
}

}  // namespace
}  // namespace cr::ledger

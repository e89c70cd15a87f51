// SPDX-License-Identifier: MIT
// Rows to records, by the tables of fields. Shared by the loading of the store
// and by the reports. Errors are `corrupt`: nothing but us writes these columns.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "ledger/core/account_fields.h"
#include "ledger/core/channel_fields.h"
#include "ledger/core/price_fields.h"
#include "ledger/core/token_fields.h"
#include "ledger/sql/columns.h"

namespace cr::ledger {

// Lists of columns for SELECT, as the tables of fields have them, and how many they are. Each record's reader starts at
// column `at`.
extern const std::string k_account_columns, k_group_columns, k_token_columns, k_key_columns, k_channel_columns,
    k_price_columns;

inline constexpr int k_account_column_count = count_columns(k_account_fields);
AccountRecord account_of(const Row& row, int at = 0);

GroupRecord group_of(const Row& row, int at = 0);

inline constexpr int k_token_column_count = count_columns(k_token_fields);
// Settings that are the same as `like` are shared with it.
base::Result<TokenRecord> token_of(const Row& row, int at = 0, const SharedTokenSettings& like = {});

// Keys are no settings: their table is the loading's alone.
inline constexpr auto k_key_fields = std::make_tuple(
    kept<At<&KeyRecord::id>>("id"), kept<At<&KeyRecord::token>>("token_id"), kept<At<&KeyRecord::digest>>("digest"),
    kept<At<&KeyRecord::hint, &token::KeyHint::first>>("hint_first"),
    kept<At<&KeyRecord::hint, &token::KeyHint::last>>("hint_last"), kept<At<&KeyRecord::created_at>>("created_at"),
    kept<At<&KeyRecord::not_after>>("not_after"));
inline constexpr int k_key_column_count = count_columns(k_key_fields);
base::Result<KeyRecord> key_of(const Row& row, int at = 0);

base::Result<ChannelRecord> channel_of(const Row& row);  // without keys

Result<PriceRecord> price_of(const Row& row);

// "SELECT columns rest".
std::string select(std::string_view columns, std::string_view rest);

}  // namespace cr::ledger

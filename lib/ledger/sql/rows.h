// SPDX-License-Identifier: MIT
// Rows to records: the columns of each table in one order, and the record they make. Shared by the loading of the store
// and by the reports. Errors are `corrupt`: nothing but us writes these columns.
#pragma once

#include <string_view>

#include "base/result.h"
#include "ledger/core/records.h"
#include "ledger/sql/sql_session.h"

namespace cr::ledger {

// Column lists for SELECT. Each record's reader starts at column `at`.
inline constexpr std::string_view k_account_columns =
    "account.id, account.rev, account.name, account.enabled, account.quota, account.note, account.created_at";
inline constexpr int k_account_column_count = 7;
AccountRecord account_of(const Row& row, int at = 0);

inline constexpr std::string_view k_group_columns =
    "grp.id, grp.rev, grp.name, grp.multiplier_millionths, grp.note, grp.created_at";
inline constexpr int k_group_column_count = 6;
GroupRecord group_of(const Row& row, int at = 0);

inline constexpr std::string_view k_token_columns =
    "token.id, token.rev, token.name, token.account_id, token.groups, token.enabled, token.not_before, token.expires,"
    " token.models, token.allow_ip, token.quota, token.when_low, token.tags, token.note, token.retrievable,"
    " token.created_at, token.deleted_at, token.budgets, token.time_zone, token.requests_per_minute,"
    " token.tokens_per_minute, token.requests_at_once";
inline constexpr int k_token_column_count = 22;
base::Result<TokenRecord> token_of(const Row& row, int at = 0);

inline constexpr std::string_view k_key_columns =
    "key.id, key.token_id, key.digest, key.hint_first, key.hint_last, key.created_at, key.not_after";
inline constexpr int k_key_column_count = 7;
base::Result<KeyRecord> key_of(const Row& row, int at = 0);

inline constexpr std::string_view k_channel_columns =
    "channel.id, channel.rev, channel.name, channel.kind, channel.enabled, channel.base_url, channel.models,"
    " channel.model_map, channel.groups, channel.priority, channel.weight, channel.timeout_connect_ms,"
    " channel.timeout_first_byte_ms, channel.timeout_idle_ms, channel.allow_private, channel.bound_field,"
    " channel.echo_delay_ms, channel.note, channel.created_at, channel.timeout_total_ms, channel.headers, "
    "channel.proxy,"
    " channel.ca_file, channel.client_cert, channel.client_key";
base::Result<ChannelRecord> channel_of(const Row& row);  // without keys

inline constexpr std::string_view k_price_columns =
    "price.model, price.effective_at, price.input, price.cached_input, price.cache_write, price.output,"
    " price.per_request, price.max_output_tokens, price.context_tokens, price.source, price.updated_at,"
    " price.per_image, price.per_character, price.per_second";
PriceRecord price_of(const Row& row);

inline std::optional<Time> optional_time(const Row& row, int column) {
  const auto ms = row.column_optional_int(column);
  return ms ? std::optional(base::from_unix_ms(*ms)) : std::nullopt;
}
inline std::optional<Credits> optional_credits(const Row& row, int column) {
  const auto nano = row.column_optional_int(column);
  return nano ? std::optional(Credits::from_nano(*nano)) : std::nullopt;
}
inline Switch switch_of(const Row& row, int column) {
  return row.column_int(column) != 0 ? Switch::on : Switch::off;
}

// "SELECT columns rest".
std::string select(std::string_view columns, std::string_view rest);

}  // namespace cr::ledger

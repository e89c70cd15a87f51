// SPDX-License-Identifier: MIT
#include "ledger/sql/rows.h"

#include "ledger/core/channel_rules.h"

namespace cr::ledger {
namespace {

using base::ErrorCode;
using base::Result;

// Assigns what was made of columns; an error is of what it belongs to: "token 'ci': ...".
template <class T>
Result<void> take(Result<T> from, T& to, std::string_view what, std::string_view name) {
  if (!from)
    return base::fail(ErrorCode::corrupt, std::string(what) + " '" + std::string(name) + "': " + from.error().message);
  to = std::move(*from);
  return {};
}

template <class Table, class Record>
Result<void> read_named(const Table& table, const Row& row, int at, Record& record, std::string_view what) {
  auto read = read_columns(table, row, at, record);
  if (read) return {};
  return base::fail(ErrorCode::corrupt, std::string(what) + " '" + record.name + "': " + read.error().message);
}

// All their columns hold what they are read as.
template <class Table, class Record>
void read_plain(const Table& table, const Row& row, int at, Record& record) {
  static_cast<void>(read_columns(table, row, at, record));
}

}  // namespace

const std::string k_account_columns = select_list("account", columns_in(k_account_fields));
const std::string k_group_columns = select_list("grp", columns_in(k_group_fields));
const std::string k_token_columns = select_list("token", columns_in(k_token_fields));
const std::string k_key_columns = select_list("key", columns_in(k_key_fields));
const std::string k_channel_columns = select_list("channel", columns_in(k_channel_fields));
const std::string k_price_columns = select_list("price", columns_in(k_price_fields));

std::string select(std::string_view columns, std::string_view rest) {
  return "SELECT " + std::string(columns) + ' ' + std::string(rest);
}

AccountRecord account_of(const Row& row, int at) {
  AccountRecord account;
  read_plain(k_account_fields, row, at, account);
  return account;
}

GroupRecord group_of(const Row& row, int at) {
  GroupRecord group;
  read_plain(k_group_fields, row, at, group);
  return group;
}

Result<TokenRecord> token_of(const Row& row, int at, const SharedTokenSettings& like) {
  TokenRecord token;
  token.settings = like;
  auto read = read_named(k_token_fields, row, at, token, "token");
  if (read && !token.settings.is_shared_with(like)) {
    TokenSettings& settings = token.settings.edit();
    read = take(token::ModelSet::parse(settings.models), settings.model_set, "token", token.name);
    // An empty list means no restriction, which parse() would not make of one.
    settings.ip_set = {};
    if (read && !settings.allow_ip.empty()) {
      read = take(token::IpSet::parse(settings.allow_ip), settings.ip_set, "token", token.name);
    }
  }
  if (!read) return tl::unexpected(std::move(read.error()));
  return token;
}

Result<KeyRecord> key_of(const Row& row, int at) {
  KeyRecord key;
  auto read = read_columns(k_key_fields, row, at, key);
  if (!read) return tl::unexpected(std::move(read.error()));
  return key;
}

Result<ChannelRecord> channel_of(const Row& row) {
  ChannelRecord channel;
  auto read = read_named(k_channel_fields, row, 0, channel, "channel");
  if (read) read = take(served_models(channel), channel.model_set, "channel", channel.name);
  if (!read) return tl::unexpected(std::move(read.error()));
  return channel;
}

Result<PriceRecord> price_of(const Row& row) {
  PriceRecord price;
  if (auto read = read_columns(k_price_fields, row, 0, price); !read) {
    return base::fail(ErrorCode::corrupt, "price of '" + price.model + "': " + read.error().message);
  }
  return price;
}

}  // namespace cr::ledger

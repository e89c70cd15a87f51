// SPDX-License-Identifier: MIT
#include "ledger/sql/rows.h"

#include <algorithm>

#include "ledger/core/channel_rules.h"
#include "ledger/sql/settings_json.h"
#include "provider/kinds/kind.h"

namespace cr::ledger {
namespace {

using base::ErrorCode;
using base::from_unix_ms;
using base::Result;

std::string text(const Row& row, int column) {
  return std::string(row.column_text(column));
}

// Assigns a Result's value, or keeps its error with the name of what it belongs to.
template <class T>
bool take(Result<T> from, T& to, base::Error& error, std::string_view what, std::string_view name) {
  if (from) {
    to = std::move(*from);
    return true;
  }
  error = {ErrorCode::corrupt, std::string(what) + " '" + std::string(name) + "': " + from.error().message, {}};
  return false;
}

}  // namespace

std::string select(std::string_view columns, std::string_view rest) {
  return "SELECT " + std::string(columns) + ' ' + std::string(rest);
}

AccountRecord account_of(const Row& row, int at) {
  AccountRecord account;
  account.id = {row.column_int(at)};
  account.rev = row.column_int(at + 1);
  account.name = text(row, at + 2);
  account.enabled = switch_of(row, at + 3);
  account.quota = optional_credits(row, at + 4);
  account.note = text(row, at + 5);
  account.created_at = from_unix_ms(row.column_int(at + 6));
  return account;
}

GroupRecord group_of(const Row& row, int at) {
  GroupRecord group;
  group.id = {row.column_int(at)};
  group.rev = row.column_int(at + 1);
  group.name = text(row, at + 2);
  group.multiplier_millionths = row.column_int(at + 3);
  group.note = text(row, at + 4);
  group.created_at = from_unix_ms(row.column_int(at + 5));
  return group;
}

Result<TokenRecord> token_of(const Row& row, int at) {
  TokenRecord token;
  token.id = {row.column_int(at)};
  token.rev = row.column_int(at + 1);
  token.name = text(row, at + 2);
  token.account = {row.column_int(at + 3)};
  token.enabled = switch_of(row, at + 5);
  token.not_before = optional_time(row, at + 6);
  token.expires = optional_time(row, at + 7);
  token.quota = optional_credits(row, at + 10);
  token.when_low = row.column_int(at + 11) == 0 ? WhenLow::clamp : WhenLow::refuse;
  token.note = text(row, at + 13);
  token.retrievable = row.column_int(at + 14) != 0;
  token.created_at = from_unix_ms(row.column_int(at + 15));
  token.deleted_at = optional_time(row, at + 16);
  token.rates = {row.column_optional_int(at + 19), row.column_optional_int(at + 20), row.column_optional_int(at + 21)};
  base::Error error;
  const bool taken = take(list_from_json(row.column_text(at + 4)), token.groups, error, "token", token.name) &&
                     take(list_from_json(row.column_text(at + 8)), token.models, error, "token", token.name) &&
                     take(list_from_json(row.column_text(at + 9)), token.allow_ip, error, "token", token.name) &&
                     take(map_from_json(row.column_text(at + 12)), token.tags, error, "token", token.name) &&
                     take(token::ModelSet::parse(token.models), token.model_set, error, "token", token.name) &&
                     take(budgets_from_json(row.column_text(at + 17)), token.budgets, error, "token", token.name) &&
                     take(base::Zone::find(row.column_text(at + 18)), token.zone, error, "token", token.name);
  if (!taken) return tl::unexpected(error);
  // An empty list means no restriction, which parse() would not make of one.
  if (!token.allow_ip.empty() && !take(token::IpSet::parse(token.allow_ip), token.ip_set, error, "token", token.name)) {
    return tl::unexpected(error);
  }
  return token;
}

Result<KeyRecord> key_of(const Row& row, int at) {
  KeyRecord key;
  key.id = {row.column_int(at)};
  key.token = {row.column_int(at + 1)};
  const auto digest = row.column_blob(at + 2);
  if (digest.size() != key.digest.size()) {
    return base::fail(ErrorCode::corrupt, "read the store: a key's digest has the wrong length");
  }
  std::copy(digest.begin(), digest.end(), key.digest.begin());
  key.hint = {text(row, at + 3), text(row, at + 4)};
  key.created_at = from_unix_ms(row.column_int(at + 5));
  key.not_after = optional_time(row, at + 6);
  return key;
}

Result<ChannelRecord> channel_of(const Row& row) {
  const auto milliseconds = [&](int column) { return std::chrono::milliseconds(row.column_int(column)); };
  ChannelRecord channel;
  channel.id = {row.column_int(0)};
  channel.rev = row.column_int(1);
  channel.name = text(row, 2);
  const auto* kind = provider::find_kind(row.column_text(3));
  if (kind == nullptr) return base::fail(ErrorCode::corrupt, "channel '" + channel.name + "': its kind is unknown");
  channel.kind = kind->kind;
  channel.enabled = switch_of(row, 4);
  channel.base_url = text(row, 5);
  channel.priority = row.column_int(9);
  channel.weight = row.column_int(10);
  channel.timeout_connect = milliseconds(11);
  channel.timeout_first_byte = milliseconds(12);
  channel.timeout_idle = milliseconds(13);
  channel.allow_private = row.column_int(14) != 0;
  channel.bound_field = text(row, 15);
  channel.echo_delay = milliseconds(16);
  channel.note = text(row, 17);
  channel.created_at = from_unix_ms(row.column_int(18));
  channel.timeout_total = milliseconds(19);
  channel.proxy = text(row, 21);
  channel.ca_file = text(row, 22);
  channel.client_cert = text(row, 23);
  channel.client_key = text(row, 24);
  base::Error error;
  const bool taken = take(list_from_json(row.column_text(6)), channel.models, error, "channel", channel.name) &&
                     take(map_from_json(row.column_text(7)), channel.model_map, error, "channel", channel.name) &&
                     take(list_from_json(row.column_text(8)), channel.groups, error, "channel", channel.name) &&
                     take(map_from_json(row.column_text(20)), channel.headers, error, "channel", channel.name) &&
                     take(served_models(channel), channel.model_set, error, "channel", channel.name);
  if (!taken) return tl::unexpected(error);
  return channel;
}

PriceRecord price_of(const Row& row) {
  PriceRecord price;
  price.model = text(row, 0);
  if (const std::int64_t effective = row.column_int(1); effective != 0) price.effective_at = from_unix_ms(effective);
  price.input = row.column_int(2);
  price.cached_input = row.column_int(3);
  price.cache_write = row.column_int(4);
  price.output = row.column_int(5);
  price.per_request = Credits::from_nano(row.column_int(6));
  price.max_output_tokens = row.column_optional_int(7);
  price.context_tokens = row.column_optional_int(8);
  price.source = text(row, 9);
  price.updated_at = from_unix_ms(row.column_int(10));
  price.per_image = Credits::from_nano(row.column_int(11));
  price.per_character = row.column_int(12);
  price.per_second = Credits::from_nano(row.column_int(13));
  return price;
}

}  // namespace cr::ledger

// SPDX-License-Identifier: MIT
#include "ledger/sql/loading.h"

#include <future>
#include <string>
#include <utility>
#include <vector>

#include "ledger/sql/rows.h"

namespace cr::ledger {
namespace {

using base::ErrorCode;
using base::Result;

Result<void> load_accounts(Store::Impl& store) {
  const std::string sql = select(k_account_columns, "FROM account WHERE deleted_at IS NULL");
  return store.sql.each_row(sql, [&](const Row& row) -> Result<void> {
    store.directory.put_account(std::make_shared<const AccountRecord>(account_of(row)));
    return {};
  });
}

// Rows come in the order of their ids, or the table is damaged: then a row could stand in it twice, or not be found.
Result<void> check_order(bool in_order, std::string_view table) {
  if (in_order) return {};
  return base::fail(ErrorCode::corrupt, "the rows of its table '" + std::string(table) + "' are out of order");
}

using Tokens = std::vector<std::shared_ptr<const TokenRecord>>;

// Those with an id after `after`, up to `last`. Without their keys: SQLite would look up each token's by an index,
// which takes longer than reading all of both.
Result<Tokens> load_tokens(SqlSession& sql, SettingsPool& pool, TokenId after, TokenId last) {
  Tokens tokens;
  SharedTokenSettings settings;  // the last token's: the next one's are likely the same
  auto read = sql.each_row(
      select(k_token_columns, "FROM token WHERE deleted_at IS NULL AND id > ?1 AND id <= ?2 ORDER BY id"),
      [&](const Row& row) -> Result<void> {
        auto token = token_of(row, 0, settings);
        if (!token) return tl::unexpected(token.error());
        if (!token->settings.is_shared_with(settings)) pool.share(token->settings);
        settings = token->settings;
        tokens.push_back(std::make_shared<const TokenRecord>(std::move(*token)));
        return check_order(std::exchange(after, tokens.back()->id) < tokens.back()->id, "token");
      },
      after, last);
  if (!read) return tl::unexpected(read.error());
  return tokens;
}

// The newest first, without those whose grace is over at `now`: recovery deletes them.
Result<LoadedKeys> load_keys(SqlSession& sql, Time now) {
  LoadedKeys keys;
  auto read = sql.each_row(
      select(k_key_columns, "FROM key WHERE not_after IS NULL OR not_after > ?1 ORDER BY id DESC"),
      [&](const Row& row) -> Result<void> {
        auto key = key_of(row);
        if (!key) return tl::unexpected(key.error());
        if (auto order = check_order(keys.empty() || key->id < keys.back()->id, "key"); !order) return order;
        keys.push_back(std::make_shared<const KeyRecord>(*key));
        return {};
      },
      now);
  if (!read) return tl::unexpected(read.error());
  return keys;
}

struct TokensAndKeys {
  Tokens tokens;
  LoadedKeys keys;
};

// Two sessions read at once: a part of the tokens here, the rest of them and the keys on the other one.
Result<LoadedKeys> load_tokens_and_keys(Store::Impl& store, SqlSession& other, Time now) {
  const auto last = store.sql.find_int("SELECT max(id) FROM token");
  if (!last) return tl::unexpected(last.error());
  // A key takes half as long as a token: so both end together.
  const TokenId cut{last->value_or(0) / 4 * 3};
  auto beside = std::async(std::launch::async, [&, last = TokenId{last->value_or(0)}]() -> Result<TokensAndKeys> {
    SettingsPool pool;
    auto keys = load_keys(other, now);
    if (!keys) return tl::unexpected(keys.error());
    auto tokens = load_tokens(other, pool, cut, last);
    if (!tokens) return tl::unexpected(tokens.error());
    return TokensAndKeys{std::move(*tokens), std::move(*keys)};
  });
  auto first = load_tokens(store.sql, store.pool, {}, cut);
  auto rest = beside.get();
  if (!first) return tl::unexpected(first.error());
  if (!rest) return tl::unexpected(rest.error());
  for (auto* part : {&*first, &rest->tokens}) {
    for (auto& token : *part) store.directory.load_token(std::move(token));
  }
  return std::move(rest->keys);
}

Result<void> load_groups(Store::Impl& store) {
  return store.sql.each_row(select(k_group_columns, "FROM grp"), [&](const Row& row) -> Result<void> {
    store.directory.put_group(std::make_shared<const GroupRecord>(group_of(row)));
    return {};
  });
}

Result<void> load_channels(Store::Impl& store) {
  std::vector<ChannelRecord> channels;
  auto read = store.sql.each_row(select(k_channel_columns, "FROM channel WHERE deleted_at IS NULL"),
                                 [&](const Row& row) -> Result<void> {
                                   auto channel = channel_of(row);
                                   if (!channel) return tl::unexpected(channel.error());
                                   channels.push_back(std::move(*channel));
                                   return {};
                                 });
  if (!read) return read;
  for (ChannelRecord& channel : channels) {
    if (auto keys = load_channel_keys(store, channel); !keys) return keys;
    store.directory.put_channel(std::make_shared<const ChannelRecord>(std::move(channel)));
  }
  return {};
}

Result<void> load_prices(Store::Impl& store) {
  return store.sql.each_row(select(k_price_columns, "FROM price"), [&](const Row& row) -> Result<void> {
    auto price = price_of(row);
    if (!price) return tl::unexpected(price.error());
    store.directory.put_price(std::make_shared<const PriceRecord>(std::move(*price)));
    return {};
  });
}

}  // namespace

Result<void> load_channel_keys(Store::Impl& store, ChannelRecord& channel) {
  channel.keys.clear();
  channel.key_hints.clear();
  channel.key_created_at.clear();
  constexpr std::string_view sql =
      "SELECT sealed, hint_first, hint_last, created_at FROM channel_key WHERE channel_id = ?1 ORDER BY id";
  return store.sql.each_row(
      sql,
      [&](const Row& row) -> Result<void> {
        const auto sealed = row.column_blob(0);
        auto key = store.vault.open({reinterpret_cast<const char*>(sealed.data()), sealed.size()},
                                    channel_context(channel.id));
        if (!key) {
          return base::fail(ErrorCode::corrupt,
                            "channel '" + channel.name + "': its key does not open: " + key.error().message);
        }
        channel.keys.push_back(std::make_shared<const base::Secret>(std::move(*key)));
        channel.key_hints.push_back({base::ShortText<10>(row.column_text(1)), base::ShortText<4>(row.column_text(2))});
        channel.key_created_at.push_back(base::from_unix_ms(row.column_int(3)));
        return {};
      },
      channel.id);
}

Result<LoadedKeys> load(Store::Impl& store, SqlSession& other, Time now) {
  for (const auto part : {load_accounts, load_groups, load_channels, load_prices}) {
    if (auto done = part(store); !done) return tl::unexpected(done.error());
  }
  return load_tokens_and_keys(store, other, now);
}

void put_keys(Store::Impl& store, LoadedKeys keys) {
  for (auto& key : keys) store.directory.load_key(std::move(key));
  store.directory.sort_loaded();
}

}  // namespace cr::ledger

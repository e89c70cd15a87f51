// SPDX-License-Identifier: MIT
#include "ledger/sql/loading.h"

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

// Reads tokens and keys side by side, both in the order of tokens, so that each token is put once with all of its keys.
class TokenLoader {
 public:
  explicit TokenLoader(Store::Impl& store) : directory_(store.directory), pool_(store.pool) {}

  // One token with one of its keys, or none; rows of a token follow each other, the newest key first.
  Result<void> take(const Row& row) {
    if (token_ == nullptr || token_->id != TokenId{row.column_int(0)}) {
      finish();
      auto token = token_of(row);
      if (!token) return tl::unexpected(token.error());
      pool_.share(token->settings);
      token_ = std::make_shared<const TokenRecord>(std::move(*token));
    }
    if (row.column_is_null(k_token_column_count)) return {};
    auto key = key_of(row, k_token_column_count);
    if (!key) return tl::unexpected(key.error());
    keys_.push_back(std::make_shared<const KeyRecord>(std::move(*key)));
    return {};
  }
  // Puts the token that was begun last.
  void finish() {
    keys_.shrink_to_fit();
    auto keys = std::exchange(keys_, {});
    if (auto token = std::exchange(token_, nullptr)) directory_.load_token(std::move(token), std::move(keys));
  }

 private:
  Directory::Impl& directory_;
  SettingsPool& pool_;
  std::shared_ptr<const TokenRecord> token_;
  std::vector<std::shared_ptr<const KeyRecord>> keys_;
};

Result<void> load_tokens(Store::Impl& store) {
  const std::string sql = select(std::string(k_token_columns) + ", " + std::string(k_key_columns),
                                 "FROM token LEFT JOIN key ON key.token_id = token.id WHERE token.deleted_at IS NULL"
                                 " ORDER BY token.id, key.id DESC");
  TokenLoader loader(store);
  auto read = store.sql.each_row(sql, [&](const Row& row) { return loader.take(row); });
  if (!read) return read;
  loader.finish();
  store.directory.sort_loaded();
  return {};
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
    store.directory.put_price(std::make_shared<const PriceRecord>(price_of(row)));
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

Result<void> load(Store::Impl& store) {
  for (const auto part : {load_accounts, load_tokens, load_groups, load_channels, load_prices}) {
    if (auto done = part(store); !done) return done;
  }
  return {};
}

}  // namespace cr::ledger

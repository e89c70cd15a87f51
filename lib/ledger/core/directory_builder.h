// SPDX-License-Identifier: MIT
// Directory::Impl: the maps behind a Directory, in shards that versions share. The ledger thread edits its own copy:
// what another version still holds is copied first (the shard touched and the list of shards), the rest is shared. So
// an edit costs the same with ten tokens and with a hundred thousand, and a copy of the whole is a few pointers.
#pragma once

#include <array>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "ledger/core/directory.h"

namespace cr::ledger {

struct Directory::Impl {
  static constexpr std::size_t k_shards = 1024;
  template <class Entry>
  using Shards = std::array<std::shared_ptr<std::vector<Entry>>, k_shards>;  // null = an empty one

  struct KeyEntry {
    token::Digest digest;
    Credential credential;
  };
  struct TokenEntry {
    std::shared_ptr<const TokenRecord> token;
    std::vector<std::shared_ptr<const KeyRecord>> keys;  // current first
  };
  using Channels = std::vector<std::shared_ptr<const ChannelRecord>>;
  using Accounts = std::unordered_map<AccountId, std::shared_ptr<const AccountRecord>>;
  using Groups = std::map<std::string, std::shared_ptr<const GroupRecord>, std::less<>>;
  // Latest effective_at first.
  using Prices = std::map<std::string, std::vector<std::shared_ptr<const PriceRecord>>, std::less<>>;

  std::shared_ptr<Shards<KeyEntry>> keys;                             // sorted by digest
  std::shared_ptr<Shards<TokenEntry>> tokens;                         // sorted by id
  std::shared_ptr<Shards<std::shared_ptr<const TokenRecord>>> names;  // sorted by name
  std::shared_ptr<Accounts> accounts;
  std::shared_ptr<Groups> groups;
  std::shared_ptr<Channels> channels;  // by name
  std::shared_ptr<std::map<std::string, Channels, std::less<>>> channels_of;
  std::shared_ptr<Prices> prices;

  Impl();

  const TokenEntry* find_entry(TokenId id) const;
  std::shared_ptr<const TokenRecord> find_token(std::string_view name) const;
  std::shared_ptr<const ChannelRecord> find_channel(std::string_view name) const;
  std::shared_ptr<const AccountRecord> find_account(std::string_view name) const;
  std::vector<std::string> token_names() const;
  std::vector<std::string> account_names() const;
  std::vector<std::string> group_names() const;
  std::vector<std::string> channel_names() const;

  // Puts a new token or replaces the one with this id; its keys stay.
  void put_token(std::shared_ptr<const TokenRecord> token);
  void erase_token(TokenId id);  // and its keys
  // Replaces all keys of a token that is there.
  void put_keys(TokenId id, std::vector<std::shared_ptr<const KeyRecord>> keys);
  void put_account(std::shared_ptr<const AccountRecord> account);
  void erase_account(AccountId id);
  void put_group(std::shared_ptr<const GroupRecord> group);
  void erase_group(std::string_view name);
  void put_channel(std::shared_ptr<const ChannelRecord> channel);
  void erase_channel(ChannelId id);
  void put_price(std::shared_ptr<const PriceRecord> price);  // replaces the one of the same time
  void erase_prices(std::string_view model);

  // The same versions of everything?
  bool operator==(const Impl&) const = default;

 private:
  void sort_channels();
};

}  // namespace cr::ledger

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
#include "ledger/core/model_index.h"

namespace cr::ledger {

struct Directory::Impl {
  static constexpr std::size_t k_shards = 1024;
  static constexpr std::size_t k_few_shards = 64;  // of what there are thousands of, not millions
  template <class Entry, std::size_t count = k_shards>
  using Shards = std::array<std::shared_ptr<std::vector<Entry>>, count>;  // null = an empty one

  struct KeyEntry {
    token::Digest digest;
    Credential credential;
  };
  struct TokenEntry {
    TokenId id;  // the token's: a search among a million does not touch their records
    std::shared_ptr<const TokenRecord> token;
    std::vector<std::shared_ptr<const KeyRecord>> keys;  // current first
  };
  using Channel = std::shared_ptr<const ChannelRecord>;
  using Channels = std::vector<Channel>;
  struct Members {
    std::string group;
    std::shared_ptr<Channels> channels;  // highest priority first, then by name
  };
  using Accounts = std::unordered_map<AccountId, std::shared_ptr<const AccountRecord>>;
  using Groups = std::map<std::string, std::shared_ptr<const GroupRecord>, std::less<>>;
  // Latest effective_at first.
  using Prices = std::map<std::string, std::vector<std::shared_ptr<const PriceRecord>>, std::less<>>;

  std::shared_ptr<Shards<KeyEntry>> keys;                             // sorted by digest
  std::shared_ptr<Shards<TokenEntry>> tokens;                         // sorted by id
  std::shared_ptr<Shards<std::shared_ptr<const TokenRecord>>> names;  // sorted by name
  std::shared_ptr<Accounts> accounts;
  std::shared_ptr<Groups> groups;
  std::shared_ptr<std::map<std::string, AccountId, std::less<>>> account_ids;  // by name
  std::shared_ptr<Channels> channels;                                          // by name; another one after each edit
  std::shared_ptr<Shards<Channel, k_few_shards>> channel_ids;                  // sorted by id
  std::shared_ptr<Shards<Members, k_few_shards>> members;                      // sorted by group
  ModelIndex models;                                                           // into what `channels` holds
  std::shared_ptr<Prices> prices;

  Impl();

  const TokenEntry* find_entry(TokenId id) const;
  std::shared_ptr<const TokenRecord> find_token(std::string_view name) const;
  std::shared_ptr<const ChannelRecord> find_channel(std::string_view name) const;
  const ChannelRecord* find_channel(ChannelId id) const;
  const Channels* find_members(std::string_view group) const;
  std::shared_ptr<const AccountRecord> find_account(std::string_view name) const;
  std::vector<std::string> token_names() const;

  // At the start, while nobody has seen this yet: each token once, in the order of ids; then the keys, a token's newest
  // first, those without a token left out; and sort_loaded(), before anything is found by a name or a digest. A million
  // of them put one by one would each be compared with ten others, and moved.
  void load_token(std::shared_ptr<const TokenRecord> token);
  void load_key(std::shared_ptr<const KeyRecord> key);  // no other member of the token's entry changes
  void sort_loaded();
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
};

}  // namespace cr::ledger

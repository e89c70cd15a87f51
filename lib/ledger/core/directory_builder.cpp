// SPDX-License-Identifier: MIT
#include "ledger/core/directory_builder.h"

#include <algorithm>
#include <tuple>

#include "ledger/core/directory_shards.h"

namespace cr::ledger {
namespace {

using Impl = Directory::Impl;

// Ours alone if nobody else points at it: a published version holds every part of it, so a count of one was never seen
// by another thread.
template <class T>
T& own(std::shared_ptr<T>& part) {
  if (!part) {
    part = std::make_shared<T>();
  } else if (part.use_count() != 1) {
    part = std::make_shared<T>(*part);
  }
  return *part;
}

template <class Entry, class Key>
std::vector<Entry>& own_shard(std::shared_ptr<Impl::Shards<Entry>>& shards, const Key& key) {
  return own(own(shards)[shard_of(key)]);
}

const token::Digest& key_of(const Impl::KeyEntry& entry) {
  return entry.digest;
}
TokenId key_of(const Impl::TokenEntry& entry) {
  return entry.token->id;
}
std::string_view key_of(const std::shared_ptr<const TokenRecord>& token) {
  return token->name;
}

template <class Entry, class Key>
auto position(std::vector<Entry>& shard, const Key& key) {
  return std::lower_bound(shard.begin(), shard.end(), key,
                          [](const Entry& entry, const Key& wanted) { return key_of(entry) < wanted; });
}

template <class Entry>
Entry& put(std::shared_ptr<Impl::Shards<Entry>>& shards, Entry entry) {
  const auto key = key_of(entry);
  auto& shard = own_shard(shards, key);
  const auto at = position(shard, key);
  if (at != shard.end() && key_of(*at) == key) {
    *at = std::move(entry);
    return *at;
  }
  return *shard.insert(at, std::move(entry));
}

template <class Entry, class Key>
void erase(std::shared_ptr<Impl::Shards<Entry>>& shards, const Key& key) {
  auto& shard = own_shard(shards, key);
  const auto at = position(shard, key);
  if (at != shard.end() && key_of(*at) == key) shard.erase(at);
}

template <class Map>
std::vector<std::string> keys_of(const Map& map) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : map) keys.push_back(key);
  return keys;
}

}  // namespace

Impl::Impl()
    : keys(std::make_shared<Shards<KeyEntry>>()),
      tokens(std::make_shared<Shards<TokenEntry>>()),
      names(std::make_shared<Shards<std::shared_ptr<const TokenRecord>>>()),
      accounts(std::make_shared<Accounts>()),
      groups(std::make_shared<Groups>()),
      channels(std::make_shared<Channels>()),
      channels_of(std::make_shared<std::map<std::string, Channels, std::less<>>>()),
      prices(std::make_shared<Prices>()) {}

const Impl::TokenEntry* Impl::find_entry(TokenId id) const {
  const auto& shard = (*tokens)[shard_of(id)];
  if (!shard) return nullptr;
  const auto at = position(*shard, id);
  return at == shard->end() || at->token->id != id ? nullptr : &*at;
}

std::shared_ptr<const TokenRecord> Impl::find_token(std::string_view name) const {
  const auto& shard = (*names)[shard_of(name)];
  if (!shard) return nullptr;
  const auto at = position(*shard, name);
  return at == shard->end() || (*at)->name != name ? nullptr : *at;
}

std::shared_ptr<const ChannelRecord> Impl::find_channel(std::string_view name) const {
  for (const auto& channel : *channels) {
    if (channel->name == name) return channel;
  }
  return nullptr;
}

std::shared_ptr<const AccountRecord> Impl::find_account(std::string_view name) const {
  for (const auto& [id, account] : *accounts) {
    if (account->name == name) return account;
  }
  return nullptr;
}

std::vector<std::string> Impl::token_names() const {
  std::vector<std::string> found;
  for (const auto& shard : *names) {
    if (!shard) continue;
    for (const auto& token : *shard) found.push_back(token->name);
  }
  return found;
}

std::vector<std::string> Impl::account_names() const {
  std::vector<std::string> found;
  for (const auto& [id, account] : *accounts) found.push_back(account->name);
  return found;
}

std::vector<std::string> Impl::group_names() const {
  return keys_of(*groups);
}

std::vector<std::string> Impl::channel_names() const {
  std::vector<std::string> found;
  for (const auto& channel : *channels) found.push_back(channel->name);
  return found;
}

void Impl::put_token(std::shared_ptr<const TokenRecord> token) {
  std::vector<std::shared_ptr<const KeyRecord>> its_keys;
  if (const TokenEntry* old = find_entry(token->id)) {
    its_keys = old->keys;
    if (old->token->name != token->name) erase(names, std::string_view(old->token->name));
  }
  put(names, token);
  for (const auto& key : its_keys) put(keys, KeyEntry{key->digest, {key, token}});
  put(tokens, TokenEntry{std::move(token), std::move(its_keys)});
}

void Impl::erase_token(TokenId id) {
  const TokenEntry* found = find_entry(id);
  if (found == nullptr) return;
  const TokenEntry old = *found;
  for (const auto& key : old.keys) erase(keys, key->digest);
  erase(names, std::string_view(old.token->name));
  erase(tokens, id);
}

void Impl::put_keys(TokenId id, std::vector<std::shared_ptr<const KeyRecord>> new_keys) {
  const TokenEntry* found = find_entry(id);
  if (found == nullptr) return;
  const TokenEntry old = *found;
  for (const auto& key : old.keys) erase(keys, key->digest);
  for (const auto& key : new_keys) put(keys, KeyEntry{key->digest, {key, old.token}});
  put(tokens, TokenEntry{old.token, std::move(new_keys)});
}

void Impl::put_account(std::shared_ptr<const AccountRecord> account) {
  const AccountId id = account->id;
  own(accounts)[id] = std::move(account);
}
void Impl::erase_account(AccountId id) {
  own(accounts).erase(id);
}

void Impl::put_group(std::shared_ptr<const GroupRecord> group) {
  const std::string name = group->name;
  own(groups)[name] = std::move(group);
}
void Impl::erase_group(std::string_view name) {
  auto& all = own(groups);
  if (const auto found = all.find(name); found != all.end()) all.erase(found);
}

void Impl::put_channel(std::shared_ptr<const ChannelRecord> channel) {
  std::erase_if(own(channels), [&](const auto& other) { return other->id == channel->id; });
  own(channels).push_back(std::move(channel));
  sort_channels();
}

void Impl::erase_channel(ChannelId id) {
  std::erase_if(own(channels), [&](const auto& other) { return other->id == id; });
  sort_channels();
}

void Impl::sort_channels() {
  std::sort(channels->begin(), channels->end(), [](const auto& a, const auto& b) { return a->name < b->name; });
  auto& by_group = own(channels_of);
  by_group.clear();
  for (const auto& channel : *channels) {
    for (const std::string& group : channel->groups) by_group[group].push_back(channel);
  }
  for (auto& [group, members] : by_group) {
    std::stable_sort(members.begin(), members.end(),
                     [](const auto& a, const auto& b) { return a->priority > b->priority; });
  }
}

void Impl::put_price(std::shared_ptr<const PriceRecord> price) {
  const std::string model = price->model;
  auto& prices_of = own(prices)[model];
  std::erase_if(prices_of, [&](const auto& other) { return other->effective_at == price->effective_at; });
  prices_of.push_back(std::move(price));
  // An absent time is the earliest.
  std::sort(prices_of.begin(), prices_of.end(),
            [](const auto& a, const auto& b) { return a->effective_at > b->effective_at; });
}

void Impl::erase_prices(std::string_view model) {
  auto& all = own(prices);
  if (const auto found = all.find(model); found != all.end()) all.erase(found);
}

}  // namespace cr::ledger

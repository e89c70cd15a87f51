// SPDX-License-Identifier: MIT
#include "ledger/core/directory_builder.h"

#include <algorithm>
#include <tuple>

#include "ledger/core/channel_order.h"
#include "ledger/core/directory_shards.h"
#include "ledger/core/shared_part.h"

namespace cr::ledger {
namespace {

using Impl = Directory::Impl;

template <class Entry, std::size_t count, class Key>
std::vector<Entry>& own_shard(std::shared_ptr<std::array<std::shared_ptr<std::vector<Entry>>, count>>& shards,
                              const Key& key) {
  return own(own(shards)[shard_of<count>(key)]);
}

const token::Digest& key_of(const Impl::KeyEntry& entry) {
  return entry.digest;
}
TokenId key_of(const Impl::TokenEntry& entry) {
  return entry.id;
}
std::string_view key_of(const std::shared_ptr<const TokenRecord>& token) {
  return token->name;
}

ChannelId key_of(const Impl::Channel& channel) {
  return channel->id;
}
std::string_view key_of(const Impl::Members& members) {
  return members.group;
}

template <class Entry, class Key>
auto position(std::vector<Entry>& shard, const Key& key) {
  return std::lower_bound(shard.begin(), shard.end(), key,
                          [](const Entry& entry, const Key& wanted) { return key_of(entry) < wanted; });
}

// Ids are nearly dense: where one would stand among even steps is a few entries off at most, which a search of all
// would find by way of ten distant ones.
auto position(std::vector<Impl::TokenEntry>& shard, const TokenId& id) {
  auto low = shard.begin(), high = shard.end();
  const auto is_before = [](const Impl::TokenEntry& entry, const TokenId& wanted) { return entry.id < wanted; };
  if (low == high || !(shard.front().id < id) || !(id < shard.back().id)) {
    return std::lower_bound(low, high, id, is_before);
  }
  const auto span = static_cast<double>(shard.back().id.value - shard.front().id.value);
  const auto part = static_cast<double>(id.value - shard.front().id.value) / span;
  const auto guess = low + static_cast<std::ptrdiff_t>(part * static_cast<double>(shard.size() - 1));
  std::ptrdiff_t step = 1;
  if (guess->id < id) {
    for (low = guess; step < high - low && low[step].id < id; step *= 2) low += step;
    if (step < high - low) high = low + step;
  } else {
    for (high = guess; step <= high - low && !(high[-step].id < id); step *= 2) high -= step;
    if (step <= high - low) low = high - step;
  }
  return std::lower_bound(low, high, id, is_before);
}

template <class Entry, std::size_t count>
Entry& put(std::shared_ptr<std::array<std::shared_ptr<std::vector<Entry>>, count>>& shards, Entry entry) {
  const auto key = key_of(entry);
  auto& shard = own_shard(shards, key);
  const auto at = position(shard, key);
  if (at != shard.end() && key_of(*at) == key) {
    *at = std::move(entry);
    return *at;
  }
  return *shard.insert(at, std::move(entry));
}

template <class Entry, std::size_t count, class Key>
void erase(std::shared_ptr<std::array<std::shared_ptr<std::vector<Entry>>, count>>& shards, const Key& key) {
  auto& shard = own_shard(shards, key);
  const auto at = position(shard, key);
  if (at != shard.end() && key_of(*at) == key) shard.erase(at);
}

// Null = none.
template <class Entry, std::size_t count, class Key>
const Entry* find(const std::array<std::shared_ptr<std::vector<Entry>>, count>& shards, const Key& key) {
  const auto& shard = shards[shard_of<count>(key)];
  if (!shard) return nullptr;
  const auto at = position(*shard, key);
  return at == shard->end() || key_of(*at) != key ? nullptr : &*at;
}

// And gives back what their vectors hold in reserve.
template <class Entry, std::size_t count>
void sort_shards(std::shared_ptr<std::array<std::shared_ptr<std::vector<Entry>>, count>>& shards) {
  for (auto& shard : own(shards)) {
    if (!shard) continue;
    auto& entries = own(shard);
    std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return key_of(a) < key_of(b); });
    entries.shrink_to_fit();
  }
}

bool has_name_before(const Impl::Channel& a, const Impl::Channel& b) {
  return a->name < b->name;
}

bool stands_before(const Impl::Channel& a, const Impl::Channel& b) {
  return is_tried_before(*a, *b);
}

template <class Before>
void put_in_order(Impl::Channels& channels, const Impl::Channel& channel, Before before) {
  const auto at = std::lower_bound(channels.begin(), channels.end(), channel, before);
  if (at == channels.end() || *at != channel) channels.insert(at, channel);
}

}  // namespace

Impl::Impl()
    : keys(std::make_shared<Shards<KeyEntry>>()),
      tokens(std::make_shared<Shards<TokenEntry>>()),
      names(std::make_shared<Shards<std::shared_ptr<const TokenRecord>>>()),
      accounts(std::make_shared<Accounts>()),
      groups(std::make_shared<Groups>()),
      account_ids(std::make_shared<std::map<std::string, AccountId, std::less<>>>()),
      channels(std::make_shared<Channels>()),
      channel_ids(std::make_shared<Shards<Channel, k_few_shards>>()),
      members(std::make_shared<Shards<Members, k_few_shards>>()),
      prices(std::make_shared<Prices>()) {}

const Impl::TokenEntry* Impl::find_entry(TokenId id) const {
  return find(*tokens, id);
}

std::shared_ptr<const TokenRecord> Impl::find_token(std::string_view name) const {
  const auto* found = find(*names, name);
  return found == nullptr ? nullptr : *found;
}

std::shared_ptr<const ChannelRecord> Impl::find_channel(std::string_view name) const {
  const auto at =
      std::lower_bound(channels->begin(), channels->end(), name,
                       [](const Channel& channel, std::string_view wanted) { return channel->name < wanted; });
  return at == channels->end() || (*at)->name != name ? nullptr : *at;
}

const ChannelRecord* Impl::find_channel(ChannelId id) const {
  const Channel* found = find(*channel_ids, id);
  return found == nullptr ? nullptr : found->get();
}

const Impl::Channels* Impl::find_members(std::string_view group) const {
  const Members* found = find(*members, group);
  return found == nullptr ? nullptr : found->channels.get();
}

std::shared_ptr<const AccountRecord> Impl::find_account(std::string_view name) const {
  const auto found = account_ids->find(name);
  return found == account_ids->end() ? nullptr : accounts->at(found->second);
}

std::vector<std::string> Impl::token_names() const {
  std::vector<std::string> found;
  for (const auto& shard : *names) {
    if (!shard) continue;
    for (const auto& token : *shard) found.push_back(token->name);
  }
  return found;
}

void Impl::load_token(std::shared_ptr<const TokenRecord> token) {
  own_shard(names, std::string_view(token->name)).push_back(token);
  const TokenId id = token->id;
  own_shard(tokens, id).push_back({id, std::move(token), {}});
}

void Impl::load_key(std::shared_ptr<const KeyRecord> key) {
  auto& shard = own_shard(tokens, key->token);
  const auto at = position(shard, key->token);
  if (at == shard.end() || key_of(*at) != key->token) return;
  own_shard(keys, key->digest).push_back({key->digest, {key, at->token}});
  at->keys.push_back(std::move(key));
}

void Impl::sort_loaded() {
  sort_shards(names);
  sort_shards(keys);
}

void Impl::put_token(std::shared_ptr<const TokenRecord> token) {
  std::vector<std::shared_ptr<const KeyRecord>> its_keys;
  if (const TokenEntry* old = find_entry(token->id)) {
    its_keys = old->keys;
    if (old->token->name != token->name) erase(names, std::string_view(old->token->name));
  }
  put(names, token);
  for (const auto& key : its_keys) put(keys, KeyEntry{key->digest, {key, token}});
  const TokenId id = token->id;
  put(tokens, TokenEntry{id, std::move(token), std::move(its_keys)});
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
  put(tokens, TokenEntry{id, old.token, std::move(new_keys)});
}

void Impl::put_account(std::shared_ptr<const AccountRecord> account) {
  erase_account(account->id);
  own(account_ids)[account->name] = account->id;
  own(accounts)[account->id] = std::move(account);
}
void Impl::erase_account(AccountId id) {
  const auto found = accounts->find(id);
  if (found == accounts->end()) return;
  own(account_ids).erase(found->second->name);
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
  erase_channel(channel->id);
  put_in_order(own(channels), channel, has_name_before);
  for (const std::string& group : channel->groups) {
    auto& shard = own_shard(members, std::string_view(group));
    auto at = position(shard, std::string_view(group));
    if (at == shard.end() || at->group != group) at = shard.insert(at, Members{group, nullptr});
    put_in_order(own(at->channels), channel, stands_before);
  }
  models.add(*channel);
  put(channel_ids, std::move(channel));
}

void Impl::erase_channel(ChannelId id) {
  const Channel* found = find(*channel_ids, id);
  if (found == nullptr) return;
  const Channel old = *found;
  std::erase(own(channels), old);
  for (const std::string& group : old->groups) {
    auto& shard = own_shard(members, std::string_view(group));
    const auto at = position(shard, std::string_view(group));
    if (at == shard.end() || at->group != group) continue;
    std::erase(own(at->channels), old);
    if (at->channels->empty()) shard.erase(at);
  }
  models.remove(*old);
  erase(channel_ids, id);
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

// SPDX-License-Identifier: MIT
#include "ledger/core/directory.h"

#include <algorithm>

#include "ledger/core/channel_order.h"
#include "ledger/core/directory_builder.h"
#include "ledger/core/directory_shards.h"

namespace cr::ledger {
namespace {

const Directory::Impl::Channels k_no_channels;
constexpr std::size_t k_entries_few = 16;

bool stands_before(const Directory::Serving& a, const Directory::Serving& b) {
  return a.group != b.group ? a.group < b.group : is_tried_before(*a.channel, *b.channel);
}

}  // namespace

Directory::Directory(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

std::optional<Credential> Directory::find_key(const token::Digest& digest) const {
  const auto& shard = (*impl_->keys)[shard_of(digest)];
  if (!shard) return std::nullopt;
  const auto found =
      std::lower_bound(shard->begin(), shard->end(), digest,
                       [](const Impl::KeyEntry& entry, const token::Digest& wanted) { return entry.digest < wanted; });
  if (found == shard->end() || found->digest != digest) return std::nullopt;
  return found->credential;
}

std::shared_ptr<const TokenRecord> Directory::find_token(std::string_view name) const {
  return impl_->find_token(name);
}

std::shared_ptr<const TokenRecord> Directory::find_token(TokenId id) const {
  const Impl::TokenEntry* entry = impl_->find_entry(id);
  return entry == nullptr ? nullptr : entry->token;
}

std::shared_ptr<const AccountRecord> Directory::find_account(AccountId id) const {
  const auto found = impl_->accounts->find(id);
  return found == impl_->accounts->end() ? nullptr : found->second;
}

std::size_t Directory::account_count() const {
  return impl_->accounts->size();
}

std::shared_ptr<const GroupRecord> Directory::find_group(std::string_view name) const {
  const auto found = impl_->groups->find(name);
  return found == impl_->groups->end() ? nullptr : found->second;
}

const std::vector<std::shared_ptr<const ChannelRecord>>& Directory::channels() const {
  return *impl_->channels;
}

const std::vector<std::shared_ptr<const ChannelRecord>>& Directory::channels_of(std::string_view group) const {
  const auto* found = impl_->find_members(group);
  return found == nullptr ? k_no_channels : *found;
}

const ChannelRecord* Directory::find_channel(ChannelId id) const {
  return impl_->find_channel(id);
}

std::shared_ptr<const ChannelRecord> Directory::find_channel(std::string_view name) const {
  return impl_->find_channel(name);
}

std::vector<Directory::Serving> Directory::serving(const std::vector<std::string>& groups,
                                                   std::string_view model) const {
  std::vector<Serving> servings;
  const auto lists = impl_->models.find(model);
  std::size_t entries = 0;
  for (const auto* list : lists) entries += list->size();
  // A token of many groups asks for a model of few channels: then the groups are looked up, and not the channels.
  if (entries < groups.size() && entries <= k_entries_few) {
    for (const auto* list : lists) {
      for (const auto& entry : *list) {
        const auto group = std::find(groups.begin(), groups.end(), entry.group);
        if (group != groups.end())
          servings.push_back({static_cast<std::size_t>(group - groups.begin()), entry.channel});
      }
    }
  } else {
    for (std::size_t group = 0; group < groups.size(); ++group) {
      for (const auto* list : lists) {
        const auto [begin, end] = ModelIndex::of_group(*list, groups[group]);
        for (auto at = begin; at != end; ++at) servings.push_back({group, at->channel});
      }
    }
  }
  std::sort(servings.begin(), servings.end(), stands_before);
  servings.erase(
      std::unique(servings.begin(), servings.end(),
                  [](const Serving& a, const Serving& b) { return a.group == b.group && a.channel == b.channel; }),
      servings.end());
  return servings;
}

std::shared_ptr<const PriceRecord> Directory::find_price(std::string_view model, Time now) const {
  const auto found = impl_->prices->find(model);
  if (found == impl_->prices->end()) return nullptr;
  for (const auto& price : found->second) {
    if (!price->effective_at || *price->effective_at <= now) return price;
  }
  return nullptr;
}

std::vector<std::string> Directory::priced_models() const {
  std::vector<std::string> models;
  models.reserve(impl_->prices->size());
  for (const auto& [model, prices] : *impl_->prices) models.push_back(model);
  return models;
}

// The parts themselves: kept by whoever compares, so that no other is made in their place.
ModelsVersion Directory::models_version() const {
  return {impl_->channels, impl_->prices};
}

DirectoryFeed::DirectoryFeed(std::shared_ptr<const Directory> first) : current_(std::move(first)) {}

void DirectoryFeed::publish(std::shared_ptr<const Directory> directory) {
  {
    const base::MutexLock lock(mutex_);
    std::swap(current_, directory);
    // Under the mutex: who sees the new number finds the new directory.
    version_.fetch_add(1, std::memory_order_release);
  }
}

DirectorySnapshot DirectoryFeed::get() const {
  const base::MutexLock lock(mutex_);
  return DirectorySnapshot(current_);
}

const DirectorySnapshot& DirectoryReader::current() {
  const std::uint64_t version = feed_->version();
  if (version != version_) {
    // The number first: a directory published in between is fetched once too often, never once too seldom.
    version_ = version;
    directory_ = feed_->get();
  }
  return directory_;
}

}  // namespace cr::ledger

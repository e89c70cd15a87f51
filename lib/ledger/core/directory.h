// SPDX-License-Identifier: MIT
// Directory: what a worker needs to decide, immutable, replaced whole on an edit. DirectoryFeed hands the newest one
// over. A reader keeps its DirectorySnapshot while a request runs, so a request ends with the settings it began with.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "ledger/core/records.h"

namespace cr::ledger {

// A key that a request may present. `token` and `account` are never null.
struct Credential {
  std::shared_ptr<const KeyRecord> key;
  std::shared_ptr<const TokenRecord> token;
};

// Equal for as long as no channel and no price has been edited: what a list of models is made of.
struct ModelsVersion {
  std::shared_ptr<const void> channels, prices;
  bool operator==(const ModelsVersion&) const = default;
};

class Directory {
 public:
  // No allocation, no disk; expired graces are the caller's to check (key->not_after).
  std::optional<Credential> find_key(const token::Digest& digest) const;
  std::shared_ptr<const TokenRecord> find_token(std::string_view name) const;
  std::shared_ptr<const TokenRecord> find_token(TokenId id) const;
  std::shared_ptr<const AccountRecord> find_account(AccountId id) const;
  std::size_t account_count() const;
  std::shared_ptr<const GroupRecord> find_group(std::string_view name) const;
  // All channels, by name; those that are on and in `group` and may be sent something are the router's business
  // (relay).
  const std::vector<std::shared_ptr<const ChannelRecord>>& channels() const;
  // The channels of one group, highest priority first. Empty vector if the group is unknown.
  const std::vector<std::shared_ptr<const ChannelRecord>>& channels_of(std::string_view group) const;
  const ChannelRecord* find_channel(ChannelId id) const;
  std::shared_ptr<const ChannelRecord> find_channel(std::string_view name) const;
  // The channels of `groups` that list `model`, switched off ones too: in the groups' order, highest priority first,
  // then by name; of each group once.
  struct Serving {
    std::size_t group = 0;  // its place in `groups`
    const ChannelRecord* channel = nullptr;
  };
  std::vector<Serving> serving(const std::vector<std::string>& groups, std::string_view model) const;
  std::shared_ptr<const PriceRecord> find_price(std::string_view model, Time now) const;
  std::vector<std::string> priced_models() const;
  ModelsVersion models_version() const;

  struct Impl;  // built by the ledger only (directory_builder.h)
  explicit Directory(std::shared_ptr<const Impl> impl);
  const Impl& impl() const { return *impl_; }

 private:
  std::shared_ptr<const Impl> impl_;
};

// One version of the directory, kept alive by whoever holds this. What a Directory gives by reference or pointer lives
// no longer than that, so a snapshot must have a name before it is looked into: a temporary one refuses at compile
// time. Copies are cheap; each thread has its own.
class DirectorySnapshot {
 public:
  DirectorySnapshot() = default;
  explicit DirectorySnapshot(std::shared_ptr<const Directory> directory) : directory_(std::move(directory)) {}
  const Directory& operator*() const& { return *directory_; }
  const Directory* operator->() const& { return directory_.get(); }
  const Directory& operator*() const&& = delete;
  const Directory* operator->() const&& = delete;
  // The same version?
  bool operator==(const DirectorySnapshot&) const = default;

 private:
  std::shared_ptr<const Directory> directory_;
};

class DirectoryFeed {
 public:
  explicit DirectoryFeed(std::shared_ptr<const Directory> first);
  void publish(std::shared_ptr<const Directory> directory);
  std::uint64_t version() const { return version_.load(std::memory_order_acquire); }
  DirectorySnapshot get() const;

 private:
  mutable base::Mutex mutex_;
  std::shared_ptr<const Directory> current_ CR_GUARDED_BY(mutex_);
  std::atomic<std::uint64_t> version_{1};
};

// One a worker: an atomic load when nothing changed. After publish() returns, every later current() sees it.
class DirectoryReader {
 public:
  explicit DirectoryReader(const DirectoryFeed& feed) : feed_(&feed) {}
  // Good until the next call; a copy as long as it is kept.
  const DirectorySnapshot& current();

 private:
  const DirectoryFeed* feed_;
  std::uint64_t version_ = 0;
  DirectorySnapshot directory_;
};

}  // namespace cr::ledger

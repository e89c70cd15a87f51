// SPDX-License-Identifier: MIT
// ModelListing: the names that the channels of some groups serve, and by which of them, made once and then asked page
// by page. ModelListings keeps the last ones as long as no channel and no price has changed: with thousands of channels
// making one takes a good part of a second.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "ledger/core/directory.h"

namespace cr::server::admin {

// The error of a listing that nobody waits for any more: `unavailable`.
base::Error given_up();

// Immutable once made, so any thread may read it.
class ModelListing {
 public:
  // A request goes to the first of its token's groups that has a channel; without a token every group counts.
  enum class Groups { first, every };
  // Asked every few milliseconds; true: make() ends with given_up().
  using IsAbandoned = std::function<bool()>;

  static base::Result<std::shared_ptr<const ModelListing>> make(const ledger::DirectorySnapshot& directory,
                                                                const std::vector<std::string>& groups,
                                                                const IsAbandoned& is_abandoned);
  // Sorted: the names and aliases of all enabled channels, patterns expanded by the price list.
  const std::vector<std::string>& names() const { return names_; }
  // Those that serve `model`, each once: in the groups' order, highest priority first. What is set aside for the moment
  // serves all the same.
  std::vector<std::string> channels_for(std::string_view model, Groups groups) const;

 private:
  using Places = std::vector<std::size_t>;  // in places_
  struct Place {
    std::size_t group = 0;  // its number in the list asked for
    const ledger::ChannelRecord* channel = nullptr;
  };

  void add(const Place& place);

  std::shared_ptr<const void> kept_alive_;  // what the members below point into
  std::vector<std::string> names_;
  std::vector<Place> places_;
  std::unordered_map<std::string_view, Places> by_name_;
  // A pattern is found by what stands before its first '*', so that a name is compared with those it may fit only.
  std::unordered_map<std::string_view, std::unordered_map<std::string_view, Places>> by_prefix_;
};

// Thread-safe.
class ModelListings {
 public:
  base::Result<std::shared_ptr<const ModelListing>> find(const ledger::DirectorySnapshot& directory,
                                                         const std::vector<std::string>& groups,
                                                         const ModelListing::IsAbandoned& is_abandoned);

 private:
  static constexpr std::size_t k_kept_max = 4;
  struct Kept {
    std::vector<std::string> groups;
    std::shared_ptr<const ModelListing> listing;
  };
  mutable base::Mutex mutex_;
  ledger::ModelsVersion version_ CR_GUARDED_BY(mutex_);
  std::vector<Kept> kept_ CR_GUARDED_BY(mutex_);  // the oldest first
};

}  // namespace cr::server::admin

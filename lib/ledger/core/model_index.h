// SPDX-License-Identifier: MIT
// ModelIndex: which channels serve a model, found by its name and not by trying every pattern of every channel: names
// stand under themselves, patterns under what is before their first '*', those that begin with it under what is after
// the last. Copies share their parts as those of a Directory do, so an edit costs what its channel lists. A reader
// holds the records that the views and pointers are into.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/core/records.h"

namespace cr::ledger {

class ModelIndex {
 public:
  struct Entry {
    std::string_view group;
    const ChannelRecord* channel = nullptr;
  };
  using Entries = std::vector<Entry>;  // by group, then highest priority first, then by name

  ModelIndex();
  void add(const ChannelRecord& channel);
  void remove(const ChannelRecord& channel);
  // Of each name and pattern that `model` matches those that list it; switched off ones too. A channel may be in
  // several.
  std::vector<const Entries*> find(std::string_view model) const;
  // Of `entries` those of one group.
  static std::pair<Entries::const_iterator, Entries::const_iterator> of_group(const Entries& entries,
                                                                              std::string_view group);

  bool operator==(const ModelIndex&) const = default;
  // How many lists stand where, for tests: an edit must not touch the others.
  std::size_t parts_not_shared_with(const ModelIndex& other) const;

 private:
  struct Listed {
    std::string text;
    bool is_pattern = false;
    Entries entries;
  };
  using Bucket = std::vector<Listed>;
  struct Slot {
    std::uint64_t key = 0;  // two texts with the same key stand in one bucket: what is found is compared
    std::shared_ptr<Bucket> bucket;
  };
  using Shard = std::vector<Slot>;  // by key
  static constexpr std::size_t k_shards = 1024;
  static constexpr std::size_t k_length_max = 256;  // of an entry of a list of models
  // How many texts of each length there are: only these parts of a model's name are looked up.
  struct Lengths {
    std::array<std::uint32_t, k_length_max + 1> before{}, after{};
  };
  enum class Place : std::uint64_t { name, before, after, everything };
  struct Spot;
  static Spot spot_of(std::string_view text, bool is_pattern);
  static std::uint64_t key_of(Place place, std::string_view text);

  void put(std::string_view text, bool is_pattern, const ChannelRecord& channel);
  void take(std::string_view text, bool is_pattern, const ChannelRecord& channel);
  void look(Place place, std::string_view text, std::string_view model, std::vector<const Entries*>& found) const;
  std::uint32_t* count(const Spot& spot);

  std::shared_ptr<std::array<std::shared_ptr<Shard>, k_shards>> shards_;
  std::shared_ptr<Lengths> lengths_;
};

}  // namespace cr::ledger

// SPDX-License-Identifier: MIT
#include "ledger/core/model_index.h"

#include <algorithm>
#include <functional>

#include "base/text.h"
#include "ledger/core/channel_order.h"
#include "ledger/core/shared_part.h"

namespace cr::ledger {

// Where a text of a list of models stands.
struct ModelIndex::Spot {
  Place place = Place::name;
  std::string_view text;
};

ModelIndex::ModelIndex()
    : shards_(std::make_shared<std::array<std::shared_ptr<Shard>, k_shards>>()),
      lengths_(std::make_shared<Lengths>()) {}

ModelIndex::Spot ModelIndex::spot_of(std::string_view text, bool is_pattern) {
  if (!is_pattern) return {Place::name, text};
  const auto before = text.substr(0, text.find('*'));
  const auto after = text.substr(text.rfind('*') + 1);
  if (!before.empty()) return {Place::before, before};
  return after.empty() ? Spot{Place::everything, {}} : Spot{Place::after, after};
}

std::uint64_t ModelIndex::key_of(Place place, std::string_view text) {
  return std::hash<std::string_view>()(text) * 4 + static_cast<std::uint64_t>(place);
}

std::uint32_t* ModelIndex::count(const Spot& spot) {
  if (spot.text.size() > k_length_max) return nullptr;
  if (spot.place == Place::before) return &own(lengths_).before[spot.text.size()];
  return spot.place == Place::after ? &own(lengths_).after[spot.text.size()] : nullptr;
}

namespace {

bool stands_before(const ModelIndex::Entry& a, const ModelIndex::Entry& b) {
  return a.group != b.group ? a.group < b.group : is_tried_before(*a.channel, *b.channel);
}

template <class Shard>
auto slot_at(Shard& shard, std::uint64_t key) {
  return std::lower_bound(shard.begin(), shard.end(), key,
                          [](const auto& slot, std::uint64_t wanted) { return slot.key < wanted; });
}

}  // namespace

void ModelIndex::put(std::string_view text, bool is_pattern, const ChannelRecord& channel) {
  const Spot spot = spot_of(text, is_pattern);
  const auto key = key_of(spot.place, spot.text);
  Shard& shard = own(own(shards_)[key % k_shards]);
  auto slot = slot_at(shard, key);
  if (slot == shard.end() || slot->key != key) slot = shard.insert(slot, Slot{key, nullptr});
  Bucket& bucket = own(slot->bucket);
  auto listed = std::find_if(bucket.begin(), bucket.end(),
                             [&](const Listed& other) { return other.is_pattern == is_pattern && other.text == text; });
  if (listed == bucket.end()) {
    listed = bucket.insert(listed, Listed{std::string(text), is_pattern, {}});
    if (std::uint32_t* texts = count(spot)) ++*texts;
  }
  for (const std::string& group : channel.groups) {
    const Entry entry{group, &channel};
    const auto at = std::lower_bound(listed->entries.begin(), listed->entries.end(), entry, stands_before);
    const bool there = at != listed->entries.end() && at->channel == &channel && at->group == entry.group;
    if (!there) listed->entries.insert(at, entry);
  }
}

void ModelIndex::take(std::string_view text, bool is_pattern, const ChannelRecord& channel) {
  const Spot spot = spot_of(text, is_pattern);
  const auto key = key_of(spot.place, spot.text);
  Shard& shard = own(own(shards_)[key % k_shards]);
  const auto slot = slot_at(shard, key);
  if (slot == shard.end() || slot->key != key) return;
  Bucket& bucket = own(slot->bucket);
  const auto listed = std::find_if(bucket.begin(), bucket.end(), [&](const Listed& other) {
    return other.is_pattern == is_pattern && other.text == text;
  });
  if (listed == bucket.end()) return;
  std::erase_if(listed->entries, [&](const Entry& entry) { return entry.channel == &channel; });
  if (!listed->entries.empty()) return;
  bucket.erase(listed);
  if (std::uint32_t* texts = count(spot)) --*texts;
  if (bucket.empty()) shard.erase(slot);
}

void ModelIndex::add(const ChannelRecord& channel) {
  for (const std::string& model : channel.models) put(model, model.find('*') != std::string::npos, channel);
  for (const auto& [alias, model] : channel.model_map) put(alias, false, channel);
}

void ModelIndex::remove(const ChannelRecord& channel) {
  for (const std::string& model : channel.models) take(model, model.find('*') != std::string::npos, channel);
  for (const auto& [alias, model] : channel.model_map) take(alias, false, channel);
}

void ModelIndex::look(Place place, std::string_view text, std::string_view model,
                      std::vector<const Entries*>& found) const {
  const auto key = key_of(place, text);
  const auto& shard = (*shards_)[key % k_shards];
  if (!shard) return;
  const auto slot = slot_at(*shard, key);
  if (slot == shard->end() || slot->key != key) return;
  for (const Listed& listed : *slot->bucket) {
    const bool matches =
        listed.is_pattern ? base::glob_match(listed.text, model, base::Wildcards::star) : listed.text == model;
    if (matches) found.push_back(&listed.entries);
  }
}

std::vector<const ModelIndex::Entries*> ModelIndex::find(std::string_view model) const {
  std::vector<const Entries*> found;
  look(Place::name, model, model, found);
  const std::size_t longest = std::min(model.size(), k_length_max);
  for (std::size_t length = 1; length <= longest; ++length) {
    if (lengths_->before[length] != 0) look(Place::before, model.substr(0, length), model, found);
    if (lengths_->after[length] != 0) look(Place::after, model.substr(model.size() - length), model, found);
  }
  look(Place::everything, {}, model, found);
  return found;
}

std::pair<ModelIndex::Entries::const_iterator, ModelIndex::Entries::const_iterator> ModelIndex::of_group(
    const Entries& entries, std::string_view group) {
  const auto begin = std::lower_bound(entries.begin(), entries.end(), group,
                                      [](const Entry& entry, std::string_view wanted) { return entry.group < wanted; });
  const auto end = std::upper_bound(begin, entries.end(), group,
                                    [](std::string_view wanted, const Entry& entry) { return wanted < entry.group; });
  return {begin, end};
}

std::size_t ModelIndex::parts_not_shared_with(const ModelIndex& other) const {
  std::size_t parts = 0;
  for (std::size_t i = 0; i < k_shards; ++i) {
    if ((*shards_)[i] == (*other.shards_)[i] || !(*shards_)[i]) continue;
    const Shard* theirs = (*other.shards_)[i].get();
    for (const Slot& slot : *(*shards_)[i]) {
      const bool shared = theirs != nullptr && std::any_of(theirs->begin(), theirs->end(), [&](const Slot& their) {
                            return their.bucket == slot.bucket;
                          });
      parts += shared ? 0 : 1;
    }
  }
  return parts;
}

}  // namespace cr::ledger

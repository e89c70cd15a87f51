// SPDX-License-Identifier: MIT
#include "server/admin/model_listing.h"

#include <algorithm>
#include <unordered_set>

#include "base/text.h"
#include "relay/routing/model_names.h"

namespace cr::server::admin {

namespace {

constexpr std::size_t k_steps_a_look = 10'000;  // before it is asked again whether anybody waits

}  // namespace

base::Error given_up() {
  return {base::ErrorCode::unavailable, "not finished: the client has left or crd is stopping", {}};
}

base::Result<std::shared_ptr<const ModelListing>> ModelListing::make(const ledger::DirectorySnapshot& directory,
                                                                     const std::vector<std::string>& groups,
                                                                     const IsAbandoned& is_abandoned) {
  auto listing = std::make_shared<ModelListing>();
  listing->kept_alive_ = directory->models_version().channels;
  relay::routing::ModelNames all(directory, groups);
  while (!all.build(k_steps_a_look)) {
    if (is_abandoned()) return tl::unexpected(given_up());
  }
  listing->names_.assign(all.names().begin(), all.names().end());
  std::size_t steps = 0;
  for (std::size_t group = 0; group < groups.size(); ++group) {
    for (const auto& channel : directory->channels_of(groups[group])) {
      if (channel->enabled == ledger::Switch::off) continue;
      listing->add({group, channel.get()});
      steps += channel->models.size() + 1;
      if (steps < k_steps_a_look) continue;
      steps = 0;
      if (is_abandoned()) return tl::unexpected(given_up());
    }
  }
  return listing;
}

void ModelListing::add(const Place& place) {
  const auto at = places_.size();
  places_.push_back(place);
  for (const auto& [alias, model] : place.channel->model_map) by_name_[alias].push_back(at);
  for (const std::string_view entry : place.channel->models) {
    if (relay::routing::is_model_pattern(entry)) {
      by_prefix_[entry.substr(0, entry.find('*'))][entry].push_back(at);
    } else {
      by_name_[entry].push_back(at);
    }
  }
}

std::vector<std::string> ModelListing::channels_for(std::string_view model, Groups groups) const {
  Places found;
  if (const auto named = by_name_.find(model); named != by_name_.end()) found = named->second;
  for (std::size_t length = 0; length <= model.size(); ++length) {
    const auto patterns = by_prefix_.find(model.substr(0, length));
    if (patterns == by_prefix_.end()) continue;
    for (const auto& [pattern, places] : patterns->second) {
      if (base::glob_match(pattern, model, base::Wildcards::star))
        found.insert(found.end(), places.begin(), places.end());
    }
  }
  std::sort(found.begin(), found.end());
  std::vector<std::string> names;
  std::unordered_set<const ledger::ChannelRecord*> there;
  for (const auto at : found) {
    if (groups == Groups::first && places_[at].group != places_[found.front()].group) break;
    if (there.insert(places_[at].channel).second) names.push_back(places_[at].channel->name);
  }
  return names;
}

base::Result<std::shared_ptr<const ModelListing>> ModelListings::find(const ledger::DirectorySnapshot& directory,
                                                                      const std::vector<std::string>& groups,
                                                                      const ModelListing::IsAbandoned& is_abandoned) {
  const auto version = directory->models_version();
  {
    base::MutexLock lock(mutex_);
    if (!(version == version_)) {
      version_ = version;
      kept_.clear();
    }
    const auto found = std::find_if(kept_.begin(), kept_.end(), [&](const Kept& one) { return one.groups == groups; });
    if (found != kept_.end()) return found->listing;
  }
  auto made = ModelListing::make(directory, groups, is_abandoned);
  if (!made) return made;
  base::MutexLock lock(mutex_);
  if (version == version_) {
    if (kept_.size() == k_kept_max) kept_.erase(kept_.begin());
    kept_.push_back({groups, *made});
  }
  return made;
}

}  // namespace cr::server::admin

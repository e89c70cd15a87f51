// SPDX-License-Identifier: MIT
#include "relay/routing/model_names.h"

#include <algorithm>

#include "base/text.h"

namespace cr::relay::routing {

bool is_model_pattern(std::string_view entry) {
  return entry.find('*') != std::string_view::npos;
}

ModelNames::ModelNames(ledger::DirectorySnapshot directory, std::vector<std::string> groups)
    : directory_(std::move(directory)), groups_(std::move(groups)), priced_(directory_->priced_models()) {}

bool ModelNames::build(std::size_t steps) {
  for (; steps > 0 && !done_; --steps) step();
  return done_;
}

void ModelNames::step() {
  if (!pattern_.empty()) {
    if (expanded_ < priced_.size()) {
      const auto& name = priced_[expanded_++];
      if (base::glob_match(pattern_, name, base::Wildcards::star)) names_.insert(name);
    } else {
      pattern_ = {};
    }
    return;
  }
  if (!in_channel_) return begin_channel();
  const auto& channel = *directory_->channels_of(groups_[group_])[channel_];
  if (alias_ != channel.model_map.end()) {
    names_.insert(alias_->first);
    targets_[alias_->first].insert(alias_->second);
    ++alias_;
  } else if (model_ < channel.models.size()) {
    add_model(channel.models[model_++]);
  } else {
    in_channel_ = false;
    ++channel_;
  }
}

const ModelNames::Names& ModelNames::targets_of(std::string_view name) const {
  static const Names k_none;
  const auto found = targets_.find(name);
  return found == targets_.end() ? k_none : found->second;
}

void ModelNames::begin_channel() {
  if (group_ == groups_.size()) {
    done_ = true;
    patterns_.clear();
    directory_ = {};
    return;
  }
  const auto& channels = directory_->channels_of(groups_[group_]);
  if (channel_ == channels.size()) {
    ++group_;
    channel_ = 0;
    return;
  }
  if (channels[channel_]->enabled == ledger::Switch::off) {
    ++channel_;
    return;
  }
  in_channel_ = true;
  alias_ = channels[channel_]->model_map.begin();
  model_ = 0;
}

void ModelNames::add_model(const std::string& model) {
  if (!is_model_pattern(model)) {
    names_.insert(model);
  } else if (patterns_.insert(model).second) {
    pattern_ = model;
    expanded_ = 0;
  }
}

ModelFilter::ModelFilter(const token::ModelSet& models) : unrestricted_(models.unrestricted()) {
  for (const std::string& entry : models.patterns()) {
    if (is_model_pattern(entry)) {
      patterns_.push_back(entry);
    } else {
      names_.insert(entry);
    }
  }
}

bool ModelFilter::allows(std::string_view model) const {
  if (unrestricted_ || names_.contains(model)) return true;
  return std::any_of(patterns_.begin(), patterns_.end(),
                     [&](std::string_view pattern) { return base::glob_match(pattern, model, base::Wildcards::star); });
}

std::shared_ptr<ModelNames> ModelLists::find(const ledger::DirectorySnapshot& directory,
                                             const std::vector<std::string>& groups) {
  if (auto version = directory->models_version(); !(version == version_)) {
    version_ = std::move(version);
    lists_.clear();
  }
  if (const auto found = lists_.find(groups); found != lists_.end()) return found->second;
  if (lists_.size() == k_lists_max) lists_.clear();
  return lists_.emplace(groups, std::make_shared<ModelNames>(directory, groups)).first->second;
}

}  // namespace cr::relay::routing

// SPDX-License-Identifier: MIT
// ModelNames: the names that the channels of some groups serve, collected in steps, so that a worker can serve others
// in between: with thousands of channels the whole takes a second. ModelLists keeps them as long as they are true. Each
// object belongs to one thread.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "ledger/core/directory.h"

namespace cr::relay::routing {

// Whether `entry` of a list of models is a pattern ('*' is any run of bytes) and not a name.
bool is_model_pattern(std::string_view entry);

class ModelNames {
 public:
  using Names = std::set<std::string, std::less<>>;

  ModelNames(ledger::DirectorySnapshot directory, std::vector<std::string> groups);
  ModelNames(const ModelNames&) = delete;
  ModelNames& operator=(const ModelNames&) = delete;
  // At most `steps` entries of channels more; true once all are in. Whoever waits for the same names may call it.
  bool build(std::size_t steps);
  // After build() was true: of all enabled channels the models and aliases, patterns expanded by the price list.
  const Names& names() const { return names_; }
  // What an alias among them stands for, by channel; empty: the name is none.
  const Names& targets_of(std::string_view name) const;

 private:
  void step();
  void begin_channel();
  void add_model(const std::string& model);

  ledger::DirectorySnapshot directory_;  // let go at the end
  const std::vector<std::string> groups_;
  std::vector<std::string> priced_;
  std::unordered_set<std::string_view> patterns_;  // those expanded already
  Names names_;
  std::map<std::string, Names, std::less<>> targets_;
  bool done_ = false;
  // Where it is.
  std::size_t group_ = 0, channel_ = 0, model_ = 0;
  bool in_channel_ = false;
  std::map<std::string, std::string>::const_iterator alias_;
  std::string_view pattern_;  // being expanded; empty = none
  std::size_t expanded_ = 0;  // names of the price list compared with it
};

// What a token may ask for of them: a list of names and patterns, the names looked up and only the patterns tried.
class ModelFilter {
 public:
  explicit ModelFilter(const token::ModelSet& models);
  bool allows(std::string_view model) const;

 private:
  const bool unrestricted_;
  std::unordered_set<std::string_view> names_;  // into the ModelSet
  std::vector<std::string_view> patterns_;
};

// One list for each list of groups asked for, forgotten when a channel or the price list changes.
class ModelLists {
 public:
  // May still have to be built.
  std::shared_ptr<ModelNames> find(const ledger::DirectorySnapshot& directory, const std::vector<std::string>& groups);

 private:
  static constexpr std::size_t k_lists_max = 64;
  ledger::ModelsVersion version_;
  std::map<std::vector<std::string>, std::shared_ptr<ModelNames>> lists_;
};

}  // namespace cr::relay::routing

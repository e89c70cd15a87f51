// SPDX-License-Identifier: MIT
#include "relay/request/least_costs.h"

#include <algorithm>
#include <utility>

#include "ledger/core/refused_counts.h"

namespace cr::relay::request {
namespace {

// Of models that are named alike, whatever stands in the names.
std::string key_of(const ledger::TokenRecord& token) {
  std::string key;
  const auto add = [&](const std::vector<std::string>& names) {
    for (const auto& name : names) key.append(std::to_string(name.size())).append(":").append(name);
    key += '/';
  };
  add(token.settings->groups);
  add(token.settings->models);
  return key;
}

}  // namespace

LeastCostSearch::LeastCostSearch(const ledger::Directory& directory, std::shared_ptr<const ledger::TokenRecord> token,
                                 base::Time now)
    : token_(std::move(token)),
      filter_(token_->settings->model_set),
      now_(now),
      admission_(directory, health_, rates_) {
  // Whether the token may send anything just now is not asked.
  (void)admission_.identify(Caller{{}, token_, directory.find_account(token_->account), {}}, std::nullopt, now);
}

void LeastCostSearch::look_at(std::string_view model) {
  if (is_over() || !filter_.allows(model)) return;
  const auto cost = admission_.least_cost(model, now_);
  if (cost) least_ = std::min(least_.value_or(*cost), *cost);
}

std::optional<LeastCosts::Known> LeastCosts::find(const ledger::Directory& directory, const ledger::TokenRecord& token,
                                                  base::Time now) {
  const auto key = key_of(token);
  const base::MutexLock lock(mutex_);
  forget_others(directory, now);
  const auto found = kept_.find(key);
  if (found == kept_.end()) return std::nullopt;
  return Known{found->second};
}

void LeastCosts::put(const ledger::Directory& directory, const ledger::TokenRecord& token, base::Time now,
                     LeastCost least) {
  auto key = key_of(token);
  const base::MutexLock lock(mutex_);
  forget_others(directory, now);
  if (kept_.size() >= k_kept_max) kept_.clear();
  kept_.insert_or_assign(std::move(key), least);
}

void LeastCosts::forget_others(const ledger::Directory& directory, base::Time now) {
  auto version = directory.models_version();
  const auto minute = ledger::minute_of(now);
  if (version == version_ && minute == minute_) return;
  version_ = std::move(version);
  minute_ = minute;
  kept_.clear();
}

}  // namespace cr::relay::request

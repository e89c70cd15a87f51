// SPDX-License-Identifier: MIT
#include "server/admin/price_loss.h"

#include <algorithm>

#include "relay/request/caller.h"

namespace cr::server::admin {

// A route is priced by what its provider is asked for, or else by what the client asks for.
PriceLoss::PriceLoss(const ledger::Directory& directory, std::string_view model, base::Time now)
    : directory_(directory) {
  for (const auto& channel : directory.channels()) {
    if (channel->enabled != token::Switch::on) continue;
    bool mapped = false;
    for (const auto& [alias, upstream] : channel->model_map) {
      mapped |= alias == model;
      const bool by_upstream = upstream == model && !directory.find_price(alias, now);
      const bool by_alias = alias == model && !directory.find_price(upstream, now);
      if (by_upstream || by_alias) used_.emplace_back(alias, channel.get());
    }
    if (!mapped && channel->model_set.allows(model)) used_.emplace_back(model, channel.get());
  }
}

bool PriceLoss::stops(const ledger::TokenRecord& token) const {
  if (!relay::request::is_limited(token, directory_.find_account(token.account).get())) return false;
  const auto& settings = *token.settings;
  return std::ranges::any_of(used_, [&](const auto& use) {
    const auto& groups = use.second->groups;
    return settings.model_set.allows(use.first) && std::ranges::any_of(settings.groups, [&](const auto& group) {
             return std::ranges::find(groups, group) != groups.end();
           });
  });
}

}  // namespace cr::server::admin

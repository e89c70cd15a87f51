// SPDX-License-Identifier: MIT
// Router: (token's groups, model, endpoint) -> channels in the order they are tried. Pure over a Directory; any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/directory.h"
#include "openai/endpoint.h"

namespace cr::relay {

struct Route {
  std::shared_ptr<const ledger::ChannelRecord> channel;
  std::string_view upstream_model;  // points into the channel or the `model` passed in
};

struct Routes {
  std::shared_ptr<const ledger::GroupRecord> group;  // the group they belong to; null if there are none
  std::vector<Route> tries;                          // highest priority first, by weight within one
};

enum class Kept { yes, disabled, other_endpoint, other_model };
// Why a channel of the right group is tried for this model, or is not.
Kept judge(const ledger::ChannelRecord& channel, std::string_view model, openai::Endpoint endpoint);

// The first of the token's groups that has a channel for the model. `random` decides within a priority.
Routes find_routes(const ledger::Directory& directory, const ledger::TokenRecord& token, std::string_view model,
                   openai::Endpoint endpoint, std::uint32_t random);

// Names a token can ask for: its groups' channels' names and aliases, patterns expanded by the price list, cut with the
// token's own list. Sorted, each once.
std::vector<std::string> reachable_models(const ledger::Directory& directory, const ledger::TokenRecord& token);

}  // namespace cr::relay

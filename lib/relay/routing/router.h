// SPDX-License-Identifier: MIT
// Router: (token's groups, model, endpoint) -> channels in the order they are tried, of those that are healthy. Reads a
// Directory, asks the CircuitBreaker; any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dialect/endpoint.h"
#include "dialect/refusal.h"
#include "ledger/core/directory.h"
#include "ledger/core/operations.h"
#include "relay/routing/circuit_breaker.h"

namespace cr::relay::routing {

// Pointers are into the Directory, which the caller keeps.
struct Route {
  const ledger::ChannelRecord* channel = nullptr;
  const ledger::GroupRecord* group = nullptr;  // of the token's, the one it is tried for
  std::string_view upstream_model;             // points into the channel or the `model` passed in
  std::optional<std::uint32_t> key{};          // the only one of the channel's keys that will do
  Asker asker{};
  bool as_last = false;  // it is set aside, and tried where no other route helped (Availability::as_last)
};

struct Routes {
  // The groups in the token's order; within one the highest priority first, by weight within that. The first group
  // that has a channel which may be sent something leads; one that has none now is left out. Behind them all, in the
  // same order, those that are set aside for this token alone, or for a refusal that costs nothing.
  std::vector<Route> tries;
  // Where `tries` is empty although channels serve the model: what the soonest of them waits for.
  std::optional<Availability> closed;
};

// What a request gets where every channel that serves its model is set aside.
dialect::Refusal closed_refusal(const Availability& soonest);

// Whose request it is, to the circuit breaker.
Asker asker_of(const ledger::Directory& directory, const ledger::TokenRecord& token);

enum class RouteDecision { yes, disabled, other_endpoint, other_model };
// Why a channel of the right group is tried for this model, or is not.
RouteDecision decide(const ledger::ChannelRecord& channel, std::string_view model, dialect::Endpoint endpoint);

// `random` decides within a priority.
Routes find_routes(const ledger::Directory& directory, const ledger::TokenRecord& token, std::string_view model,
                   dialect::Endpoint endpoint, CircuitBreaker& health, base::SteadyTime now, std::uint32_t random);

// The one channel, and of its keys the one, that a stored response can be asked of; for a request that goes on from it,
// only if the channel serves its model. Both empty: the token does not reach that channel (any more).
Routes find_home(const ledger::Directory& directory, const ledger::TokenRecord& token,
                 const ledger::StoredResponse& response, std::string_view model, dialect::Endpoint endpoint,
                 CircuitBreaker& health, base::SteadyTime now);

// Every channel that find_routes() looked at, and the rest: kept in which place, or dropped and why.
struct Explained {
  const ledger::ChannelRecord* channel = nullptr;
  const ledger::GroupRecord* group = nullptr;  // null: of none of the token's groups
  std::string_view upstream_model;
  RouteDecision kept = RouteDecision::yes;
  Availability availability;
  Asker asker{};
  int share_percent = 0;  // of the requests that begin with its group's first priority; 0 for what stands behind
};
std::vector<Explained> explain_routes(const ledger::Directory& directory, const ledger::TokenRecord& token,
                                      std::string_view model, dialect::Endpoint endpoint, CircuitBreaker& health,
                                      base::SteadyTime now);

// Names a token can ask for: its groups' channels' names and aliases, patterns expanded by the price list, cut with the
// token's own list. Sorted, each once. All in one go: not for workers (model_names.h).
std::vector<std::string> reachable_models(const ledger::DirectorySnapshot& directory, const ledger::TokenRecord& token);

}  // namespace cr::relay::routing

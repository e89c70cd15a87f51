// SPDX-License-Identifier: MIT
// What the ledger gets to know of a request that crd made by itself to see how a channel does. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "ledger/core/directory.h"
#include "ledger/core/operations.h"
#include "relay/request/channel_probe.h"

namespace cr::relay::request {

// `model`: as clients call it, whose price it has where neither the one that answered nor the upstream's has one.
// `now`: when it ended. Nothing: the provider did nothing for it.
struct ProbedRoute {
  const ledger::ChannelRecord& channel;
  std::string_view model, upstream_model;
};
std::optional<ledger::Settlement> probe_settlement(const ProbeAnswer& answer, const ProbedRoute& route,
                                                   const ledger::Directory& directory, base::Time now);

}  // namespace cr::relay::request

// SPDX-License-Identifier: MIT
// own_probe: crd's own smallest request to a channel, made where one token alone has seen it fail: whether the channel
// or the token's request is to blame. What it costs is booked on no token (ledger/core/own_requests.h). Worker thread.
#pragma once

#include <cstdint>
#include <string>

#include "base/log.h"
#include "ledger/core/directory.h"
#include "ledger/core/ledger.h"
#include "relay/request/channel_probe.h"
#include "relay/request/metrics.h"
#include "relay/routing/circuit_breaker.h"

namespace cr::relay::request {

// What it is made with; outlives it.
struct OwnProbe {
  UpstreamAccess& upstreams;
  routing::CircuitBreaker& health;
  base::Log& log;
  Metrics& metrics;
  ledger::Ledger* ledger = nullptr;  // where it is booked
};

// What an answer says of the channel. Pure.
struct ProbeFinding {
  Metrics::ProbeOutcome outcome = Metrics::ProbeOutcome::unclear;  // unclear: it blames the probe itself
  routing::Observation observation{};                              // of one that is not unclear
};
ProbeFinding judge_probe(const ProbeAnswer& answer, ledger::ChannelKind kind);
// Returns at once; the circuit breaker is told what came of it. `model`: as clients call it, for its price. Nothing for
// a channel that is not asked over HTTP, or is not there any more.
void start_own_probe(const OwnProbe& parts, const ledger::DirectorySnapshot& directory, base::ChannelId channel,
                     std::uint32_t key, std::string model, std::string upstream_model);

}  // namespace cr::relay::request

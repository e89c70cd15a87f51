// SPDX-License-Identifier: MIT
// channel_probe: one minimal request to a channel with one of its keys, for `crctl channel test`. Not metered against
// any token. Worker thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "ledger/core/records.h"
#include "relay/request/worker_context.h"

namespace cr::relay::request {

struct ProbeResult {
  bool ok = false;
  std::string model;           // as asked for
  std::string upstream_model;  // as the provider knows it
  int status = 0;              // 0: no answer
  std::int64_t connect_ms = 0, total_ms = 0;
  std::string message;  // one sentence; nothing of the provider's body, which may quote a key
};

// `key`: index into the channel's keys, 0 where it has none. `model` empty: its first name without a pattern.
http::Task<ProbeResult> probe_channel(WorkerContext& worker, std::shared_ptr<const ledger::ChannelRecord> channel,
                                      std::uint32_t key, std::string model);

}  // namespace cr::relay::request

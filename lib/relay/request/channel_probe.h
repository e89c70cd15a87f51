// SPDX-License-Identifier: MIT
// channel_probe: one minimal request to a channel, for `crctl channel test`. Not metered against any token. Worker
// thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "ledger/core/records.h"
#include "relay/request/lane.h"

namespace cr::relay::request {

struct ProbeResult {
  bool ok = false;
  std::string model;
  int status = 0;  // 0: no answer
  std::int64_t connect_ms = 0, total_ms = 0;
  std::string message;  // one sentence; nothing of the provider's body, which may quote a key
};

// `model` empty: the channel's first name without a pattern.
http::Task<ProbeResult> probe_channel(Lane& lane, std::shared_ptr<const ledger::ChannelRecord> channel,
                                      std::string model);

}  // namespace cr::relay::request

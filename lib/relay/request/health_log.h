// SPDX-License-Identifier: MIT
// What an operator hears of a channel's health. Any thread.
#pragma once

#include <cstdint>

#include "base/log.h"
#include "ledger/core/records.h"
#include "relay/routing/channel_health.h"

namespace cr::relay::request {

// Of what an observation of `channel`, asked with its key `key`, changed. Says nothing where nothing did.
void log_health(base::Log& log, const ledger::ChannelRecord& channel, std::uint32_t key,
                const routing::BreakerChange& change, const routing::Observation& observation);

}  // namespace cr::relay::request

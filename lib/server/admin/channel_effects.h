// SPDX-License-Identifier: MIT
// What of a channel's settings about its provider is in effect, and why. Pure; any thread.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "ledger/core/records.h"
#include "relay/request/learnt_edits.h"

namespace cr::server::admin {

using LearntOfModels = std::vector<std::pair<std::string, relay::request::LearntEdit>>;

// One sentence each: "bound_field: max_completion_tokens, known of api.openai.com". What was set for the channel comes
// before what is known of its host, and both before what is usual; what was learnt of a model is named with it, where
// nothing was set.
std::vector<std::string> channel_effects(const ledger::ChannelRecord& channel, LearntOfModels learnt);

}  // namespace cr::server::admin

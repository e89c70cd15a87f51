// SPDX-License-Identifier: MIT
// The order in which the channels of a group are tried, before weights are drawn. Pure; any thread.
#pragma once

#include "ledger/core/records.h"

namespace cr::ledger {

// The highest priority first, then by name.
inline bool is_tried_before(const ChannelRecord& a, const ChannelRecord& b) {
  return a.priority != b.priority ? a.priority > b.priority : a.name < b.name;
}

}  // namespace cr::ledger

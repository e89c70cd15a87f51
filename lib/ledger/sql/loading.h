// SPDX-License-Identifier: MIT
// Loading: the store's rows as the first directory. At the start, after recovery.
#pragma once

#include "base/result.h"
#include "ledger/sql/store_state.h"

namespace cr::ledger {

// Fills store.directory. `corrupt` names what does not fit.
base::Result<void> load(Store::Impl& store);
// A channel's record with its keys opened.
base::Result<void> load_channel_keys(Store::Impl& store, ChannelRecord& channel);

}  // namespace cr::ledger

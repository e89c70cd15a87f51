// SPDX-License-Identifier: MIT
// Loading: the store's rows as the first directory. At the start; reads only.
#pragma once

#include <memory>
#include <vector>

#include "base/result.h"
#include "ledger/sql/store_state.h"

namespace cr::ledger {

// Keys, the newest first.
using LoadedKeys = std::vector<std::shared_ptr<const KeyRecord>>;
// Fills store.directory and returns the keys that belong into it, without those whose grace is over at `now`. `other`
// is a session of the same store, for a second thread, which has ended when this returns. `corrupt` names what does not
// fit.
base::Result<LoadedKeys> load(Store::Impl& store, SqlSession& other, base::Time now);
// Puts them: only then tokens are found by name and by key. Until then find_entry() may be called beside it, in another
// thread, for all but the keys of an entry.
void put_keys(Store::Impl& store, LoadedKeys keys);
// A channel's record with its keys opened.
base::Result<void> load_channel_keys(Store::Impl& store, ChannelRecord& channel);

}  // namespace cr::ledger

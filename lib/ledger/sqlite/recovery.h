// SPDX-License-Identifier: MIT
// Recovery: what a crash left open is posted whole, flagged in_doubt: nobody knows what its upstream did. At the start,
// before balances are loaded; in one transaction, so that a crash in it changes nothing.
#pragma once

#include <cstdint>

#include "base/clock.h"
#include "base/result.h"
#include "sqlite/database.h"

namespace cr::ledger {

// The number of reservations posted. Keys whose grace is over at `now` are deleted, too.
base::Result<std::int64_t> recover(sqlite::Database& db, base::Time now);

}  // namespace cr::ledger

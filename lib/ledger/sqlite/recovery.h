// SPDX-License-Identifier: MIT
// Recovery: what a crash left open is posted whole, flagged in_doubt: nobody knows what its upstream did. At the start,
// before anything else; in one transaction, so that a crash in it changes nothing.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "sqlite/database.h"

namespace cr::ledger {

// The number of reservations posted. Closes the grace of keys whose time is over, too.
base::Result<std::int64_t> recover(sqlite::Database& db);

}  // namespace cr::ledger

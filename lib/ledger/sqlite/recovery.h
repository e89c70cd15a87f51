// SPDX-License-Identifier: MIT
// Recovery: what a crash left open is posted, flagged in_doubt: nobody knows what its upstream did. A stream whose
// connection the kernel closed with crd's process is posted with what can have been made until this start; all else
// whole: a plain request goes on at its provider, and neither a power cut nor another network namespace closes
// anything. At the start, before balances are loaded; in one transaction, so that a crash in it changes nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "sqlite/database.h"

namespace cr::ledger {

// The start that recovers.
struct Restart {
  base::Time now;
  std::int64_t locked_boot_ms = 0;  // since when nobody else has the store (base/boot.h)
  std::string boot;                 // base::boot_identity(): noted for the next start
};

// The number of reservations posted. Keys whose grace is over by now are deleted, too. `last` is done in the same
// transaction.
base::Result<std::int64_t> recover(sqlite::Database& db, const Restart& restart,
                                   const std::function<base::Result<void>()>& last);

}  // namespace cr::ledger

// SPDX-License-Identifier: MIT
// The store's rows as balances. At the start, after recovery.
#pragma once

#include "base/result.h"
#include "ledger/sql/sql_session.h"
#include "ledger/sqlite/balances.h"

namespace cr::ledger {

// Fills `balances`, which are new. `corrupt` names what does not fit.
base::Result<void> load_balances(SqlSession& sql, Balances& balances);

}  // namespace cr::ledger

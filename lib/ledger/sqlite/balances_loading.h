// SPDX-License-Identifier: MIT
// The store's rows as balances: all that are needed at the start, after recovery; one later. Ledger thread only.
#pragma once

#include "base/result.h"
#include "ledger/core/directory_builder.h"
#include "ledger/sql/sql_session.h"
#include "ledger/sqlite/balances.h"

namespace cr::ledger {

// Fills `balances`, which are new, with those of the directory's tokens and of all accounts. `corrupt` names what does
// not fit.
base::Result<void> load_balances(SqlSession& sql, const Directory::Impl& directory, Balances& balances);
// Adds a token that is not there, deleted or not. Null: there is no such row.
base::Result<Balances::Token*> load_token(SqlSession& sql, Balances& balances, TokenId id);

}  // namespace cr::ledger

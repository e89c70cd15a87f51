// SPDX-License-Identifier: MIT
// Reports::Impl: the read-only connection and what its queries share. One thread at a time (Ledger::read).
#pragma once

#include <string>
#include <string_view>

#include "ledger/reports.h"
#include "ledger/statement_cache.h"
#include "token/key.h"

namespace cr::ledger {

struct Reports::Impl {
  Impl(sqlite::Database& db, const token::Vault& the_vault) : sql(db), vault(the_vault) {}
  StatementCache sql;
  const token::Vault& vault;
};

// '*' and '?' as SQLite's GLOB has them; '[' is no class here but itself.
std::string sql_glob(std::string_view glob);

}  // namespace cr::ledger

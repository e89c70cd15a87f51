// SPDX-License-Identifier: MIT
// StoreHead: what the store itself says of how far it has come, beside what its head says. The thread that has the
// connection.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "ledger/sql/sql_session.h"
#include "ledger/sqlite/head_file.h"

namespace cr::ledger {

// In a transaction of the caller's: the next number, an id if the store has none, and what both are then.
base::Result<Head> raise_head(SqlSession& sql, base::Time now, std::int64_t above);
// Forgets that there was a head: one that is kept later begins anew.
base::Result<void> forget_head(SqlSession& sql);

// `corrupt` with what is missing, for who starts crd; `store` and `head` are their paths.
base::Result<void> compare_with_head(SqlSession& sql, const std::string& store, const std::string& path,
                                     const std::optional<Head>& head);
// The same where there is no store at all.
base::Error store_is_missing(const std::string& store, const std::string& path, const Head& head);
// Adds the way out to what load_head() says of a file that is of no use.
base::Error with_way_out(base::Error error);

}  // namespace cr::ledger

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

// What is compared, for who starts crd.
struct Compared {
  const std::string& store;     // path
  const std::string& path;      // of the head
  const std::string& settings;  // what their sum ended with when the store was found
};
// `corrupt` with what is missing.
base::Result<void> compare_with_head(SqlSession& sql, const Compared& compared, const std::optional<Head>& head);
// The same where there is no store at all.
base::Error store_is_missing(const std::string& store, const std::string& path, const Head& head);
// Adds the way out to what load_head() says of a file that is of no use.
base::Error with_way_out(base::Error error);

}  // namespace cr::ledger

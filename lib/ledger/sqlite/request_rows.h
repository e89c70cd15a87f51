// SPDX-License-Identifier: MIT
// RequestRows: the row of `request` that an ending writes, and whether there is one. Ledger thread only.
#pragma once

#include "base/result.h"
#include "ledger/core/operations.h"
#include "sqlite/database.h"

namespace cr::ledger {

class RequestRows {
 public:
  base::Result<void> prepare(sqlite::Database& db);  // before anything else; `db` outlives this
  // False: the request has its row already, which stays as it is.
  base::Result<bool> insert(const Settlement& settlement, const RequestBooking& booking);
  // The same of a request that crd made by itself, into their own table.
  base::Result<bool> insert_own(const Settlement& settlement);
  base::Result<bool> has(const RequestId& id);

 private:
  sqlite::Database* db_ = nullptr;
  sqlite::Statement insert_, insert_own_, find_;
};

}  // namespace cr::ledger

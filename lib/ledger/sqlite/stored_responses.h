// SPDX-License-Identifier: MIT
// StoredResponses: where the responses are that providers keep, by token and id, so that only the token that made one
// can ask for it again. Ledger thread only; kept with their request's settlement, in its transaction.
#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "ledger/core/operations.h"
#include "ledger/sql/sql_session.h"

namespace cr::ledger {

class StoredResponses {
 public:
  explicit StoredResponses(sqlite::Database& db) : sql_(db) {}
  // `settlement.stored`, which has an id. An id that the token has already is the newer response from now on.
  base::Result<void> keep(const Settlement& settlement);
  // Fills op.response and op.found by op.token and op.response.id.
  base::Result<void> find(StoredResponseQuery& query);
  // Takes away at most `rows` of those made before `before`; tells how many.
  base::Result<std::int64_t> prune(base::Time before, std::int64_t rows);

 private:
  SqlSession sql_;
};

}  // namespace cr::ledger

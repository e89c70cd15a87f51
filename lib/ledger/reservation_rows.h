// SPDX-License-Identifier: MIT
// ReservationRows: how open reservations lie in the store. All that one commit makes durable are one row of
// `reservation_batch`, written once; a row of `request` ends a reservation, and the last ending of a batch takes its
// row away. So a reservation costs the store a few bytes of a row instead of a row written and deleted. The view
// `reservation` shows the open ones. Ledger thread only; after each transaction exactly one of committed() and
// rolled_back().
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "ledger/operations.h"
#include "ledger/records.h"
#include "sqlite/database.h"

namespace cr::ledger {

class ReservationRows {
 public:
  base::Result<void> prepare(sqlite::Database& db);  // before anything else

  // Notes one reservation for this transaction's row; gives the batch it will be in.
  std::int64_t add(const RequestFacts& facts, TokenId token, AccountId account, Time reserved_at, Credits held);
  // Writes what was noted. Before the transaction commits, once.
  base::Result<void> write();
  // One reservation of `batch` has its row in `request`.
  base::Result<void> close(std::int64_t batch);

  // No reservation that is still in a row has an older id: rows of `request` from here on must stay, since they tell
  // which of a batch have ended.
  Time oldest() const;

  void committed();
  void rolled_back();

 private:
  struct Batch {
    std::size_t open = 0;
    Time oldest = Time::max();
  };

  sqlite::Statement insert_, delete_;
  std::map<std::int64_t, Batch> batches_;  // those that have a row, or get one in this transaction
  std::vector<std::int64_t> closed_;       // in this transaction, one for each reservation
  std::int64_t next_ = 1;
  std::string ids_;    // of this transaction's row: 16 bytes each
  std::string facts_;  // and what the view reads, a JSON array of arrays in the same order
};

}  // namespace cr::ledger

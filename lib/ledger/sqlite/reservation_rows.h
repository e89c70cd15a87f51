// SPDX-License-Identifier: MIT
// ReservationRows: how open reservations lie in the store. What one commit makes durable is a row of
// `reservation_batch`, written once (several, where there are many: k_row_max); a row of `request` ends a reservation,
// and the last ending of a batch takes its row away. So a reservation costs the store a few bytes of a row instead of a
// row written and deleted. The view `reservation` shows the open ones. Ledger thread only; after each transaction
// exactly one of committed() and rolled_back().
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "ledger/core/operations.h"
#include "ledger/core/records.h"
#include "sqlite/database.h"

namespace cr::ledger {

class ReservationRows {
 public:
  base::Result<void> prepare(sqlite::Database& db);  // before anything else

  // In one row. The view reads all of a row's ids for each of them: rows without a bound would make it quadratic.
  static constexpr std::size_t k_row_max = 64;

  // Notes one reservation, of `op.amount`, for this transaction's rows; gives the batch it will be in.
  std::int64_t add(const ReserveOp& op, TokenId token, AccountId account);
  // What a start after a crash posts of an open reservation beside what its facts say; and that it is open no more.
  base::Result<void> note_lost(const RequestId& id, Credits lost);
  base::Result<void> forget_lost(const RequestId& id);
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

  void clear_rows();

  sqlite::Statement insert_, delete_, note_lost_, forget_lost_;
  std::map<std::int64_t, Batch> batches_;  // those that have a row, or get one in this transaction
  std::vector<std::int64_t> closed_;       // in this transaction, one for each reservation
  struct Row {
    std::size_t count = 0;
    std::string ids;    // 16 bytes each
    std::string facts;  // what the view reads, a JSON array of arrays in the same order
  };
  std::int64_t first_ = 1;  // the number of rows_.front(), were it there
  std::vector<Row> rows_;   // of this transaction: the first `used_`; the others keep their room
  std::size_t used_ = 0;
};

}  // namespace cr::ledger

// SPDX-License-Identifier: MIT
// RefusedRows: what RefusedCounts has counted, written into the table `refused` and, as far as requests have no rows of
// their own, into the usage, in one transaction: a report's numbers are the rows and what was summed of their kind.
// Ledger thread only.
#pragma once

#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "ledger/core/refused_counts.h"
#include "ledger/sql/sql_session.h"
#include "ledger/sqlite/usage_sums.h"

namespace cr::ledger {

class RefusedRows {
 public:
  RefusedRows(sqlite::Database& db, RefusedCounts& counts, UsageSums& sums)
      : sql_(db), counts_(counts), sums_(sums) {}  // which outlive it

  bool any() const { return !written_.empty() || counts_.any(); }
  bool due(base::SteadyTime now) const { return any() && (now >= due_at_ || counts_.crowded()); }
  // In the transaction that runs: `most` tokens, codes and minutes. What a rollback takes back is written again.
  base::Result<void> write(std::size_t most);
  void committed(base::SteadyTime now);  // of a transaction that write() was called in

 private:
  base::Result<void> write_row(const RefusedCounts::Sum& sum);

  SqlSession sql_;
  RefusedCounts& counts_;
  UsageSums& sums_;
  std::vector<RefusedCounts::Sum> written_;  // by a transaction that runs, or was rolled back
  base::SteadyTime due_at_{};
};

}  // namespace cr::ledger

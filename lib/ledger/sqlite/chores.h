// SPDX-License-Identifier: MIT
// Chores: what rides along in commits that are made anyway: the usage is summed up, old rows are pruned, and when keys
// were last used and what was refused is written; each now and then beside requests, and more when nothing else is to
// do. Ledger thread only, but for keep_requests(). What a rollback takes back is done again by the next run().
#pragma once

#include <chrono>
#include <cstdint>

#include "base/clock.h"
#include "base/result.h"
#include "ledger/sqlite/balances.h"
#include "ledger/sqlite/pruning.h"
#include "ledger/sqlite/refused_rows.h"

namespace cr::ledger {

class Chores {
 public:
  // All of them outlive it.
  Chores(sqlite::Database& db, Balances& balances, StoredResponses& responses, SettingsSum& settings,
         RefusedCounts& refused);

  // What else the transaction is for, or that it is the last of all.
  struct Beside {
    bool requests = false, jobs = false, last = false;
  };
  base::Result<void> run(const Beside& beside);
  KeyUses::Marks marks() const { return marks_; }  // whether run() wrote when keys were last used
  void committed(std::uint64_t settlements);       // those in the commit: each has added a row

  bool any() const { return balances_.has_idle_work(); }  // worth a commit of their own in idle times
  bool due(base::SteadyTime now) const { return pruning_.due(now) || refused_.due(now); }
  bool any_refused() const { return refused_.any(); }  // worth one before a report, and before the end
  bool more_to_prune() const { return pruning_.more(); }
  void keep_requests(std::chrono::milliseconds retention) { pruning_.keep(retention); }  // any thread

 private:
  base::Result<void> prune(base::SteadyTime now, bool beside_requests);
  base::Result<void> write_refused(base::SteadyTime now, const Beside& beside);

  Balances& balances_;
  Pruning pruning_;
  RefusedRows refused_;
  KeyUses::Marks marks_ = KeyUses::Marks::left;
  bool wrote_refused_ = false;
  base::SteadyTime marks_due_{};
  base::SteadyTime prune_busy_at_{};
  std::int64_t added_rows_ = 0;  // since rows were last pruned
};

}  // namespace cr::ledger

// SPDX-License-Identifier: MIT
// Pruning: takes rows of ended requests away once they are older than their retention, and of stored responses after
// 30 days, a few at a time inside a transaction that commits anyway, so that it holds no reservation up. The requests'
// sums stay. Ledger thread only, but for keep(). A step of the wall clock is not followed: a clock set ten years ahead
// must not empty the store.
#pragma once

#include <atomic>
#include <chrono>

#include "base/clock.h"
#include "base/result.h"
#include "ledger/sql/settings_sum.h"
#include "ledger/sql/sql_session.h"
#include "ledger/sqlite/stored_responses.h"

namespace cr::ledger {

class Pruning {
 public:
  Pruning(sqlite::Database& db, StoredResponses& responses, SettingsSum& settings);  // which outlives it

  // How long rows of requests are kept; zero = for good. Looked at again with the next commit. Any thread.
  void keep(std::chrono::milliseconds retention) {
    retention_ms_.store(retention.count());
    look_again_.store(true);
  }

  bool more() const { return more_; }
  // Whether a step is due: now and then while there is work, at once again when the last one found more.
  bool due(base::SteadyTime now) const;
  // One step, at most `rows`, and no request of an id as late as `summed_before`: rows go once they are in the usage's
  // sums.
  base::Result<void> step(base::SteadyTime now, std::int64_t rows, base::Time summed_before);
  void committed() { more_ = found_more_; }

 private:
  base::Time today(base::SteadyTime now) const;
  base::Result<bool> prune_requests(base::Time before, std::int64_t rows);
  base::Result<std::int64_t> take_rows(base::Time before, std::int64_t rows);
  base::Result<bool> prune_refused(base::Time before, std::int64_t rows);

  SqlSession sql_;
  StoredResponses& responses_;
  SettingsSum& settings_;  // which knows up to when rows were pruned
  std::atomic<std::int64_t> retention_ms_{0};
  std::atomic<bool> look_again_{false};
  const base::Time wall_at_start_;
  const base::SteadyTime steady_at_start_;
  base::SteadyTime next_{};
  bool found_more_ = false, more_ = false;
};

}  // namespace cr::ledger

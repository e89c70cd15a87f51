// SPDX-License-Identifier: MIT
#include "ledger/core/engine_status.h"

#include <algorithm>

namespace cr::ledger {

using std::chrono::milliseconds;

void EngineStatus::set_trouble(const std::string& what) {
  troubled_ = !what.empty();
  const base::MutexLock lock(mutex_);
  counters_.trouble = what;
}

void EngineStatus::count_commit(const Ledger::Counters& in_it, Credits overrun) {
  const base::MutexLock lock(mutex_);
  ++counters_.commits;
  counters_.reservations += in_it.reservations;
  counters_.settlements += in_it.settlements;
  counters_.settlements_repeated += in_it.settlements_repeated;
  counters_.settlements_refused += in_it.settlements_refused;
  counters_.overrun = overrun;
}

void EngineStatus::count_failure() {
  const base::MutexLock lock(mutex_);
  ++counters_.failed_commits;
}

void EngineStatus::set_overrun(Credits overrun) {
  const base::MutexLock lock(mutex_);
  counters_.overrun = overrun;
}

milliseconds EngineStatus::busy_for() const {
  const auto since = busy_since_.load(std::memory_order_relaxed);
  if (since == base::SteadyTime()) return milliseconds(0);
  return std::max(milliseconds(0), std::chrono::duration_cast<milliseconds>(base::coarse_now() - since));
}

Ledger::Counters EngineStatus::counters() const {
  const base::MutexLock lock(mutex_);
  return counters_;
}

}  // namespace cr::ledger

// SPDX-License-Identifier: MIT
// EngineStatus: what other threads see of the thread that commits: whether it can, how long it has been at it, and what
// it has done. Written by that thread alone; read by any, the first two by atomic loads.
#pragma once

#include <atomic>
#include <chrono>
#include <string>

#include "base/clock.h"
#include "base/mutex.h"
#include "ledger/core/ledger.h"

namespace cr::ledger {

class EngineStatus {
 public:
  // --- the thread that commits ---
  void begin_work() { busy_since_.store(base::steady_now(), std::memory_order_relaxed); }
  void end_work() { busy_since_.store(base::SteadyTime(), std::memory_order_relaxed); }
  void set_trouble(const std::string& what);  // why the store cannot commit; empty: it can
  // One commit, with the settlements and reservations in it; `overrun` is the sum of all.
  void count_commit(const Ledger::Counters& in_it, Credits overrun);
  void count_failure();
  void set_overrun(Credits overrun);  // at the start

  // --- any thread ---
  bool troubled() const { return troubled_.load(std::memory_order_relaxed); }
  std::chrono::milliseconds busy_for() const;  // on one batch of work; 0: it waits for some
  Ledger::Counters counters() const;           // without what the queue and the start know

 private:
  std::atomic<bool> troubled_{false};
  std::atomic<base::SteadyTime> busy_since_{base::SteadyTime()};  // SteadyTime(): it waits for work
  mutable base::Mutex mutex_;
  Ledger::Counters counters_ CR_GUARDED_BY(mutex_);
};

}  // namespace cr::ledger

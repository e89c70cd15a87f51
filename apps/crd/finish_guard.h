// SPDX-License-Identifier: MIT
// FinishGuard: while it lives, the process ends in bounded time, whatever hangs: a disk that does not answer would
// otherwise keep the ledger thread, and with it the process, for ever. It says what it did not wait for, and exits with
// status 1. Main thread; has one of its own.
#pragma once

#include <chrono>
#include <condition_variable>
#include <thread>

#include "base/log.h"
#include "base/mutex.h"
#include "ledger/core/ledger.h"

namespace cr::crd {

class FinishGuard {
 public:
  // Gives up after a time for all of it, or sooner when the ledger thread does not answer for `ledger_patience`.
  // `ledger` is used until ledger_ended() or the end.
  FinishGuard(base::Log::Options log, const ledger::Ledger& ledger, std::chrono::milliseconds ledger_patience);
  ~FinishGuard();
  FinishGuard(const FinishGuard&) = delete;
  FinishGuard& operator=(const FinishGuard&) = delete;

  void step(const char* what);  // what is waited for from here on; static text
  void ledger_ended();

 private:
  void watch();
  [[noreturn]] void give_up(bool ledger_hangs) CR_REQUIRES(mutex_);

  const base::Log::Options log_;
  const std::chrono::milliseconds ledger_patience_;
  base::Mutex mutex_;
  std::condition_variable changed_;
  const ledger::Ledger* ledger_ CR_GUARDED_BY(mutex_);
  const char* step_ CR_GUARDED_BY(mutex_) = "";
  bool over_ CR_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace cr::crd

// SPDX-License-Identifier: MIT
#include "finish_guard.h"

#include <unistd.h>

#include "base/clock.h"

namespace cr::crd {

namespace {

constexpr std::chrono::seconds k_time_max{10};
constexpr std::chrono::milliseconds k_look{100};
constexpr int k_failed = 1;

}  // namespace

FinishGuard::FinishGuard(base::Log::Options log, const ledger::Ledger& ledger,
                         std::chrono::milliseconds ledger_patience)
    : log_(log), ledger_patience_(ledger_patience), ledger_(&ledger), thread_([this] { watch(); }) {}

FinishGuard::~FinishGuard() {
  {
    const base::MutexLock lock(mutex_);
    over_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void FinishGuard::step(const char* what) {
  const base::MutexLock lock(mutex_);
  step_ = what;
}

void FinishGuard::ledger_ended() {
  const base::MutexLock lock(mutex_);
  ledger_ = nullptr;
}

void FinishGuard::watch() {
  const auto until = base::steady_now() + k_time_max;
  base::MutexLock lock(mutex_);
  while (!changed_.wait_for(lock.native(), k_look, [this]() CR_REQUIRES(mutex_) { return over_; })) {
    const bool ledger_hangs = ledger_ != nullptr && ledger_->busy_for() > ledger_patience_;
    if (ledger_hangs || base::steady_now() >= until) give_up(ledger_hangs);
  }
}

// With the mutex held: what is looked at stays. Nothing is destroyed, since the threads that hang may still use it.
void FinishGuard::give_up(bool ledger_hangs) {
  {
    base::Log log(log_);  // of its own: its end waits until the line is written
    if (ledger_hangs) {
      log.error(
          "stopping without the ledger thread, which does not answer: look at the disk. What is reserved is posted "
          "whole "
          "at the next start",
          {{"waited_for", step_}, {"settlements_lost", std::to_string(ledger_->counters().backlog)}});
    } else {
      log.error("stopping without waiting any longer", {{"waited_for", step_}});
    }
  }
  ::_exit(k_failed);
}

}  // namespace cr::crd

// SPDX-License-Identifier: MIT
// WorkQueue: what waits for the ledger thread. Any thread pushes; one thread takes all that waits in one swap. A push
// wakes that thread only when it sleeps, and a settlement not even then: it rides in the next reservation's commit, or
// waits `settle_delay`.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "ledger/ledger.h"
#include "ledger/operations.h"

namespace cr::ledger {

// A change or, without one, a flush. Lives on the stack of the thread that waits in get().
class AdminJob {
 public:
  using Change = std::function<base::Result<void>(Store&)>;
  explicit AdminJob(const Change* change = nullptr, Ledger::DryRun dry_run = Ledger::DryRun::no)
      : change_(change), dry_run_(dry_run) {}
  const Change* change() const { return change_; }
  bool dry_run() const { return dry_run_ == Ledger::DryRun::yes; }
  // Its own result; a transaction that fails later replaces a good one.
  base::Result<void> result;
  void finish();
  base::Result<void> get();

 private:
  const Change* change_;
  Ledger::DryRun dry_run_;
  std::mutex mutex_;
  std::condition_variable done_;
  bool finished_ = false;
};

// In the order of arrival.
template <class Op>
struct OpList {
  Op* head = nullptr;
  Op* tail = nullptr;
  void push(Op& op) {
    op.next = nullptr;
    (tail == nullptr ? head : tail->next) = &op;
    tail = &op;
  }
  bool empty() const { return head == nullptr; }
};

class WorkQueue {
 public:
  struct Batch {
    std::vector<Settlement> settlements;
    OpList<ReserveOp> reserves;
    OpList<LookOp> looks;
    std::vector<AdminJob*> jobs;
    bool stop = false;
  };
  enum class Woken { work, settlements_due, idle };
  struct Patience {
    std::optional<base::SteadyTime> retry_at;               // settlements of a failed commit wait for this
    bool lively = false;                                    // reservations came: settlements are to be expected
    std::optional<std::chrono::milliseconds> idle_after{};  // wake for the work of idle times
  };

  WorkQueue(std::size_t reserves_max, std::chrono::milliseconds settle_delay)
      : reserves_max_(reserves_max), settle_delay_(settle_delay) {}

  // False: the queue is full or has stopped, and the operation was not taken.
  bool push(ReserveOp& op);
  bool push(LookOp& op);
  bool push(AdminJob& job);
  void push(Settlement&& settlement);
  void stop();
  std::size_t waiting() const;

  // Swaps everything that waits into `batch` (which must be empty).
  Woken take(Batch& batch, const Patience& patience);

 private:
  enum class Sleep { none, until_due, until_work };
  bool urgent() const {
    return !incoming_.reserves.empty() || !incoming_.looks.empty() || !incoming_.jobs.empty() || incoming_.stop;
  }
  bool rouse();  // with the mutex held; true: the taker must be notified
  template <class Put>
  bool push_urgent(Put put);
  Woken sleep(std::unique_lock<std::mutex>& lock, const Patience& patience);

  const std::size_t reserves_max_;
  const std::chrono::milliseconds settle_delay_;
  mutable std::mutex mutex_;
  std::condition_variable work_;
  Batch incoming_;
  std::size_t reserves_ = 0;
  Sleep sleep_ = Sleep::none;
};

}  // namespace cr::ledger

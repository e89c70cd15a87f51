// SPDX-License-Identifier: MIT
// WorkQueue: what waits for the ledger thread. Any thread pushes; one thread takes all that waits in one swap. A push
// wakes that thread only when it sleeps, and a settlement not even then: it rides in the next reservation's commit, or
// waits `settle_delay`.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "ledger/core/ledger.h"
#include "ledger/core/operations.h"

namespace cr::ledger {

// A change or, without one, a flush. Shared by the thread that waits for it and the ledger thread: the first may leave
// at its deadline. The change is on the stack of the one that waits, who leaves only while it is not running.
class AdminJob {
 public:
  using Change = std::function<base::Result<void>(Store&)>;
  explicit AdminJob(const Change* change = nullptr, Ledger::DryRun dry_run = Ledger::DryRun::no)
      : change_(change), dry_run_(dry_run) {}
  bool has_change() const { return change_ != nullptr; }
  bool dry_run() const { return dry_run_ == Ledger::DryRun::yes; }

  // --- the ledger thread ---
  // Runs the change, once, and keeps its result; does nothing if who asked has left.
  void run(Store& store);
  base::Result<void> result;  // its own; a transaction that fails later replaces a good one
  std::string thrown;         // by the change: for the log, without what may be a key
  void finish();

  // --- who asked ---
  // The result, or `timeout`: the change will not be made, or the message says that it may yet be. The time that the
  // change itself takes does not count.
  base::Result<void> wait(std::chrono::milliseconds patience);
  // The error for a ledger thread that does not answer.
  static base::Error not_answered(std::string_view doing);

 private:
  enum class Stage { waiting, running, ran, finished, left };
  const Change* change_;
  const Ledger::DryRun dry_run_;
  base::Mutex mutex_;
  std::condition_variable changed_;
  Stage stage_ CR_GUARDED_BY(mutex_) = Stage::waiting;
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
  void append(const OpList& later) {
    if (later.empty()) return;
    (tail == nullptr ? head : tail->next) = later.head;
    tail = later.tail;
  }
};

class WorkQueue {
 public:
  struct Batch {
    std::vector<Settlement> settlements;
    OpList<ReserveOp> reserves;
    OpList<QueryOp> queries;
    std::vector<std::shared_ptr<AdminJob>> jobs;
    bool stop = false;
  };
  enum class Woken { work, settlements_due, idle };
  struct Patience {
    std::optional<base::SteadyTime> retry_at;               // when settlements are due, or a failed store is tried
    bool lively = false;                                    // reservations came: settlements are to be expected
    std::optional<std::chrono::milliseconds> idle_after{};  // wake for the work of idle times
  };

  WorkQueue(std::size_t reserves_max, std::chrono::milliseconds settle_delay)
      : reserves_max_(reserves_max), settle_delay_(settle_delay) {}

  // False: the queue is full or has stopped, and the operation was not taken.
  bool push(ReserveOp& op);
  bool push(QueryOp& op);
  bool push(std::shared_ptr<AdminJob> job);
  void push(Settlement&& settlement);
  void stop();
  std::size_t waiting() const;  // reservations that wait or are being worked on
  // Settlements pushed that committed() was not told of. Any thread.
  std::size_t backlog() const { return backlog_.load(std::memory_order_relaxed); }
  void committed(std::size_t settlements) { backlog_.fetch_sub(settlements, std::memory_order_relaxed); }

  // Swaps everything that waits into `batch` (which must be empty).
  Woken take(Batch& batch, const Patience& patience);

 private:
  enum class Sleep { none, until_due, until_work };
  bool urgent() const CR_REQUIRES(mutex_) {
    return !incoming_.reserves.empty() || !incoming_.queries.empty() || !incoming_.jobs.empty() || incoming_.stop;
  }
  bool rouse() CR_REQUIRES(mutex_);  // true: the taker must be notified
  template <class Put>
  bool push_urgent(Put put);
  Woken sleep(base::MutexLock& lock, const Patience& patience) CR_REQUIRES(mutex_);

  const std::size_t reserves_max_;
  const std::chrono::milliseconds settle_delay_;
  mutable base::Mutex mutex_;
  std::condition_variable work_;
  Batch incoming_ CR_GUARDED_BY(mutex_);
  std::size_t reserves_ CR_GUARDED_BY(mutex_) = 0;
  std::size_t reserves_taken_ CR_GUARDED_BY(mutex_) = 0;
  std::atomic<std::size_t> backlog_{0};
  Sleep sleep_ CR_GUARDED_BY(mutex_) = Sleep::none;
};

}  // namespace cr::ledger

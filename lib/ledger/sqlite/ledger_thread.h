// SPDX-License-Identifier: MIT
// LedgerThread: the one writer. Takes all that waits, runs one transaction, commits once, then releases the waiters.
// A commit that fails is rolled back in memory too: reservations become `unavailable`, settlements are kept and tried
// again with back-off. Until a commit succeeds nothing new is admitted, and with nothing to commit a row is written to
// find out. A failed fsync is never tried again: nobody knows what the disk has.
#pragma once

#include <atomic>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "ledger/core/ledger.h"
#include "ledger/core/work_queue.h"
#include "ledger/sql/store_state.h"
#include "ledger/sqlite/balances.h"
#include "ledger/sqlite/checkpoint.h"
#include "ledger/sqlite/pruning.h"
#include "ledger/sqlite/stored_responses.h"

namespace cr::ledger {

class LedgerThread {
 public:
  // All of them outlive the thread.
  struct Parts {
    const Ledger::Options* options;
    const std::vector<Ledger::Lane>* lanes;
    base::Log* log;
    sqlite::Database* db;
    Balances* balances;
    Store::Impl* store;
    DirectoryFeed* feed;
  };
  static base::Result<std::unique_ptr<LedgerThread>> start(const Parts& parts);
  ~LedgerThread();
  void end();  // works off what waits, commits it
  WorkQueue& queue() { return queue_; }
  Ledger::Counters counters() const;
  bool admits(std::chrono::milliseconds patience) const;
  std::chrono::milliseconds busy_for() const;
  Pruning& pruning() { return pruning_; }

 private:
  using Batch = WorkQueue::Batch;
  struct LaneLists {
    OpList<ReserveOp> reserves;
    OpList<LookOp> looks;
  };
  explicit LedgerThread(const Parts& parts);
  base::Result<void> prepare();
  void run();
  void work_off(Batch& batch, WorkQueue::Woken woken);
  WorkQueue::Patience patience() const;
  void absorb(Batch& batch, WorkQueue::Woken woken);
  void answer_without_hold(Batch& batch);
  bool needs_transaction(const Batch& batch, WorkQueue::Woken woken) const;
  bool may_try() const;
  base::Result<void> transact(Batch& batch);
  base::Result<void> write_probe();
  base::Result<void> settle_all();
  void refuse_settlement(const Settlement& settlement, const std::string& why);
  base::Result<void> run_jobs(Batch& batch);
  base::Result<void> run_job(AdminJob& job);
  base::Result<void> reserve_all(Batch& batch);
  base::Result<void> write_balances(const Batch& batch);
  void committed();
  void report_overrun();
  void failed(Batch& batch, const base::Error& error);
  void refuse(Batch& batch, const base::Error& error);
  void deliver(Batch& batch);
  void answer_looks();
  void look(LookOp& op);
  void release();
  void checkpoint_if(bool due);
  void set_trouble(const std::string& what);
  void be_fatal(const base::Error& error);
  void last_words();

  Parts parts_;
  WorkQueue queue_;
  Checkpoint checkpoint_;
  StoredResponses responses_;
  Pruning pruning_;
  sqlite::Statement begin_, commit_;
  std::vector<LaneLists> lists_;
  std::vector<Settlement> pending_;  // not committed yet
  OpList<LookOp> waiting_looks_;     // for the commit of what is pending
  base::SteadyTime settle_by_{};     // the oldest of them waits no longer
  bool lively_ = false;
  bool fatal_ = false;
  bool marks_written_ = false;
  base::SteadyTime marks_due_{};
  base::SteadyTime prune_busy_at_{};
  std::int64_t added_rows_ = 0;  // since rows were last pruned
  std::optional<base::SteadyTime> retry_at_;
  std::chrono::milliseconds back_off_{0};
  bool committed_since_ = true;  // since the store was found to commit again
  base::Error last_error_;
  Directory::Impl published_;
  bool directory_changed_ = false;

  mutable base::Mutex counters_mutex_;
  Ledger::Counters counters_ CR_GUARDED_BY(counters_mutex_);
  Ledger::Counters uncommitted_;  // of the transaction that runs
  std::atomic<bool> troubled_{false};
  std::atomic<base::SteadyTime> busy_since_{base::SteadyTime()};  // SteadyTime() = it waits for work
  std::thread thread_;
};

}  // namespace cr::ledger

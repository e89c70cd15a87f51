// SPDX-License-Identifier: MIT
// LedgerThread: the one writer. Takes all that waits, runs one transaction, commits once, then releases the waiters.
// A commit that fails is rolled back in memory too: reservations become `unavailable`, settlements are kept and tried
// again with back-off. Until a commit succeeds nothing new is admitted, and with nothing to commit a row is written to
// find out. A failed fsync is never tried again: nobody knows what the disk has. A store whose files were removed or
// replaced counts as one that cannot commit, until they are back.
#pragma once

#include <memory>
#include <thread>
#include <vector>

#include "ledger/core/deliveries.h"
#include "ledger/core/engine_status.h"
#include "ledger/core/ledger.h"
#include "ledger/core/retry.h"
#include "ledger/core/waiting_reservations.h"
#include "ledger/core/work_queue.h"
#include "ledger/sql/store_state.h"
#include "ledger/sqlite/balances.h"
#include "ledger/sqlite/checkpoint.h"
#include "ledger/sqlite/chores.h"
#include "ledger/sqlite/directory_draft.h"
#include "ledger/sqlite/file_watch.h"
#include "ledger/sqlite/head_keeper.h"
#include "ledger/sqlite/stored_responses.h"

namespace cr::ledger {

class LedgerThread {
 public:
  // All of them outlive the thread.
  struct Parts {
    const Ledger::Options* options;
    const StoreClock* clock;
    const std::vector<Ledger::Recipient>* recipients;
    base::Log* log;
    WorkQueue* queue;
    RefusedCounts* refused;
    EngineStatus* status;
    DirectoryFeed* feed;
    sqlite::Database* db;
    const FileWatch* watch;
    HeadKeeper* head;  // null: none is kept
    Balances* balances;
    Store::Impl* store;
  };
  static base::Result<std::unique_ptr<LedgerThread>> start(const Parts& parts);
  ~LedgerThread();
  void end();  // works off what waits, commits it
  void keep_requests(std::chrono::milliseconds retention) { chores_.keep_requests(retention); }  // any thread

 private:
  using Batch = WorkQueue::Batch;
  explicit LedgerThread(const Parts& parts);
  base::Result<void> prepare();
  void run();
  void work_off(Batch& batch, WorkQueue::Woken woken);
  WorkQueue::Patience patience() const;
  void look_at_files();
  void absorb(Batch& batch, WorkQueue::Woken woken);
  void answer_without_reservation(Batch& batch);
  bool needs_transaction(const Batch& batch, WorkQueue::Woken woken) const;
  bool may_try() const;
  base::Result<void> transact(Batch& batch);
  base::Result<void> write_probe();
  base::Result<void> settle_all();
  void refuse_settlement(const Settlement& settlement, const std::string& why);
  base::Result<void> run_jobs(Batch& batch);
  base::Result<void> run_job(AdminJob& job);
  base::Result<void> reserve_all(Batch& batch);
  base::Result<void> reserve(ReserveOp& op);
  base::Result<void> write_balances(const Batch& batch);
  base::Result<void> raise_head(const Batch& batch);
  void committed();
  void report_overrun();
  void failed(Batch& batch, const base::Error& error);
  void refuse(Batch& batch, const base::Error& error);
  void deliver(Batch& batch);
  void answer_queries();
  void answer(QueryOp& op);
  void checkpoint_if(bool due);
  void be_fatal(const base::Error& error);
  void last_words();
  void leave_lost_files();

  Parts parts_;
  Checkpoint checkpoint_;
  StoredResponses responses_;
  Chores chores_;
  DirectoryDraft draft_;
  Deliveries deliveries_;
  sqlite::Statement begin_, commit_;
  std::vector<Settlement> pending_;  // not committed yet
  base::SteadyTime settle_by_{};     // the oldest of them waits no longer
  OpList<QueryOp> waiting_queries_;  // for the commit of what is pending
  WaitingReservations waiting_;      // for credit that is reserved
  bool lively_ = false;
  Retry retry_;
  base::Result<void> whole_;  // whether the store's files are those that are open
  base::SteadyTime look_due_{};
  bool fatal_ = false;
  base::Error last_error_;
  Ledger::Counters uncommitted_;  // of the transaction that runs
  std::thread thread_;
};

}  // namespace cr::ledger

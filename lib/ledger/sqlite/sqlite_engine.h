// SPDX-License-Identifier: MIT
// SqliteEngine: a ledger in one SQLite file of this process alone. One thread owns the writing connection; reports have
// two of their own.
#pragma once

#include <atomic>
#include <memory>
#include <optional>

#include "base/mutex.h"
#include "ledger/core/engine.h"
#include "ledger/sql/reports_state.h"
#include "ledger/sql/store_state.h"
#include "ledger/sqlite/balance_changes.h"
#include "ledger/sqlite/balances.h"
#include "ledger/sqlite/head_keeper.h"
#include "ledger/sqlite/ledger_thread.h"
#include "ledger/sqlite/store_file.h"

namespace cr::ledger {

// Ends in reverse: the thread first, which works off what waits; the file last.
class SqliteEngine final : public Engine {
 public:
  SqliteEngine(Setup setup, StoreFile file);
  ~SqliteEngine() override = default;

  base::Result<void> start() override;
  void close() override;
  base::Result<void> write(const AdminJob::Change& change, Ledger::DryRun dry_run) override;
  base::Result<void> read(const std::function<base::Result<void>(Reports&)>& query, Reading reading) override;
  void stop_reads() override { reads_stopped_ = true; }
  void keep_requests(std::chrono::milliseconds retention) override;
  Ledger::Counters counters() const override;
  Ledger::HeadState head() const override;

 private:
  base::Result<void> begin_settings();
  base::Result<void> accept_settings();
  base::Result<void> note(std::string_view action, const std::string& detail, const std::string& reason);
  base::Result<void> write_sum();
  base::Result<void> begin_head();

  // Each on a connection of its own.
  struct Reader {
    explicit Reader(sqlite::Database& its_db) : db(its_db) {}
    sqlite::Database& db;
    base::Mutex mutex;
    std::optional<Reports::Impl> reports CR_GUARDED_BY(mutex);
  };

  StoreFile file_;
  std::optional<Balances> balances_;
  std::optional<BalanceChanges> holders_;
  std::optional<Store::Impl> store_;
  Reader quick_{file_.reader}, lengthy_{file_.long_reader};
  std::unique_ptr<HeadKeeper> head_;  // none: no head is kept
  std::unique_ptr<LedgerThread> thread_;
  std::uint64_t recovered_ = 0;
  std::atomic<bool> reads_stopped_{false};
};

}  // namespace cr::ledger

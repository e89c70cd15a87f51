// SPDX-License-Identifier: MIT
// Engine: the store behind a Ledger, and what works off the ledger's queue. The one virtual class of the ledger, one
// implementation a kind of store. What requests do costs no virtual call: reserve, settle and query go into the queue,
// and whether a request is admitted, the time and the directory are read from what this class holds.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "ledger/core/engine_status.h"
#include "ledger/core/ledger.h"
#include "ledger/core/refused_counts.h"
#include "ledger/core/store_clock.h"
#include "ledger/core/work_queue.h"
#include "token/key.h"

namespace cr::ledger {

class Engine {
 public:
  struct Setup {
    Ledger::Options options;
    token::Vault vault;
    std::vector<Ledger::Recipient> recipients;  // the workers'
    base::Log& log;
  };
  enum class Reading { quick, lengthy };

  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  virtual ~Engine() = default;

  // Each as the function of Ledger by its name says. start() loads and publishes the directory, then begins to take
  // from the queue; before it nothing else is called. close() may be called again.
  virtual base::Result<void> start() = 0;
  virtual void close() = 0;
  virtual base::Result<void> write(const AdminJob::Change& change, Ledger::DryRun dry_run) = 0;
  // On a connection for `reading`; no flush is made.
  virtual base::Result<void> read(const std::function<base::Result<void>(Reports&)>& query, Reading reading) = 0;
  virtual void stop_reads() = 0;
  virtual void keep_requests(std::chrono::milliseconds retention) = 0;
  virtual Ledger::Counters counters() const;
  virtual Ledger::HeadState head() const { return {}; }

  // --- what needs no store; any thread ---
  const Ledger::Options& options() const { return setup_.options; }
  const token::Vault& vault() const { return setup_.vault; }
  const Ledger::Recipient& recipient(std::uint32_t number) const { return setup_.recipients[number]; }
  WorkQueue& queue() { return queue_; }
  RefusedCounts& refused() { return refused_; }
  const DirectoryFeed& directory() const { return feed_; }
  const EngineStatus& status() const { return status_; }
  bool admits(std::chrono::milliseconds patience) const {
    return !status_.troubled() && queue_.backlog() < options().backlog_max && status_.busy_for() <= patience;
  }
  Time now() const { return clock_.now(); }
  bool fresh() const {
    const auto until = fresh_until_.load(std::memory_order_relaxed);
    return until == base::SteadyTime::max() || base::coarse_now() < until;
  }
  base::Result<void> flush();
  base::Result<BalanceQuery> balance(TokenId token);  // waits for it

 protected:
  explicit Engine(Setup setup);

  // Pushes a job and waits for it; `doing` as an error names it.
  base::Result<void> ask(const std::shared_ptr<AdminJob>& job, std::string_view doing);
  base::Log& log() { return setup_.log; }
  const std::vector<Ledger::Recipient>& recipients() const { return setup_.recipients; }
  DirectoryFeed& feed() { return feed_; }
  EngineStatus& writable_status() { return status_; }
  StoreClock& clock() { return clock_; }
  // Until when the directory is known to be the store's newest; SteadyTime::max() where nobody else changes it.
  void set_fresh_until(base::SteadyTime until) { fresh_until_.store(until); }

 private:
  Setup setup_;  // its recipients, and behind them the one of those who wait in balance()
  WorkQueue queue_;
  RefusedCounts refused_;
  EngineStatus status_;
  DirectoryFeed feed_;
  StoreClock clock_;
  std::atomic<base::SteadyTime> fresh_until_{base::SteadyTime::max()};
};

}  // namespace cr::ledger

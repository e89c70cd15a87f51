// SPDX-License-Identifier: MIT
// HeadKeeper: writes the store's head on a thread of its own, so that a disk that hangs there holds nobody up. The
// ledger thread raises the head's number in a commit: in the first of a second, in one that changes settings, in the
// last, and a second after a commit that no number covers. Lives as long as the engine.
#pragma once

#include <condition_variable>
#include <optional>
#include <string>
#include <thread>

#include "base/clock.h"
#include "base/log.h"
#include "base/mutex.h"
#include "ledger/core/ledger.h"
#include "ledger/core/reports.h"
#include "ledger/sql/sql_session.h"
#include "ledger/sqlite/head_file.h"

namespace cr::ledger {

class HeadKeeper {
 public:
  // `first` is on the disk already.
  HeadKeeper(std::string path, const token::Vault& vault, base::Log& log, Head first);
  ~HeadKeeper();
  void end();  // once the last one is written, or cannot be

  // --- the ledger thread ---
  enum class Beside { requests, changes, last };  // what the commit is for
  bool due(base::SteadyTime now) const { return dirty_ && now >= raised_at_ + k_period; }
  bool dirty() const { return dirty_; }
  base::Result<void> raise(SqlSession& sql, Beside beside, base::Time now);  // in the transaction, if it is time
  void committed();

  // --- any thread ---
  Ledger::HeadState state() const;
  Reports::Seen seen() const;  // what the store must have

 private:
  static constexpr std::chrono::milliseconds k_period{1000};
  void run();
  void warn_if_old(std::chrono::milliseconds behind) CR_REQUIRES(mutex_);
  std::chrono::milliseconds behind() const CR_REQUIRES(mutex_);

  const std::string path_;
  const token::Vault& vault_;
  base::Log& log_;

  // The ledger thread's.
  std::optional<Head> raised_;
  bool dirty_ = false;  // since the head was raised there was a commit
  base::SteadyTime raised_at_{};

  mutable base::Mutex mutex_;
  std::condition_variable changed_;
  Head newest_ CR_GUARDED_BY(mutex_);                                      // that a commit holds
  std::optional<base::SteadyTime> unwritten_since_ CR_GUARDED_BY(mutex_);  // since when it is not all on the disk
  std::string trouble_ CR_GUARDED_BY(mutex_);
  bool warned_ CR_GUARDED_BY(mutex_) = false;
  bool stop_ CR_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace cr::ledger

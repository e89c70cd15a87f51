// SPDX-License-Identifier: MIT
// Checkpoint: moves the write-ahead log back into the file, by the writing connection alone and off the commit's path.
// (SQLite before 3.51.3 can damage a file when two connections checkpoint or reset the log at once.) Ledger thread
// only.
#pragma once

#include "base/result.h"
#include "sqlite/database.h"

namespace cr::ledger {

class Checkpoint {
 public:
  explicit Checkpoint(sqlite::Database& db);
  Checkpoint(const Checkpoint&) = delete;
  Checkpoint& operator=(const Checkpoint&) = delete;
  ~Checkpoint();
  // scattered: the log's pages are mostly different ones, all of which a checkpoint must write: then it comes sooner,
  // and is over sooner.
  enum class Pace { usual, scattered };
  bool due(Pace pace) const { return frames_ >= kept_ + (pace == Pace::usual ? k_frames_max : k_scattered_max); }
  bool any() const { return frames_ > 0; }
  // Passive: waits for no reader. What a reader still needs stays for the next one.
  base::Result<void> run();
  // After a failed sync: the connection's end leaves the log as it is, for the next start to read.
  static void forbid_at_close(sqlite::Database& db);

 private:
  static constexpr int k_frames_max = 2000;  // 8 MB of log
  static constexpr int k_scattered_max = 500;
  sqlite::Database* db_;
  int frames_ = 0;  // in the log since the last time
  int kept_ = 0;    // what a reader kept in it
};

// A sync that failed must not be tried again: the kernel may have dropped the pages and call the next one a success.
bool is_sync_failure(const sqlite::Database& db);

}  // namespace cr::ledger

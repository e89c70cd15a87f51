// SPDX-License-Identifier: MIT
// StoreFile: the store's file, opened and checked, with the lock that keeps a second crd away and its connections.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "ledger/core/ledger.h"
#include "ledger/sqlite/file_watch.h"
#include "ledger/sqlite/head_file.h"
#include "sqlite/database.h"
#include "token/key.h"

namespace cr::ledger {

// flock on the store's folder, which keeps its lock whoever takes files out of it, and on "<path>.lock", which names
// the holder's pid. Freed by the kernel however the process ends.
class FileLock {
 public:
  static base::Result<FileLock> take(const std::string& path);
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&&) = delete;
  ~FileLock();

 private:
  FileLock() = default;
  base::Result<void> take_folder(const std::string& path);
  int fd_ = -1;
  int folder_fd_ = -1;
};

// Members end in reverse: the readers first, then the writer (which closes the log), the lock last.
struct StoreFile {
  FileLock lock;
  std::int64_t locked_boot_ms = 0;  // when it was taken (base/boot.h): whoever had it before has ended by then
  sqlite::Database writer;
  sqlite::Database reader;
  sqlite::Database long_reader;  // for what takes long
  FileWatch watch;
  std::optional<Head> head{};  // as it was found
  std::string accepted{};      // what it told is missing, and the start goes on without
  bool sum_begun = false;      // of the settings, by a migration

  // Opens what is there or makes it; never makes one in the place of a file that is there. Errors as Ledger::open.
  static base::Result<StoreFile> open(const Ledger::Options& options, const token::Vault& vault);
};

}  // namespace cr::ledger

// SPDX-License-Identifier: MIT
// FileWatch: whether the names of the store's file, its log and its lock still lead to what crd has open. What is
// written to a file that has lost its name is gone at the end, and another crd would not meet our lock. Plain value,
// one thread.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/result.h"

namespace cr::ledger {

class FileWatch {
 public:
  // Of the files that are there now, which are those that this process has open.
  explicit FileWatch(const std::string& path);

  // `unavailable`, naming the first that is not what it was.
  base::Result<void> look() const;
  bool has_file() const;     // the store's own file is the one that is open
  bool has_another() const;  // its name is that of another file
  // Gives our log another name, for the next start would take it for that of the other file. Once nothing is written
  // any more.
  base::Result<void> set_log_aside() const;

 private:
  struct Name {
    std::string path;
    dev_t device = 0;
    ino_t inode = 0;
  };
  enum class Found { same, another, none };
  static Found find(const Name& name);

  std::vector<Name> names_;  // the store's own file first
};

}  // namespace cr::ledger

// SPDX-License-Identifier: MIT
#include "ledger/sqlite/file_watch.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

#include "ledger/sqlite/durable_file.h"

namespace cr::ledger {

FileWatch::FileWatch(const std::string& path) {
  for (const char* part : {"", "-wal", "-shm", ".lock"}) {
    struct stat status {};
    const std::string name = path + part;
    if (stat(name.c_str(), &status) == 0) names_.push_back({name, status.st_dev, status.st_ino});
  }
}

FileWatch::Found FileWatch::find(const Name& name) {
  struct stat status {};
  if (stat(name.path.c_str(), &status) != 0) return Found::none;
  return status.st_dev == name.device && status.st_ino == name.inode ? Found::same : Found::another;
}

base::Result<void> FileWatch::look() const {
  for (const Name& name : names_) {
    const Found found = find(name);
    if (found == Found::same) continue;
    return base::fail(base::ErrorCode::unavailable,
                      name.path + (found == Found::none ? " is gone" : " is not the file any more that crd has open"),
                      "put it back, or stop crd");
  }
  struct stat status {};
  if (names_.empty() || (stat(names_.front().path.c_str(), &status) == 0 && status.st_size > 0)) return {};
  return base::fail(base::ErrorCode::unavailable, names_.front().path + " was emptied",
                    "stop crd and restore a backup");
}

bool FileWatch::has_file() const {
  struct stat status {};
  return !names_.empty() && find(names_.front()) == Found::same && stat(names_.front().path.c_str(), &status) == 0 &&
         status.st_size > 0;
}

bool FileWatch::has_another() const {
  return !names_.empty() && find(names_.front()) == Found::another;
}

base::Result<void> FileWatch::set_log_aside() const {
  for (const Name& name : names_) {
    if (!name.path.ends_with("-wal") || find(name) != Found::same) continue;
    const std::string aside = name.path + ".replaced";
    if (std::rename(name.path.c_str(), aside.c_str()) == 0) return sync_folder_of(aside);
    return base::fail(base::ErrorCode::unavailable,
                      "cannot set the log " + name.path + " aside: " + std::generic_category().message(errno));
  }
  return {};
}

}  // namespace cr::ledger

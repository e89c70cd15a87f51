// SPDX-License-Identifier: MIT
#include "ledger/sqlite/durable_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

namespace cr::ledger {
namespace {

using base::Result;

Result<void> failed(const std::string& doing, const std::string& path, int error) {
  return base::fail(base::ErrorCode::unavailable, doing + ' ' + path + ": " + std::generic_category().message(error),
                    "check that the folder exists, has room, and that this user may write it");
}

Result<void> sync(const std::string& what, const std::string& path, int flags) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | flags);
  if (fd < 0) return failed("open " + what, path, errno);
  const int result = ::fsync(fd);
  const int error = errno;
  ::close(fd);
  if (result != 0) return failed("sync " + what, path, error);
  return {};
}

}  // namespace

Result<void> sync_file(const std::string& path) {
  return sync("file", path, 0);
}

Result<void> sync_folder_of(const std::string& path) {
  const std::size_t slash = path.find_last_of('/');
  return sync("folder", slash == std::string::npos ? "." : path.substr(0, slash + 1), O_DIRECTORY);
}

Result<void> rename_durably(const std::string& from, const std::string& to) {
  if (auto synced = sync_file(from); !synced) return synced;
  if (std::rename(from.c_str(), to.c_str()) != 0) return failed("name", to, errno);
  return sync_folder_of(to);
}

}  // namespace cr::ledger

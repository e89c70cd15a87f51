// SPDX-License-Identifier: MIT
// Whose a file is that this process alone may write. Any thread.
#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <string>

namespace cr::base {

// "belongs to uid 1000, and crd runs as uid 0"; empty if it is this process's.
inline std::string why_not_ours(const struct stat& file) {
  const auto self = ::geteuid();
  if (file.st_uid == self) return {};
  return "belongs to uid " + std::to_string(file.st_uid) + ", and crd runs as uid " + std::to_string(self);
}

}  // namespace cr::base

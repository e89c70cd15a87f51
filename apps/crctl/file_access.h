// SPDX-License-Identifier: MIT
// FileAccess: whose a file with a key is to be, and who may read it: as --owner and --mode say, else as the file that
// it replaces, else its maker's alone.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

struct stat;

namespace cr::crctl {

// "0640", "640": permissions, nothing else.
base::Result<mode_t> parse_file_mode(std::string_view text);

struct Owner {
  std::optional<uid_t> user;
  std::optional<gid_t> group;
};
// "app", "app:web", ":web", "1000:1000". `invalid` names who is not known here. Of a user alone the group stays.
base::Result<Owner> parse_owner(std::string_view text);

struct FileAccess {
  mode_t mode = 0600;
  Owner owner;

  static base::Result<FileAccess> of(const std::optional<std::string>& mode, const std::optional<std::string>& owner,
                                     const struct stat* replaced);
  // Of an open file that nobody else can read yet. Whose it is first: who may read it follows.
  base::Result<void> give(int fd, std::string_view shown) const;
};

}  // namespace cr::crctl

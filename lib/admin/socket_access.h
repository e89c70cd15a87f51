// SPDX-License-Identifier: MIT
// Why a caller may not use the admin socket, as far as file modes and the user database tell. Any thread.
#pragma once

#include <string>

#include "base/result.h"

namespace cr::admin {

struct SocketAccess {
  std::string user;       // who asks
  std::string owner;      // of what stands in the way: the socket, or the folder that may not be looked into
  std::string group;      // that it is open to; empty: to its owner alone
  bool member = false;    // the user is in the group,
  bool in_login = false;  // and this process has it
};

SocketAccess look_at_access(const std::string& socket_path);

// `forbidden`: says what to do.
base::Error not_permitted(const std::string& socket_path, const SocketAccess& access);

}  // namespace cr::admin

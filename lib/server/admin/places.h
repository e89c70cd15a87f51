// SPDX-License-Identifier: MIT
// Places: who may have one of the admin server's connections: no user all of them, and some are kept for whoever must
// be able to help. Pure; under its user's lock.
#pragma once

#include <sys/types.h>

#include <algorithm>
#include <cstddef>
#include <map>

namespace cr::server::admin {

class Places {
 public:
  struct Limits {
    std::size_t all = 0;
    std::size_t each_uid = 0;
    std::size_t kept = 0;  // of all, for root and the daemon's own user
  };
  Places(const Limits& limits, uid_t own) : limits_(limits), own_(own) {}

  // False: there is none left for this user.
  bool take(uid_t uid) {
    auto& held = held_[uid];
    const bool helper = uid == 0 || uid == own_;
    const auto most = helper ? limits_.all : limits_.all - std::min(limits_.kept, limits_.all);
    if (held >= limits_.each_uid || taken_ >= most) {
      if (held == 0) held_.erase(uid);
      return false;
    }
    ++held;
    ++taken_;
    return true;
  }
  void give_back(uid_t uid) {
    const auto held = held_.find(uid);
    if (--held->second == 0) held_.erase(held);
    --taken_;
  }

 private:
  const Limits limits_;
  const uid_t own_;
  std::map<uid_t, std::size_t> held_;
  std::size_t taken_ = 0;
};

}  // namespace cr::server::admin

// SPDX-License-Identifier: MIT
// Farewell: connections that were refused with a word, kept until their peers have read it. A socket that is closed
// while bytes wait in it takes its last words along: what a peer still sends is read away. One thread.
#pragma once

#include <poll.h>

#include <cstddef>
#include <vector>

#include "base/clock.h"

namespace cr::server::admin {

class Farewell {
 public:
  Farewell() = default;
  ~Farewell();
  Farewell(const Farewell&) = delete;
  Farewell& operator=(const Farewell&) = delete;

  // Of a connection whose last words were written: it is this object's from here on.
  void add(int fd, base::SteadyTime now);
  // What to wait for beside other things, and for how long at most; -1 = for ever.
  void append(std::vector<pollfd>& entries) const;
  int wait_ms(base::SteadyTime now) const;
  // Reads what came, and closes what has ended, had its second, or sent too much.
  void read(base::SteadyTime now);

 private:
  struct Leaving {
    int fd;
    std::size_t bytes_left;
    base::SteadyTime until;
  };
  static bool is_over(Leaving& leaving, base::SteadyTime now);
  std::vector<Leaving> leaving_;
};

}  // namespace cr::server::admin

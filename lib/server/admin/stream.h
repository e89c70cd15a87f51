// SPDX-License-Identifier: MIT
// AdminStream: the bytes of one connection, with a limit and a deadline for each request. One thread.
// Under httplib's own stream there is none of that: a request that trickles in would hold its thread for ever.
#pragma once

#include <sys/types.h>

#include <array>
#include <chrono>
#include <cstddef>

#include "base/clock.h"

namespace cr::server::admin {

class AdminStream {
 public:
  AdminStream(int fd, std::chrono::milliseconds request_timeout, std::chrono::milliseconds write_timeout)
      : fd_(fd), request_timeout_(request_timeout), write_timeout_(write_timeout) {}
  ~AdminStream();  // wipes: bodies have keys in them

  // Waits for the first byte of the next request. False: none came, or the client is gone.
  bool wait_for_request(std::chrono::milliseconds idle_timeout);
  // Starts its clock; reads fail after `bytes_max` more bytes or at the deadline.
  void begin_request(std::size_t bytes_max);
  void allow(std::size_t bytes_more) { bytes_left_ += bytes_more; }
  bool has_buffered() const { return end_ > begin_; }

  ssize_t read(char* place, std::size_t size);         // 0 = end, -1 = failed, late or too much
  ssize_t write(const char* bytes, std::size_t size);  // all of it, or -1
  bool is_readable() const;
  bool is_hung_up() const;  // the client has closed its end for both ways
  int fd() const { return fd_; }

 private:
  bool fill(base::SteadyTime deadline);
  int fd_;
  std::chrono::milliseconds request_timeout_, write_timeout_;
  base::SteadyTime deadline_{};
  std::size_t bytes_left_ = 0;
  std::size_t begin_ = 0, end_ = 0;
  std::array<char, 16'384> buffer_{};
};

}  // namespace cr::server::admin

// SPDX-License-Identifier: MIT
// Gather: one gathered write and what of it is still to send. Tries the socket straight away: what is written nearly
// always fits, and then neither a trip through the reactor nor a coroutine frame is due. Worker thread; the bytes stay
// the caller's until all is sent.
#pragma once

#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <span>

#include "http/net.h"

namespace cr::http {

class Gather {
 public:
  static constexpr std::size_t k_buffers_max = 16;
  enum class Sent { all, blocked, failed };  // blocked: the socket is full, wait until it is writable

  Gather() = default;
  explicit Gather(std::span<const asio::const_buffer> buffers);  // at most k_buffers_max; empty ones are left out
  Sent send(int fd);
  bool is_sent() const { return first_ == count_; }

 private:
  // Left as it is: only the first `count_` are ever read.
  std::array<iovec, k_buffers_max> vectors_;
  std::size_t first_ = 0, count_ = 0;
};

}  // namespace cr::http

// SPDX-License-Identifier: MIT
// Gather: one gathered write and what of it is still to send. Tries the socket straight away: what is written nearly
// always fits, and then neither a trip through the reactor nor a coroutine frame is due. Worker thread; the bytes stay
// the caller's until all is sent.
#pragma once

#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <optional>
#include <span>

#include "http/net/net.h"

namespace cr::http {

class Gather {
 public:
  static constexpr std::size_t k_buffers_max = 16;
  Gather() = default;
  explicit Gather(std::span<const asio::const_buffer> buffers);  // at most k_buffers_max; empty ones are left out
  // True: all is sent. False: the connection is dead. No value: the socket is full; again when it is writable.
  std::optional<bool> send(int fd);
  // Copies the next bytes out, at most `size`, and takes them as sent; 0: there are no more. For what seals them first.
  std::size_t take(char* place, std::size_t size);
  bool begun() const { return begun_; }  // at least a byte was sent, or copied out

 private:
  void took(std::size_t bytes);
  // Left as it is: only the first `count_` are ever read.
  std::array<iovec, k_buffers_max> vectors_;
  std::size_t first_ = 0, count_ = 0;
  bool begun_ = false;
};

}  // namespace cr::http

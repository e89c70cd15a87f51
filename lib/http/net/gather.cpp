// SPDX-License-Identifier: MIT
#include "http/net/gather.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace cr::http {

// NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): vectors_ is filled as far as it is read
Gather::Gather(std::span<const asio::const_buffer> buffers) {
  for (const auto& buffer : buffers) {
    if (buffer.size() == 0) continue;
    vectors_.at(count_++) = {const_cast<void*>(buffer.data()), buffer.size()};
  }
}

std::optional<bool> Gather::send(int fd) {
  while (first_ < count_) {
    msghdr message{};
    message.msg_iov = &vectors_[first_];
    message.msg_iovlen = count_ - first_;
    const auto sent = ::sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN || errno == EWOULDBLOCK) return std::nullopt;
      return false;
    }
    took(static_cast<std::size_t>(sent));
  }
  return true;
}

std::size_t Gather::take(char* place, std::size_t size) {
  std::size_t copied = 0;
  while (first_ < count_ && copied < size) {
    const auto bytes = std::min(size - copied, vectors_[first_].iov_len);
    std::memcpy(place + copied, vectors_[first_].iov_base, bytes);
    copied += bytes;
    took(bytes);
  }
  return copied;
}

void Gather::took(std::size_t bytes) {
  begun_ = begun_ || bytes > 0;
  while (first_ < count_ && bytes >= vectors_[first_].iov_len) bytes -= vectors_[first_++].iov_len;
  if (bytes > 0) {
    vectors_[first_].iov_base = static_cast<char*>(vectors_[first_].iov_base) + bytes;
    vectors_[first_].iov_len -= bytes;
  }
}

}  // namespace cr::http

// SPDX-License-Identifier: MIT
#include "http/gather.h"

#include <sys/socket.h>

#include <cerrno>

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
    auto left = static_cast<std::size_t>(sent);
    while (first_ < count_ && left >= vectors_[first_].iov_len) left -= vectors_[first_++].iov_len;
    if (left > 0) {
      vectors_[first_].iov_base = static_cast<char*>(vectors_[first_].iov_base) + left;
      vectors_[first_].iov_len -= left;
    }
  }
  return true;
}

}  // namespace cr::http

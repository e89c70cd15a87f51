// SPDX-License-Identifier: MIT
#include "server/admin/stream.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/secret.h"

namespace cr::server::admin {

namespace {

// False at the deadline.
bool wait_for(int fd, short events, base::SteadyTime deadline) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - base::steady_now()).count();
    if (left <= 0) return false;
    pollfd entry{fd, events, 0};
    const int ready = ::poll(&entry, 1, static_cast<int>(std::min<long long>(left, 60'000)));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
}

}  // namespace

AdminStream::~AdminStream() {
  base::wipe(buffer_.data(), buffer_.size());
}

bool AdminStream::fill(base::SteadyTime deadline) {
  begin_ = end_ = 0;
  for (;;) {
    const auto got = ::recv(fd_, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (got > 0) {
      end_ = static_cast<std::size_t>(got);
      return true;
    }
    if (got == 0) return false;
    if (errno == EINTR) continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK) return false;
    if (!wait_for(fd_, POLLIN, deadline)) return false;
  }
}

bool AdminStream::wait_for_request(std::chrono::milliseconds idle_timeout) {
  return has_buffered() || fill(base::steady_now() + idle_timeout);
}

void AdminStream::begin_request(std::size_t bytes_max) {
  bytes_left_ = bytes_max;
  deadline_ = base::steady_now() + request_timeout_;
}

ssize_t AdminStream::read(char* place, std::size_t size) {
  if (bytes_left_ == 0) return -1;
  if (!has_buffered() && !fill(deadline_)) return base::steady_now() < deadline_ ? 0 : -1;
  const auto taken = std::min({size, end_ - begin_, bytes_left_});
  std::memcpy(place, buffer_.data() + begin_, taken);
  begin_ += taken;
  bytes_left_ -= taken;
  return static_cast<ssize_t>(taken);
}

ssize_t AdminStream::write(const char* bytes, std::size_t size) {
  std::size_t sent = 0;
  while (sent < size) {
    const auto step = ::send(fd_, bytes + sent, size - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (step >= 0) {
      sent += static_cast<std::size_t>(step);
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK) return -1;
    if (!wait_for(fd_, POLLOUT, base::steady_now() + write_timeout_)) return -1;
  }
  return static_cast<ssize_t>(size);
}

bool AdminStream::is_readable() const {
  pollfd entry{fd_, POLLIN, 0};
  return has_buffered() || ::poll(&entry, 1, 0) > 0;
}

bool AdminStream::is_hung_up() const {
  pollfd entry{fd_, 0, 0};
  return ::poll(&entry, 1, 0) > 0;  // POLLHUP and POLLERR, which need not be asked for
}

}  // namespace cr::server::admin

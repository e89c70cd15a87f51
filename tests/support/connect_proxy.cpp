// SPDX-License-Identifier: MIT
#include "support/connect_proxy.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace cr::test {

namespace {

bool pass(int from, int to) {
  char bytes[16 * 1024];
  const auto got = ::recv(from, bytes, sizeof bytes, 0);
  return got > 0 && send_all(to, {bytes, static_cast<std::size_t>(got)});
}

}  // namespace

ConnectProxy::ConnectProxy(int target_port, std::optional<std::string> answer)
    : target_port_(target_port), answer_(std::move(answer)), listener_([this](int fd) { serve(fd); }) {}

std::vector<std::string> ConnectProxy::heads() const {
  const std::lock_guard lock(mutex_);
  return heads_;
}

void ConnectProxy::serve(int fd) {
  auto head = read_head(fd);
  {
    const std::lock_guard lock(mutex_);
    heads_.push_back(std::move(head));
  }
  char byte = 0;
  if (answer_) {
    send_all(fd, *answer_);
    while (::recv(fd, &byte, 1, 0) > 0) continue;
    return;
  }
  const int target = connect_to(target_port_);
  if (send_all(fd, "HTTP/1.1 200 Connection established\r\n\r\n")) {
    pollfd both[2] = {{fd, POLLIN, 0}, {target, POLLIN, 0}};
    while (::poll(both, 2, -1) > 0) {
      if (both[0].revents != 0 && !pass(fd, target)) break;
      if (both[1].revents != 0 && !pass(target, fd)) break;
    }
  }
  ::close(target);
}

}  // namespace cr::test

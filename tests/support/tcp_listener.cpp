// SPDX-License-Identifier: MIT
#include "support/tcp_listener.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string>

namespace cr::test {

namespace {

sockaddr_storage name_of(const std::string& address, int port, socklen_t& size) {
  sockaddr_storage name{};
  auto& v4 = reinterpret_cast<sockaddr_in&>(name);
  auto& v6 = reinterpret_cast<sockaddr_in6&>(name);
  if (::inet_pton(AF_INET, address.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(static_cast<std::uint16_t>(port));
    size = sizeof v4;
  } else {
    ::inet_pton(AF_INET6, address.c_str(), &v6.sin6_addr);
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(static_cast<std::uint16_t>(port));
    size = sizeof v6;
  }
  return name;
}

}  // namespace

TcpListener::TcpListener(Serve serve, const std::string& address) : serve_(std::move(serve)) {
  socklen_t size = 0;
  auto name = name_of(address, 0, size);
  fd_ = ::socket(name.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd_ < 0 || ::bind(fd_, reinterpret_cast<sockaddr*>(&name), size) != 0 || ::listen(fd_, 64) != 0 ||
      ::getsockname(fd_, reinterpret_cast<sockaddr*>(&name), &size) != 0) {
    throw std::runtime_error("cannot listen on " + address + ": " + std::strerror(errno));
  }
  port_ = ntohs(reinterpret_cast<sockaddr_in&>(name).sin_port);  // the same place in both families
  acceptor_ = std::thread([this] { accept_all(); });
}

TcpListener::~TcpListener() {
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    for (const int fd : open_) ::shutdown(fd, SHUT_RDWR);
  }
  ::shutdown(fd_, SHUT_RDWR);
  acceptor_.join();
  for (auto& connection : connections_) connection.join();
  ::close(fd_);
}

void TcpListener::accept_all() {
  for (;;) {
    const int fd = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0 && errno == EINTR) continue;
    if (fd < 0) return;
    const std::lock_guard lock(mutex_);
    if (ended_) {
      ::close(fd);
      return;
    }
    open_.insert(fd);
    connections_.emplace_back([this, fd] {
      serve_(fd);
      const std::lock_guard closing(mutex_);
      open_.erase(fd);
      ::close(fd);
    });
  }
}

bool send_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const auto sent = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

std::string read_head(int fd) {
  std::string head;
  char byte = 0;
  while (head.size() < 64 * 1024 && !head.ends_with("\r\n\r\n") && ::recv(fd, &byte, 1, 0) == 1) head.push_back(byte);
  return head;
}

std::string read_request(int fd) {
  auto head = read_head(fd);
  constexpr std::string_view k_field = "content-length: ";
  const auto at = head.find(k_field);
  auto left = at == std::string::npos ? 0UL : std::stoul(head.substr(at + k_field.size()));
  char bytes[4096];
  while (left > 0) {
    const auto got = ::recv(fd, bytes, std::min(left, sizeof bytes), 0);
    if (got <= 0) break;
    left -= static_cast<std::size_t>(got);
  }
  return head;
}

int connect_to(int port) {
  socklen_t size = 0;
  auto name = name_of("127.0.0.1", port, size);
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || ::connect(fd, reinterpret_cast<sockaddr*>(&name), size) != 0) {
    if (fd >= 0) ::close(fd);
    throw std::runtime_error(std::string("cannot connect: ") + std::strerror(errno));
  }
  return fd;
}

}  // namespace cr::test

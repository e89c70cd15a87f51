// SPDX-License-Identifier: MIT
#include "support/storm.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "support/client.h"
#include "support/process.h"

namespace cr::test {
namespace {

using Clock = std::chrono::steady_clock;

std::runtime_error failure(const char* doing) {
  return std::runtime_error(std::string(doing) + ": " + std::strerror(errno));
}

class Socket {
 public:
  explicit Socket(int port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    if (fd_ < 0) throw failure("socket");
    if (::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
      ::close(fd_);
      throw failure("connect");
    }
  }
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&&) = delete;
  ~Socket() {
    if (fd_ >= 0) ::close(fd_);
  }
  int fd() const { return fd_; }

 private:
  int fd_;
};

class Epoll {
 public:
  Epoll() : fd_(::epoll_create1(EPOLL_CLOEXEC)) {
    if (fd_ < 0) throw failure("epoll_create1");
  }
  ~Epoll() { ::close(fd_); }
  Epoll(const Epoll&) = delete;
  Epoll& operator=(const Epoll&) = delete;
  void add(int fd, std::size_t number) {
    epoll_event event{};
    event.events = EPOLLIN | EPOLLRDHUP;
    event.data.u64 = number;
    if (::epoll_ctl(fd_, EPOLL_CTL_ADD, fd, &event) != 0) throw failure("epoll_ctl");
  }
  void remove(int fd) { ::epoll_ctl(fd_, EPOLL_CTL_DEL, fd, nullptr); }
  int wait(epoll_event* events, int count, Clock::time_point until) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
    return ::epoll_wait(fd_, events, count, left > 0 ? static_cast<int>(left) : 0);
  }

 private:
  int fd_;
};

// One read; false at the end of the answer, which is that of its connection.
bool read_some(int fd, std::string& answer) {
  char bytes[16384];
  const auto got = ::recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
  if (got < 0) return errno == EAGAIN || errno == EINTR;
  answer.append(bytes, static_cast<std::size_t>(got));
  return got > 0;
}

int status_of(std::string_view answer) {
  int status = 0;
  if (answer.size() > 12 && answer.starts_with("HTTP/1.1 ")) std::from_chars(&answer[9], &answer[12], status);
  return status;
}

}  // namespace

std::string storm_request(const std::string& key, const std::string& json, const std::string& path) {
  return raw_request("POST", path, key, json, "Connection: close\r\n");
}

std::map<int, int> storm(int port, const std::vector<std::string>& requests) {
  std::vector<Socket> sockets;
  std::vector<std::string> answers(requests.size());
  Epoll epoll;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    sockets.emplace_back(port);
    epoll.add(sockets[i].fd(), i);
  }
  // A request is small enough for an empty send buffer.
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const auto sent = ::send(sockets[i].fd(), requests[i].data(), requests[i].size(), MSG_NOSIGNAL);
    if (sent != static_cast<ssize_t>(requests[i].size())) throw failure("send");
  }
  const auto until = Clock::now() + k_deadline;
  std::vector<epoll_event> events(256);
  for (std::size_t open = requests.size(); open > 0;) {
    const int count = epoll.wait(events.data(), static_cast<int>(events.size()), until);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) throw std::runtime_error(std::to_string(open) + " requests got no answer in time");
    for (int i = 0; i < count; ++i) {
      const std::size_t number = events[static_cast<std::size_t>(i)].data.u64;
      if (read_some(sockets[number].fd(), answers[number])) continue;
      epoll.remove(sockets[number].fd());
      --open;
    }
  }
  std::map<int, int> statuses;
  for (const auto& answer : answers) ++statuses[status_of(answer)];
  return statuses;
}

}  // namespace cr::test

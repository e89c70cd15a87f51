// SPDX-License-Identifier: MIT
// TcpListener: a port on loopback whose every connection a function serves, on a thread of its own. The base of the
// fakes that speak something else than plain HTTP. Ends its connections and threads when it dies.
#pragma once

#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace cr::test {

class TcpListener {
 public:
  using Serve = std::function<void(int fd)>;  // `fd` is closed after it
  explicit TcpListener(Serve serve, const std::string& address = "127.0.0.1");
  ~TcpListener();
  TcpListener(const TcpListener&) = delete;
  TcpListener& operator=(const TcpListener&) = delete;
  int port() const { return port_; }

 private:
  void accept_all();

  const Serve serve_;
  int fd_ = -1;
  int port_ = 0;
  std::mutex mutex_;
  std::set<int> open_;
  bool ended_ = false;
  std::vector<std::thread> connections_;
  std::thread acceptor_;
};

// All of `text`; false if the peer has gone.
bool send_all(int fd, std::string_view text);
// What comes until the blank line after a head, or the end; at most 64 KiB.
std::string read_head(int fd);
// A whole request: its head, and as much body as its content-length says. Gives the head.
std::string read_request(int fd);
// A socket connected to loopback; throws.
int connect_to(int port);

}  // namespace cr::test

// SPDX-License-Identifier: MIT
// ConnectProxy: a forward proxy for CONNECT that leads every tunnel to one port on loopback, or answers as it is told.
// Threads of its own.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "support/tcp_listener.h"

namespace cr::test {

class ConnectProxy {
 public:
  // `answer`: sent to every request in place of a tunnel; an empty one is silence.
  explicit ConnectProxy(int target_port, std::optional<std::string> answer = std::nullopt);

  std::string url() const { return "http://127.0.0.1:" + std::to_string(listener_.port()); }
  std::vector<std::string> heads() const;  // of the requests, whole

 private:
  void serve(int fd);

  const int target_port_;
  const std::optional<std::string> answer_;
  mutable std::mutex mutex_;
  std::vector<std::string> heads_;
  TcpListener listener_;
};

}  // namespace cr::test

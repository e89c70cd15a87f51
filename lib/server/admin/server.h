// SPDX-License-Identifier: MIT
// AdminServer: the admin API on a unix socket, HTTP/1.1. Made and stopped by main; runs threads of its own, one a
// connection it may have at once. Never listens on TCP.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "base/log.h"
#include "base/result.h"
#include "ledger/core/ledger.h"
#include "server/admin/api.h"
#include "server/admin/socket.h"

namespace cr::server::admin {

class AdminServer {
 public:
  using Hooks = AdminHooks;
  struct Options {
    std::string socket_path;
    int passed_socket = -1;            // listens there already, by the service manager; -1 = none
    std::string group = "crd-admin";   // may use the socket, beside the owner and root
    std::size_t connections_max = 32;  // served at once; more wait their turn
    std::size_t connections_each_uid_max = 16;
    std::size_t connections_kept = 4;  // of all, for root and crd's own user
    std::size_t waiting_max = 96;      // and the same of those that wait; more are told 429 and closed
    std::size_t waiting_each_uid_max = 48;
    std::size_t waiting_kept = 16;
    std::function<base::Result<Peer>(int fd)> peer = peer_of;
    std::size_t body_bytes_max = std::size_t{8} << 20;  // a price import is the largest
    std::size_t requests_per_connection_max = 1000;
    std::chrono::milliseconds idle_timeout{5'000};      // for the next request on a connection
    std::chrono::milliseconds request_timeout{10'000};  // from a request's first byte to its last
    std::chrono::milliseconds write_timeout{5'000};     // for a client that does not read
  };
  // `conflict` if another crd answers on the socket; `unavailable` if it cannot be made or threads are short.
  static base::Result<std::unique_ptr<AdminServer>> start(Options options, ledger::Ledger& ledger, Hooks hooks,
                                                          base::Log& log);
  ~AdminServer();  // stop()

  // Requests that run are answered, idle connections closed, the socket removed. Any thread but its own; once is
  // enough.
  void stop();

 private:
  struct Impl;
  explicit AdminServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace cr::server::admin

// SPDX-License-Identifier: MIT
// AdminHttp: requests of one connection after the other to AdminApi and back, parsed by cpp-httplib. Its parser is not
// for the network; here its peers are administrators. Thread-safe: several connections at once.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>

#include "server/admin/api.h"
#include "server/admin/socket.h"
#include "server/admin/stream.h"

namespace cr::server::admin {

class AdminHttp {
 public:
  struct Limits {
    std::size_t body_bytes_max = 0;
    std::size_t requests_per_connection_max = 0;
    std::chrono::milliseconds idle_timeout{};
  };
  AdminHttp(AdminApi& api, Limits limits);
  ~AdminHttp();

  // Until the client leaves, is idle for too long, or `stopping`. The caller closes the socket.
  void serve(AdminStream& stream, const Peer& peer, const std::atomic<bool>& stopping);
  // One answer without a request: for a connection that cannot be served.
  static void refuse(AdminStream& stream, const base::Error& error);

 private:
  class Server;
  std::unique_ptr<Server> server_;
  Limits limits_;
};

}  // namespace cr::server::admin

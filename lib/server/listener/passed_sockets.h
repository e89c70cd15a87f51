// SPDX-License-Identifier: MIT
// The listening sockets that the service manager passes (sd_listen_fds(3)), and which of the configured addresses each
// one is. Main thread, once, before anything listens: a reload does not look again.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "server/config/config.h"

namespace cr::server::listener {

struct PassedSocket {
  int fd = -1;
  std::optional<config::ListenAddress> address;  // of a TCP socket
  std::string path;                              // of a unix socket
};

// What `fd` is. `invalid`, naming it, unless it is a listening TCP socket or unix stream socket with a path.
base::Result<PassedSocket> describe_passed_socket(int fd);

struct ListenPlan {
  std::vector<int> public_sockets;           // adopted by every worker
  std::vector<config::ListenAddress> binds;  // crd listens there itself
  int admin_socket = -1;                     // -1: crd makes it
};

// Each address of `listen` takes the socket passed for it, or is bound; where the file has no `listen`, passed TCP
// sockets stand in for its default. A socket that no setting names is `invalid`: whoever connects to it would wait for
// ever.
base::Result<ListenPlan> plan_listeners(const config::Config& config, const std::vector<PassedSocket>& passed);

}  // namespace cr::server::listener

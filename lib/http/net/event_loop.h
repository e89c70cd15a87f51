// SPDX-License-Identifier: MIT
// EventLoop: a worker's io_context, whose end can be had in two steps: first what waits on it is destroyed, while all
// that the coroutines' frames refer to is still there; then the loop itself.
#pragma once

#include "http/net/net.h"

namespace cr::http {

class EventLoop : public asio::io_context {
 public:
  EventLoop() : asio::io_context(1) {}

  // Destroys, without running them, the coroutines that wait and the handlers that are queued. Nobody runs the loop any
  // more, and no other thread posts to it during the call. The sockets and timers that refer to the loop may be
  // destroyed afterwards. Again is allowed.
  void destroy_waiting() { shutdown(); }
};

}  // namespace cr::http

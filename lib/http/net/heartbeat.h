// SPDX-License-Identifier: MIT
// Heartbeat: one coarse timer a worker, in place of a timer a connection. A Watch holds one deadline and, if asked to,
// looks for a hang-up of one socket; both are checked every tick (a quarter of a second) for all watches at once:
// setting a deadline is a store, not a system call. Worker thread only.
#pragma once

#include <boost/asio/basic_waitable_timer.hpp>
#include <chrono>
#include <functional>
#include <list>
#include <vector>

#include "base/clock.h"
#include "http/net/net.h"

struct pollfd;

namespace cr::http {

class Heartbeat;

class Watch {
 public:
  // Callbacks run on the worker between coroutines; they may cancel sockets and set flags, never destroy a Watch.
  struct Callbacks {
    std::function<void()> expired;                   // once, when the deadline has passed; disarmed before the call
    std::function<void(short events)> hung_up;       // every tick while the socket shows POLLRDHUP, POLLHUP or POLLERR
    std::function<void(base::SteadyTime now)> tick;  // every tick while `ticking`
  };
  Watch(Heartbeat& heartbeat, Callbacks callbacks);
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  void expire_at(base::SteadyTime time) { deadline_ = time; }
  void expire_after(std::chrono::milliseconds duration);
  void disarm() { deadline_ = base::SteadyTime::max(); }
  void look_for_hang_up(int fd) { fd_ = fd; }  // -1 = stop looking
  void ticking(bool on) { ticking_ = on; }

 private:
  friend class Heartbeat;
  Heartbeat& heartbeat_;
  Callbacks callbacks_;
  base::SteadyTime deadline_ = base::SteadyTime::max();
  int fd_ = -1;
  bool ticking_ = false;
  std::list<Watch*>::iterator place_;
};

class Heartbeat {
 public:
  static constexpr std::chrono::milliseconds k_interval{250};
  explicit Heartbeat(asio::io_context& io);
  void start();
  void stop();

 private:
  friend class Watch;
  void tick();
  void wait();
  void poll_sockets();

  using Timer =
      asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>, Executor>;
  Timer timer_;
  bool stopped_ = false;
  std::list<Watch*> watches_;
  std::vector<pollfd> polled_;
  std::vector<Watch*> polled_watches_;
};

}  // namespace cr::http

// SPDX-License-Identifier: MIT
// UpstreamPool: idle connections of one worker, newest first, by channel. Dead ones are noticed by the heartbeat or at
// use.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "http/upstream.h"

namespace cr::http {

class UpstreamPool {
 public:
  struct Limits {
    std::size_t idle_each_max = 256;                 // idle connections kept for one channel
    std::chrono::milliseconds idle_timeout{55'000};  // below the 60 s after which providers and balancers close
  };
  UpstreamPool(asio::io_context& io, Heartbeat& heartbeat, Limits limits);

  // `key` names the channel and its revision: an edited channel starts afresh. Null if none is idle.
  std::unique_ptr<UpstreamConnection> take(std::uint64_t key);
  // Keeps it if it is reusable and there is room; closes it otherwise.
  void give_back(std::uint64_t key, std::unique_ptr<UpstreamConnection> connection);
  std::unique_ptr<UpstreamConnection> make() { return std::make_unique<UpstreamConnection>(io_, heartbeat_); }
  void clear() { idle_.clear(); }

 private:
  struct Idle {
    std::unique_ptr<UpstreamConnection> connection;
    base::SteadyTime since;
  };
  void reap(base::SteadyTime now);
  asio::io_context& io_;
  Heartbeat& heartbeat_;
  Limits limits_;
  Watch watch_;
  base::SteadyTime next_reap_{};
  std::unordered_map<std::uint64_t, std::vector<Idle>> idle_;
};

}  // namespace cr::http

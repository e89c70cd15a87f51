// SPDX-License-Identifier: MIT
// UpstreamPool: idle connections of one worker, newest first, by channel. Dead ones are noticed by the heartbeat or at
// use.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "http/upstream.h"

namespace cr::http {

class UpstreamPool {
 public:
  // `idle_each_max`: idle connections kept for one channel; 0 = each serves one request.
  UpstreamPool(asio::io_context& io, Heartbeat& heartbeat, std::size_t idle_each_max);

  // From now on; those that are too many are closed at once, the longest idle ones first.
  void keep_at_most(std::size_t idle_each_max);

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
  std::size_t idle_each_max_;
  Watch watch_;
  base::SteadyTime next_reap_{};
  std::unordered_map<std::uint64_t, std::vector<Idle>> idle_;
};

}  // namespace cr::http

// SPDX-License-Identifier: MIT
// UpstreamPool: idle connections of one worker, newest first, by channel. Each is looked at every second and before it
// is used: one that has ended, or on which anything lies that nobody asked for, is closed. The surplus of one answer
// would be taken for the next one, which may be another client's: a provider that sent any is not kept connections to
// for a while. What is still under way when a connection is used again cannot be seen; that it does not go on after
// that can.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "http/client/upstream.h"

namespace cr::http::client {

// Who sent more than was asked for, and until when nothing is kept of them. One for all workers; thread-safe.
class DistrustedProviders {
 public:
  static constexpr std::chrono::minutes k_time{10};
  // True: it was not distrusted before. Again: from now on.
  bool add(std::uint64_t provider, base::SteadyTime now);
  bool contains(std::uint64_t provider, base::SteadyTime now) const;

 private:
  std::atomic<bool> any_{false};  // ever: nothing is looked up before, and no lock taken
  mutable base::Mutex mutex_;
  std::unordered_map<std::uint64_t, base::SteadyTime> until_ CR_GUARDED_BY(mutex_);
};

// What connections are kept for.
struct PoolKey {
  std::uint64_t address = 0;   // of a channel and its revision, in this worker: an edited channel starts afresh
  std::uint64_t provider = 0;  // of the channel, in all workers: who is distrusted
};

class UpstreamPool {
 public:
  // A provider of this worker's was found to have sent too much, the first time. Worker thread; may not call back.
  using Distrusts = std::function<void(std::uint64_t provider)>;
  // `idle_each_max`: idle connections kept for one channel; 0 = each serves one request. `distrusted` outlives this.
  UpstreamPool(asio::io_context& io, Heartbeat& heartbeat, std::size_t idle_each_max, DistrustedProviders& distrusted,
               Distrusts distrusts);

  // From now on; those that are too many are closed at once, the longest idle ones first.
  void keep_at_most(std::size_t idle_each_max);

  // One on which nothing lies: a request may go out on it now, before anything else is awaited. Null if none is idle.
  std::unique_ptr<UpstreamConnection> take(const PoolKey& key);
  // Keeps it if it is reusable, its provider is trusted, and there is room; closes it otherwise.
  void give_back(const PoolKey& key, std::unique_ptr<UpstreamConnection> connection);
  std::unique_ptr<UpstreamConnection> make() { return std::make_unique<UpstreamConnection>(io_, heartbeat_); }
  // Closes all that are idle; whether there were any.
  bool drop_idle() { return !std::exchange(lists_, {}).empty(); }

 private:
  struct Idle {
    std::unique_ptr<UpstreamConnection> connection;
    base::SteadyTime since;
  };
  struct List {
    std::uint64_t provider = 0;
    std::vector<Idle> idle;
  };
  void distrust(std::uint64_t provider);
  void reap(base::SteadyTime now);
  asio::io_context& io_;
  Heartbeat& heartbeat_;
  std::size_t idle_each_max_;
  DistrustedProviders& distrusted_;
  const Distrusts distrusts_;
  Watch watch_;
  base::SteadyTime next_reap_{};
  std::unordered_map<std::uint64_t, List> lists_;  // by PoolKey::address
};

}  // namespace cr::http::client

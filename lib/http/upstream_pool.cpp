// SPDX-License-Identifier: MIT
#include "http/upstream_pool.h"

#include <poll.h>

#include <utility>

namespace cr::http {

UpstreamPool::UpstreamPool(asio::io_context& io, Heartbeat& heartbeat, Limits limits)
    : io_(io),
      heartbeat_(heartbeat),
      limits_(limits),
      watch_(heartbeat, {.expired = {}, .hung_up = {}, .tick = [this](base::SteadyTime now) { reap(now); }}) {
  watch_.ticking(true);
}

std::unique_ptr<UpstreamConnection> UpstreamPool::take(std::uint64_t key) {
  const auto found = idle_.find(key);
  if (found == idle_.end() || found->second.empty()) return nullptr;
  auto connection = std::move(found->second.back().connection);
  found->second.pop_back();
  return connection;
}

void UpstreamPool::give_back(std::uint64_t key, std::unique_ptr<UpstreamConnection> connection) {
  if (!connection || !connection->reusable()) return;
  auto& list = idle_[key];
  if (list.size() < limits_.idle_each_max) list.push_back({std::move(connection), base::coarse_now()});
}

// A dead connection must be destroyed outside the heartbeat's walk over its watches.
void UpstreamPool::reap(base::SteadyTime now) {
  if (now < next_reap_) return;
  next_reap_ = now + std::chrono::seconds(1);
  auto dead = std::make_shared<std::vector<Idle>>();
  for (auto place = idle_.begin(); place != idle_.end();) {
    auto& list = place->second;
    std::vector<Idle> kept;
    for (auto& idle : list) {
      pollfd probe{idle.connection->fd(), POLLIN | POLLRDHUP, 0};
      // Anything to read on an idle connection is its end, or bytes nobody asked for.
      const bool useless = now - idle.since > limits_.idle_timeout || ::poll(&probe, 1, 0) > 0;
      (useless ? *dead : kept).push_back(std::move(idle));
    }
    list = std::move(kept);
    place = list.empty() ? idle_.erase(place) : std::next(place);
  }
  if (!dead->empty()) asio::post(io_, [dead] { dead->clear(); });
}

}  // namespace cr::http

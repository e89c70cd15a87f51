// SPDX-License-Identifier: MIT
#include "http/upstream_pool.h"

#include <poll.h>

#include <chrono>
#include <utility>

namespace cr::http {

namespace {

// Below the 60 s after which providers and balancers close.
constexpr std::chrono::seconds k_idle_timeout{55};

}  // namespace

UpstreamPool::UpstreamPool(asio::io_context& io, Heartbeat& heartbeat, std::size_t idle_each_max)
    : io_(io),
      heartbeat_(heartbeat),
      idle_each_max_(idle_each_max),
      watch_(heartbeat, {.expired = {}, .hung_up = {}, .tick = [this](base::SteadyTime now) { reap(now); }}) {
  watch_.ticking(true);
}

void UpstreamPool::keep_at_most(std::size_t idle_each_max) {
  idle_each_max_ = idle_each_max;
  for (auto& [key, list] : idle_) {
    if (list.size() > idle_each_max) list.erase(list.begin(), list.end() - static_cast<std::ptrdiff_t>(idle_each_max));
  }
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
  if (list.size() < idle_each_max_) list.push_back({std::move(connection), base::coarse_now()});
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
      const bool useless = now - idle.since > k_idle_timeout || ::poll(&probe, 1, 0) > 0;
      (useless ? *dead : kept).push_back(std::move(idle));
    }
    list = std::move(kept);
    place = list.empty() ? idle_.erase(place) : std::next(place);
  }
  if (!dead->empty()) asio::post(io_, [dead] { dead->clear(); });
}

}  // namespace cr::http

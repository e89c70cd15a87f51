// SPDX-License-Identifier: MIT
#include "http/client/upstream_pool.h"

#include <algorithm>
#include <utility>

namespace cr::http::client {

namespace {

// Below the 60 s after which providers and balancers close.
constexpr std::chrono::seconds k_idle_timeout{55};

}  // namespace

bool DistrustedProviders::add(std::uint64_t provider, base::SteadyTime now) {
  const base::MutexLock lock(mutex_);
  auto& until = until_[provider];
  const bool is_new = until <= now;
  until = now + k_time;
  any_.store(true, std::memory_order_release);
  return is_new;
}

bool DistrustedProviders::contains(std::uint64_t provider, base::SteadyTime now) const {
  if (!any_.load(std::memory_order_acquire)) return false;
  const base::MutexLock lock(mutex_);
  const auto found = until_.find(provider);
  return found != until_.end() && found->second > now;
}

UpstreamPool::UpstreamPool(asio::io_context& io, Heartbeat& heartbeat, std::size_t idle_each_max,
                           DistrustedProviders& distrusted, Distrusts distrusts)
    : io_(io),
      heartbeat_(heartbeat),
      idle_each_max_(idle_each_max),
      distrusted_(distrusted),
      distrusts_(std::move(distrusts)),
      watch_(heartbeat, {.expired = {}, .hung_up = {}, .tick = [this](base::SteadyTime now) { reap(now); }}) {
  watch_.ticking(true);
}

void UpstreamPool::keep_at_most(std::size_t idle_each_max) {
  idle_each_max_ = idle_each_max;
  for (auto& [address, list] : lists_) {
    auto& idle = list.idle;
    if (idle.size() > idle_each_max) idle.erase(idle.begin(), idle.end() - static_cast<std::ptrdiff_t>(idle_each_max));
  }
}

std::unique_ptr<UpstreamConnection> UpstreamPool::take(const PoolKey& key) {
  const auto found = lists_.find(key.address);
  if (found == lists_.end()) return nullptr;
  auto& idle = found->second.idle;
  while (!idle.empty()) {
    if (distrusted_.contains(key.provider, base::coarse_now())) {
      idle.clear();
      break;
    }
    auto connection = std::move(idle.back().connection);
    idle.pop_back();
    const auto state = connection->look();
    if (state == tls::IdleState::quiet) return connection;
    if (state == tls::IdleState::surplus) distrust(key.provider);
  }
  return nullptr;
}

void UpstreamPool::give_back(const PoolKey& key, std::unique_ptr<UpstreamConnection> connection) {
  if (!connection) return;
  if (connection->has_surplus()) distrust(key.provider);
  if (!connection->reusable() || distrusted_.contains(key.provider, base::coarse_now())) return;
  auto& list = lists_[key.address];
  list.provider = key.provider;
  if (list.idle.size() < idle_each_max_) list.idle.push_back({std::move(connection), base::coarse_now()});
}

void UpstreamPool::distrust(std::uint64_t provider) {
  if (distrusted_.add(provider, base::steady_now())) distrusts_(provider);
}

// A dead connection must be destroyed outside the heartbeat's walk over its watches.
void UpstreamPool::reap(base::SteadyTime now) {
  if (now < next_reap_) return;
  next_reap_ = now + std::chrono::seconds(1);
  auto dead = std::make_shared<std::vector<Idle>>();
  for (auto place = lists_.begin(); place != lists_.end();) {
    auto& [provider, idle] = place->second;
    std::vector<Idle> kept;
    for (auto& one : idle) {
      const auto state = one.connection->look();
      if (state == tls::IdleState::surplus) distrust(provider);
      const bool useless = state != tls::IdleState::quiet || now - one.since > k_idle_timeout;
      (useless ? *dead : kept).push_back(std::move(one));
    }
    if (distrusted_.contains(provider, now)) {
      std::move(kept.begin(), kept.end(), std::back_inserter(*dead));
      kept.clear();
    }
    idle = std::move(kept);
    place = idle.empty() ? lists_.erase(place) : std::next(place);
  }
  if (!dead->empty()) asio::post(io_, [dead] { dead->clear(); });
}

}  // namespace cr::http::client

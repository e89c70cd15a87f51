// SPDX-License-Identifier: MIT
#include "http/net/heartbeat.h"

#include <poll.h>

#include <utility>

namespace cr::http {

Watch::Watch(Heartbeat& heartbeat, Callbacks callbacks)
    : heartbeat_(heartbeat),
      callbacks_(std::move(callbacks)),
      place_(heartbeat.watches_.insert(heartbeat.watches_.end(), this)) {}

Watch::~Watch() {
  heartbeat_.watches_.erase(place_);
}

void Watch::expire_after(std::chrono::milliseconds duration) {
  deadline_ = base::coarse_now() + duration;
}

Heartbeat::Heartbeat(asio::io_context& io) : timer_(io) {}

void Heartbeat::start() {
  wait();
}

void Heartbeat::stop() {
  stopped_ = true;
  timer_.cancel();
}

void Heartbeat::wait() {
  if (stopped_) return;
  timer_.expires_after(k_interval);
  timer_.async_wait([this](const SystemError& error) {
    if (error || stopped_) return;
    tick();
    wait();
  });
}

void Heartbeat::tick() {
  const auto now = base::steady_now();
  // A callback may make new watches (appended, harmless) but never destroys one.
  for (Watch* watch : watches_) {
    if (watch->ticking_ && watch->callbacks_.tick) watch->callbacks_.tick(now);
    if (watch->deadline_ > now) continue;
    watch->disarm();
    if (watch->callbacks_.expired) watch->callbacks_.expired();
  }
  poll_sockets();
}

void Heartbeat::poll_sockets() {
  polled_.clear();
  polled_watches_.clear();
  for (Watch* watch : watches_) {
    if (watch->fd_ < 0) continue;
    polled_.push_back({watch->fd_, POLLRDHUP, 0});
    polled_watches_.push_back(watch);
  }
  if (polled_.empty() || ::poll(polled_.data(), polled_.size(), 0) <= 0) return;
  for (std::size_t i = 0; i < polled_.size(); ++i) {
    if (polled_[i].revents == 0 || polled_watches_[i]->fd_ < 0) continue;
    polled_watches_[i]->callbacks_.hung_up(polled_[i].revents);
  }
}

}  // namespace cr::http

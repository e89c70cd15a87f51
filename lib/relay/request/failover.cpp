// SPDX-License-Identifier: MIT
#include "relay/request/failover.h"

#include <algorithm>

namespace cr::relay::request {

void Failover::leave_out(std::size_t place) {
  if (left_out_.size() <= place) left_out_.resize(place + 1);
  left_out_[place] = true;
}

bool Failover::leaves_out(const routing::Route& route) const {
  const auto place = static_cast<std::size_t>(&route - routes_.data());
  return place < left_out_.size() && left_out_[place];
}

std::optional<ClaimedRoute> Failover::next() {
  if (again_) return std::exchange(again_, std::nullopt);
  while (next_ < routes_.size() && attempts_ < attempts_max_) {
    const auto& route = routes_[next_++];
    if (leaves_out(route)) continue;
    const auto claim = health_.claim(*route.channel, route.upstream_model, base::steady_now(),
                                     {route.asker, route.key, route.as_last});
    if (!claim) continue;
    ++attempts_;
    return ClaimedRoute{&route, *claim};
  }
  return std::nullopt;
}

void Failover::again(ClaimedRoute route) {
  route.fresh = true;
  again_ = route;
}

void Failover::rewritten(ClaimedRoute route, std::optional<std::int64_t> bound_most) {
  ++route.rewrites;
  if (bound_most) route.bound_most = bound_most;
  again_ = route;
}

bool Failover::is_left() const {
  if (attempts_ >= attempts_max_) return false;
  return std::any_of(routes_.begin() + static_cast<std::ptrdiff_t>(next_), routes_.end(), [&](const auto& route) {
    if (leaves_out(route)) return false;
    const auto found = health_.look(*route.channel, route.upstream_model, base::steady_now(), route.asker);
    return found.may_send() || (route.as_last && found.as_last);
  });
}

// Without any attempt the channels were set aside by other requests, since this one was routed.
dialect::Refusal Failover::refusal() const {
  if (refusal_) return *refusal_;
  return {dialect::RefusalCode::unavailable,
          "every channel that serves this model was set aside just now: send the request again",
          {},
          dialect::k_retry_soon};
}

}  // namespace cr::relay::request

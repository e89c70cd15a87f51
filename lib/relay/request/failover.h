// SPDX-License-Identifier: MIT
// Failover: the routes of a request in the order in which they are tried, and how far that has come. It outlives an
// attempt: where a response breaks off before the client saw any of it, the next route's turn comes. Decides by what
// the circuit breaker allows; no I/O. One request each, one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "dialect/refusal.h"
#include "relay/routing/circuit_breaker.h"
#include "relay/routing/router.h"

namespace cr::relay::request {

// The right to send one request by a route. `fresh`: on a new connection, since a kept one was closed by its provider.
struct ClaimedRoute {
  const routing::Route* route = nullptr;
  routing::Claim claim;
  bool fresh = false;
  int rewrites = 0;                          // how often what crd writes was changed for this route
  std::optional<std::int64_t> bound_most{};  // of the output, by what the route said of this request
};

class Failover {
 public:
  // `routes` outlive it.
  Failover(const std::vector<routing::Route>& routes, routing::CircuitBreaker& health, std::uint32_t attempts_max)
      : routes_(routes), health_(health), attempts_max_(attempts_max) {}

  // What is reserved does not carry the route of that place: it is not tried.
  void leave_out(std::size_t place);

  // The next route that may be sent something now, claimed. Nothing: none is left, or enough were tried.
  std::optional<ClaimedRoute> next();
  // The same route is the next one, and does not count as another: on a new connection, or with what was learnt.
  void again(ClaimedRoute route);
  void rewritten(ClaimedRoute route, std::optional<std::int64_t> bound_most);
  static constexpr int k_rewrites_max = 3;
  // Whether a failure now would go to another route.
  bool is_left() const;

  // What the last attempt's failure is told as, if no other follows.
  void note(dialect::Refusal refusal) { refusal_ = std::move(refusal); }
  dialect::Refusal refusal() const;

 private:
  bool leaves_out(const routing::Route& route) const;

  const std::vector<routing::Route>& routes_;
  routing::CircuitBreaker& health_;
  const std::uint32_t attempts_max_;
  std::vector<bool> left_out_;  // by place; none beyond its end
  std::size_t next_ = 0;        // none before it is tried again
  std::uint32_t attempts_ = 0;
  std::optional<ClaimedRoute> again_;
  std::optional<dialect::Refusal> refusal_;
};

}  // namespace cr::relay::request

// SPDX-License-Identifier: MIT
// Persistence: whether a client's connection carries another request after an answer. Decided here and nowhere else,
// when the answer's head is written; who then finds that the answer cannot be finished may only turn it into `close`.
// Worker thread.
#pragma once

#include "http/connection.h"
#include "http/head.h"
#include "relay/answer_text.h"
#include "relay/lane.h"

namespace cr::relay {

// By what the client asked for, what of its request's body is still to come, and whether this daemon shuts down.
inline Persistence persistence_after(const http::RequestHead& head, const http::Connection& client,
                                     const Shared& shared) {
  const bool draining = shared.draining.load(std::memory_order_relaxed);
  return head.keep_alive && client.can_go_on() && !draining ? Persistence::keep_alive : Persistence::close;
}

}  // namespace cr::relay

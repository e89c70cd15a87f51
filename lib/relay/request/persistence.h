// SPDX-License-Identifier: MIT
// Persistence: whether a client's connection carries another request after an answer. Decided here and nowhere else,
// when the answer's head is written; who then finds that the answer cannot be finished may only turn it into `close`.
// Worker thread.
#pragma once

#include "http/message/head.h"
#include "http/server/connection.h"
#include "relay/request/answer_text.h"
#include "relay/request/worker_context.h"

namespace cr::relay::request {

// By what the client asked for, what of its request's body is still to come, and whether this daemon shuts down.
inline Persistence persistence_after(const http::message::RequestHead& head, const http::server::Connection& client,
                                     const Shared& shared) {
  const bool draining = shared.draining.load(std::memory_order_relaxed);
  return head.keep_alive && client.can_go_on() && !draining ? Persistence::keep_alive : Persistence::close;
}

}  // namespace cr::relay::request

// SPDX-License-Identifier: MIT
// Persistence: whether a client's connection carries another request after an answer. Decided here and nowhere else,
// when the answer's head is written; who then finds that the answer cannot be finished may only turn it into `close`.
// Worker thread.
#pragma once

#include "http/message/head.h"
#include "relay/request/answer_text.h"

namespace cr::relay::request {

// By what the client asked for, what of its request's body is still to come (Client::can_go_on()), and whether this
// daemon shuts down.
template <class Client>
Persistence persistence_after(const http::message::RequestHead& head, const Client& client, bool draining) {
  return head.keep_alive && client.can_go_on() && !draining ? Persistence::keep_alive : Persistence::close;
}

}  // namespace cr::relay::request

// SPDX-License-Identifier: MIT
// EarlyHead: a response's head that may come while a form is still being passed on. Worker thread.
#pragma once

#include <boost/asio/basic_waitable_timer.hpp>
#include <chrono>

#include "http/client/upstream.h"

namespace cr::relay::request {

// The answer's head, read while the request is still being sent. Shared with the coroutine that reads it.
struct EarlyHead {
  explicit EarlyHead(http::asio::io_context& io) : ended(io, std::chrono::steady_clock::time_point::max()) {}
  http::asio::basic_waitable_timer<std::chrono::steady_clock, http::asio::wait_traits<std::chrono::steady_clock>,
                                   http::Executor>
      ended;  // never expires: cancelled when the head, or none, has come
  http::client::AnswerOutcome outcome = http::client::AnswerOutcome::closed;
  bool done = false;
  bool sending = true;  // somebody waits for a socket that the answer makes pointless
};

}  // namespace cr::relay::request

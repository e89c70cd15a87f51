// SPDX-License-Identifier: MIT
// Upload: the body of a request that is a form with files. A small one is held and goes the way of every body; of a
// larger one the beginning is held until the model is known, and the rest passes through one buffer once a channel
// takes it. One request each; worker thread.
#pragma once

#include <boost/asio/basic_waitable_timer.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "dialect/openai/form_scan.h"
#include "http/client/upstream.h"

namespace cr::relay::request {

struct Upload {
  explicit Upload(std::string_view boundary)
      : form(boundary), content_type(dialect::openai::multipart_content_type(boundary)) {}

  // What the provider is told: the client's length with what the edits of the held part add; none for a chunked one.
  std::optional<std::uint64_t> forwarded_bytes(std::optional<std::uint64_t> length, std::uint64_t held,
                                               std::uint64_t edited) const {
    if (!length) return std::nullopt;
    return *length - held + edited;
  }

  dialect::openai::FormScanner form;
  std::string content_type;                 // for the provider
  std::string size_line;                    // of the held part's chunk
  std::uint64_t received = 0;               // of the body
  bool streams = false;                     // there is more than is held
  bool passed_on = false;                   // more than was held has been sent to a channel
  bool stalled = false;                     // the channel stopped reading
  std::optional<dialect::Refusal> refusal;  // of what came after a channel was chosen
};

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

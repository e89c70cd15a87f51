// SPDX-License-Identifier: MIT
// ResponseBody: where a response's body ends, by its head (RFC 9112, 6.3): after a length, after the last chunk, or
// with its connection; and its pieces. Pure; one response after the other.
#pragma once

#include <cstdint>
#include <string_view>

#include "http/client/receive_buffer.h"
#include "http/message/chunked.h"
#include "http/message/head.h"

namespace cr::http::client {

// One step of a body: a view into the receive buffer, valid until more is received.
enum class BodyState { data, need_more, done, garbage };
struct BodyStep {
  BodyState state = BodyState::need_more;
  std::string_view data;
};

class ResponseBody {
 public:
  // Another request: no response of it has come.
  void forget() { done_ = false; }
  void begin(const message::ResponseHead& head);

  // The next piece of what was received. `closed`: the connection came to its end.
  BodyStep step(ReceiveBuffer& received, bool closed);
  bool is_done() const { return done_; }
  bool ends_with_connection() const { return framing_ == Framing::until_close; }

 private:
  BodyStep step_chunked(ReceiveBuffer& received);

  message::ChunkedDecoder decoder_;
  enum class Framing { sized, chunked, until_close } framing_ = Framing::sized;
  std::uint64_t left_ = 0;
  bool done_ = false;
};

}  // namespace cr::http::client

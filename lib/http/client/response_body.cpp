// SPDX-License-Identifier: MIT
#include "http/client/response_body.h"

#include <algorithm>

namespace cr::http::client {

void ResponseBody::begin(const message::ResponseHead& head) {
  decoder_ = {};
  done_ = false;
  if (head.chunked) {
    framing_ = Framing::chunked;
  } else if (head.content_length) {
    framing_ = Framing::sized;
    left_ = *head.content_length;
    done_ = left_ == 0;
  } else {
    framing_ = Framing::until_close;
  }
}

BodyStep ResponseBody::step(ReceiveBuffer& received, bool closed) {
  if (done_) return {BodyState::done, {}};
  if (framing_ == Framing::chunked) return step_chunked(received);
  const auto waiting = received.waiting();
  if (waiting.empty()) {
    done_ = framing_ == Framing::until_close && closed;
    return {done_ ? BodyState::done : BodyState::need_more, {}};
  }
  const auto size = framing_ == Framing::sized ? std::min<std::uint64_t>(left_, waiting.size()) : waiting.size();
  if (framing_ == Framing::sized) {
    left_ -= size;
    done_ = left_ == 0;
  }
  received.take(static_cast<std::size_t>(size));
  return {BodyState::data, waiting.substr(0, static_cast<std::size_t>(size))};
}

BodyStep ResponseBody::step_chunked(ReceiveBuffer& received) {
  const auto step = decoder_.step(received.waiting());
  received.take(step.consumed);
  done_ = step.state == message::ChunkState::done;
  switch (step.state) {
    case message::ChunkState::data:
      return {BodyState::data, step.data};
    case message::ChunkState::done:
      return {BodyState::done, {}};
    case message::ChunkState::refused:
      return {BodyState::garbage, {}};
    case message::ChunkState::need_more:
      break;
  }
  return {BodyState::need_more, {}};
}

}  // namespace cr::http::client

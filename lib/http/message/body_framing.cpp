// SPDX-License-Identifier: MIT
#include "http/message/body_framing.h"

#include <algorithm>
#include <cstring>
#include <string_view>

namespace cr::http::message {

BodyFraming::BodyFraming(const RequestHead& head)
    : left_(head.content_length.value_or(0)), chunked_(head.chunked), ended_(!chunked_ && left_ == 0) {}

BodyFraming::Taken BodyFraming::take(char* bytes, std::size_t size) {
  if (ended_ || malformed_) return {};
  if (chunked_) return take_chunks(bytes, size);
  const auto own = static_cast<std::size_t>(std::min<std::uint64_t>(size, left_));
  took(own);
  return {own, own};
}

void BodyFraming::took(std::uint64_t bytes) {
  left_ -= bytes;
  ended_ = left_ == 0;
}

// The data of many small chunks becomes one piece.
BodyFraming::Taken BodyFraming::take_chunks(char* bytes, std::size_t size) {
  Taken taken;
  while (taken.raw < size && !ended_) {
    const auto step = decoder_.step(std::string_view(bytes + taken.raw, size - taken.raw));
    taken.raw += step.consumed;
    malformed_ = step.state == ChunkState::refused;
    if (malformed_) break;
    ended_ = step.state == ChunkState::done;
    if (step.state != ChunkState::data) continue;
    std::memmove(bytes + taken.size, step.data.data(), step.data.size());
    taken.size += step.data.size();
  }
  return taken;
}

}  // namespace cr::http::message

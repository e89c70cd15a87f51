// SPDX-License-Identifier: MIT
// What a proxy answers to CONNECT: however it is cut, the tunnel stands or does not for the same reason; but that what
// comes behind its answer is told only where it came with it.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "check.h"
#include "http/message/connect_answer.h"

namespace {

struct Told {
  std::optional<std::string> verdict;  // empty: the tunnel stands
  std::size_t bytes = 0;               // that had come then
};

Told feed(std::string_view wire, std::size_t step) {
  cr::http::message::ConnectAnswer answer;
  Told told;
  while (!wire.empty()) {
    const auto room = answer.room();
    CR_CHECK(!room.empty());
    const auto piece = std::min({step, room.size(), wire.size()});
    std::memcpy(room.data(), wire.data(), piece);
    wire.remove_prefix(piece);
    told.bytes += piece;
    if (const auto verdict = answer.take(piece)) {
      told.verdict = *verdict ? std::string() : verdict->error().message;
      CR_CHECK(*verdict || !told.verdict->empty());
      return told;
    }
  }
  return told;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view wire(reinterpret_cast<const char*>(data), size);
  const auto slow = feed(wire, 1), fast = feed(wire, size + 1), odd = feed(wire, 7);
  for (const auto& other : {fast, odd}) {
    CR_CHECK(slow.verdict.has_value() == other.verdict.has_value());
    if (!slow.verdict) continue;
    const bool surplus = slow.verdict->empty() && slow.bytes < other.bytes;
    CR_CHECK(surplus ? !other.verdict->empty() : *other.verdict == *slow.verdict);
  }
  return 0;
}

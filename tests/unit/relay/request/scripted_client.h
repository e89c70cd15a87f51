// SPDX-License-Identifier: MIT
// ScriptedClient: a client without a socket: what it has been written, how much it takes at once, and when it leaves.
#pragma once

#include <algorithm>
#include <array>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/net/gather.h"
#include "http/net/net.h"

namespace cr::relay::request {

struct ScriptedClient {
  std::optional<bool> try_write(http::Gather& pieces) {
    ++writes;
    if (gone) return false;
    if (!take(pieces, room)) return true;
    ++times_full;
    return std::nullopt;
  }
  http::Task<bool> write_rest(http::Gather& pieces) {
    if (while_full) while_full();
    if (!gone) take(pieces, std::string::npos);
    co_return !gone;
  }
  http::Task<bool> write(std::string_view text) {
    ++writes;
    if (!gone) seen += text;
    co_return !gone;
  }
  bool write_now(std::string_view text) {
    ++comments;
    if (!gone) seen += text;
    return !gone;
  }
  void break_off() { broken_off = true; }
  void cut() { was_cut = true; }
  bool can_go_on() const { return goes_on; }

  std::string seen;
  std::size_t room = std::string::npos;  // what its socket takes at once of each write
  std::function<void()> while_full;      // runs while a write waits
  bool gone = false, goes_on = true, broken_off = false, was_cut = false;
  std::size_t writes = 0, times_full = 0, comments = 0;

 private:
  // True: `most` bytes were taken, and there may be more.
  bool take(http::Gather& pieces, std::size_t most) {
    std::array<char, 1024> block;
    while (most > 0) {
      const auto bytes = pieces.take(block.data(), std::min(block.size(), most));
      if (bytes == 0) return false;
      seen.append(block.data(), bytes);
      most -= bytes;
    }
    return true;
  }
};

// The head of a response as it was written, and its body with its chunks undone. `whole`: it came to its proper end.
struct SeenResponse {
  std::string head, body;
  bool whole = false;
  std::vector<std::string> chunks{};
};
inline SeenResponse seen_response(std::string_view wire) {
  SeenResponse seen;
  const auto end = wire.find("\r\n\r\n");
  if (end == std::string_view::npos) return seen;
  seen.head = wire.substr(0, end + 2);
  wire.remove_prefix(end + 4);
  if (seen.head.find("transfer-encoding: chunked") == std::string::npos) {
    seen.body = wire;
    seen.whole = true;
    return seen;
  }
  while (!wire.empty()) {
    const auto size = std::stoul(std::string(wire.substr(0, wire.find("\r\n"))), nullptr, 16);
    wire.remove_prefix(wire.find("\r\n") + 2);
    if (size == 0) {
      seen.whole = wire == "\r\n";
      return seen;
    }
    seen.chunks.emplace_back(wire.substr(0, size));
    seen.body += seen.chunks.back();
    wire.remove_prefix(std::min(wire.size(), size + 2));
  }
  return seen;
}

}  // namespace cr::relay::request

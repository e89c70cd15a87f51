// SPDX-License-Identifier: MIT
// BodyPieces: where a connection is in a body that it reads in pieces, and the buffer they come through. Inside this
// folder only; worker thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "http/chunked.h"

namespace cr::http {

struct BodyPieces {
  static constexpr std::size_t k_piece_bytes_max = 64 * 1024;

  ChunkedDecoder decoder;
  bool chunked = false;
  bool ended = false;
  std::uint64_t left = 0;               // of a body with a length
  std::uint64_t received = 0;           // off the wire
  std::chrono::milliseconds waited{0};  // for the client
  std::size_t filled = 0;               // of the buffer
  std::unique_ptr<char[]> buffer{new char[k_piece_bytes_max]};

  // Decodes what the buffer has in place; what follows the body goes to `after`. False: malformed.
  bool decode(std::string& after, std::string_view& piece);
};

}  // namespace cr::http

// SPDX-License-Identifier: MIT
// Decoder: undoes one content coding, piece by piece into room of the caller's, so that the caller bounds what it
// holds. Pure; one body each, one thread.
//
// gzip and zstd bodies may be several members or frames, one after the other, as their formats allow; a zstd frame may
// ask for a window of at most 8 MiB (RFC 9659), and a br stream for one of 16 MiB. "deflate" is the zlib format, and
// the bare one that some clients send.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "http/coding/content_coding.h"

namespace cr::http::coding {

enum class DecodeState {
  wants_input,  // all of `in` was taken
  wants_room,   // `out` is full, and there may be more
  garbage,      // not of this coding, damaged, or followed by what is not of it
};

class Decoder {
 public:
  // What the decoder itself may come to hold, beside what it writes: of a request, which is in no br; and of an answer.
  static constexpr std::uint64_t k_own_bytes_max = (std::uint64_t{8} << 20) + std::uint64_t{512} * 1024;
  static constexpr std::uint64_t k_own_bytes_of_answer_max = (std::uint64_t{16} << 20) + std::uint64_t{512} * 1024;

  // Not for identity. Throws std::bad_alloc.
  static std::unique_ptr<Decoder> make(ContentCoding coding);
  virtual ~Decoder() = default;

  // Takes bytes from `in`, which loses them, and writes `written` decoded ones to `out` (at least one byte of room).
  virtual DecodeState decode(std::string_view& in, char* out, std::size_t size, std::size_t& written) = 0;
  // Whether what came so far is whole; else it was cut.
  virtual bool is_whole() const = 0;
};

// Whether so many decoded bytes out of so many coded ones are what only a decompression bomb comes to: over 1 MiB, and
// over 100 times their size.
bool is_bomb(std::uint64_t coded_bytes, std::uint64_t decoded_bytes);

}  // namespace cr::http::coding

// SPDX-License-Identifier: MIT
// ChunkedDecoder: the chunked transfer coding (RFC 9112, 7.1), strict and incremental. Pure; one message body each.
#pragma once

#include <cstdint>
#include <string_view>

namespace cr::http::message {

enum class ChunkState { need_more, data, done, refused };

struct ChunkStep {
  ChunkState state = ChunkState::need_more;
  std::size_t consumed = 0;  // bytes of the input this step used
  std::string_view data;     // a view into the input, for `data`
};

// Refuses: sizes that are empty, signed, over 16 digits, over 2^63 - 1 or with blanks; extensions over 256 bytes (16
// KiB in all of the body), without a name or with control bytes; bare LF; data not followed by CRLF. Trailer fields are
// read (bounded: 8 KiB, 32 lines), checked and dropped.
class ChunkedDecoder {
 public:
  // Call again with the rest (after `consumed`) until need_more, done or refused. At `done` the last step's `consumed`
  // ends right after the final CRLF.
  ChunkStep step(std::string_view bytes);
  bool done() const { return phase_ == Phase::done; }

 private:
  enum class Phase {
    size,
    extension_start,
    extension,
    extension_quoted,
    extension_escaped,
    size_lf,
    data,
    data_cr,
    data_lf,
    trailer_start,
    trailer_name,
    trailer_value,
    trailer_lf,
    end_lf,
    done,
    refused
  };

  // The phase after one byte that is not data.
  Phase after(char c);
  Phase after_size(char c);
  Phase after_extension(char c);
  Phase after_trailer(char c);

  Phase phase_ = Phase::size;
  std::uint64_t left_ = 0;
  std::uint32_t digits_ = 0;
  std::uint32_t extension_bytes_ = 0;
  std::uint32_t all_extension_bytes_ = 0;
  std::uint32_t trailer_bytes_ = 0;
  std::uint32_t trailer_lines_ = 0;
};

}  // namespace cr::http::message

// SPDX-License-Identifier: MIT
// MultipartReader: a multipart/form-data body (RFC 7578, RFC 2046 5.1), strict and incremental: bytes in, heads and
// contents of parts out, whatever their size. Pure; one body each.
//
// Nothing is repaired, since what one parser repairs another reads differently: bytes before the first boundary, after
// the last one, or beside one on its line; a boundary that begins a line but does not follow a CRLF; folded or
// malformed header lines; a part without exactly one `name`. Contents pass as bytes, transfer-encoded and nested ones
// too.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "dialect/refusal.h"

namespace cr::dialect::openai {

// The boundary of a Content-Type value: 1 to 70 characters of RFC 2046, quoted or not. unsupported_media_type for
// another type, invalid_multipart for a boundary that is missing, twice or malformed.
RefusalOr<std::string> multipart_boundary(std::string_view content_type);
// "multipart/form-data; boundary=...", quoted where RFC 2045 asks for it.
std::string multipart_content_type(std::string_view boundary);

// What a part's head says.
struct PartHead {
  std::string name;
  bool has_file_name = false;
  bool plain = true;   // its content is what its bytes say: no transfer coding, no charset but UTF-8, no type but text
  bool ascii = false;  // so only as far as it is ASCII: its charset means something else by the other bytes
};

enum class PartState { need_more, head, data, end, done, refused };

struct PartStep {
  PartState state = PartState::need_more;
  std::size_t consumed = 0;  // bytes of the input this step used
  std::string_view data;     // for `data`: of the part's content; valid to the next step
};

class MultipartReader {
 public:
  static constexpr std::size_t k_head_bytes_max = std::size_t{8} * 1024;  // of one part
  static constexpr std::uint32_t k_parts_max = 1024;

  explicit MultipartReader(std::string_view boundary);

  // Call again with the rest (after `consumed`) until need_more or refused. After `done` only the final CRLF may come.
  PartStep step(std::string_view bytes);
  // Of the part whose `head` was the last.
  const PartHead& head() const { return part_; }
  std::uint64_t offset() const { return offset_; }  // of the body's bytes used so far
  bool done() const { return phase_ == Phase::done || phase_ == Phase::over; }
  std::string_view reason() const { return reason_; }  // of `refused`: a sentence, nothing of the body in it

 private:
  enum class Phase {
    first_boundary,
    boundary_end,
    boundary_lf,
    boundary_dash,
    head,
    content,
    done,
    last_lf,
    over,
    refused
  };
  // What the line that begins here was ended by; `none` = in the middle of a line.
  enum class LineEnd { none, part_head, cr, lf, crlf };

  PartStep step_phase(std::string_view bytes);
  PartStep step_boundary(std::string_view bytes);
  PartStep step_head(std::string_view bytes);
  PartStep step_content(std::string_view bytes);
  PartStep end_content(std::string_view before, std::size_t consumed);
  PartStep hold_back(std::string_view bytes, std::size_t from);
  bool match(char c);
  Phase after(char c);
  Phase refuse(std::string_view reason);

  std::string delimiter_;  // "--" and the boundary
  Phase phase_ = Phase::first_boundary;
  LineEnd line_end_ = LineEnd::none;
  std::size_t matched_ = 0;  // of the delimiter, since that line end
  std::string held_;         // of the content, from earlier inputs: a line end and what of a delimiter came behind it
  std::string passed_;       // what was held and has proved to be content
  std::string head_;
  PartHead part_;
  std::uint64_t offset_ = 0;
  std::uint32_t parts_ = 0;
  std::string_view reason_;
};

// Reads a part's head: lines with their CRLF, the blank one left out. False: `reason` says why.
bool read_part_head(std::string_view lines, PartHead& part, std::string_view& reason);

}  // namespace cr::dialect::openai

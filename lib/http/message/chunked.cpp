// SPDX-License-Identifier: MIT
#include "http/message/chunked.h"

#include <algorithm>

#include "http/message/head_fields.h"

namespace cr::http::message {
namespace {

constexpr std::uint32_t k_size_digits_max = 16;
constexpr std::uint32_t k_extension_bytes_max = 256;
constexpr std::uint32_t k_all_extension_bytes_max = 16 * 1024;
constexpr std::uint32_t k_trailer_bytes_max = 8 * 1024;
constexpr std::uint32_t k_trailer_lines_max = 32;

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7F;
}

}  // namespace

ChunkStep ChunkedDecoder::step(std::string_view bytes) {
  std::size_t at = 0;
  while (phase_ != Phase::done && phase_ != Phase::refused && at < bytes.size()) {
    if (phase_ != Phase::data) {
      phase_ = after(bytes[at++]);
      continue;
    }
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size() - at));
    left_ -= size;
    if (left_ == 0) phase_ = Phase::data_cr;
    return {ChunkState::data, at + size, bytes.substr(at, size)};
  }
  if (phase_ == Phase::done) return {ChunkState::done, at, {}};
  if (phase_ == Phase::refused) return {ChunkState::refused, at, {}};
  return {ChunkState::need_more, at, {}};
}

ChunkedDecoder::Phase ChunkedDecoder::after(char c) {
  switch (phase_) {
    case Phase::size:
      return after_size(c);
    case Phase::extension_start:
    case Phase::extension:
    case Phase::extension_quoted:
    case Phase::extension_escaped:
      return after_extension(c);
    case Phase::size_lf:
      if (c != '\n') return Phase::refused;
      return left_ == 0 ? Phase::trailer_start : Phase::data;
    case Phase::data_cr:
      return c == '\r' ? Phase::data_lf : Phase::refused;
    case Phase::data_lf:
      digits_ = 0;
      return c == '\n' ? Phase::size : Phase::refused;
    case Phase::trailer_start:
    case Phase::trailer_name:
    case Phase::trailer_value:
    case Phase::trailer_lf:
      return after_trailer(c);
    case Phase::end_lf:
      return c == '\n' ? Phase::done : Phase::refused;
    default:
      return Phase::refused;
  }
}

ChunkedDecoder::Phase ChunkedDecoder::after_size(char c) {
  const int value = hex_value(c);
  if (value >= 0) {
    if (++digits_ > k_size_digits_max || left_ >> 59U != 0) return Phase::refused;
    left_ = left_ << 4U | static_cast<std::uint64_t>(value);
    return Phase::size;
  }
  if (digits_ == 0) return Phase::refused;
  extension_bytes_ = 0;
  if (c == ';') return Phase::extension_start;
  return c == '\r' ? Phase::size_lf : Phase::refused;
}

// A blank after the semicolon is RFC 9112's "bad white space" and harmless; one before it hides the size's end.
ChunkedDecoder::Phase ChunkedDecoder::after_extension(char c) {
  if (c == '\r' && phase_ == Phase::extension) return Phase::size_lf;
  if (is_control(c)) return Phase::refused;
  ++extension_bytes_;
  ++all_extension_bytes_;
  if (extension_bytes_ > k_extension_bytes_max || all_extension_bytes_ > k_all_extension_bytes_max) {
    return Phase::refused;
  }
  switch (phase_) {
    case Phase::extension_start:
      if (c == ' ') return Phase::extension_start;
      return is_token_char(c) ? Phase::extension : Phase::refused;
    case Phase::extension_quoted:
      if (c == '\\') return Phase::extension_escaped;
      return c == '"' ? Phase::extension : Phase::extension_quoted;
    case Phase::extension_escaped:
      return Phase::extension_quoted;
    default:
      if (c == ';') return Phase::extension_start;
      if (c == '"') return Phase::extension_quoted;
      return is_token_char(c) || c == '=' || c == ' ' ? Phase::extension : Phase::refused;
  }
}

ChunkedDecoder::Phase ChunkedDecoder::after_trailer(char c) {
  if (phase_ == Phase::trailer_lf) return c == '\n' ? Phase::trailer_start : Phase::refused;
  if (phase_ == Phase::trailer_start && c == '\r') return Phase::end_lf;
  if (phase_ == Phase::trailer_start && ++trailer_lines_ > k_trailer_lines_max) return Phase::refused;
  if (++trailer_bytes_ > k_trailer_bytes_max) return Phase::refused;
  switch (phase_) {
    case Phase::trailer_start:
      return is_token_char(c) ? Phase::trailer_name : Phase::refused;
    case Phase::trailer_name:
      if (c == ':') return Phase::trailer_value;
      return is_token_char(c) ? Phase::trailer_name : Phase::refused;
    default:
      if (c == '\r') return Phase::trailer_lf;
      return is_control(c) && c != '\t' ? Phase::refused : Phase::trailer_value;
  }
}

}  // namespace cr::http::message

// SPDX-License-Identifier: MIT
// The part of base/text.h that knows terminals and UTF-8.
#include <algorithm>
#include <cstdio>

#include "base/text.h"
#include "base/utf8.h"

namespace cr::base {
namespace {

void append_visible(std::string& out, const CodePoint& point, char first_byte) {
  char text[16];
  if (!point.valid || point.value < 0x80) {
    std::snprintf(text, sizeof text, "\\x%02X", static_cast<unsigned>(static_cast<unsigned char>(first_byte)));
  } else {
    std::snprintf(text, sizeof text, "\\u{%04X}", static_cast<unsigned>(point.value));
  }
  out += text;
}

// Nearly every text is: what is one byte, one column and safe to show needs no decoding.
bool is_printable_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

}  // namespace

std::string escape_for_terminal(std::string_view text) {
  if (is_printable_ascii(text)) return std::string(text);
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const CodePoint point = decode_utf8(text, i);
    if (point.valid && !is_unsafe_to_show(point.value)) {
      out.append(text, i, point.size);
    } else {
      append_visible(out, point, text[i]);
    }
    i += point.size;
  }
  return out;
}

int display_width(std::string_view text) {
  if (is_printable_ascii(text)) return static_cast<int>(text.size());
  int columns = 0;
  for (std::size_t i = 0; i < text.size();) {
    const CodePoint point = decode_utf8(text, i);
    columns += point.valid ? columns_of(point.value) : 1;  // a terminal shows one replacement character
    i += point.size;
  }
  return columns;
}

bool is_valid_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    if (static_cast<unsigned char>(text[i]) < 0x80) {
      ++i;
      continue;
    }
    const CodePoint point = decode_utf8(text, i);
    if (!point.valid) return false;
    i += point.size;
  }
  return true;
}

}  // namespace cr::base

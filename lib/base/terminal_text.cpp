// SPDX-License-Identifier: MIT
// The part of base/text.h that knows terminals and UTF-8.
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

}  // namespace

std::string escape_for_terminal(std::string_view text) {
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
    const CodePoint point = decode_utf8(text, i);
    if (!point.valid) return false;
    i += point.size;
  }
  return true;
}

}  // namespace cr::base

// SPDX-License-Identifier: MIT
#include "base/utf8.h"

#include <cstdint>

namespace cr::base {

CodePoint decode_utf8(std::string_view text, std::size_t offset) {
  const auto byte = [&](std::size_t at) { return static_cast<std::uint8_t>(text[at]); };
  const std::uint8_t lead = byte(offset);
  if (lead < 0x80) return {lead, 1, true};

  std::size_t size = 0;
  char32_t lowest = 0;  // what a shorter form could have said
  if (lead >= 0xC2 && lead <= 0xDF) {
    size = 2, lowest = 0x80;
  } else if ((lead & 0xF0) == 0xE0) {
    size = 3, lowest = 0x800;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    size = 4, lowest = 0x10000;
  } else {
    return {};
  }
  if (text.size() - offset < size) return {};

  char32_t value = lead & (0x7Fu >> size);
  for (std::size_t i = 1; i < size; ++i) {
    const std::uint8_t next = byte(offset + i);
    if ((next & 0xC0) != 0x80) return {};
    value = value << 6 | (next & 0x3Fu);
  }
  const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
  if (value < lowest || value > 0x10FFFF || surrogate) return {};
  return {value, size, true};
}

void append_utf8(std::string& out, char32_t value) {
  const auto put = [&out](char32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (value < 0x80) {
    put(value);
  } else if (value < 0x800) {
    put(0xc0 | value >> 6);
    put(0x80 | (value & 0x3f));
  } else if (value < 0x10000) {
    put(0xe0 | value >> 12);
    put(0x80 | (value >> 6 & 0x3f));
    put(0x80 | (value & 0x3f));
  } else {
    put(0xf0 | value >> 18);
    put(0x80 | (value >> 12 & 0x3f));
    put(0x80 | (value >> 6 & 0x3f));
    put(0x80 | (value & 0x3f));
  }
}

bool is_unsafe_to_show(char32_t value) {
  if (value < 0x20 || (value >= 0x7F && value <= 0x9F)) return true;
  if (value < 0x061C) return false;
  return value == 0x061C || value == 0x200E || value == 0x200F || (value >= 0x2028 && value <= 0x202E) ||
         (value >= 0x2066 && value <= 0x2069) || (value >= 0xE0000 && value <= 0xE007F);
}

}  // namespace cr::base

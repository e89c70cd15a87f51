// SPDX-License-Identifier: MIT
// UTF-8, one code point at a time (RFC 3629: no overlong forms, no surrogates). Pure, any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace cr::base {

struct CodePoint {
  char32_t value = 0;
  std::size_t size = 1;  // bytes taken; 1 for an invalid byte
  bool valid = false;
};

// The code point at text[offset]; offset < text.size().
CodePoint decode_utf8(std::string_view text, std::size_t offset);

// `value` is a code point, and no surrogate.
void append_utf8(std::string& out, char32_t value);

// Moves a cursor, turns the reading direction or hides: C0, C1, DEL, bidi controls, line separators, tags.
bool is_unsafe_to_show(char32_t value);

// Columns of one code point: 0, 1 or 2 (Unicode 14).
int columns_of(char32_t value);

}  // namespace cr::base

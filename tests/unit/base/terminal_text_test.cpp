// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include "base/text.h"
#include "base/utf8.h"

namespace cr::base {
namespace {

struct EscapeCase {
  std::string_view text, shown;
};

TEST(Utf8, what_is_appended_is_what_is_decoded) {
  for (const char32_t value : {0x24U, 0x7fU, 0x80U, 0x7ffU, 0x800U, 0xffffU, 0x10000U, 0x10ffffU}) {
    std::string text;
    append_utf8(text, value);
    const auto point = decode_utf8(text, 0);
    EXPECT_TRUE(point.valid);
    EXPECT_EQ(point.value, value);
    EXPECT_EQ(point.size, text.size());
  }
}

TEST(EscapeForTerminal, table) {
  constexpr EscapeCase k_table[] = {
      {"", ""},
      {"plain text, ~!@#\\", "plain text, ~!@#\\"},
      {"naïve 漢字 🙂", "naïve 漢字 🙂"},
      {"\x1b[2J", "\\x1B[2J"},
      {"a\nb\tc\rd", "a\\x0Ab\\x09c\\x0Dd"},
      {"\x7f", "\\x7F"},
      {std::string_view("\0", 1), "\\x00"},
      {"\xC2\x9B"
       "31m",
       "\\u{009B}31m"},  // C1: the one-character CSI
      {"\xC2\x80", "\\u{0080}"},
      {"\xC2\xA0", "\xC2\xA0"},     // the first after C1
      {"a\u202Eb", "a\\u{202E}b"},  // right-to-left override
      {"\u2066\u2069\u200E\u200F\u061C", "\\u{2066}\\u{2069}\\u{200E}\\u{200F}\\u{061C}"},
      {"\u2028\u2029", "\\u{2028}\\u{2029}"},
      {"\U000E0041", "\\u{E0041}"},  // invisible tag letters
      {"\xFF\xFE", "\\xFF\\xFE"},
      {"\x9B", "\\x9B"},
      {"\xC3", "\\xC3"},
      {"\xE6\xBC", "\\xE6\\xBC"},
      {"\xC0\xAF", "\\xC0\\xAF"},
      {"\xED\xA0\x80", "\\xED\\xA0\\x80"},
  };
  for (const auto& row : k_table) {
    EXPECT_EQ(escape_for_terminal(row.text), row.shown);
    EXPECT_EQ(escape_for_terminal(row.shown), row.shown);  // what is shown needs no more
  }
}

struct Utf8Case {
  std::string_view text;
  bool valid;
};

TEST(Utf8, table) {
  constexpr Utf8Case k_table[] = {
      {"", true},
      {"ascii", true},
      {"\xC2\x80", true},  // lowest of two bytes
      {"\xDF\xBF", true},
      {"\xE0\xA0\x80", true},  // lowest of three
      {"\xED\x9F\xBF", true},  // last before the surrogates
      {"\xEE\x80\x80", true},  // first after them
      {"\xEF\xBF\xBF", true},
      {"\xF0\x90\x80\x80", true},   // lowest of four
      {"\xF4\x8F\xBF\xBF", true},   // U+10FFFF
      {"\xF4\x90\x80\x80", false},  // one more
      {"\xF5\x80\x80\x80", false},
      {"\x80", false},      // a continuation alone
      {"\xC0\x80", false},  // overlong NUL
      {"\xC1\xBF", false},
      {"\xE0\x9F\xBF", false},  // overlong
      {"\xF0\x8F\xBF\xBF", false},
      {"\xED\xA0\x80", false},  // surrogates
      {"\xED\xBF\xBF", false},
      {"\xE6\xBC", false},  // cut short
      {"\xE6\xBC\x41", false},
      {"\xF0\x9F\x99", false},
      {"ok\xFFok", false},
      {"\xF8\x88\x80\x80\x80", false},  // five bytes were once allowed
  };
  for (std::size_t i = 0; i < std::size(k_table); ++i) {
    EXPECT_EQ(is_valid_utf8(k_table[i].text), k_table[i].valid) << "row " << i;
  }
}

TEST(Utf8, an_invalid_byte_takes_one_place) {
  const CodePoint point = decode_utf8("\xE6\xBC!", 0);
  EXPECT_FALSE(point.valid);
  EXPECT_EQ(point.size, 1U);
}

struct WidthCase {
  std::string_view text;
  int columns;
};

TEST(DisplayWidth, table) {
  constexpr WidthCase k_table[] = {
      {"", 0},
      {"abc", 3},
      {"naïve", 5},
      {"e\u0301", 1},  // a combining acute
      {"漢字", 4},
      {"ｶﾅ", 2},    // half-width katakana
      {"ＡＢ", 4},  // full-width letters
      {"한글", 4},
      {"\u1112\u1161\u11AB", 2},  // the same syllable in jamo
      {"🙂", 2},
      {"𠮷", 2},                  // beyond the BMP
      {"\u200B\u200D\uFEFF", 0},  // zero width space, joiner, BOM
      {"\u2764\uFE0F", 1},        // a text symbol and a variation selector
      {"Привет", 6},
      {"\u0e01\u0e35\u0e48", 1},  // Thai consonant, vowel, tone mark
      {"─│", 2},
      {"\xFF", 1},
      {"\u00AD", 1},
      {"\U0003FFFD", 2},
  };
  for (const auto& row : k_table) EXPECT_EQ(display_width(row.text), row.columns) << row.text;
}

}  // namespace
}  // namespace cr::base

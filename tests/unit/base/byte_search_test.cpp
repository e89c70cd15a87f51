// SPDX-License-Identifier: MIT
#include "base/byte_search.h"

#include <gtest/gtest.h>

#include <string>

namespace cr::base {
namespace {

using Find = const char* (*)(const char*, const char*);

// Each byte value at each place of texts of each length up to two steps and some, between bytes that stop nothing: it
// is found where it stands, or nothing is. What stands behind the end is never looked at.
template <class Stops>
void check(Find find, Stops stops) {
  for (std::size_t size = 0; size <= 35; ++size) {
    const std::string plain(size, 'a');
    const std::string fenced = plain + "\"\r\n";
    ASSERT_EQ(find(fenced.data(), fenced.data() + size), fenced.data() + size) << size;
    for (std::size_t at = 0; at < size; ++at) {
      for (int byte = 0; byte < 256; ++byte) {
        std::string text = fenced;
        text[at] = static_cast<char>(byte);
        const auto expected = stops(byte) ? at : size;
        ASSERT_EQ(static_cast<std::size_t>(find(text.data(), text.data() + size) - text.data()), expected)
            << size << " " << at << " " << byte;
      }
    }
  }
}

TEST(ByteSearch, FindsWhatEndsAPlainRunOfAString) {
  check(find_byte<StringStop>, [](int byte) { return byte < 0x20 || byte == '"' || byte == '\\'; });
}

TEST(ByteSearch, FindsTheEndOfALine) {
  check(find_byte<LineEnd>, [](int byte) { return byte == '\n' || byte == '\r'; });
}

TEST(ByteSearch, FindsWhatMayNotStandInALine) {
  check(find_byte<LineControl>, [](int byte) { return (byte < 0x20 && byte != '\t') || byte == 0x7F; });
}

TEST(ByteSearch, FindsTheFirstOfSeveral) {
  const std::string text = "0123456789abcdef0123\n456\r789abcdef\n";
  EXPECT_EQ(find_byte<LineEnd>(text.data(), text.data() + text.size()) - text.data(), 20);
  EXPECT_EQ(find_byte<LineControl>(text.data() + 21, text.data() + text.size()) - text.data(), 24);
}

}  // namespace
}  // namespace cr::base

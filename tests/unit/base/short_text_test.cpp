// SPDX-License-Identifier: MIT
#include "base/short_text.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace cr::base {
namespace {

TEST(ShortText, holds_up_to_its_most_and_cuts_the_rest) {
  EXPECT_EQ(ShortText<4>(), "");
  EXPECT_EQ(ShortText<4>("abc"), "abc");
  EXPECT_EQ(ShortText<4>("abcd"), "abcd");
  EXPECT_EQ(ShortText<4>("abcdef"), "abcd");
  EXPECT_EQ(ShortText<4>(std::string_view("\0x", 2)).view().size(), 2U);
  EXPECT_EQ(sizeof(ShortText<10>), 11U);
}

TEST(ShortText, compares_and_copies_as_a_string_does) {
  std::mt19937 random(20'261'130);
  ShortText<3> text;
  std::string model;
  for (int round = 0; round < 10'000; ++round) {
    std::string next;
    for (auto size = random() % 4; size > 0; --size) next += static_cast<char>('a' + random() % 2);
    const ShortText<3> made(next);
    EXPECT_EQ(made == text, next == model);
    EXPECT_EQ(made == model, next == model);
    text = made;
    model = next;
    ASSERT_EQ(text.view(), model);
  }
}

}  // namespace
}  // namespace cr::base

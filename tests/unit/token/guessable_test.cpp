// SPDX-License-Identifier: MIT
#include "token/guessable.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace cr::token {
namespace {

std::string times(std::string_view text, int count) {
  std::string all;
  for (int i = 0; i < count; ++i) all += text;
  return all;
}

TEST(Guessable, WhatAnybodyWouldTry) {
  for (const std::string& key : {times("a", 40),
                                 times("0", 24),
                                 times("ab", 20),
                                 times("abc", 12),
                                 times("1234567890", 2),
                                 times("password", 3),
                                 times("Password1", 2) + "Pa",
                                 times("changeme", 3),
                                 std::string("abcdefghijklmnopqrst"),
                                 std::string("ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"),
                                 std::string("zyxwvutsrqponmlkjihg"),
                                 std::string("qwertyuiopasdfghjklzxc"),
                                 std::string("aaaabbbbccccddddeeeeffffgggghhhh"),
                                 std::string("aaaaaaaaaaaaaaaaaaab"),
                                 std::string("correcthorsebatterystaple"),
                                 std::string("CORRECTHORSEBATTERYSTAPLE"),
                                 std::string("31415926535897932384"),
                                 std::string("your-api-key-goes-here"),
                                 std::string("YOUR_OPENAI_API_KEY_HERE"),
                                 std::string("sk-your-key-from-the-page-0"),
                                 std::string("sk-an-example-of-a-key-17"),
                                 "sk-" + times("a", 24),
                                 "sk-" + times("0", 47),
                                 "sk-proj-" + times("x", 40),
                                 std::string("sk-1234567890abcdefghijklmn")})
    EXPECT_NE(why_guessable(key), "") << key;
}

TEST(Guessable, WhatIsMadeByChanceIsNot) {
  for (const std::string key :
       {"sk-proj-7Hq2Zt9LwX4vB8nR1cKd", "f3b1c9d07a5e4826b8e1d2c3a4f50617", "123e4567-e89b-12d3-a456-426614174000",
        "sk-brought-along-0123456789abcdef", "kqzvmwptxhbrjcnyfgdlsaeoiutwrmpz"})
    EXPECT_EQ(why_guessable(key), "") << key;
  struct Alphabet {
    std::string characters;
    std::size_t length;
  };
  const std::string digits = "0123456789", lower = "abcdefghijklmnopqrstuvwxyz", upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  std::mt19937 random(7);
  for (const auto& [characters, length] :
       {Alphabet{digits + "abcdef", 32}, Alphabet{lower + "234567", 32}, Alphabet{digits + lower, 32},
        Alphabet{digits + lower + upper, 20}, Alphabet{digits + lower + upper + "-_", 43}}) {
    for (int i = 0; i < 20'000; ++i) {
      std::string key;
      while (key.size() < length) key += characters[random() % characters.size()];
      ASSERT_EQ(why_guessable(key), "") << key;
      ASSERT_EQ(why_guessable("sk-" + key), "") << key;
    }
  }
}

}  // namespace
}  // namespace cr::token

// SPDX-License-Identifier: MIT
#include "base/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cr::base {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct GlobCase {
  std::string_view pattern, text;
  bool matches;
};

TEST(Glob, table) {
  constexpr GlobCase k_table[] = {
      {"", "", true},
      {"", "a", false},
      {"*", "", true},
      {"*", "anything", true},
      {"**", "x", true},
      {"a", "a", true},
      {"a", "A", false},
      {"gpt-*", "gpt-4o", true},
      {"gpt-*", "gpt-", true},
      {"gpt-*", "gpt", false},
      {"*-mini", "gpt-mini", true},
      {"*-mini", "mini", false},
      {"g*o", "gpt-4o", true},
      {"g*o", "gpt-4", false},
      {"a*b*c", "aXbYc", true},
      {"a*b*c", "acb", false},
      {"a?c", "abc", true},
      {"a?c", "ac", false},
      {"?", "", false},
      {"?*", "a", true},
      {"*a", "aaaa", true},
      {"*ab", "aab", true},
      {"[ab]", "a", false},
      {"[ab]", "[ab]", true},
      {"a\\*", "a\\b", true},
      {"*abc*", "ababcab", true},
      {"a*", "b", false},
      {"*.*", "nodot", false},
  };
  for (const auto& row : k_table) {
    EXPECT_EQ(glob_match(row.pattern, row.text), row.matches) << row.pattern << " on " << row.text;
  }
}

TEST(Glob, question_mark_may_be_an_ordinary_byte) {
  EXPECT_FALSE(glob_match("a?c", "abc", Wildcards::star));
  EXPECT_TRUE(glob_match("a?c", "a?c", Wildcards::star));
  EXPECT_TRUE(glob_match("a?*", "a?bc", Wildcards::star));
}

TEST(Glob, hostile_pattern_ends) {
  // Exponential matchers need about 2^40 steps here, which the test's time limit does not have.
  std::string pattern;
  for (int i = 0; i < 40; ++i) pattern += "*a";
  EXPECT_FALSE(glob_match(pattern + "b", std::string(2000, 'a')));
}

TEST(CheckName, accepts) {
  for (const std::string& name : {std::string("a"), std::string("ci-bot"), std::string("A.b_c-9"), std::string("_x"),
                                  std::string("9"), std::string(64, 'x')}) {
    EXPECT_TRUE(check_name("token name", name)) << name;
  }
}

TEST(CheckName, refuses_and_names_the_thing) {
  const std::string table[] = {"",
                               "-x",
                               ".x",
                               "..",
                               "a b",
                               "a/b",
                               "a\n",
                               "é",
                               "a:b",
                               "a,b",
                               "a*",
                               "a@b",
                               "a\x1b[2J",
                               std::string(65, 'x'),
                               std::string("a\0b", 3)};
  for (const std::string& name : table) {
    const auto checked = check_name("token name", name);
    ASSERT_FALSE(checked) << name;
    EXPECT_EQ(checked.error().code, ErrorCode::invalid);
    EXPECT_THAT(checked.error().message, HasSubstr("token name"));
    EXPECT_EQ(checked.error().message.find('\x1b'), std::string::npos);
    EXPECT_LT(checked.error().message.size(), 400U);
    EXPECT_FALSE(checked.error().hint.empty());
  }
}

struct NearestCase {
  std::string_view word;
  std::optional<std::string> found;
};

TEST(Nearest, table) {
  const std::vector<std::string> candidates = {"token", "account", "channel", "group", "price", "usage", "audit"};
  const NearestCase table[] = {
      {"tokne", "token"},   // two neighbours swapped
      {"tokn", "token"},    // one missing
      {"tokenn", "token"},  // one too many
      {"TOKEN", "token"},   // case is no slip
      {"acount", "account"}, {"chanel", "channel"},
      {"prise", "price"},    {"acc", "account"},   // the only one it begins
      {"ch", "channel"},     {"a", std::nullopt},  // begins two
      {"zzz", std::nullopt}, {"", std::nullopt},
      {"xy", std::nullopt},  {"tukan", std::nullopt},  // two of five is over a third
  };
  for (const auto& row : table) EXPECT_EQ(nearest(row.word, candidates), row.found) << row.word;
}

TEST(Nearest, the_closest_wins_and_hostile_words_are_left) {
  const std::vector<std::string> candidates = {"list-all", "list", "lisp"};
  EXPECT_EQ(nearest("lsit", candidates), "list");
  EXPECT_EQ(nearest("list", candidates), "list");
  EXPECT_EQ(nearest(std::string(1'000'000, 'l'), candidates), std::nullopt);
  EXPECT_EQ(nearest("list", {}), std::nullopt);
}

TEST(SplitList, trims_and_drops_empties) {
  EXPECT_THAT(split_list("a,b,c"), ElementsAre("a", "b", "c"));
  EXPECT_THAT(split_list(" a , b\t,\n,, c c ,"), ElementsAre("a", "b", "c c"));
  EXPECT_THAT(split_list(""), IsEmpty());
  EXPECT_THAT(split_list(" , ,"), IsEmpty());
  EXPECT_THAT(split_list("one"), ElementsAre("one"));
  EXPECT_THAT(split_list("a:b", ':'), ElementsAre("a", "b"));
}

TEST(Case, ascii_only) {
  EXPECT_EQ(to_lower_ascii("AbC-Zz09_É"), "abc-zz09_É");
  EXPECT_TRUE(equals_ignoring_case("Content-Type", "content-TYPE"));
  EXPECT_TRUE(equals_ignoring_case("", ""));
  EXPECT_FALSE(equals_ignoring_case("a", "ab"));
  EXPECT_FALSE(equals_ignoring_case("[", "{"));  // 0x20 apart, but not letters
  EXPECT_FALSE(equals_ignoring_case("É", "é"));
}

// Each byte against each other one, at each place of words as long as two steps and some.
TEST(Case, each_byte_at_each_place) {
  const auto lower = [](int byte) { return byte >= 'A' && byte <= 'Z' ? byte + 32 : byte; };
  for (std::size_t size = 1; size <= 19; ++size) {
    for (std::size_t at = 0; at < size; ++at) {
      for (int one = 0; one < 256; ++one) {
        std::string left(size, 'x'), right(size, 'X');
        left[at] = static_cast<char>(one);
        for (const int other : {one, one ^ 0x20, one ^ 0x80, one + 1, one - 1}) {
          right[at] = static_cast<char>(other);
          ASSERT_EQ(equals_ignoring_case(left, right), lower(one) == lower(other & 0xFF))
              << size << " " << at << " " << one << " " << other;
        }
      }
    }
  }
}

}  // namespace
}  // namespace cr::base

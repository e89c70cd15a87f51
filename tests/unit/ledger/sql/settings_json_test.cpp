// SPDX-License-Identifier: MIT
#include "ledger/sql/settings_json.h"

#include <gtest/gtest.h>

namespace cr::ledger {
namespace {

using List = std::vector<std::string>;

TEST(ListFromJson, IsWhatWasWritten) {
  for (const List& list : {List{}, List{""}, List{"default"}, List{"gpt-*", "o3", "a b"}, List{"say \"hi\""},
                           List{"back\\slash"}, List{"line\nend", "tab\t"}, List{"büro", "中"}, List{"a,b", "]", "["},
                           List{"\x7f"}, List{"plain", "\xc3\xbc", "plain"}}) {
    const auto text = json_of(list);
    const auto read = list_from_json(text);
    ASSERT_TRUE(read) << text;
    EXPECT_EQ(*read, list) << text;
  }
}

TEST(ListFromJson, OtherSpellings) {
  EXPECT_EQ(list_from_json("[ \"a\" , \"b\" ]").value(), (List{"a", "b"}));
  EXPECT_EQ(list_from_json("[\"a\", \"b\"]").value(), (List{"a", "b"}));
  EXPECT_EQ(list_from_json(R"(["\u0061"])").value(), List{"a"});
  EXPECT_EQ(list_from_json("[ ]").value(), List{});
}

TEST(ListFromJson, WhatIsNoListIsCorrupt) {
  for (const char* text :
       {"", "[", "[\"", "[\"a", "[\"a\"", "[\"a\",", "[\"a\",]", "[\"a\"]]", "[\"a\"\"b\"]", "[,]", "\"a\"", "{}",
        "{\"a\":\"b\"}", "[1]", "[\"a\",1]", "[null]", "[[\"a\"]]", "[\"a\nb\"]", "[\"\xff\"]"}) {
    const auto read = list_from_json(text);
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().code, base::ErrorCode::corrupt) << text;
  }
}

}  // namespace
}  // namespace cr::ledger

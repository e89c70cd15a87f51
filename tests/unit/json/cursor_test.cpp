// SPDX-License-Identifier: MIT
#include "json/cursor.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>

namespace cr::json {
namespace {

bool accepts(std::string_view text) {
  JsonCursor cursor(text);
  return cursor.skip_value() && cursor.finish();
}

TEST(JsonCursor, AcceptsWhatRfc8259Does) {
  for (const std::string_view text : {
           "{}",
           "[]",
           "0",
           "-0",
           "1",
           "-1",
           "10",
           "1.5",
           "1e9",
           "1E+9",
           "1.25e-3",
           "1e400",
           "123456789012345678901234567890",
           "true",
           "false",
           "null",
           R"("")",
           R"("a")",
           R"("\"\\\/\b\f\n\r\t")",
           R"("\u0041\u00e9\uffff\u0000")",
           R"("\ud83d\ude00")",
           " \t\r\n[ 1 , 2 ] \n",
           R"({"a":{"b":[{}]},"c":[[],[[]]]})",
           R"({"":0})",
           "\"\x7f\"",
           R"([1,"a",true,null,{"x":-1.0e+1}])",
           R"({"a":1,"a":2})",
       }) {
    EXPECT_TRUE(accepts(text)) << text;
  }
}

TEST(JsonCursor, RefusesTheRest) {
  for (const std::string_view text : {
           "",
           " ",
           "{",
           "}",
           "[",
           "]",
           "[}",
           "{]",
           "[1,]",
           "[,1]",
           "[1 2]",
           "[1,,2]",
           R"({"a":1,})",
           R"({,"a":1})",
           R"({"a" 1})",
           R"({"a":})",
           R"({"a"})",
           R"({a:1})",
           R"({"a":1 "b":2})",
           R"({"a":1]})",
           R"({1:2})",
           "[1]]",
           "{}{}",
           "1 2",
           "01",
           "-01",
           "+1",
           "-",
           ".5",
           "1.",
           "1.e3",
           "1e",
           "1e+",
           "0x10",
           "1_000",
           "1a",
           "--1",
           "NaN",
           "Infinity",
           "-Infinity",
           "nan",
           "tru",
           "True",
           "TRUE",
           "nul",
           "nullx",
           "truefalse",
           "'a'",
           "\"",
           "\"a",
           R"("\)",
           R"("\")",
           R"("\x41")",
           R"("\u12")",
           R"("\u12g4")",
           R"("\u")",
           "\"a\nb\"",
           "\"\t\"",
           "\"\x01\"",
           "[\"a\nb\"]",
           "// c\n{}",
           "/* c */{}",
           "{} // c",
           "[1/**/]",

           "\v{}",
           "\f{}",
           "\xc2\xa0{}",
           "undefined",
           "#",
       }) {
    EXPECT_FALSE(accepts(text)) << text;
  }
  EXPECT_FALSE(accepts(std::string_view("{}\0", 3)));
  EXPECT_FALSE(accepts(std::string_view("\"a\0\"", 4)));
}

TEST(JsonCursor, RefusesHalfASurrogatePair) {
  for (const std::string_view text :
       {R"("\ud800")", R"("\udc00")", R"("\ud800x")", R"("\ud800\n")", R"("\ud800\ud800")", R"("\udc00\ud800")",
        R"("\ud800\u0041")", R"({"\udfff":1})", R"("\ud83d\ude0")"}) {
    JsonCursor cursor(text);
    EXPECT_FALSE(cursor.skip_value() && cursor.finish()) << text;
    EXPECT_EQ(cursor.fault(), JsonFault::lone_surrogate) << text;
  }
}

std::string nested(std::size_t depth, std::string_view open, std::string_view close) {
  std::string text;
  for (std::size_t i = 0; i < depth; ++i) text += open;
  text += "1";
  for (std::size_t i = 0; i < depth; ++i) text += close;
  return text;
}

TEST(JsonCursor, CountsDepthTo64) {
  for (const auto& [open, close] : {std::pair("[", "]"), std::pair(R"({"a":)", "}"), std::pair(R"([{"a":)", "}]")}) {
    const std::size_t per_level = std::string_view(open).size() > 5 ? 2 : 1;
    EXPECT_TRUE(accepts(nested(64 / per_level, open, close))) << open;
    const std::string text = nested(64 / per_level + 1, open, close);  // a cursor keeps no copy of its text
    JsonCursor deeper(text);
    EXPECT_FALSE(deeper.skip_value());
  }
  const std::string deep = nested(65, "[", "]");
  JsonCursor cursor(deep);
  EXPECT_FALSE(cursor.skip_value());
  EXPECT_EQ(cursor.fault(), JsonFault::too_deep);
  EXPECT_EQ(cursor.fault_offset(), 64u);
  // Siblings do not add up.
  std::string wide = "[";
  for (int i = 0; i < 200; ++i) wide += "[[]],";
  EXPECT_TRUE(accepts(wide + "[]]"));
}

TEST(JsonCursor, WalksMembersWithTheirPlaces) {
  const std::string_view text = R"( { "a" : [1, 2], "b\n":"x\u00e9\ud83d\ude00" , "c":true } )";
  JsonCursor cursor(text);
  ASSERT_TRUE(cursor.begin_object());
  JsonString key;
  ASSERT_TRUE(cursor.next_member(key));
  EXPECT_EQ(key.raw, "a");
  EXPECT_FALSE(key.escaped());
  EXPECT_EQ(cursor.kind(), JsonKind::array);
  const std::size_t begin = cursor.offset();
  ASSERT_TRUE(cursor.skip_value());
  EXPECT_EQ(text.substr(begin, cursor.offset() - begin), "[1, 2]");

  ASSERT_TRUE(cursor.next_member(key));
  EXPECT_TRUE(key.escaped());
  EXPECT_EQ(unescape(key), "b\n");
  JsonString value;
  ASSERT_TRUE(cursor.read_string(value));
  EXPECT_EQ(unescape(value), "x\xc3\xa9\xf0\x9f\x98\x80");
  EXPECT_EQ(value.text_bytes, unescape(value).size());
  EXPECT_TRUE(equals(value, "x\xc3\xa9\xf0\x9f\x98\x80"));

  ASSERT_TRUE(cursor.next_member(key));
  bool flag = false;
  ASSERT_TRUE(cursor.read_boolean(flag));
  EXPECT_TRUE(flag);
  EXPECT_FALSE(cursor.next_member(key));
  EXPECT_TRUE(cursor.finish());
}

TEST(JsonCursor, AFaultStays) {
  JsonCursor cursor("[1,x]");
  ASSERT_TRUE(cursor.begin_array());
  ASSERT_TRUE(cursor.next_element());
  ASSERT_TRUE(cursor.skip_value());
  EXPECT_FALSE(cursor.next_element());
  EXPECT_EQ(cursor.fault(), JsonFault::syntax);
  EXPECT_EQ(cursor.fault_offset(), 3u);
  EXPECT_FALSE(cursor.skip_value());
  EXPECT_FALSE(cursor.finish());
  EXPECT_EQ(cursor.fault_offset(), 3u);
}

// Damaged documents: the same verdict as another parser, wherever the damage is.
TEST(JsonCursor, AgreesWithAnotherParserOnDamage) {
  const std::string good =
      R"({"model":"m\u0041","a":[1,-2.5,true,null,{"k":"v\n"}],"s":"text \"quoted\" \\","e":{},"l":[],"z":0})";
  ASSERT_TRUE(accepts(good));
  std::mt19937 random(7);
  const std::string_view bytes = "{}[]\",:\\ 0123456789.eE+-truefalsn\n\tu\x01";
  for (int round = 0; round < 20'000; ++round) {
    std::string text = good;
    for (unsigned i = 0; i <= random() % 3; ++i) {
      const std::size_t at = random() % text.size();
      switch (random() % 3) {
        case 0:
          text[at] = bytes[random() % bytes.size()];
          break;
        case 1:
          text.erase(at, 1 + random() % 4);
          break;
        default:
          text.insert(at, 1, bytes[random() % bytes.size()]);
      }
    }
    EXPECT_EQ(accepts(text), nlohmann::json::accept(text)) << text;
  }
}

}  // namespace
}  // namespace cr::json

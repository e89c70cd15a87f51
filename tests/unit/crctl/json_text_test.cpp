// SPDX-License-Identifier: MIT
#include "crctl/json_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace cr::crctl {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(JsonText, picks_members_in_the_order_asked_for) {
  const std::vector<std::string> members{"b", "a", "missing"};
  EXPECT_EQ(only_members(R"({"a":1,"b":"2","c":3})", members), R"({"b":"2","a":1,"missing":null})");
}

TEST(JsonText, keeps_members_it_does_not_know) {
  EXPECT_THAT(array_items(R"({"items":[{"name":"a","new":[1,2]},{"name":"b"}],"next":null})", "items"),
              ElementsAre(R"({"name":"a","new":[1,2]})", R"({"name":"b"})"));
  EXPECT_THAT(array_items("not json", "items"), IsEmpty());
}

TEST(JsonText, lays_out_as_the_tree_of_it_would_be) {
  const std::string texts[] = {R"({})",
                               R"([])",
                               R"({"a":1})",
                               R"({ "a" : [ ] , "b":{ } })",
                               R"({"a":[1,-2.5,true,null],"b":{"c":"d"}})",
                               R"({"a\"b":"x,y:{}[] \\","ü":"\u001b"})",
                               R"("text")",
                               R"(17)",
                               "[[],[[]],{\"a\":[{}]}]"};
  for (const auto& text : texts) {
    EXPECT_EQ(indented(text), nlohmann::ordered_json::parse(text).dump(2)) << text;
    EXPECT_EQ(one_line(indented(text)), nlohmann::ordered_json::parse(text).dump()) << text;
    const auto tree = nlohmann::ordered_json::parse(text);
    EXPECT_EQ("[\n  " + indented(text, 1) + ",\n  " + indented(text, 1) + "\n]",
              nlohmann::ordered_json::array({tree, tree}).dump(2));
  }
}

TEST(JsonText, cuts_a_list_into_its_items) {
  EXPECT_THAT(
      array_items(R"( { "next" : "items" , "items" : [ {"a":[1,{"b":"]"}]} , "x,\"y" , 5 ,null ] , "z":1})", "items"),
      ElementsAre(R"({"a":[1,{"b":"]"}]})", R"("x,\"y")", "5", "null"));
  EXPECT_THAT(array_items("[1,2]", ""), ElementsAre("1", "2"));
  for (const char* text :
       {"", "{", "[", "{\"items\":", "{\"items\":5}", "{\"other\":[1]}", "\"items", "{\"items\":[}"}) {
    EXPECT_THAT(array_items(text, "items"), IsEmpty()) << text;
  }
}

TEST(JsonText, walks_into_objects_and_arrays) {
  constexpr std::string_view k_json = R"({"name":"ci","keys":[{"first":"sk"}],"n":5,"none":null,"tags":{"a.b":1}})";
  EXPECT_EQ(member_text(k_json, "name"), "ci");
  EXPECT_EQ(member_text(k_json, "n"), "5");
  EXPECT_EQ(member_text(k_json, "none"), "");
  EXPECT_EQ(member_text(k_json, "keys.0.first"), "sk");
  EXPECT_EQ(member_text(k_json, "keys.1.first"), std::nullopt);
  EXPECT_EQ(member_text(k_json, "keys.x"), std::nullopt);
  EXPECT_EQ(member_text(k_json, "nothing"), std::nullopt);
}

TEST(JsonText, quotes_as_json) {
  EXPECT_EQ(json_string("a\"b\n"), R"("a\"b\n")");
  EXPECT_EQ(with_member(R"({"a":1})", "key", "k\""), R"({"a":1,"key":"k\""})");
}

}  // namespace
}  // namespace cr::crctl

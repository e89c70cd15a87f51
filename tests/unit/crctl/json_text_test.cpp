// SPDX-License-Identifier: MIT
#include "crctl/json_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

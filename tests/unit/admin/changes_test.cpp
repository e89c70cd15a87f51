// SPDX-License-Identifier: MIT
#include "admin/changes.h"

#include <gtest/gtest.h>

namespace cr::admin {
namespace {

TEST(Changes, name_what_differs) {
  const auto changes =
      changes_between(R"({"rev":1,"note":"","models":["a"],"priority":0,"enabled":true,"used":"1"})",
                      R"({"rev":2,"note":"x","models":["a","b"],"priority":0,"enabled":false,"used":"2"})");
  ASSERT_EQ(changes.size(), 3U);
  EXPECT_EQ(changes[0].field + ": " + changes[0].before + " -> " + changes[0].after, "note: none -> x");
  EXPECT_EQ(changes[1].field + ": " + changes[1].before + " -> " + changes[1].after, "models: a -> a,b");
  EXPECT_EQ(changes[2].field + ": " + changes[2].before + " -> " + changes[2].after, "enabled: yes -> no");
}

TEST(Changes, are_none_between_what_is_no_object) {
  EXPECT_TRUE(changes_between("not json", R"({"note":"x"})").empty());
  EXPECT_TRUE(changes_between(R"({"note":"x"})", "[]").empty());
}

}  // namespace
}  // namespace cr::admin

// SPDX-License-Identifier: MIT
#include "dialect/told.h"

#include <gtest/gtest.h>

#include <string>

namespace cr::dialect {
namespace {

TEST(Told, KeepsTheLastOfEachPointer) {
  Told told;
  EXPECT_EQ(told.text("/service_tier"), "");
  EXPECT_EQ(told.count("/usage/searches"), 0);
  EXPECT_FALSE(told.has_count("/usage/searches"));
  told.set_text("/service_tier", "auto");
  told.set_text("/service_tier", "priority");
  told.set_count("/usage/searches", 2);
  told.set_count("/usage/searches", 0);
  EXPECT_EQ(told.text("/service_tier"), "priority");
  EXPECT_EQ(told.count("/usage/searches"), 0);
  EXPECT_TRUE(told.has_count("/usage/searches"));
}

TEST(Told, AddsToCounts) {
  Told told;
  told.add_count("/output/web_search_call", 1);
  told.add_count("/output/web_search_call", 2);
  EXPECT_EQ(told.count("/output/web_search_call"), 3);
}

TEST(Told, IsBounded) {
  Told told;
  told.set_text("/long", std::string(Told::k_text_max + 1, 'x'));
  EXPECT_EQ(told.text("/long"), "");
  for (std::size_t i = 0; i < 2 * Told::k_most; ++i) told.set_count("/" + std::to_string(i), 1);
  EXPECT_EQ(told.counts().size(), Told::k_most);
}

}  // namespace
}  // namespace cr::dialect

// SPDX-License-Identifier: MIT
#include "provider/kinds/kind.h"

#include <gtest/gtest.h>

namespace cr::provider {
namespace {

TEST(Kinds, each_has_its_row_at_its_place_and_is_found_by_its_name) {
  ASSERT_EQ(kinds().size(), k_kinds.size());
  for (std::size_t at = 0; at < kinds().size(); ++at) {
    const auto& row = kinds()[at];
    EXPECT_EQ(static_cast<std::size_t>(row.kind), at);
    EXPECT_EQ(name_of(row.kind), row.name);
    EXPECT_EQ(find_kind(row.name)->kind, row.kind);
  }
  EXPECT_FALSE(find_kind("gopher"));
  EXPECT_FALSE(find_kind(""));
}

TEST(Kinds, only_what_answers_by_itself_needs_no_base_url) {
  EXPECT_TRUE(row_of(Kind::openai).needs_base_url);
  EXPECT_TRUE(row_of(Kind::anthropic).needs_base_url);
  EXPECT_FALSE(row_of(Kind::echo).needs_base_url);
  EXPECT_EQ(row_of(Kind::echo).usual_base_url, "");
}

TEST(Kinds, a_vendors_own_bound_field_is_for_its_own_host) {
  EXPECT_EQ(usual_bound_field(Kind::openai, "api.openai.com"), "max_completion_tokens");
  EXPECT_EQ(usual_bound_field(Kind::openai, "API.OpenAI.com"), "max_completion_tokens");
  EXPECT_EQ(usual_bound_field(Kind::openai, "api.example.com"), "max_tokens");
  EXPECT_EQ(usual_bound_field(Kind::openai, ""), "max_tokens");
  EXPECT_EQ(usual_bound_field(Kind::anthropic, "api.openai.com"), "max_tokens");
  EXPECT_EQ(usual_bound_field(Kind::echo, ""), "max_tokens");
}

}  // namespace
}  // namespace cr::provider

// SPDX-License-Identifier: MIT
#include "provider/kinds/known_hosts.h"

#include <gtest/gtest.h>

#include "provider/kinds/kind.h"

namespace cr::provider {
namespace {

TEST(KnownHosts, are_found_by_pattern_in_any_case) {
  EXPECT_EQ(find_known_host("api.example.com"), nullptr);
  EXPECT_EQ(find_known_host("openai.azure.com.example.com"), nullptr);
  ASSERT_NE(find_known_host("MyDeployment.OpenAI.azure.com"), nullptr);
  EXPECT_EQ(find_known_host("mydeployment.openai.azure.com")->bound_field, "max_completion_tokens");
  ASSERT_NE(find_known_host("api.mistral.ai"), nullptr);
  EXPECT_FALSE(find_known_host("api.mistral.ai")->takes_usage_wish);
}

TEST(KnownHosts, say_how_a_bound_is_called) {
  EXPECT_EQ(usual_bound_field(Kind::openai, "one.openai.azure.com"), "max_completion_tokens");
  EXPECT_EQ(usual_bound_field(Kind::openai, "api.mistral.ai"), "max_tokens");
}

}  // namespace
}  // namespace cr::provider

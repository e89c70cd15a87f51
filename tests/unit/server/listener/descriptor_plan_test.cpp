// SPDX-License-Identifier: MIT
#include "server/listener/descriptor_plan.h"

#include <gmock/gmock.h>

namespace cr::server::listener {
namespace {

using testing::AllOf;
using testing::HasSubstr;

TEST(DescriptorPlan, AsManyAsConfiguredWhereTheLimitAllowsThem) {
  const auto plan = plan_descriptors({65'536, 8, 2, 10'000});
  EXPECT_EQ(plan.connections_max, 10'000);
  EXPECT_EQ(plan.warning, "");
}

TEST(DescriptorPlan, HalfOfWhatIsLeftElseAndTheLimitThatWouldDo) {
  const auto plan = plan_descriptors({1'024, 2, 1, 10'000});
  EXPECT_EQ(plan.connections_max, (1'024 - (2 * 5 + 155)) / 2);
  EXPECT_THAT(plan.warning, AllOf(HasSubstr("connections_max is 10000"), HasSubstr("1024 open files allow 429"),
                                  HasSubstr("to 20165")));
  EXPECT_EQ(plan_descriptors({20'165, 2, 1, 10'000}).warning, "") << "what it says is enough";
  EXPECT_EQ(plan_descriptors({20'164, 2, 1, 10'000}).connections_max, 9'999);
}

TEST(DescriptorPlan, OneAtLeast) {
  for (const std::uint64_t limit : std::initializer_list<std::uint64_t>{0, 10, 64, 66}) {
    const auto plan = plan_descriptors({limit, 1, 1, 10'000});
    EXPECT_EQ(plan.connections_max, 1) << limit;
    EXPECT_NE(plan.warning, "") << limit;
  }
}

}  // namespace
}  // namespace cr::server::listener

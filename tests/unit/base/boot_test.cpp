// SPDX-License-Identifier: MIT
#include "base/boot.h"

#include <gtest/gtest.h>

namespace cr::base {
namespace {

TEST(Boot, identity_is_the_same_while_the_kernel_and_the_network_are) {
  const auto identity = boot_identity();
  EXPECT_EQ(identity, boot_identity());
  // A boot id is a UUID; the name of the namespace has its inode.
  ASSERT_GT(identity.size(), 36U);
  EXPECT_EQ(identity.substr(36, 6), " net:[");
}

TEST(Boot, clock_goes_forward) {
  const auto before = boot_ms();
  EXPECT_GT(before, 0);
  EXPECT_GE(boot_ms(), before);
}

}  // namespace
}  // namespace cr::base

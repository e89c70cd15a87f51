// SPDX-License-Identifier: MIT
#include "ledger/core/channel_kinds.h"

#include <gtest/gtest.h>

namespace cr::ledger {
namespace {

TEST(ChannelKinds, each_has_its_row_at_its_place_and_is_found_by_its_name) {
  for (std::size_t at = 0; at < k_channel_kinds.size(); ++at) {
    const auto& row = k_channel_kinds[at];
    EXPECT_EQ(static_cast<std::size_t>(row.kind), at);
    EXPECT_EQ(name_of(row.kind), row.name);
    EXPECT_EQ(find_channel_kind(row.name)->kind, row.kind);
  }
  EXPECT_FALSE(find_channel_kind("gopher"));
  EXPECT_FALSE(find_channel_kind(""));
}

}  // namespace
}  // namespace cr::ledger

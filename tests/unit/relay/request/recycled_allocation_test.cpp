// SPDX-License-Identifier: MIT
#include "relay/request/recycled_allocation.h"

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <vector>

namespace cr::relay::request {
namespace {

struct Plain : RecycledAllocation<Plain> {
  virtual ~Plain() = default;
  std::array<char, 600> bytes{};
};
struct Larger : Plain {
  std::array<char, 4000> more{};
};
struct Other : RecycledAllocation<Other> {
  std::array<char, 2000> bytes{};
};

TEST(RecycledAllocationTest, memory_of_the_last_object_is_used_again) {
  auto first = std::make_unique<Plain>();
  const void* const before = first.get();
  first.reset();
  const auto again = std::make_unique<Plain>();
  EXPECT_EQ(static_cast<const void*>(again.get()), before);
}

// Under the address sanitizer a place too small for its object is an error at the first write.
TEST(RecycledAllocationTest, objects_of_different_sizes_do_not_share_memory) {
  for (int round = 0; round < 3; ++round) {
    std::vector<std::unique_ptr<Plain>> plain;
    std::vector<std::unique_ptr<Other>> other;
    for (int i = 0; i < 300; ++i) {  // more than are kept
      plain.push_back(i % 2 == 0 ? std::make_unique<Plain>() : std::make_unique<Larger>());
      plain.back()->bytes.fill('p');
      if (i % 2 == 1) static_cast<Larger&>(*plain.back()).more.fill('l');
      other.push_back(std::make_unique<Other>());
      other.back()->bytes.fill('o');
    }
    for (int i = 0; i < 300; ++i) {
      const auto at = static_cast<std::size_t>(i);
      EXPECT_EQ(plain[at]->bytes.back(), 'p');
      EXPECT_EQ(other[at]->bytes.back(), 'o');
      if (i % 2 == 1) {
        EXPECT_EQ(static_cast<Larger&>(*plain[at]).more.back(), 'l');
      }
    }
  }
}

}  // namespace
}  // namespace cr::relay::request

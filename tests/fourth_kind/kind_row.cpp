// SPDX-License-Identifier: MIT
// The row that the fourth kind adds to k_kinds (provider/kinds/kind.h); stands in for provider/kinds/kinds.cpp.
#include <algorithm>

#include "provider/kinds/kind.h"

namespace cr::provider {

namespace {

constexpr std::array<KindRow, k_kinds.size() + 1> k_all_kinds = [] {
  std::array<KindRow, k_kinds.size() + 1> all;
  std::copy(k_kinds.begin(), k_kinds.end(), all.begin());
  all.back() = {.kind = static_cast<Kind>(k_kinds.size()), .name = "deployment"};
  return all;
}();

}  // namespace

std::span<const KindRow> kinds() {
  return k_all_kinds;
}

}  // namespace cr::provider

// SPDX-License-Identifier: MIT
// The row that the fourth kind adds to k_providers (provider/table.h); stands in for provider/of.cpp.
#include "provider/table.h"

namespace cr::provider {

extern const Provider k_deployment;

const Provider& of(Kind kind) {
  const auto place = static_cast<std::size_t>(kind);
  return place < k_providers.size() ? *k_providers[place] : k_deployment;
}

}  // namespace cr::provider

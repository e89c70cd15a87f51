// SPDX-License-Identifier: MIT
// A source of its own: a test's program links another, for a kind more.
#include "provider/table.h"

namespace cr::provider {

const Provider& of(Kind kind) {
  return *k_providers[static_cast<std::size_t>(kind)];
}

}  // namespace cr::provider

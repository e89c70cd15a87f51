// SPDX-License-Identifier: MIT
#include "provider/kinds/kind.h"

namespace cr::provider {

std::span<const KindRow> kinds() {
  return k_kinds;
}

}  // namespace cr::provider

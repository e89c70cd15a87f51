// SPDX-License-Identifier: MIT
// The names of a settlement's flags, as reports, the log of requests and the metrics write them.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "ledger/core/operations.h"

namespace cr::ledger {

struct FlagName {
  std::uint32_t flag;  // one bit of Flag
  std::string_view name;
};

// Every flag once, in the order of the bits. Any thread.
inline constexpr std::array<FlagName, 6> k_flag_names{{{k_estimated, "estimated"},
                                                       {k_unknown, "unknown"},
                                                       {k_in_doubt, "in_doubt"},
                                                       {k_unpriced, "unpriced"},
                                                       {k_clamped, "clamped"},
                                                       {k_told_cost, "told_cost"}}};

}  // namespace cr::ledger

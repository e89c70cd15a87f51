// SPDX-License-Identifier: MIT
// What marks the settlement of a request that crd made by itself: its probes, and an administrator's tests of channels.
// Such a one belongs to no token and no account, and reserves nothing: it is kept in a table of its own, and is in no
// usage.
#pragma once

#include "ledger/core/records.h"

namespace cr::ledger {

inline constexpr TokenId k_own_token{-1};

}  // namespace cr::ledger

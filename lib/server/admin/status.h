// SPDX-License-Identifier: MIT
// The one table from an Error's code to the HTTP status of the admin API. Pure, any thread.
#pragma once

#include "base/result.h"

namespace cr::server::admin {

inline constexpr int k_status_rev_mismatch = 412;  // a `conflict` with the If-Match of the request

int admin_status(base::ErrorCode code);

}  // namespace cr::server::admin

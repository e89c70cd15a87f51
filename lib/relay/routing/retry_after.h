// SPDX-License-Identifier: MIT
// What a provider's answer tells its reader to wait. Pure; any thread.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "base/clock.h"

namespace cr::relay::routing {

// Retry-After as seconds, which some give a fraction, or as a date (RFC 9110, 10.2.3); at most an hour.
std::optional<std::chrono::milliseconds> parse_retry_after(std::string_view value, base::Time now);
// How long an answer tells its reader to wait: by Retry-After, or by retry-after-ms, which OpenAI sends and SDKs read
// first; where both are there the shorter, since either may be obeyed. None if neither says more than "now".
std::optional<std::chrono::milliseconds> told_wait(std::optional<std::string_view> retry_after,
                                                   std::string_view retry_after_ms, base::Time now);

}  // namespace cr::relay::routing

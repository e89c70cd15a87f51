// SPDX-License-Identifier: MIT
// The two clocks. Wall time (expiry, rows) is milliseconds since 1970 UTC; steady time (deadlines) never steps.
#pragma once

#include <time.h>

#include <chrono>
#include <cstdint>

namespace cr::base {

using Time = std::chrono::sys_time<std::chrono::milliseconds>;
using SteadyTime = std::chrono::steady_clock::time_point;

// Wall clock now; goes where the system clock goes, backwards too. Any thread.
inline Time wall_now() {
  return std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
}
inline SteadyTime steady_now() {
  return std::chrono::steady_clock::now();
}
// steady_now() as the kernel last noted it: up to 10 ms old, and a fraction of the price. For deadlines that are looked
// at a few times a second.
inline SteadyTime coarse_now() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);  // steady_clock's own timeline: CLOCK_MONOTONIC
  return SteadyTime(std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec));
}

inline std::int64_t to_unix_ms(Time time) {
  return time.time_since_epoch().count();
}
inline Time from_unix_ms(std::int64_t ms) {
  return Time(std::chrono::milliseconds(ms));
}

}  // namespace cr::base

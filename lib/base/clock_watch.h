// SPDX-License-Identifier: MIT
// ClockWatch: finds that the wall clock was set, by a clock that nobody can set. One thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "base/clock.h"

namespace cr::base {

class ClockWatch {
 public:
  ClockWatch(Time wall, std::int64_t boot_ms) : ahead_(ahead_of(wall, boot_ms)) {}

  // By how much it was set since the last look, if it was: a clock that is slewed gains less in a while than that.
  std::optional<std::chrono::milliseconds> look(Time wall, std::int64_t boot_ms) {
    const auto ahead = ahead_of(wall, boot_ms);
    const auto step = ahead - ahead_;
    ahead_ = ahead;
    if (step < k_step && step > -k_step) return std::nullopt;
    return step;
  }

 private:
  static constexpr std::chrono::milliseconds k_step{1000};
  static std::chrono::milliseconds ahead_of(Time wall, std::int64_t boot_ms) {
    return std::chrono::milliseconds(to_unix_ms(wall) - boot_ms);
  }
  std::chrono::milliseconds ahead_;
};

}  // namespace cr::base

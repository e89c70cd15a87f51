// SPDX-License-Identifier: MIT
// RareLine: when a line that many can cause is written: at most one a minute, with how often it was due so far. Any
// thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

#include "base/clock.h"

namespace cr::base {

class RareLine {
 public:
  // Once more at `now`. The count so far where a line may be written of it.
  std::optional<std::uint64_t> count(SteadyTime now) {
    const auto total = total_.fetch_add(1, std::memory_order_relaxed) + 1;
    auto quiet_until = quiet_until_.load(std::memory_order_relaxed);
    if (now < quiet_until || !quiet_until_.compare_exchange_strong(quiet_until, now + k_quiet)) return std::nullopt;
    return total;
  }

 private:
  static constexpr std::chrono::minutes k_quiet{1};
  std::atomic<std::uint64_t> total_{0};
  std::atomic<SteadyTime> quiet_until_{SteadyTime()};
};

}  // namespace cr::base

// SPDX-License-Identifier: MIT
// StoreClock: the time of the store's host, which all nodes that share it go by: what is created, expires or begins a
// period is stamped and judged by it. Any thread.
#pragma once

#include <atomic>
#include <chrono>

#include "base/clock.h"

namespace cr::ledger {

class StoreClock {
 public:
  base::Time now() const {
    return base::wall_now() + std::chrono::milliseconds(ahead_ms_.load(std::memory_order_relaxed));
  }
  // What the store's clock is ahead of this machine's; 0 where it is the same.
  void set_ahead(std::chrono::milliseconds ahead) { ahead_ms_.store(ahead.count(), std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> ahead_ms_{0};
};

}  // namespace cr::ledger

// SPDX-License-Identifier: MIT
// AdminRate: so many calls in any minute, for the whole daemon. Thread-safe.
#pragma once

#include <cstddef>
#include <deque>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"

namespace cr::server::admin {

class AdminRate {
 public:
  explicit AdminRate(std::size_t each_minute_max) : each_minute_max_(each_minute_max) {}
  // Counts the call, or refuses it (`exhausted`) and says when the next one is possible. `what`: "keys may be copied".
  base::Result<void> take(std::string_view what, base::SteadyTime now);

 private:
  base::Mutex mutex_;
  const std::size_t each_minute_max_;
  std::deque<base::SteadyTime> taken_ CR_GUARDED_BY(mutex_);
};

}  // namespace cr::server::admin

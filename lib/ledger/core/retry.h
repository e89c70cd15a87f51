// SPDX-License-Identifier: MIT
// Retry: when a store that could not commit is tried again: at growing distances, up to a bound. A store whose only
// commits are those that try it is tried ever more seldom. Plain value, one thread.
#pragma once

#include <chrono>
#include <optional>

#include "base/clock.h"

namespace cr::ledger {

class Retry {
 public:
  static constexpr std::chrono::milliseconds k_first{50};
  static constexpr std::chrono::milliseconds k_longest{2000};

  void failed(base::SteadyTime now);
  bool committed();  // true: the first time since it failed

  bool is_failing() const { return at_.has_value(); }
  bool may_try(base::SteadyTime now) const { return !at_ || now >= *at_; }
  const std::optional<base::SteadyTime>& at() const { return at_; }  // the next try, while it fails

 private:
  std::optional<base::SteadyTime> at_;
  std::chrono::milliseconds back_off_{0};
  bool sound_ = true;  // it has committed something else since it was found to commit again
};

}  // namespace cr::ledger

// SPDX-License-Identifier: MIT
#include "ledger/core/retry.h"

#include <algorithm>
#include <utility>

namespace cr::ledger {

void Retry::failed(base::SteadyTime now) {
  if (!at_ && sound_) back_off_ = std::chrono::milliseconds(0);
  back_off_ = std::clamp(back_off_ * 2, k_first, k_longest);
  at_ = now + back_off_;
}

bool Retry::committed() {
  sound_ = !at_;
  return std::exchange(at_, std::nullopt).has_value();
}

}  // namespace cr::ledger

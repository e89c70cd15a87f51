// SPDX-License-Identifier: MIT
#include "server/admin/rate.h"

#include "base/text.h"

namespace cr::server::admin {

base::Result<void> AdminRate::take(std::string_view what, base::SteadyTime now) {
  constexpr std::chrono::minutes k_window{1};
  const base::MutexLock lock(mutex_);
  while (!taken_.empty() && now - taken_.front() >= k_window) taken_.pop_front();
  if (taken_.size() < each_minute_max_) {
    taken_.push_back(now);
    return {};
  }
  const auto wait = std::chrono::ceil<std::chrono::seconds>(taken_.front() + k_window - now);
  return base::fail(base::ErrorCode::exhausted,
                    std::string(what) + " " + std::to_string(each_minute_max_) + " times a minute",
                    "try again in " + base::format_duration(wait));
}

}  // namespace cr::server::admin

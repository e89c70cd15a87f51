// SPDX-License-Identifier: MIT
#include "relay/request/refusal_log.h"

#include <chrono>
#include <string>

namespace cr::relay::request {
namespace {

using dialect::RefusalCode;

std::int64_t second_of(base::SteadyTime time) {
  return std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count();
}

}  // namespace

RefusalLog::~RefusalLog() {
  const base::MutexLock lock(mutex_);
  write_left_out();
}

bool RefusalLog::admits(RefusalCode code, base::SteadyTime now) {
  const base::MutexLock lock(mutex_);
  begin_second(second_of(now));
  // Each of these is one too many by itself.
  if (code != RefusalCode::too_many_refusals && lines_ < k_lines_a_second) {
    ++lines_;
    return true;
  }
  ++left_out_[static_cast<std::size_t>(code)];
  any_left_out_.store(true, std::memory_order_relaxed);
  return false;
}

void RefusalLog::tell(base::SteadyTime now) {
  if (!any_left_out_.load(std::memory_order_relaxed)) return;
  const base::MutexLock lock(mutex_);
  begin_second(second_of(now));
}

void RefusalLog::begin_second(std::int64_t second) {
  if (second <= second_) return;
  second_ = second;
  lines_ = 0;
  write_left_out();
}

void RefusalLog::write_left_out() {
  if (!any_left_out_.exchange(false, std::memory_order_relaxed)) return;
  std::int64_t all = 0;
  std::string codes;
  for (std::size_t i = 0; i < left_out_.size(); ++i) {
    if (left_out_[i] == 0) continue;
    all += left_out_[i];
    if (!codes.empty()) codes += ' ';
    codes.append(dialect::row_of(static_cast<RefusalCode>(i)).name).append("=").append(std::to_string(left_out_[i]));
  }
  left_out_ = {};
  log_.warning("refusals were left out of the log", {{"requests", std::to_string(all)}, {"codes", codes}});
}

}  // namespace cr::relay::request

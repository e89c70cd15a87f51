// SPDX-License-Identifier: MIT
// RefusalLog: how many of the refusals have a line in the log: whoever can connect can be refused as often as he likes,
// and must not fill the disk. Of each second the first have theirs; how many others there were, by code, is one line
// when the second is over. Any thread; the times that it is given need not come in order.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "base/clock.h"
#include "base/log.h"
#include "base/mutex.h"
#include "dialect/refusal.h"

namespace cr::relay::request {

class RefusalLog {
 public:
  static constexpr std::int64_t k_lines_a_second = 100;

  explicit RefusalLog(base::Log& log) : log_(log) {}  // which outlives it
  ~RefusalLog();
  RefusalLog(const RefusalLog&) = delete;
  RefusalLog& operator=(const RefusalLog&) = delete;

  // Whether a refusal may have its line; if not, it is counted.
  bool admits(dialect::RefusalCode code, base::SteadyTime now);
  // Writes what was left out of a second that is over. To be called now and then.
  void tell(base::SteadyTime now);

 private:
  void begin_second(std::int64_t second) CR_REQUIRES(mutex_);
  void write_left_out() CR_REQUIRES(mutex_);

  base::Log& log_;
  base::Mutex mutex_;
  std::int64_t second_ CR_GUARDED_BY(mutex_) = -1;
  std::int64_t lines_ CR_GUARDED_BY(mutex_) = 0;
  std::array<std::int64_t, static_cast<std::size_t>(dialect::RefusalCode::internal_error) + 1> left_out_
      CR_GUARDED_BY(mutex_){};
  std::atomic<bool> any_left_out_{false};
};

}  // namespace cr::relay::request

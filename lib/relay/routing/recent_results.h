// SPDX-License-Identifier: MIT
// RecentResults: how a channel's last requests ended, and how long they took. Its owner locks it.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/clock.h"

namespace cr::relay::routing {

class RecentResults {
 public:
  static constexpr std::size_t k_most = 256;  // the oldest goes first

  enum class Kind : std::uint8_t {
    whole,
    failed,      // no answer, or one that broke off
    refused,     // the key was
    of_request,  // either, and the request itself may be why
  };
  struct Result {
    base::SteadyTime at{};
    Kind kind = Kind::whole;
    std::optional<std::int64_t> first_byte_ms, duration_ms;  // what was measured
  };
  void add(const Result& result);

  // Whether, of those of the last minute, so many in a hundred failed; false while they are fewer than `least`.
  bool fail_often(std::size_t least, std::size_t percent, base::SteadyTime now) const;

  struct Figures {
    std::size_t requests = 0;  // of so many
    std::optional<std::int64_t> p50_ms, first_byte_p50_ms;
    std::optional<int> error_percent;  // failed or refused; rounded up
  };
  Figures figures() const;

 private:
  struct Sample {
    base::SteadyTime at{};
    Kind kind = Kind::whole;
    std::int32_t first_byte_ms = -1, duration_ms = -1;  // -1: not measured
  };
  std::vector<Sample> samples_;
  std::size_t next_ = 0;  // the oldest, once there are k_most
};

}  // namespace cr::relay::routing

// SPDX-License-Identifier: MIT
#include "relay/routing/recent_results.h"

#include <algorithm>
#include <limits>

namespace cr::relay::routing {
namespace {

constexpr std::chrono::seconds k_share_window{60};

std::optional<std::int64_t> median(std::vector<std::int64_t>& values) {
  if (values.empty()) return std::nullopt;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

std::int32_t clamp_ms(std::optional<std::int64_t> ms) {
  if (!ms) return -1;
  return static_cast<std::int32_t>(std::clamp<std::int64_t>(*ms, 0, std::numeric_limits<std::int32_t>::max()));
}

}  // namespace

void RecentResults::add(const Result& result) {
  const Sample sample{result.at, result.kind, clamp_ms(result.first_byte_ms), clamp_ms(result.duration_ms)};
  if (samples_.size() < k_most) {
    samples_.push_back(sample);
    return;
  }
  samples_[next_] = sample;
  next_ = (next_ + 1) % k_most;
}

bool RecentResults::fail_often(std::size_t least, std::size_t percent, base::SteadyTime now) const {
  std::size_t all = 0, failed = 0;
  for (const auto& sample : samples_) {
    if (now - sample.at > k_share_window) continue;
    ++all;
    if (sample.kind == Kind::failed) ++failed;
  }
  return all >= least && failed * 100 >= all * percent;
}

RecentResults::Figures RecentResults::figures() const {
  std::vector<std::int64_t> durations, first_bytes;
  std::size_t errors = 0;
  for (const auto& sample : samples_) {
    if (sample.duration_ms >= 0) durations.push_back(sample.duration_ms);
    if (sample.first_byte_ms >= 0) first_bytes.push_back(sample.first_byte_ms);
    if (sample.kind != Kind::whole) ++errors;
  }
  Figures figures{samples_.size(), median(durations), median(first_bytes), {}};
  if (figures.requests > 0) {
    figures.error_percent = static_cast<int>((errors * 100 + figures.requests - 1) / figures.requests);
  }
  return figures;
}

}  // namespace cr::relay::routing

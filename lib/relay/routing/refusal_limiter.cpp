// SPDX-License-Identifier: MIT
#include "relay/routing/refusal_limiter.h"

#include <chrono>

namespace cr::relay::routing {
namespace {

std::int64_t second_of(base::SteadyTime time) {
  return std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count();
}

}  // namespace

void RefusalLimiter::refused(base::TokenId token, std::int64_t a_second, base::SteadyTime now) {
  if (a_second == 0) return;
  const auto second = second_of(now);
  Shard& shard = shard_of(token);
  const base::MutexLock lock(shard.mutex);
  // Workers read the clock before they get the lock: one may still be in the second before.
  if (second > shard.second) {
    shard.second = second;
    shard.refused.clear();
  }
  if (++shard.refused[token] >= a_second) last_over_.store(shard.second, std::memory_order_relaxed);
}

bool RefusalLimiter::over(base::TokenId token, std::int64_t a_second, base::SteadyTime now) {
  const auto second = second_of(now);
  if (a_second == 0 || last_over_.load(std::memory_order_relaxed) != second) return false;
  Shard& shard = shard_of(token);
  const base::MutexLock lock(shard.mutex);
  if (shard.second != second) return false;
  const auto found = shard.refused.find(token);
  return found != shard.refused.end() && found->second >= a_second;
}

}  // namespace cr::relay::routing

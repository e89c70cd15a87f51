// SPDX-License-Identifier: MIT
// RefusalLimiter: which tokens were refused so often in this second that no more of their requests is looked into. What
// is refused costs nobody anything but crd's time and disk, of which one token must not have all. Shared by all
// workers; pure over the times that it is given. Any thread; while no token is over, over() is one atomic load.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <unordered_map>

#include "base/clock.h"
#include "base/id.h"
#include "base/mutex.h"

namespace cr::relay::routing {

class RefusalLimiter {
 public:
  // A request of the token was refused. With `a_second` of them in this second the others are over; 0: never.
  void refused(base::TokenId token, std::int64_t a_second, base::SteadyTime now);
  bool over(base::TokenId token, std::int64_t a_second, base::SteadyTime now);

 private:
  static constexpr std::size_t k_shards = 64;
  struct Shard {
    base::Mutex mutex;
    std::int64_t second CR_GUARDED_BY(mutex) = -1;
    std::unordered_map<base::TokenId, std::int64_t> refused CR_GUARDED_BY(mutex);  // in that second
  };
  Shard& shard_of(base::TokenId token) { return shards_[static_cast<std::size_t>(token.value) % k_shards]; }

  std::array<Shard, k_shards> shards_;
  std::atomic<std::int64_t> last_over_{-1};  // the last second in which a token was
};

}  // namespace cr::relay::routing

// SPDX-License-Identifier: MIT
// RateLimiter: what tokens with rates did in the last minute and have running now. In memory alone: a refusal costs no
// row and no disk. Shared by all workers, so that a limit holds for the process; thread-safe, a short lock for each
// call. Any 60 seconds hold no more than the limit: what came counts until the tenth of a second it came in is a minute
// old.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/clock.h"
#include "base/mutex.h"
#include "ledger/core/records.h"
#include "relay/routing/refusal_limiter.h"

namespace cr::relay::routing {

// Amounts of the last minute. One thread.
class MinuteWindow {
 public:
  std::int64_t used(base::SteadyTime now);
  void add(base::SteadyTime now, std::int64_t amount);
  // Changes what was added at `when`; nothing if a minute has passed since.
  void correct(base::SteadyTime when, base::SteadyTime now, std::int64_t by);
  // How long until `amount` fits under `limit`: 0 = it does. `amount` at most `limit`.
  std::chrono::milliseconds wait_for(base::SteadyTime now, std::int64_t limit, std::int64_t amount);
  // How long until all of it has passed.
  std::chrono::milliseconds reset_in(base::SteadyTime now);
  bool empty(base::SteadyTime now) { return used(now) == 0 && slots_.empty(); }

 private:
  struct Slot {
    std::int64_t at = 0;  // in tenths of a second
    std::int64_t amount = 0;
  };
  void forget_past(base::SteadyTime now);
  std::deque<Slot> slots_;  // oldest first
  std::int64_t used_ = 0;
};

struct RateRefusal {
  enum class Limit { requests, tokens, at_once } limit = Limit::requests;
  std::chrono::milliseconds retry_after{0};
};

// For x-ratelimit-*; of each pair both or none.
struct RateStatus {
  std::optional<std::int64_t> limit_requests, limit_tokens;
  std::int64_t remaining_requests = 0, remaining_tokens = 0;
  std::chrono::milliseconds reset_requests{0}, reset_tokens{0};
};

// What one request has of its token's rates, until it gives it back.
struct RateShare {
  bool entered = false;
  std::int64_t charged = 0;  // model tokens
  base::SteadyTime charged_at;
};

class RateLimiter {
 public:
  using Limits = ledger::RateLimits;
  // A request comes: counted and running unless it is refused. Each one that was let in must leave().
  std::optional<RateRefusal> enter(base::TokenId token, const Limits& limits, base::SteadyTime now);
  void leave(base::TokenId token, base::SteadyTime now);
  // Whether enter() would refuse it; nothing is counted.
  std::optional<RateRefusal> look(base::TokenId token, const Limits& limits, base::SteadyTime now);
  // A question that crd answers by itself, such as for a balance: as many of them a minute as requests, counted apart.
  std::optional<RateRefusal> ask(base::TokenId token, const Limits& limits, base::SteadyTime now);
  // Model tokens it may use, by estimate; one that is over the limit by itself waits until nothing else was used.
  std::optional<RateRefusal> charge(base::TokenId token, const Limits& limits, std::int64_t amount,
                                    base::SteadyTime now);
  // What it used in truth: `by` more than it was charged at `when`.
  void correct(base::TokenId token, std::int64_t by, base::SteadyTime when, base::SteadyTime now);
  RateStatus status(base::TokenId token, const Limits& limits, base::SteadyTime now);
  // How often tokens are refused, whatever their rates.
  RefusalLimiter& refusals() { return refusals_; }

 private:
  static constexpr std::size_t k_shards = 64;
  struct State {
    MinuteWindow requests, tokens, questions;
    std::int64_t running = 0;
  };
  struct Shard {
    base::Mutex mutex;
    std::unordered_map<base::TokenId, State> states CR_GUARDED_BY(mutex);
    std::uint32_t calls CR_GUARDED_BY(mutex) = 0;
  };
  static std::optional<RateRefusal> refusal(State& state, const Limits& limits, base::SteadyTime now);
  template <class Use>
  auto with(base::TokenId token, base::SteadyTime now, Use use);

  std::array<Shard, k_shards> shards_;
  RefusalLimiter refusals_;
};

// "120ms", "6.5s", "1m30s": a duration as OpenAI writes x-ratelimit-reset-*.
std::string reset_text(std::chrono::milliseconds duration);

}  // namespace cr::relay::routing

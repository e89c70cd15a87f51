// SPDX-License-Identifier: MIT
#include "relay/routing/rate_limiter.h"

#include <algorithm>

namespace cr::relay::routing {

namespace {

using std::chrono::milliseconds;
using Tenths = std::chrono::duration<std::int64_t, std::deci>;

constexpr Tenths k_minute{600};
constexpr std::uint32_t k_calls_between_sweeps = 4096;

std::int64_t slot_of(base::SteadyTime time) {
  return std::chrono::floor<Tenths>(time.time_since_epoch()).count();
}

// When what came in a slot stops counting.
base::SteadyTime end_of(std::int64_t slot) {
  return base::SteadyTime(std::chrono::duration_cast<base::SteadyTime::duration>(Tenths(slot + 1) + k_minute));
}

milliseconds until(base::SteadyTime time, base::SteadyTime now) {
  return std::max(milliseconds(0), std::chrono::ceil<milliseconds>(time - now));
}

}  // namespace

void MinuteWindow::forget_past(base::SteadyTime now) {
  while (!slots_.empty() && end_of(slots_.front().at) <= now) {
    used_ -= slots_.front().amount;
    slots_.pop_front();
  }
}

std::int64_t MinuteWindow::used(base::SteadyTime now) {
  forget_past(now);
  return used_;
}

void MinuteWindow::add(base::SteadyTime now, std::int64_t amount) {
  forget_past(now);
  // Workers read the clock before they get the lock: a slot may be a moment older than the last one.
  const std::int64_t slot = slots_.empty() ? slot_of(now) : std::max(slot_of(now), slots_.back().at);
  if (slots_.empty() || slots_.back().at != slot) slots_.push_back({slot, 0});
  slots_.back().amount += amount;
  used_ += amount;
}

void MinuteWindow::correct(base::SteadyTime when, base::SteadyTime now, std::int64_t by) {
  forget_past(now);
  const auto found = std::lower_bound(slots_.begin(), slots_.end(), slot_of(when),
                                      [](const Slot& slot, std::int64_t at) { return slot.at < at; });
  if (found == slots_.end()) return;
  const std::int64_t change = std::max(by, -found->amount);
  found->amount += change;
  used_ += change;
}

milliseconds MinuteWindow::wait_for(base::SteadyTime now, std::int64_t limit, std::int64_t amount) {
  std::int64_t over = used(now) + amount - limit;
  for (const Slot& slot : slots_) {
    if (over <= 0) break;
    over -= slot.amount;
    if (over <= 0) return std::max(milliseconds(1), until(end_of(slot.at), now));
  }
  return milliseconds(0);
}

milliseconds MinuteWindow::reset_in(base::SteadyTime now) {
  forget_past(now);
  return slots_.empty() ? milliseconds(0) : until(end_of(slots_.back().at), now);
}

template <class Use>
auto RateLimiter::with(base::TokenId token, base::SteadyTime now, Use use) {
  Shard& shard = shards_[static_cast<std::size_t>(token.value) % k_shards];
  const base::MutexLock lock(shard.mutex);
  if (++shard.calls >= k_calls_between_sweeps) {
    shard.calls = 0;
    for (auto place = shard.states.begin(); place != shard.states.end();) {
      State& state = place->second;
      const bool idle =
          state.running == 0 && state.requests.empty(now) && state.tokens.empty(now) && state.questions.empty(now);
      place = idle ? shard.states.erase(place) : std::next(place);
    }
  }
  return use(shard.states[token]);
}

std::optional<RateRefusal> RateLimiter::refusal(State& state, const Limits& limits, base::SteadyTime now) {
  using Limit = RateRefusal::Limit;
  if (limits.requests_per_minute) {
    const auto wait = state.requests.wait_for(now, *limits.requests_per_minute, 1);
    if (wait.count() > 0) return RateRefusal{Limit::requests, wait};
  }
  if (limits.tokens_per_minute) {
    const auto wait = state.tokens.wait_for(now, *limits.tokens_per_minute, 1);
    if (wait.count() > 0) return RateRefusal{Limit::tokens, wait};
  }
  // When one of them ends nobody knows: a second is a try.
  if (limits.requests_at_once && state.running >= *limits.requests_at_once)
    return RateRefusal{Limit::at_once, milliseconds(1000)};
  return std::nullopt;
}

std::optional<RateRefusal> RateLimiter::enter(base::TokenId token, const Limits& limits, base::SteadyTime now) {
  return with(token, now, [&](State& state) {
    auto refused = refusal(state, limits, now);
    if (refused) return refused;
    ++state.running;
    state.requests.add(now, 1);
    return refused;
  });
}

std::optional<RateRefusal> RateLimiter::look(base::TokenId token, const Limits& limits, base::SteadyTime now) {
  return with(token, now, [&](State& state) { return refusal(state, limits, now); });
}

void RateLimiter::leave(base::TokenId token, base::SteadyTime now) {
  with(token, now, [](State& state) { return --state.running; });
}

std::optional<RateRefusal> RateLimiter::ask(base::TokenId token, const Limits& limits, base::SteadyTime now) {
  if (!limits.requests_per_minute) return std::nullopt;
  return with(token, now, [&](State& state) -> std::optional<RateRefusal> {
    const auto wait = state.questions.wait_for(now, *limits.requests_per_minute, 1);
    if (wait.count() > 0) return RateRefusal{RateRefusal::Limit::requests, wait};
    state.questions.add(now, 1);
    return std::nullopt;
  });
}

std::optional<RateRefusal> RateLimiter::charge(base::TokenId token, const Limits& limits, std::int64_t amount,
                                               base::SteadyTime now) {
  return with(token, now, [&](State& state) -> std::optional<RateRefusal> {
    if (limits.tokens_per_minute) {
      const auto wait =
          state.tokens.wait_for(now, *limits.tokens_per_minute, std::min(amount, *limits.tokens_per_minute));
      if (wait.count() > 0) return RateRefusal{RateRefusal::Limit::tokens, wait};
    }
    state.tokens.add(now, amount);
    return std::nullopt;
  });
}

void RateLimiter::correct(base::TokenId token, std::int64_t by, base::SteadyTime when, base::SteadyTime now) {
  with(token, now, [&](State& state) {
    state.tokens.correct(when, now, by);
    return 0;
  });
}

RateStatus RateLimiter::status(base::TokenId token, const Limits& limits, base::SteadyTime now) {
  return with(token, now, [&](State& state) {
    RateStatus status;
    status.limit_requests = limits.requests_per_minute;
    status.limit_tokens = limits.tokens_per_minute;
    status.remaining_requests =
        std::max<std::int64_t>(0, limits.requests_per_minute.value_or(0) - state.requests.used(now));
    status.remaining_tokens = std::max<std::int64_t>(0, limits.tokens_per_minute.value_or(0) - state.tokens.used(now));
    status.reset_requests = state.requests.reset_in(now);
    status.reset_tokens = state.tokens.reset_in(now);
    return status;
  });
}

std::string reset_text(milliseconds duration) {
  const auto ms = duration.count();
  if (ms < 1000) return std::to_string(ms) + "ms";
  std::string text = ms >= 60'000 ? std::to_string(ms / 60'000) + "m" : std::string();
  const auto rest = ms % 60'000;
  text += std::to_string(rest / 1000);
  if (rest % 1000 >= 100) text += "." + std::to_string(rest % 1000 / 100);
  return text + "s";
}

}  // namespace cr::relay::routing

// SPDX-License-Identifier: MIT
// CircuitBreaker: which channels may be sent a request now, and with which of their keys. It learns from real requests:
// one that finds a channel due after its cool-down is the probe; and from what an operator's test proves good.
// Thread-safe: one lock, held for a moment, and not taken by a look or the claim of an only key while nothing is wrong.
// Lives as long as the process, so that a reload changes nothing; an edit of a channel (a new rev) gives it a fresh
// start, but for its figures. Deleted channels leave.
//
// A breaker a channel: opens after failures in a row, when failures are a large share of the last minute, or at the
// first that comes with a Retry-After; its cool-down doubles from probe to probe, and is that Retry-After where there
// is one. Beside it each key has its own troubles: limited (429) or not allowed (403) for one model, refused (401, 402)
// for all.
//
// A probe is alone for a second at most: how long its answer takes says nothing of the channel. After that others are
// let in; a good head of any of them ends the trouble, and a failure of any begins it anew, once.
//
// Times are exact ones (base::steady_now): whoever comes back when he was told to is not refused for a clock's grain.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "ledger/core/directory.h"
#include "relay/policy/settings.h"
#include "relay/routing/recent_results.h"

namespace cr::relay::routing {

// What may be sent to a channel for one model of it.
struct Availability {
  enum class State {
    ready,
    due,           // its cool-down is over: the next request is the probe, or one of those let in after it
    cooling,       // after failures, until `until`; or some keys are refused and the others limited
    limited,       // the provider limits every key, for this model, until `until` at least
    keys_refused,  // the provider refuses every key, until `until` at least
  } state = State::ready;
  base::SteadyTime until{};
  bool may_send() const { return state == State::ready || state == State::due; }
};

// The right to send one request. Every claim is answered by one report().
struct Claim {
  base::ChannelId channel;
  std::int64_t rev = 0;
  std::uint32_t key = 0;   // index into the channel's keys
  std::string_view model;  // the upstream's name; the claimer keeps it alive
  bool probe = false;
  base::SteadyTime at{};
};

// How a claimed request went, by its answer's head (or for want of one).
struct Observation {
  enum class Kind {
    answered,      // also with an error that blames the request
    failed,        // unreachable, out of time, broken, 5xx
    rate_limited,  // 429
    key_refused,   // 401, 402, 403
    abandoned,     // the client left first: says nothing of the channel
  } kind = Kind::answered;
  int status = 0;           // of the answer; 0 = there was none
  std::string_view what{};  // for failed without a status: "could not be reached"; a literal
  std::optional<std::chrono::milliseconds> retry_after{};
};

// What a report changed that an operator should hear of.
struct BreakerChange {
  enum class Kind { none, set_aside, back, key_refused } kind = Kind::none;
  std::chrono::milliseconds cool_down{0};
};

struct BreakerView {
  Availability::State state = Availability::State::ready;
  std::optional<std::chrono::milliseconds> wait;  // until the next probe
  std::string reason;                             // "answered 503"; empty if nothing is wrong
  std::size_t keys_aside = 0;                     // refused for all models
  RecentResults::Figures recent;
};

class CircuitBreaker {
 public:
  void use(const policy::HealthLimits& limits);

  Availability look(const ledger::ChannelRecord& channel, std::string_view model, base::SteadyTime now);
  // Keys take turns, unless it must be `key`. Nothing if the channel, or that key, may not be sent a request (any
  // more).
  std::optional<Claim> claim(const ledger::ChannelRecord& channel, std::string_view model, base::SteadyTime now,
                             std::optional<std::uint32_t> key = std::nullopt);
  BreakerChange report(const Claim& claim, const Observation& observation, base::SteadyTime now);
  // An answer is over: whole, or broken off by the upstream.
  enum class Finish { whole, broken };
  BreakerChange finished(const Claim& claim, Finish finish, std::optional<std::int64_t> first_byte_ms,
                         std::int64_t duration_ms, base::SteadyTime now);

  BreakerView view(const ledger::ChannelRecord& channel, base::SteadyTime now);
  // Why a channel may not be sent a request for this model; empty if it may.
  std::string reason(const ledger::ChannelRecord& channel, std::string_view model, base::SteadyTime now);
  // A test's request for `model` was answered well with `key`: what is held against the channel as a whole is
  // forgotten, and what is held against this key for all models or for this one. Other keys and models were not tried.
  void proved_good(const ledger::ChannelRecord& channel, std::uint32_t key, std::string_view model);
  // Forgets the channels that are not in `directory`: once some were deleted. What a request that still runs reports of
  // such a one is remembered until the next time.
  void keep_only(const ledger::Directory& directory);
  std::size_t size() const;  // how many channels something is remembered of

 private:
  struct Trouble {  // of one key, for one model or (refused with 401 or 402) for all
    std::string model;
    bool refused = false;
    int status = 0;
    base::SteadyTime since{}, until{};
    base::SteadyTime probe_until{};  // somebody's probe is alone; past: others may go too
    std::uint32_t step = 0;
    bool is_probed(base::SteadyTime now) const { return until <= now && now < probe_until; }
  };
  struct Channel {
    std::int64_t rev = 0;
    std::vector<std::vector<Trouble>> keys;  // each key's; one entry where the channel has no key
    std::uint32_t next_key = 0;
    bool open = false;
    base::SteadyTime open_since{}, open_until{}, probe_until{};
    std::optional<base::SteadyTime> closed_at;  // last, by a probe
    std::uint32_t step = 0;
    std::uint32_t in_a_row = 0;         // without an answer
    std::uint32_t broken_in_a_row = 0;  // answers that began, and broke off
    std::string why;
    RecentResults recent;
    bool troubled = false;
  };

  Channel& channel_of(const ledger::ChannelRecord& record) CR_REQUIRES(mutex_) {
    return at_rev(record.id, record.rev, record.keys.size());
  }
  Channel& at_rev(base::ChannelId id, std::int64_t rev, std::size_t keys) CR_REQUIRES(mutex_);
  static const Trouble* find_trouble(const std::vector<Trouble>& troubles, std::string_view model);
  Availability availability(const Channel& channel, std::string_view model, base::SteadyTime now) const
      CR_REQUIRES(mutex_);
  // Whether a claim was made to find out about this trouble, and not about an earlier one.
  static bool is_probe_of(const Channel& channel, const Claim& claim);
  static bool is_probe_of(const Trouble& trouble, const Claim& claim);
  static void leave_to_the_next(Channel& channel, const Claim& claim, base::SteadyTime now);
  BreakerChange fail(Channel& channel, bool probe, const Observation& observation, base::SteadyTime now)
      CR_REQUIRES(mutex_);
  BreakerChange put_key_aside(Channel& channel, const Claim& claim, const Observation& observation,
                              base::SteadyTime now) CR_REQUIRES(mutex_);
  BreakerChange clear(Channel& channel, const Claim& claim, base::SteadyTime now) CR_REQUIRES(mutex_);
  void open(Channel& channel, const Observation& observation, base::SteadyTime now) CR_REQUIRES(mutex_);
  void note_trouble(Channel& channel) CR_REQUIRES(mutex_);
  std::chrono::milliseconds cool_down(std::uint32_t step) const CR_REQUIRES(mutex_);

  mutable base::Mutex mutex_;
  policy::HealthLimits limits_ CR_GUARDED_BY(mutex_);
  std::unordered_map<base::ChannelId, Channel> channels_ CR_GUARDED_BY(mutex_);
  // How many channels have something held against them: while none has, looks, and claims of an only key, take no lock.
  std::atomic<std::int64_t> troubled_{0};
};

}  // namespace cr::relay::routing

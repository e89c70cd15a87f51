// SPDX-License-Identifier: MIT
// CircuitBreaker: which channels may be sent a request now, and with which of their keys. It learns from real requests:
// one that finds a channel due after its cool-down is the probe; and from what an operator's test proves good.
// Thread-safe: one lock, held for a moment, and not taken by a look or the claim of an only key while nothing is wrong.
// Lives as long as the process, so that a reload changes nothing; an edit of a channel (a new rev) gives it a fresh
// start, but for its figures. Deleted channels leave.
//
// A breaker a channel: opens after failures in a row, when failures are a large share of the last minute, or at the
// first that comes with a Retry-After; its cool-down doubles from probe to probe, and is that Retry-After where there
// is one. Beside it each key has its own troubles: limited (429) or not allowed (403) for one model, refused (401, 402,
// out of credit) for all.
//
// What may be said of one request alone (Observation::of_request) is believed of its token only so far as that one is
// led elsewhere. For all it counts where crd's own smallest request fails, too: at most one a minute and channel, asked
// for by wants_probe and reported to probed(); or where enough tokens agree (token_results.h). A channel that is shut
// by tokens' words may still be tried, where no other is left, for a token that saw no failure itself.
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
#include "relay/routing/asker_troubles.h"
#include "relay/routing/channel_health.h"
#include "relay/routing/recent_results.h"
#include "relay/routing/token_results.h"

namespace cr::relay::routing {

struct BreakerView {
  Availability::State state = Availability::State::ready;
  std::optional<std::chrono::milliseconds> wait;  // until the next probe
  std::string reason;                             // "answered 503"; empty if nothing is wrong
  std::size_t keys_aside = 0;                     // refused for all models
  std::size_t keys_without_credit = 0;            // of those, by their account's lack of it
  RecentResults::Figures recent;
};

class CircuitBreaker {
 public:
  void use(const policy::HealthLimits& limits);

  Availability look(const ledger::ChannelRecord& channel, std::string_view model, base::SteadyTime now,
                    const Asker& asker = {});
  // Keys take turns, unless it must be one. Nothing if the channel, or that key, may not be sent a request (any more).
  std::optional<Claim> claim(const ledger::ChannelRecord& channel, std::string_view model, base::SteadyTime now,
                             const ClaimFor& wanted = {});
  BreakerChange report(const Claim& claim, const Observation& observation, base::SteadyTime now);
  // How crd's own request went that wants_probe asked for: it is believed at once. An answer that blames the request
  // itself says nothing, and is not reported.
  BreakerChange probed(const ledger::ChannelRecord& channel, std::uint32_t key, std::string_view model,
                       const Observation& observation, base::SteadyTime now);
  // An answer is over: whole, whole and an error, or broken off by the upstream.
  enum class Finish { whole, error, broken };
  BreakerChange finished(const Claim& claim, Finish finish, std::optional<std::int64_t> first_byte_ms,
                         std::int64_t duration_ms, base::SteadyTime now);

  BreakerView view(const ledger::ChannelRecord& channel, base::SteadyTime now);
  // Why a channel may not be sent a request for this model; empty if it may.
  std::string reason(const ledger::ChannelRecord& channel, std::string_view model, base::SteadyTime now,
                     const Asker& asker = {});
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
    bool out_of_credit = false;
    int status = 0;
    base::SteadyTime since{}, until{};
    base::SteadyTime probe_until{};  // somebody's probe is alone; past: others may go too
    std::uint32_t step = 0;
    bool by_words = false;  // of tokens; crd's own request has not confirmed it
    bool is_probed(base::SteadyTime now) const { return until <= now && now < probe_until; }
    base::SteadyTime end(base::SteadyTime now) const { return is_probed(now) ? probe_until : until; }
    bool keeps_off(base::SteadyTime now) const { return until > now || is_probed(now); }
    // A refusal of this kind costs nothing; but 401 is beyond doubt, and a limit says itself when it ends.
    bool as_last(base::SteadyTime now) const { return !keeps_off(now) || by_words || (refused && status != 401); }
  };
  struct Channel {
    std::int64_t rev = 0;
    std::vector<std::vector<Trouble>> keys;  // each key's; one entry where the channel has no key
    std::uint32_t next_key = 0;
    bool open = false;
    bool by_words = false;  // it is open by what tokens saw; crd's own request has not confirmed it
    base::SteadyTime open_since{}, open_until{}, probe_until{};
    std::optional<base::SteadyTime> own_probe_at;
    std::optional<base::SteadyTime> closed_at;  // last, by a probe
    std::uint32_t step = 0;
    std::uint32_t in_a_row = 0;         // without an answer
    std::uint32_t broken_in_a_row = 0;  // answers that began, and broke off
    std::string why;
    RecentResults recent;
    TokenResults tokens;
    AskerTroubles askers;
    bool troubled = false;
  };
  // A key of a channel for one asker and model: what keeps it from him.
  struct KeyState {
    const Trouble* trouble = nullptr;
    const AskerTroubles::Trouble* of_asker = nullptr;
    base::SteadyTime until{};  // of both, the later; past: nothing does
    bool as_last = false;
  };

  Channel& channel_of(const ledger::ChannelRecord& record) CR_REQUIRES(mutex_) {
    return at_rev(record.id, record.rev, record.keys.size());
  }
  Channel& at_rev(base::ChannelId id, std::int64_t rev, std::size_t keys) CR_REQUIRES(mutex_);
  static const Trouble* find_trouble(const std::vector<Trouble>& troubles, std::string_view model);
  static KeyState key_state(const Channel& channel, std::uint32_t key, std::string_view model, const Asker& asker,
                            base::SteadyTime now);
  Availability availability(const Channel& channel, std::string_view model, const Asker& asker,
                            base::SteadyTime now) const CR_REQUIRES(mutex_);
  BreakerChange weigh(Channel& channel, const Claim& claim, const Observation& observation, base::SteadyTime now)
      CR_REQUIRES(mutex_);
  void hold_against_asker(Channel& channel, const Claim& claim, const Observation& observation, base::SteadyTime now)
      CR_REQUIRES(mutex_);
  BreakerChange set_aside(Channel& channel, const Observation& observation, base::SteadyTime now) CR_REQUIRES(mutex_);
  BreakerChange finished_for(Channel& channel, const Claim& claim, Finish finish, base::SteadyTime now)
      CR_REQUIRES(mutex_);
  void forgive(Channel& channel, std::uint32_t key, std::string_view model) CR_REQUIRES(mutex_);
  // Whether a claim was made to find out about this trouble, and not about an earlier one.
  static bool is_probe_of(const Channel& channel, const Claim& claim);
  static bool is_probe_of(const Trouble& trouble, const Claim& claim);
  static void leave_to_the_next(Channel& channel, const Claim& claim, base::SteadyTime now);
  BreakerChange fail(Channel& channel, bool probe, const Observation& observation, base::SteadyTime now)
      CR_REQUIRES(mutex_);
  BreakerChange put_key_aside(Channel& channel, const Claim& claim, const Observation& observation,
                              base::SteadyTime now) CR_REQUIRES(mutex_);
  BreakerChange clear(Channel& channel, const Claim& claim, base::SteadyTime now) CR_REQUIRES(mutex_);
  static BreakerChange close(Channel& channel, base::SteadyTime now);
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

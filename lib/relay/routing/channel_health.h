// SPDX-License-Identifier: MIT
// What the circuit breaker says of a channel (Availability), gives out (Claim) and is told (Observation). Plain values,
// any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/clock.h"
#include "base/id.h"
#include "relay/routing/asker.h"

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
  // Where no other channel is left it is tried rather than refused: what keeps it from this asker is nothing that his
  // request alone may not be the reason of, or an answer that costs nothing.
  bool as_last = false;
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
  Asker asker{};
};

// What a claim is made for. `key`: of the channel's, no other will do. `as_last`: where Availability::as_last says so,
// too.
struct ClaimFor {
  Asker asker{};
  std::optional<std::uint32_t> key{};
  bool as_last = false;
};

// How a claimed request went, by its answer's head (or for want of one).
struct Observation {
  enum class Kind {
    answered,      // also with an error that blames the request
    failed,        // unreachable, out of time, broken, 5xx
    rate_limited,  // 429
    key_refused,   // 401, 402, 403, or its account has no credit
    abandoned,     // the client left first: says nothing of the channel
  } kind = Kind::answered;
  int status = 0;           // of the answer; 0 = there was none
  std::string_view what{};  // for failed without a status: "could not be reached"; a literal
  std::optional<std::chrono::milliseconds> retry_after{};
  bool of_request = false;     // this one request may be the reason: whatever came once all of it was sent, but 401
  bool out_of_credit = false;  // of a key that is refused: its account's, whatever the status
};

// What a report changed that an operator should hear of.
struct BreakerChange {
  enum class Kind { none, set_aside, back, key_refused } kind = Kind::none;
  std::chrono::milliseconds cool_down{0};
  bool wants_probe = false;  // only crd's own request can tell whether the channel is to blame
};

}  // namespace cr::relay::routing

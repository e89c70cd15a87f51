// SPDX-License-Identifier: MIT
// What an attempt at a provider came to, decided from plain facts: what was sent, what came, and who is to blame. Pure;
// any thread.
#pragma once

#include <chrono>
#include <optional>

#include "base/result.h"
#include "dialect/provider_error.h"
#include "dialect/refusal.h"
#include "http/client/upstream.h"
#include "relay/request/learnt_edits.h"
#include "relay/request/priced_request.h"
#include "relay/routing/circuit_breaker.h"

namespace cr::relay::request {

struct AttemptResult {
  enum class Kind {
    opened,       // a response has begun
    try_another,  // nobody worked on it: what is reserved is whole
    rewritten,    // what crd wrote was refused: the same route is tried with what was learnt
    stale,        // a kept connection was closed before a byte came back: the same route may be tried on a new one
    lost,         // the request was sent and no response came: it may have been worked on
    spent,        // final: what is reserved carries no other attempt, or none can help
  } kind = Kind::opened;
  dialect::Refusal refusal{};  // what the client is told, if no other attempt follows
  // Of a stale or lost one that had taken the whole request: for how long.
  std::optional<std::chrono::milliseconds> sent_for{};
  // Of a rewritten one: an output bound for this request alone.
  std::optional<std::int64_t> bound_most{};
  bool maybe_done = false;  // lost, and nobody cancelled it: all that was asked for may have been done
};

// A result, and what it says of the channel.
struct Ruling {
  AttemptResult result;
  routing::Observation observation;
  bool unreadable = false;  // the response's coding is why it is not passed on
};

// No connection came about. `exhausted`: this machine had nothing left to make one with, and no channel is to blame.
Ruling rule_on_unconnected(const base::Error& error, bool client_gone);

// No response came.
struct Unanswered {
  http::client::AnswerOutcome outcome = http::client::AnswerOutcome::closed;
  bool kept = false;   // the connection had been used before
  bool began = false;  // some of the request was sent
  bool sent = false;   // all of it
  bool client_gone = false;
  bool streamed = false;                           // the request is a form that is passed on while it comes
  bool stalled = false;                            // the channel stopped reading it
  const dialect::Refusal* form_refusal = nullptr;  // its rest was refused
};
Ruling rule_on_unanswered(const Unanswered& facts);

// A response's head came. `last`: no other channel is left. `readable`: its body is in no coding, or in one that can be
// undone here. `said`: by its body, where says_why(). Of an opened response: the status is the client's, too.
Ruling rule_on_head(int status, bool last, bool readable, const dialect::ProviderError& said = {});
// A refusal of what crd itself wrote into the request; `lesson` is of ours. `may_rewrite`: it can be sent once more.
Ruling rule_on_own_edit(int status, const Lesson& lesson, bool may_rewrite);
// Whether an error's body is read before it is decided what becomes of the request.
bool says_why(int status);
// Whether the provider's word on how long to wait belongs in that observation.
bool tells_wait(const routing::Observation& observation);

// What of a request is counted for an attempt that nobody got a response of; none where nobody worked on it.
// `output_rate`: model tokens a second that one response of the provider has at most.
std::optional<dialect::Usage> lost_usage(const AttemptResult& result, const PricedRequest& request,
                                         std::int64_t output_rate);

}  // namespace cr::relay::request

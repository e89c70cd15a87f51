// SPDX-License-Identifier: MIT
// settlement(): the ledger's row of a request that has ended. Every way in which a request can end is an Outcome, and
// what the ledger gets to know of it is decided here and nowhere else. Pure; any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/clock.h"
#include "dialect/meter.h"
#include "dialect/refusal.h"
#include "ledger/core/operations.h"
#include "relay/request/priced_request.h"

namespace cr::relay::request {

// What attempts used that were sent and whose response nobody got: each is charged for itself.
struct Lost {
  dialect::Usage usage;
  base::Credits cost;
};

// The last attempt of a request, as far as it has come. The views are the caller's.
struct LastAttempt {
  const ledger::ChannelRecord* channel = nullptr;  // none: no provider was asked
  std::optional<std::uint32_t> key{};              // of the channel's
  std::string_view upstream_model{};
  std::string_view upstream_request_id{};
  // Its response; none: no response was passed on.
  const dialect::Meter* meter = nullptr;
  bool passed_error = false;       // it is the provider's own error
  std::uint64_t unread_bytes = 0;  // of it, that the meter could not read
  std::optional<std::int64_t> first_byte_ms{};
  base::SteadyTime sent_at{};    // all of the request
  std::int64_t output_rate = 0;  // model tokens a second that its response has at most
};

// What is known of a request when nothing more will come of it. The views are the caller's.
struct Outcome {
  enum class End {
    whole,        // the response came whole, or nobody waited for the rest of it
    broke_off,    // the provider ended it early
    fell_silent,  // the provider did not go on in time
    refused,      // there is no response: `refused` says why
  };

  End end = End::whole;
  std::optional<dialect::RefusalCode> refused{};
  bool client_gone = false;
  // Where it ended before its response did: how long the provider has been at it.
  std::optional<std::chrono::milliseconds> worked_for{};
  bool known = true;         // else nobody knows whose it was
  bool form_failed = false;  // the rest of a form was refused after a provider had been asked

  const PricedRequest& request;
  ledger::RequestFacts facts{};
  base::Credits reserved{};
  int status = 0;            // what the client got
  std::string_view error{};  // error.code of it

  LastAttempt attempt{};
  const ledger::GroupRecord* group = nullptr;  // of its route
  std::optional<Lost> lost{};                  // attempts before it

  std::int64_t duration_ms = 0;
};

ledger::Settlement settlement(Outcome outcome);

// What it leaves in the ledger: its row; its row if it is among the first of its kind, and a count; or a count alone.
// Nobody's request leaves no row, nor does what a rate refuses; and what reserves nothing is not queued for a store
// that cannot be written.
enum class Trace { row, first_rows, count };
Trace trace_of(const Outcome& outcome, bool store_admits);

}  // namespace cr::relay::request

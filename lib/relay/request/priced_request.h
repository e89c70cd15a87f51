// SPDX-License-Identifier: MIT
// PricedRequest: a request and the price it is charged by: how much it can come to, what it is estimated to have used
// where nobody told, and what a usage costs. A view: the scan and the reservation are the caller's. Pure; any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "billing/cost.h"
#include "billing/reservation.h"
#include "dialect/meter.h"
#include "dialect/request_scan.h"
#include "ledger/core/operations.h"
#include "ledger/core/records.h"
#include "relay/policy/settings.h"

namespace cr::relay::request {

// The request names no bound of its own, and can be given none on this channel (its setting).
bool writes_no_bound(const ledger::ChannelRecord& channel, dialect::Endpoint endpoint,
                     const dialect::RequestScan& scan);

// Whether the provider's work at a stream ends with its connection, as nearly everywhere (the channel's setting).
bool is_ended_by_closing(const ledger::ChannelRecord& channel);

struct PricedRequest {
  const dialect::RequestScan& scan;
  dialect::Endpoint endpoint = dialect::Endpoint::chat_completions;
  const ledger::PriceRecord* price = nullptr;             // none: nothing is charged
  billing::Multiplier multiplier{};                       // of the group that the request goes by
  const ledger::ChannelRecord* channel = nullptr;         // that it goes by
  std::uint64_t body_bytes = 0;                           // of a form that has not come whole, what it may come to
  std::uint64_t told_bytes = 0;                           // of a form: what came, or what its head announced
  const billing::ReservationSize* reservation = nullptr;  // none: nothing is reserved for it

  bool is_form() const { return dialect::takes_form(endpoint); }
  bool is_charged() const { return price != nullptr && !dialect::is_free(endpoint); }

  // What its ceiling depends on, whichever route it goes; and the ceiling of this one. Nothing: it has parts whose cost
  // has no known bound. The latter needs a price.
  billing::RequestTerms terms(ledger::WhenLow when_low, const policy::CreditSettings& settings) const;
  std::optional<billing::RouteCeiling> ceiling(const billing::RequestTerms& terms) const;
  std::optional<dialect::Usage> units_ceiling() const;
  // What the price's rules go by. `told`: of the response, if there is one.
  billing::Circumstances circumstances(const dialect::Told* told = nullptr) const;

  // What the provider told of its response; what it did not tell is estimated, and flagged (ledger::Flag).
  dialect::Usage used(const dialect::Meter& meter, std::uint64_t unread_bytes, std::uint32_t& flags) const;
  // Of an attempt that was sent and not answered: its input, which the provider may have read; where it is reserved
  // for, all that was reserved.
  dialect::Usage unanswered() const;
  // Of an attempt that was sent and that the provider ended: all it can have made until then, and in the time it may
  // take to notice that; at most all that the request allows.
  dialect::Usage made_in(std::chrono::milliseconds since_sent, std::int64_t output_rate) const;
  // Of a response that ended early, untold: into `usage`, the estimate by what came of it, the input that is reserved
  // for where it was not told, and what can have been made unseen: before any text, or by a model that thinks.
  void add_unseen(const dialect::Meter& meter, std::chrono::milliseconds worked_for, std::int64_t output_rate,
                  dialect::Usage& usage) const;
  // The provider goes on with it whatever becomes of the connection, and nobody tells what it used.
  bool is_made_later(const dialect::Meter& meter) const { return scan.background && !meter.usage(); }

  // `told` with all the calls of the provider's tools that are reserved for: of a usage that nobody told.
  dialect::Told with_unseen_calls(dialect::Told told) const;
  // What a stream of this route can have come to by the end of crd and of its connection; nothing: all that is reserved
  // for it, for its provider goes on whatever becomes of the connection. Of a request that is charged.
  std::optional<ledger::UnseenCost> unseen_cost(const billing::RouteCeiling& ceiling, std::int64_t output_rate) const;

  // 0 where nothing is charged. `told`: as circumstances().
  base::Credits cost(const dialect::Usage& usage, const dialect::Told* told = nullptr) const;
  std::int64_t estimated_input() const;

 private:
  dialect::Told with_all_calls(dialect::Told told) const;
  bool needs_tokens() const;
  void raise_input(dialect::Usage& usage) const;
  dialect::Usage estimated(const dialect::Meter& meter, std::uint64_t unread_bytes) const;
  void count_units(const dialect::Meter& meter, dialect::Usage& usage, std::uint32_t& flags) const;
};

}  // namespace cr::relay::request

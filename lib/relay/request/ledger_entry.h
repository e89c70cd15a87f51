// SPDX-License-Identifier: MIT
// LedgerEntry: a request's entry in the ledger, from its reservation to its one settlement: what is reserved, what
// attempts used whose response nobody got, and what of it the group that is charged pays. Worker thread; one request
// each. What the settlement says is settlement()'s decision.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "base/clock.h"
#include "base/log.h"
#include "billing/price.h"
#include "relay/request/admission.h"
#include "relay/request/attempt_result.h"
#include "relay/request/body_source.h"
#include "relay/request/ledger_wait.h"
#include "relay/request/metrics.h"
#include "relay/request/refusal_log.h"
#include "relay/request/request_context.h"
#include "relay/request/settlement.h"

namespace cr::relay::request {

class LedgerEntry {
 public:
  // Who hears of the settlement.
  struct Books {
    ledger::Ledger& ledger;
    Metrics& metrics;
    base::Log& log;
    RefusalLog& refusals;
  };
  // `now` is when the request came. What it refers to outlives it.
  LedgerEntry(const RequestContext& context, Admission& admission, const BodySource& body, const Books& books,
              base::Time now)
      : context_(context), admission_(admission), body_(body), books_(books), started_at_(now) {}

  base::Time started_at() const { return started_at_; }
  // By whose price and multiplier the request is charged: one of admission's routes.
  void charge_to(const routing::Route& route);
  // Of the route's model; none: not known.
  std::optional<std::int64_t> longest_answer() const;
  // Whether what is reserved carries the route of that place.
  bool carries(std::size_t place) const;
  // By what is known of its body and reserved for it now. Refers to this entry and the scan.
  PricedRequest priced() const;

  // A reservation of what the request can come to, for the ledger to take and bring back. `now` is the moment whose
  // budgets carry it. `output_rates`: of each route, as Attempt::output_rate().
  std::unique_ptr<Reservation>& make_reservation(base::Time now, std::span<const std::int64_t> output_rates);
  // It came back, granted or not.
  std::optional<dialect::Refusal> take_reservation(base::Time now);
  const billing::ReservationSize* reserved() const {
    return reserved_ ? &*reserved_ : nullptr;
  }  // null: nothing is reserved

  // For the ledger to note before another attempt is sent: what those before it may have cost. Null: nothing is to be
  // noted, for there is nothing new, or a crash would post all that is reserved.
  std::unique_ptr<Reservation> make_lost_note();

  // What an attempt used whose response nobody got.
  void add_lost(const PricedRequest& request, const dialect::Usage& usage);
  // The same of one that may have done all that is reserved for.
  void lose_all(const PricedRequest& request, const dialect::Usage& usage);
  // The same of an attempt whose kept connection was closed unanswered. False: what is reserved does not carry another
  // attempt beside it.
  bool carry_another(const AttemptResult& stale, std::int64_t output_rate);

  // What the client was told.
  struct Told {
    int status = 0;
    std::string_view error{};  // error.code
  };
  // Once, and says how it ended; what comes later changes nothing, and has no value.
  std::optional<ledger::Ending> settle(Outcome::End end, Told told, const LastAttempt& attempt, bool client_gone,
                                       std::optional<dialect::RefusalCode> refused = {});

 private:
  void fill_facts(ledger::RequestFacts& facts) const;
  std::string kept_model() const;
  std::optional<ledger::UnseenCost> unseen_cost(std::span<const std::int64_t> output_rates) const;
  Outcome take_outcome(const PricedRequest& request);
  bool has_row(const Outcome& outcome, bool store_admits);
  void log_end(const ledger::Settlement& settlement, const ledger::ChannelRecord* channel,
               std::optional<dialect::RefusalCode> refused) const;

  const RequestContext& context_;
  Admission& admission_;
  const BodySource& body_;
  const Books books_;
  base::Time started_at_;
  const ledger::GroupRecord* group_ = nullptr;
  std::size_t place_ = 0;                     // of the route, among admission's
  std::unique_ptr<Reservation> reservation_;  // none while the ledger has it, or where nothing is to be reserved
  std::optional<billing::ReservationSize> reserved_;
  std::optional<Lost> lost_;
  base::Credits noted_lost_;
  bool settled_ = false;
};

}  // namespace cr::relay::request

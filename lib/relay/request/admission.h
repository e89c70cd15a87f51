// SPDX-License-Identifier: MIT
// Admission: whether a request may be made, by which routes and for how much. The only place where that is decided: the
// Exchange, crd's own endpoints, the list of models, `token check` and `route explain` all ask it, step by step, and
// the first refusal is the answer. Pure over a Directory and the times it is given, beside the books of rates and of
// health; one request each, one thread. What it refers to outlives it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "billing/reservation.h"
#include "dialect/refusal.h"
#include "dialect/request_scan.h"
#include "http/message/head.h"
#include "ledger/core/directory.h"
#include "ledger/core/operations.h"
#include "relay/policy/settings.h"
#include "relay/request/caller.h"
#include "relay/request/priced_request.h"
#include "relay/request/stored.h"
#include "relay/routing/model_names.h"
#include "relay/routing/rate_limiter.h"
#include "relay/routing/router.h"

namespace cr::relay::request {

class Admission {
 public:
  using MaybeRefusal = std::optional<dialect::Refusal>;
  // Of a request's body, what its cost depends on (PricedRequest).
  struct BodySize {
    std::uint64_t bytes = 0, told_bytes = 0;
  };

  Admission(const ledger::Directory& directory, routing::CircuitBreaker& health, routing::RateLimiter& rates,
            dialect::Endpoint endpoint = dialect::Endpoint::chat_completions);
  ~Admission() { leave(); }
  // Leaves the rates it entered: the request is over, for what may run at once.
  void leave();
  Admission(const Admission&) = delete;
  Admission& operator=(const Admission&) = delete;

  // Who asks, by the key in a request's head. A refusal that comes after the token was found leaves it in caller().
  MaybeRefusal identify(const http::message::RequestHead& head, const token::IpAddress& peer,
                        const policy::Settings& settings, const KeyReader& keys, base::Time now);
  // The same for a token that is known by name. Without an address its allowlist is not asked.
  MaybeRefusal identify(Caller caller, std::optional<token::IpAddress> source, base::Time now);
  // Whether a request can be taken now, whoever sends it.
  static MaybeRefusal serve(bool store_admits);

  // Whether the token's rates let it in: a request, counted and running; a question that crd answers by itself; or
  // neither, for who only wants to know. Of a token that was refused `refusals_a_second` times no request is let in for
  // the rest of the second; 0: that is not asked.
  MaybeRefusal enter(base::SteadyTime now, std::int64_t refusals_a_second = 0);
  MaybeRefusal ask(base::SteadyTime now, std::int64_t refusals_a_second = 0);
  MaybeRefusal look_at_rates(base::SteadyTime now, std::int64_t refusals_a_second = 0) const;

  // What it asks for.
  MaybeRefusal allow(dialect::RequestScan scan);
  // By which routes: those of its model, or the one that leads to a stored response. `random` decides among equals.
  MaybeRefusal route(const Stored* stored, base::Time now, base::SteadyTime steady, std::uint32_t random);
  routing::Routes look_for_routes(const Stored* stored, base::SteadyTime steady, std::uint32_t random) const;
  // The same of every channel there is, whether it would be tried and why not; of the model that was asked for.
  std::vector<routing::Explained> explain_routes(dialect::Endpoint endpoint, base::SteadyTime steady) const;
  // For how much: whether a limited token's request has a price and a bound. Routes where it has none are left out, and
  // without any other it is refused. With that it is known what the reservation is sized by, a ceiling for each route
  // that is left, in their order. Then what came of it.
  MaybeRefusal check_price(BodySize body);
  const billing::ReservationTerms& reservation_terms() const { return terms_; }
  MaybeRefusal check_reservation(const ledger::ReserveOp& reservation, base::Time now) const;
  // Of the token's model tokens a minute, as estimated; correct() puts it right by what was used.
  MaybeRefusal charge_rates(const PricedRequest& request, base::SteadyTime now);
  void correct_rates(std::int64_t used_tokens, base::SteadyTime now);
  std::optional<routing::RateStatus> rate_status(base::SteadyTime now) const;
  // The request was refused, and nobody was asked for it. That of one that did not get as far as enter() or ask()
  // counts for nothing: a key that is used from a wrong address must not shut its owner out.
  void note_refused(dialect::RefusalCode code, base::SteadyTime now);

  // Whether the list of models names `model` to this caller: its token may ask for it and can pay it. That a channel
  // serves it is what the list is made of. can_pay(): nothing limits the caller, or the model has a price, or one of
  // its `targets`, which are what it stands for as an alias (ModelNames::targets_of).
  bool lists(std::string_view model, const routing::ModelNames::Names& targets, base::Time now) const;
  bool can_pay(std::string_view model, const routing::ModelNames::Names& targets, base::Time now) const;
  // Asks for `model` the smallest request of the first endpoint that does not refuse it, and tells the channels that
  // serve it at any. A refusal is that of the endpoint where it came furthest.
  MaybeRefusal call_smallest(std::string_view model, base::Time now, base::SteadyTime steady,
                             std::vector<const ledger::ChannelRecord*>& channels);
  // What has to be left for the smallest request of `model`, at the first endpoint where it has a price; none: at none.
  std::optional<base::Credits> least_cost(std::string_view model, base::Time now);
  // Whether `available` credit carries the request whose price was checked.
  bool fits(base::Credits available) const;
  static constexpr std::uint64_t k_smallest_body = 100;

  const Caller& caller() const { return caller_; }
  dialect::Endpoint endpoint() const { return endpoint_; }
  const dialect::RequestScan& scan() const { return scan_; }
  const routing::Routes& routes() const { return routes_; }
  // Its cost is reserved: the token, its account or a budget has a limit, and the endpoint charges.
  bool is_limited() const { return caller_.limited() && !dialect::is_free(endpoint_); }
  // By the price, channel and group of the route of that place. Refers to the scan and to this.
  PricedRequest priced(BodySize body, std::size_t place = 0) const;
  // That of a model which a response says it is of; null: it has none.
  std::shared_ptr<const ledger::PriceRecord> price_answered(std::string_view model, base::Time now) const {
    return directory_.find_price(model, now);
  }
  void use(const policy::CreditSettings& credit) { credit_ = credit; }

 private:
  MaybeRefusal shut_out(base::SteadyTime now, std::int64_t refusals_a_second) const;
  dialect::RefusalOr<billing::RouteCeiling> ceiling_of(const PricedRequest& request) const;
  MaybeRefusal call_smallest_at(dialect::Endpoint endpoint, std::string_view model, base::Time now,
                                base::SteadyTime steady);

  const ledger::Directory& directory_;
  routing::CircuitBreaker& health_;
  routing::RateLimiter& rates_;
  dialect::Endpoint endpoint_;
  Caller caller_;
  routing::RateShare share_;
  std::int64_t refusals_a_second_ = 0;  // 0: this one's does not count
  dialect::RequestScan scan_;
  routing::Routes routes_;
  std::vector<std::shared_ptr<const ledger::PriceRecord>> prices_;  // of routes_.tries, in their order; null: none
  policy::CreditSettings credit_;
  billing::ReservationTerms terms_;
};

}  // namespace cr::relay::request

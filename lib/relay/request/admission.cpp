// SPDX-License-Identifier: MIT
#include "relay/request/admission.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"
#include "billing/price_rules.h"
#include "relay/request/ledger_wait.h"

namespace cr::relay::request {

using dialect::Endpoint;
using dialect::Refusal;
using dialect::RefusalCode;

namespace {

// Where model tokens or units are charged, those first that most requests use.
constexpr std::array k_charged_endpoints = {Endpoint::chat_completions,
                                            Endpoint::messages,
                                            Endpoint::completions,
                                            Endpoint::embeddings,
                                            Endpoint::responses,
                                            Endpoint::moderations,
                                            Endpoint::rerank,
                                            Endpoint::images_generations,
                                            Endpoint::audio_speech,
                                            Endpoint::images_edits,
                                            Endpoint::audio_transcriptions,
                                            Endpoint::audio_translations,
                                            Endpoint::images_variations};

Refusal not_served(const std::string& token) {
  return {RefusalCode::model_not_found,
          "no channel of the groups of token '" + token +
              "' serves this model at this endpoint: see GET /v1/models, or ask the administrator for the model",
          "model",
          {}};
}

Refusal not_priced(const std::string& what, const std::string& token) {
  return {RefusalCode::model_not_priced,
          what + ", and token '" + token +
              "' or its account has a quota or a budget: ask the administrator to set a price for it",
          "model",
          {}};
}

Refusal unbounded(const std::string& what, const std::string& token, const std::string& wanted) {
  return {RefusalCode::invalid_value,
          what + ", and token '" + token + "' has a quota: ask the administrator to " + wanted,
          {},
          {}};
}

Refusal unknown_value(const std::string& pointer, const std::string& token) {
  const auto member = pointer.substr(pointer.find_first_of("/:") + 1);
  return {RefusalCode::invalid_value,
          "nobody knows what this value of " + member + " costs at this model, and token '" + token +
              "' or its account has a quota or a budget: leave it out, or ask the administrator for its price ('price "
              "set')",
          member,
          {}};
}

Refusal chooses_model(std::string_view member, const std::string& token) {
  return {RefusalCode::invalid_value,
          std::string(member) + " lets the provider choose another model or price, which token '" + token +
              "' must not, since it has a list of models, a quota or a budget: leave it out",
          std::string(member),
          {}};
}

Refusal no_credit(const std::string& whose, const std::string& wanted) {
  return {RefusalCode::insufficient_quota,
          whose + " has not enough credit left for this request: ask the administrator to " + wanted,
          {},
          {}};
}

Refusal budget_used_up(const std::string& named, const ledger::ReserveOp& reservation, base::Time now) {
  const auto wait = std::chrono::ceil<std::chrono::seconds>(reservation.budget_resets_at - now);
  return {RefusalCode::budget_exceeded,
          named + " has used up its budget of this " + std::string(base::name_of(reservation.budget)) +
              ", which begins anew at " + base::format_rfc3339(reservation.budget_resets_at) +
              ": wait, or ask the administrator to raise it ('--budget')",
          {},
          std::max(std::chrono::seconds(1), wait)};
}

Refusal credit_reserved(const ledger::ReserveOp& reservation) {
  const auto& held = reservation.in_the_way;
  const auto running = held.requests == 1  ? std::string("a running request")
                       : held.requests > 1 ? std::to_string(held.requests) + " running requests"
                                           : std::string("running requests");
  return {RefusalCode::credit_reserved,
          held.reserved.to_display() + " of " + held.limit.to_display() + " is reserved by " + running +
              ": send the request again",
          {},
          dialect::k_retry_soon};
}

dialect::RequestScan smallest_scan(std::string_view model) {
  dialect::RequestScan scan;
  scan.model = model;
  scan.messages = 1;
  scan.characters = 1;
  scan.documents = 1;
  scan.output_bound = billing::k_clamp_floor;
  return scan;
}

// How far the decisions came before one refused.
int progress(RefusalCode code) {
  switch (code) {
    case RefusalCode::model_not_found:
      return 0;
    case RefusalCode::upstream_auth:
    case RefusalCode::rate_limit_exceeded:
    case RefusalCode::unavailable:
      return 1;
    default:
      return 2;
  }
}

}  // namespace

Admission::Admission(const ledger::Directory& directory, routing::CircuitBreaker& health, routing::RateLimiter& rates,
                     Endpoint endpoint)
    : directory_(directory), health_(health), rates_(rates), endpoint_(endpoint) {}

void Admission::leave() {
  if (std::exchange(share_.entered, false)) rates_.leave(caller_.token->id, base::steady_now());
}

Admission::MaybeRefusal Admission::identify(const http::message::RequestHead& head, const token::IpAddress& peer,
                                            const policy::Settings& settings, const KeyReader& keys, base::Time now) {
  auto known = authenticate(head, peer, settings, keys, directory_, now, caller_);
  if (!known) return std::move(known.error());
  return std::nullopt;
}

Admission::MaybeRefusal Admission::identify(Caller caller, std::optional<token::IpAddress> source, base::Time now) {
  caller_ = std::move(caller);
  const auto verdict = admit(*caller_.token, *caller_.account, now, source);
  if (verdict != token::Verdict::allowed) return refusal_of(verdict, *caller_.token);
  return std::nullopt;
}

Admission::MaybeRefusal Admission::serve(bool store_admits) {
  if (!store_admits) return ledger_unavailable();
  return std::nullopt;
}

Admission::MaybeRefusal Admission::shut_out(base::SteadyTime now, std::int64_t refusals_a_second) const {
  if (!rates_.refusals().over(caller_.token->id, refusals_a_second, now)) return std::nullopt;
  return too_many_refusals(refusals_a_second, *caller_.token);
}

Admission::MaybeRefusal Admission::enter(base::SteadyTime now, std::int64_t refusals_a_second) {
  const auto& token = *caller_.token;
  if (auto refusal = shut_out(now, refusals_a_second)) return refusal;
  refusals_a_second_ = refusals_a_second;
  if (!token.settings->rates.any()) return std::nullopt;
  const auto refused = rates_.enter(token.id, token.settings->rates, now);
  if (refused) return refusal_of(*refused, token);
  share_.entered = true;
  return std::nullopt;
}

Admission::MaybeRefusal Admission::ask(base::SteadyTime now, std::int64_t refusals_a_second) {
  if (auto refusal = shut_out(now, refusals_a_second)) return refusal;
  refusals_a_second_ = refusals_a_second;
  const auto refused = rates_.ask(caller_.token->id, caller_.token->settings->rates, now);
  if (refused) return refusal_of(*refused, *caller_.token);
  return std::nullopt;
}

void Admission::note_refused(RefusalCode code, base::SteadyTime now) {
  if (refusals_a_second_ == 0 || dialect::is_by_rate(code)) return;
  // Nor what is the fault of crd or of a provider.
  if (dialect::row_of(code).status < 500) rates_.refusals().refused(caller_.token->id, refusals_a_second_, now);
}

Admission::MaybeRefusal Admission::look_at_rates(base::SteadyTime now, std::int64_t refusals_a_second) const {
  const auto& token = *caller_.token;
  if (auto refusal = shut_out(now, refusals_a_second)) return refusal;
  if (!token.settings->rates.any()) return std::nullopt;
  const auto refused = rates_.look(token.id, token.settings->rates, now);
  if (refused) return refusal_of(*refused, token);
  return std::nullopt;
}

Admission::MaybeRefusal Admission::allow(dialect::RequestScan scan) {
  scan_ = std::move(scan);
  // A stored response is its maker's, whatever models the token may ask for by now.
  if (endpoint_ == Endpoint::response_by_id) return std::nullopt;
  const auto& settings = *caller_.token->settings;
  if (!settings.model_set.allows(scan_.model)) return refusal_of(token::Verdict::model_not_allowed, *caller_.token);
  // What the provider then chooses is neither of the list nor at the price that is reserved.
  if (!scan_.chooses.empty() && (!settings.models.empty() || is_limited()))
    return chooses_model(scan_.chooses, caller_.token->name);
  return std::nullopt;
}

routing::Routes Admission::look_for_routes(const Stored* stored, base::SteadyTime steady, std::uint32_t random) const {
  const auto& token = *caller_.token;
  return stored != nullptr
             ? routing::find_home(directory_, token, stored->query.response, scan_.model, endpoint_, health_, steady)
             : routing::find_routes(directory_, token, scan_.model, endpoint_, health_, steady, random);
}

std::vector<routing::Explained> Admission::explain_routes(Endpoint endpoint, base::SteadyTime steady) const {
  return routing::explain_routes(directory_, *caller_.token, scan_.model, endpoint, health_, steady);
}

Admission::MaybeRefusal Admission::route(const Stored* stored, base::Time now, base::SteadyTime steady,
                                         std::uint32_t random) {
  if (stored != nullptr && stored->by_id()) scan_.model = stored->query.response.model;
  if (stored != nullptr && !stored->by_id() && stored->query.response.tokens > 0)
    scan_.continued_tokens = stored->query.response.tokens;
  routes_ = look_for_routes(stored, steady, random);
  if (routes_.tries.empty()) {
    if (routes_.closed) return routing::closed_refusal(*routes_.closed);
    const auto& token = caller_.token->name;
    return stored != nullptr ? unreachable_response(*stored, token) : not_served(token);
  }
  // What the provider bills is the model that it is asked for; only where that has no price, an alias's own holds.
  prices_.clear();
  for (const auto& route : routes_.tries) {
    auto price = directory_.find_price(route.upstream_model, now);
    if (!price && route.upstream_model != scan_.model) price = directory_.find_price(scan_.model, now);
    prices_.push_back(std::move(price));
  }
  return std::nullopt;
}

dialect::RefusalOr<billing::RouteCeiling> Admission::ceiling_of(const PricedRequest& request) const {
  const auto& token = caller_.token->name;
  if (request.price == nullptr) return tl::unexpected(not_priced("the model has no price", token));
  if (!billing::can_meter(*request.price, endpoint_)) {
    return tl::unexpected(not_priced("the model's price has nothing that this endpoint is metered by", token));
  }
  if (const auto unknown = billing::find_unknown_value(*request.price, request.circumstances()))
    return tl::unexpected(unknown_value(unknown->member, token));
  if (auto ceiling = request.ceiling(terms_.request)) return *ceiling;
  if (!request.units_ceiling()) {
    return tl::unexpected(unbounded("the model's answers here are charged by tokens that a request cannot bound", token,
                                    "give the model's price a longest answer ('--max-output')"));
  }
  return tl::unexpected(
      unbounded("the request has parts whose cost has no known bound (images, files or stored context)", token,
                "give the model's price a context size ('--context')"));
}

Admission::MaybeRefusal Admission::check_price(BodySize body) {
  if (!is_limited()) return std::nullopt;
  MaybeRefusal refusal;
  terms_.request = priced(body).terms(caller_.token->settings->when_low, credit_);
  terms_.routes.clear();
  for (std::size_t place = 0; place < routes_.tries.size(); ++place) {
    auto ceiling = ceiling_of(priced(body, place));
    if (!ceiling) {
      if (!refusal) refusal = std::move(ceiling.error());
      continue;
    }
    const auto kept = terms_.routes.size();
    terms_.routes.push_back(*ceiling);
    if (kept != place) {
      routes_.tries[kept] = routes_.tries[place];
      prices_[kept] = std::move(prices_[place]);
    }
  }
  routes_.tries.resize(terms_.routes.size());
  prices_.resize(terms_.routes.size());
  return terms_.routes.empty() ? std::move(refusal) : std::nullopt;
}

Admission::MaybeRefusal Admission::check_reservation(const ledger::ReserveOp& reservation, base::Time now) const {
  const auto named = "token '" + caller_.token->name + "'";
  switch (reservation.outcome) {
    case ledger::ReserveOutcome::reserved:
    case ledger::ReserveOutcome::unlimited:
      return std::nullopt;
    case ledger::ReserveOutcome::no_token_credit:
      return no_credit(named, "raise its quota ('--quota')");
    case ledger::ReserveOutcome::no_account_credit:
      return no_credit("the account of " + named, "add credit to the account");
    case ledger::ReserveOutcome::no_budget:
      return budget_used_up(named, reservation, now);
    case ledger::ReserveOutcome::credit_reserved:
      return credit_reserved(reservation);
    case ledger::ReserveOutcome::gone:
      return Refusal{RefusalCode::invalid_api_key, "the API key stopped working while the request was read", {}, {}};
    case ledger::ReserveOutcome::unavailable:
      break;
  }
  return ledger_unavailable();
}

Admission::MaybeRefusal Admission::charge_rates(const PricedRequest& request, base::SteadyTime now) {
  const auto& token = *caller_.token;
  if (!token.settings->rates.tokens_per_minute) return std::nullopt;
  const auto output = scan_.output_bound.value_or(0) * std::max<std::int64_t>(1, scan_.choices);
  const auto amount = request.estimated_input() + output;
  share_.charged_at = now;
  const auto refused = rates_.charge(token.id, token.settings->rates, amount, now);
  if (refused) return refusal_of(*refused, token);
  share_.charged = amount;
  return std::nullopt;
}

void Admission::correct_rates(std::int64_t used_tokens, base::SteadyTime now) {
  if (share_.charged == 0) return;
  rates_.correct(caller_.token->id, used_tokens - share_.charged, share_.charged_at, now);
  share_.charged = 0;
}

std::optional<routing::RateStatus> Admission::rate_status(base::SteadyTime now) const {
  if (!caller_.token || !caller_.token->settings->rates.any()) return std::nullopt;
  return rates_.status(caller_.token->id, caller_.token->settings->rates, now);
}

PricedRequest Admission::priced(BodySize body, std::size_t place) const {
  PricedRequest request{.scan = scan_, .endpoint = endpoint_};
  if (place < routes_.tries.size()) {
    const auto& route = routes_.tries[place];
    request.price = prices_[place].get();
    request.multiplier = {route.group->multiplier_millionths};
    request.channel = route.channel;
  }
  request.body_bytes = body.bytes;
  request.told_bytes = body.told_bytes;
  return request;
}

bool Admission::lists(std::string_view model, const routing::ModelNames::Names& targets, base::Time now) const {
  return caller_.token->settings->model_set.allows(model) && can_pay(model, targets, now);
}

bool Admission::can_pay(std::string_view model, const routing::ModelNames::Names& targets, base::Time now) const {
  if (!caller_.limited() || directory_.find_price(model, now)) return true;
  return std::any_of(targets.begin(), targets.end(),
                     [&](const auto& target) { return directory_.find_price(target, now) != nullptr; });
}

Admission::MaybeRefusal Admission::call_smallest_at(Endpoint endpoint, std::string_view model, base::Time now,
                                                    base::SteadyTime steady) {
  endpoint_ = endpoint;
  auto refusal = allow(smallest_scan(model));
  if (!refusal) refusal = route(nullptr, now, steady, 0);
  if (!refusal) refusal = check_price({.bytes = k_smallest_body, .told_bytes = k_smallest_body});
  return refusal;
}

Admission::MaybeRefusal Admission::call_smallest(std::string_view model, base::Time now, base::SteadyTime steady,
                                                 std::vector<const ledger::ChannelRecord*>& channels) {
  std::optional<Endpoint> first;
  MaybeRefusal furthest;
  for (const auto endpoint : k_charged_endpoints) {
    auto refusal = call_smallest_at(endpoint, model, now, steady);
    if (!refusal) {
      if (!first) first = endpoint;
      for (const auto& route : routes_.tries) {
        if (std::find(channels.begin(), channels.end(), route.channel) == channels.end())
          channels.push_back(route.channel);
      }
    } else if (!furthest || progress(refusal->code) > progress(furthest->code)) {
      furthest = std::move(refusal);
    }
  }
  return first ? call_smallest_at(*first, model, now, steady) : furthest;
}

std::optional<base::Credits> Admission::least_cost(std::string_view model, base::Time now) {
  for (const auto endpoint : k_charged_endpoints) {
    if (!call_smallest_at(endpoint, model, now, base::SteadyTime())) return billing::least_reservation(terms_);
  }
  return std::nullopt;
}

bool Admission::fits(base::Credits available) const {
  return billing::size_reservation(terms_, available).has_value();
}

}  // namespace cr::relay::request

// SPDX-License-Identifier: MIT
#include "relay/request/ledger_entry.h"

#include <algorithm>
#include <utility>

#include "base/hide_keys.h"

namespace cr::relay::request {

using dialect::RefusalCode;

PricedRequest LedgerEntry::priced() const {
  auto request = admission_.priced(body_.size(settled_), place_);
  request.reservation = reserved();
  return request;
}

void LedgerEntry::charge_to(const routing::Route& route) {
  group_ = route.group;
  place_ = static_cast<std::size_t>(&route - admission_.routes().tries.data());
}

std::optional<std::int64_t> LedgerEntry::longest_answer() const {
  const auto request = priced();
  return request.price != nullptr ? billing::longest_bound(*request.price) : std::nullopt;
}

bool LedgerEntry::carries(std::size_t place) const {
  if (!reserved_ || place >= reservation_->terms.routes.size()) return true;
  return billing::carries(*reserved_, reservation_->terms.routes[place]);
}

std::unique_ptr<Reservation>& LedgerEntry::make_reservation(base::Time now,
                                                            std::span<const std::int64_t> output_rates) {
  reservation_ = std::make_unique<Reservation>(admission_.reservation_terms());
  started_at_ = now;
  fill_facts(reservation_->facts);
  reservation_->unseen = unseen_cost(output_rates);
  return reservation_;
}

std::unique_ptr<Reservation> LedgerEntry::make_lost_note() {
  if (!lost_ || !reservation_ || !reservation_->unseen || lost_->cost <= noted_lost_) return nullptr;
  noted_lost_ = lost_->cost;
  auto note = std::make_unique<Reservation>(billing::ReservationTerms{});
  note->facts.id = context_.id;
  note->lost = noted_lost_;
  note->may_wait = false;
  return note;
}

// By the dearest of its routes.
std::optional<ledger::UnseenCost> LedgerEntry::unseen_cost(std::span<const std::int64_t> output_rates) const {
  const auto& ceilings = reservation_->terms.routes;
  if (!admission_.scan().stream || ceilings.empty()) return std::nullopt;
  ledger::UnseenCost most;
  for (std::size_t place = 0; place < ceilings.size(); ++place) {
    const auto request = admission_.priced(body_.size(false), place);
    const auto cost = request.unseen_cost(ceilings[place], output_rates[place]);
    if (!cost) return std::nullopt;
    most.at_once = std::max(most.at_once, cost->at_once);
    most.each_second = std::max(most.each_second, cost->each_second);
  }
  return most;
}

std::optional<dialect::Refusal> LedgerEntry::take_reservation(base::Time now) {
  if (reservation_->outcome == ledger::ReserveOutcome::reserved) reserved_ = reservation_->sized;
  return admission_.check_reservation(*reservation_, now);
}

// A key that somebody sent as the model is not kept. What a channel lists in so many words is a model, whatever it
// looks like.
std::string LedgerEntry::kept_model() const {
  const auto& model = admission_.scan().model;
  auto hidden = base::hide_keys(model);
  if (hidden == model) return hidden;
  const auto lists_it = [&](const routing::Route& route) {
    return std::ranges::find(route.channel->models, model) != route.channel->models.end();
  };
  return std::ranges::any_of(admission_.routes().tries, lists_it) ? model : hidden;
}

void LedgerEntry::fill_facts(ledger::RequestFacts& facts) const {
  const auto& caller = admission_.caller();
  facts.id = context_.id;
  facts.started_at = started_at_;
  facts.token = caller.token->id;
  facts.key = caller.key->id;
  facts.account = caller.token->account;
  if (group_ != nullptr) facts.group = group_->name;
  facts.model = kept_model();
  facts.endpoint = dialect::name_of(context_.endpoint);
  facts.source_ip = caller.source ? caller.source->to_string() : "unknown";
  facts.stream = admission_.scan().stream;
}

void LedgerEntry::add_lost(const PricedRequest& request, const dialect::Usage& usage) {
  if (!lost_) lost_.emplace();
  lost_->usage += usage;
  const auto calls = request.with_unseen_calls({});
  lost_->cost += request.cost(usage, &calls);
}

void LedgerEntry::lose_all(const PricedRequest& request, const dialect::Usage& usage) {
  add_lost(request, usage);
  if (reserved_) lost_->cost = std::max(lost_->cost, reservation_->amount);
}

bool LedgerEntry::carry_another(const AttemptResult& stale, std::int64_t output_rate) {
  if (!stale.sent_for || dialect::is_free(context_.endpoint)) return true;
  const auto request = priced();
  add_lost(request, *lost_usage(stale, request, output_rate));
  if (!reserved_) return true;
  billing::ReservationTerms terms{reservation_->terms.request, {reservation_->terms.routes[place_]}};
  const auto smaller = billing::shrink_reservation(terms, *reserved_, reservation_->amount - lost_->cost);
  if (smaller) reserved_ = smaller;
  return smaller.has_value();
}

// The reservation's facts go with it: nobody needs them after the ending.
Outcome LedgerEntry::take_outcome(const PricedRequest& request) {
  Outcome outcome{.request = request};
  outcome.known = admission_.caller().token && admission_.caller().account;
  outcome.form_failed = body_.has_late_refusal();
  if (reservation_) {
    outcome.facts = std::move(reservation_->facts);
    outcome.reserved = reservation_->amount;
  } else if (outcome.known) {
    fill_facts(outcome.facts);
  }
  outcome.group = group_;
  outcome.lost = lost_;
  outcome.duration_ms = context_.duration_ms();
  return outcome;
}

std::optional<ledger::Ending> LedgerEntry::settle(Outcome::End end, Told told, const LastAttempt& attempt,
                                                  bool client_gone, std::optional<dialect::RefusalCode> refused) {
  if (std::exchange(settled_, true)) return std::nullopt;
  auto request = priced();
  // A provider that answers with another model than it was asked for bills that one.
  std::shared_ptr<const ledger::PriceRecord> answered;
  if (attempt.meter != nullptr && !attempt.passed_error) {
    const auto model = attempt.meter->told().text("/model");
    if (!model.empty() && model != attempt.upstream_model) answered = admission_.price_answered(model, started_at_);
    if (answered && billing::can_meter(*answered, context_.endpoint)) request.price = answered.get();
  }
  auto outcome = take_outcome(request);
  outcome.attempt = attempt;
  outcome.end = end;
  outcome.refused = refused;
  outcome.client_gone = client_gone;
  const bool early = client_gone || end == Outcome::End::broke_off || end == Outcome::End::fell_silent;
  if (early && attempt.sent_at != base::SteadyTime())
    outcome.worked_for = std::chrono::ceil<std::chrono::milliseconds>(base::steady_now() - attempt.sent_at);
  outcome.status = told.status;
  outcome.error = told.error;
  const bool leaves = has_row(outcome, !refused || books_.ledger.admits(context_.settings->ledger_timeout));
  auto row = settlement(std::move(outcome));
  const auto ending = row.ending;
  admission_.correct_rates(row.input_tokens + row.output_tokens, base::steady_now());
  if (refused && !lost_ && ending != ledger::Ending::client_gone) {
    books_.metrics.count(*refused);
  } else {
    books_.metrics.count(row);
  }
  if (refused && ending == ledger::Ending::refused && attempt.channel == nullptr)
    admission_.note_refused(*refused, base::steady_now());
  log_end(row, attempt.channel, refused);
  if (leaves) books_.ledger.settle(std::move(row));
  admission_.leave();
  return ending;
}

// Whether its row is written. Of what was refused before anything was reserved it may be a count alone.
bool LedgerEntry::has_row(const Outcome& outcome, bool store_admits) {
  const auto trace = trace_of(outcome, store_admits);
  if (trace == Trace::row) return true;
  ledger::RefusedRequest request{.code = dialect::row_of(*outcome.refused).name, .at = started_at_};
  if (outcome.known) {
    request.token = outcome.facts.token;
    request.account = outcome.facts.account;
  }
  using Row = ledger::RefusedCounts::Row;
  return books_.ledger.count_refused(request, trace == Trace::first_rows ? Row::wanted : Row::none);
}

void LedgerEntry::log_end(const ledger::Settlement& settlement, const ledger::ChannelRecord* channel,
                          std::optional<RefusalCode> refused) const {
  const auto which = context_.settings->log_requests;
  const bool failed = settlement.status >= 400 || settlement.ending != ledger::Ending::complete;
  if (which == policy::LogRequests::none || (!failed && which == policy::LogRequests::errors)) return;
  const bool is_refusal = refused && settlement.ending == ledger::Ending::refused && channel == nullptr;
  if (is_refusal && !books_.refusals.admits(*refused, base::steady_now())) return;
  const auto& token = admission_.caller().token;
  books_.log.write(failed ? base::LogLevel::warning : base::LogLevel::info, failed ? "request failed" : "request",
                   {{"request_id", context_.request_id},
                    {"token", token ? token->name : std::string()},
                    {"endpoint", std::string(dialect::name_of(context_.endpoint))},
                    {"model", kept_model()},
                    {"channel", channel != nullptr ? channel->name : std::string()},
                    {"status", std::to_string(settlement.status)},
                    {"error", settlement.error},
                    {"ending", std::string(ledger::name_of(settlement.ending))},
                    {"cost", settlement.cost.to_decimal()},
                    {"ms", std::to_string(settlement.duration_ms)}});
}

}  // namespace cr::relay::request

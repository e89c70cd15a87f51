// SPDX-License-Identifier: MIT
// Exchange, settling: what is known of a request at its end is gathered here once; settlement() makes the row of it.
#include <utility>

#include "relay/request/exchange.h"

namespace cr::relay::request {

namespace {

std::int64_t milliseconds_since(base::SteadyTime start) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(base::steady_now() - start).count();
}

}  // namespace

void Exchange::fill_facts(ledger::RequestFacts& facts) const {
  facts.id = id_;
  facts.started_at = started_at_;
  facts.token = token().id;
  facts.key = admission_.caller().key->id;
  facts.account = token().account;
  if (group_ != nullptr) facts.group = group_->name;
  facts.model = scan().model;
  facts.endpoint = dialect::name_of(endpoint_);
  facts.source_ip = admission_.caller().source.to_string();
  facts.stream = scan().stream;
}

void Exchange::add_lost(const PricedRequest& request, const dialect::Usage& usage) {
  if (!lost_) lost_.emplace();
  lost_->usage += usage;
  lost_->cost += request.cost(usage);
}

// How the answer of a channel that answered came to its end.
void Exchange::tell_health(routing::HealthBook::Finish finish) {
  if (!answered_) return;
  const auto change =
      lane_.shared().health.finished(*claim_, finish, first_byte_ms_, milliseconds_since(started_), base::steady_now());
  log_change(change, {routing::Verdict::Kind::failed, 0, "its answers break off", {}});
}

// The reservation's facts go with it: nobody needs them after the ending.
Outcome Exchange::take_outcome(const PricedRequest& request, Outcome::End end) {
  Outcome outcome{.end = end, .client_gone = writer_.client_gone(), .request = request};
  outcome.known = admission_.caller().token && admission_.caller().account;
  outcome.form_failed = body_.has_late_refusal();
  if (reservation_) {
    outcome.facts = std::move(reservation_->facts);
    outcome.reserved = reservation_->amount;
  } else if (outcome.known) {
    fill_facts(outcome.facts);
  }
  outcome.status = status_;
  outcome.error = error_;
  outcome.channel = channel_;
  outcome.group = group_;
  if (claim_) outcome.key = claim_->key;
  outcome.upstream_model = upstream_model_;
  outcome.upstream_request_id = passed_.request_id;
  if (meter_) outcome.meter = &*meter_;
  outcome.passed_error = passed_error_;
  outcome.unread_bytes = unread_bytes_;
  outcome.lost = lost_;
  outcome.duration_ms = milliseconds_since(started_);
  outcome.first_byte_ms = first_byte_ms_;
  return outcome;
}

void Exchange::settle(Outcome::End end, std::optional<dialect::RefusalCode> refused) {
  if (settled_) return;
  settled_ = true;
  const auto request = priced();
  auto outcome = take_outcome(request, end);
  outcome.refused = refused;
  const bool leaves = leaves_row(outcome, !refused || lane_.ledger_admits());
  auto row = settlement(std::move(outcome));
  const bool broken = row.ending == ledger::Ending::upstream_cut || row.ending == ledger::Ending::upstream_silent;
  tell_health(broken ? routing::HealthBook::Finish::broken : routing::HealthBook::Finish::whole);
  admission_.correct_rates(row.input_tokens + row.output_tokens, base::steady_now());
  if (refused && !lost_ && row.ending != ledger::Ending::client_gone) {
    lane_.shared().metrics.count(*refused);
  } else {
    lane_.shared().metrics.count(row);
  }
  log_end(row);
  if (leaves) lane_.shared().ledger.settle(std::move(row));
}

void Exchange::log_end(const ledger::Settlement& settlement) const {
  const bool failed = settlement.status >= 400 || settlement.ending != ledger::Ending::complete;
  if (settings_->log_requests == policy::LogRequests::none ||
      (!failed && settings_->log_requests == policy::LogRequests::errors))
    return;
  lane_.shared().log.write(failed ? base::LogLevel::warning : base::LogLevel::info,
                           failed ? "request failed" : "request",
                           {{"request_id", request_id_},
                            {"token", admission_.caller().token ? token().name : std::string()},
                            {"endpoint", std::string(dialect::name_of(endpoint_))},
                            {"model", scan().model},
                            {"channel", channel_ ? channel_->name : std::string()},
                            {"status", std::to_string(settlement.status)},
                            {"error", settlement.error},
                            {"ending", std::string(ledger::name_of(settlement.ending))},
                            {"cost", settlement.cost.to_decimal()},
                            {"ms", std::to_string(settlement.duration_ms)}});
}

}  // namespace cr::relay::request

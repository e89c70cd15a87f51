// SPDX-License-Identifier: MIT
#include "relay/request/settlement.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "billing/bill_parts.h"
#include "billing/price_rules.h"

namespace cr::relay::request {

using dialect::RefusalCode;
using ledger::Ending;
using ledger::Settlement;

namespace {

// The client left while a provider was asked: nobody got to see what is refused here.
bool left_unanswered(const Outcome& outcome) {
  return outcome.end == Outcome::End::refused && outcome.client_gone && outcome.attempt.channel != nullptr;
}

Ending ending_of_refused(const Outcome& outcome) {
  if (!outcome.known) return Ending::refused;
  if (left_unanswered(outcome)) return Ending::client_gone;
  if (outcome.lost)
    return outcome.refused == RefusalCode::upstream_timeout ? Ending::upstream_silent : Ending::upstream_failed;
  return outcome.attempt.channel != nullptr && !outcome.form_failed ? Ending::upstream_failed : Ending::refused;
}

Ending ending_of(const Outcome& outcome) {
  if (outcome.end == Outcome::End::refused) return ending_of_refused(outcome);
  if (outcome.client_gone) return Ending::client_gone;
  switch (outcome.end) {
    case Outcome::End::broke_off:
      return Ending::upstream_cut;
    case Outcome::End::fell_silent:
      return Ending::upstream_silent;
    default:
      return Ending::complete;
  }
}

// Whether the provider did something for the response that was passed on.
bool is_served(const Outcome& outcome) {
  if (outcome.attempt.meter == nullptr || outcome.attempt.passed_error) return false;
  const auto& meter = *outcome.attempt.meter;
  return !meter.saw_error() || meter.usage() || meter.images() || meter.estimated_output_tokens() != 0;
}

// What a response tells of its use that no price says anything of.
bool has_unpriced_parts(const billing::Price& price, const dialect::Told& told) {
  return std::ranges::any_of(told.counts(), [&](const auto& entry) {
    return entry.second != 0 && !billing::is_priced_count(price, entry.first);
  });
}

// What the response's usage costs the token, and how that came about. The provider's charge is by our arithmetic, or
// what it tells by itself where that is more.
base::Credits charge_served(Settlement& row, const Outcome& outcome, const dialect::Usage& usage,
                            const dialect::Told& told) {
  const auto& request = outcome.request;
  const auto circumstances = request.circumstances(&told);
  auto sum = billing::sum_of_charges(*request.price, usage, circumstances);
  if (const auto theirs = base::Credits::from_nano(told.count("/usage/cost")); theirs > billing::round_up(sum, {})) {
    row.flags |= ledger::k_told_cost;
    sum = billing::times(1, theirs);
  }
  if (has_unpriced_parts(*request.price, told)) row.flags |= ledger::k_unpriced;
  const auto provider = billing::round_up(sum, {});
  const auto cost = billing::round_up(sum, request.multiplier);
  if (provider != cost) row.provider_cost = provider;
  row.parts = billing::bill_parts(*request.price, usage, circumstances);
  return cost;
}

// Of the response that was passed on: what was told, or an estimate; of one that ended early, what may have been made.
// And what that costs.
std::pair<dialect::Usage, base::Credits> used_by(Settlement& row, const Outcome& outcome) {
  const auto& attempt = outcome.attempt;
  const auto& request = outcome.request;
  auto usage = request.used(*attempt.meter, attempt.unread_bytes, row.flags);
  const auto& told = attempt.meter->told();
  const bool unseen = (row.flags & ledger::k_estimated) != 0 && outcome.worked_for;
  if (unseen) request.add_unseen(*attempt.meter, *outcome.worked_for, attempt.output_rate, usage);
  if (!request.is_charged()) return {usage, {}};
  if (!unseen) return {usage, charge_served(row, outcome, usage, told)};
  return {usage, charge_served(row, outcome, usage, request.with_unseen_calls(told))};
}

// What was used, and what it costs.
void charge(Settlement& row, const Outcome& outcome) {
  const bool served = is_served(outcome);
  if (!served && !outcome.lost) return;
  const auto& request = outcome.request;
  dialect::Usage usage;
  base::Credits cost;
  if (served) std::tie(usage, cost) = used_by(row, outcome);
  base::Credits told;
  if (outcome.lost) {
    if ((row.flags & ledger::k_estimated) == 0) told = cost;
    row.flags |= ledger::k_unknown;
    usage += outcome.lost->usage;
    cost += outcome.lost->cost;
  }
  row.input_tokens = usage.input_tokens;
  row.cached_tokens = usage.cached_tokens;
  row.cache_write_tokens = usage.cache_write_tokens;
  row.output_tokens = usage.output_tokens;
  row.units = {usage.images, usage.characters, usage.audio_ms, usage.search_units};
  if (!request.is_charged()) {
    if (!dialect::is_free(request.endpoint)) row.flags |= ledger::k_unpriced;
    return;
  }
  row.cost = cost;
  row.price_generation = request.price->generation;
  if (request.multiplier != billing::Multiplier{}) row.multiplier_millionths = request.multiplier.millionths;
  if (request.reservation == nullptr) return;
  // An estimate never passes the reservation, which is what the request could have cost at most.
  const bool estimated = (row.flags & (ledger::k_estimated | ledger::k_unknown)) != 0;
  if (estimated) row.cost = std::max(told, std::min(cost, outcome.reserved));
  if (outcome.attempt.meter != nullptr && request.is_made_later(*outcome.attempt.meter)) row.cost = outcome.reserved;
  // Nobody told what it used, and its provider went on with it.
  const bool went_on = estimated && outcome.worked_for && outcome.attempt.channel != nullptr &&
                       !is_ended_by_closing(*outcome.attempt.channel);
  if (went_on) row.cost = outcome.reserved;
  if (went_on) row.flags |= ledger::k_unknown;
}

// Where a response is that its provider keeps.
void note_stored(Settlement& row, const Outcome& outcome) {
  const auto& scan = outcome.request.scan;
  if (!scan.stored || outcome.attempt.meter == nullptr || outcome.attempt.meter->response_id().empty() ||
      outcome.status >= 300)
    return;
  row.stored.id = outcome.attempt.meter->response_id();
  row.stored.channel = outcome.attempt.channel->id;
  row.stored.model = scan.model;
  if ((row.flags & (ledger::k_estimated | ledger::k_unknown)) == 0)
    row.stored.tokens = row.input_tokens + row.output_tokens;
  const auto& hints = outcome.attempt.channel->key_hints;
  if (outcome.attempt.key && *outcome.attempt.key < hints.size())
    row.stored.key_hint = to_text(hints[*outcome.attempt.key]);
}

}  // namespace

Settlement settlement(Outcome outcome) {
  Settlement row;
  row.ending = ending_of(outcome);
  if (!left_unanswered(outcome)) {
    row.status = outcome.status;
    row.error = outcome.error;
  }
  row.duration_ms = outcome.duration_ms;
  if (!outcome.known) return row;
  row.facts = std::move(outcome.facts);
  if (outcome.group != nullptr && row.facts.group != outcome.group->name) row.facts.group = outcome.group->name;
  row.reserved = outcome.reserved;
  if (outcome.attempt.channel != nullptr) row.channel = outcome.attempt.channel->id;
  if (outcome.attempt.upstream_model != outcome.request.scan.model) row.upstream_model = outcome.attempt.upstream_model;
  row.upstream_request_id = outcome.attempt.upstream_request_id;
  row.first_byte_ms = outcome.attempt.first_byte_ms;
  if (outcome.request.reservation != nullptr && outcome.request.reservation->lowered) row.flags |= ledger::k_clamped;
  charge(row, outcome);
  note_stored(row, outcome);
  return row;
}

Trace trace_of(const Outcome& outcome, bool store_admits) {
  if (outcome.end != Outcome::End::refused || outcome.lost) return Trace::row;
  const bool known = outcome.known;
  if (known && outcome.reserved > base::Credits()) return Trace::row;  // it goes back
  const bool is_request = outcome.refused && *outcome.refused != RefusalCode::bad_framing;
  if (!known || !is_request || dialect::is_by_rate(*outcome.refused) || !store_admits) return Trace::count;
  return outcome.attempt.channel != nullptr ? Trace::row : Trace::first_rows;
}

}  // namespace cr::relay::request

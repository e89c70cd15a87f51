// SPDX-License-Identifier: MIT
// Exchange, settling: what the ledger gets to know of a request's end. Every path ends here exactly once.
#include <algorithm>
#include <limits>

#include "relay/request/exchange.h"
#include "relay/request/price_terms.h"

namespace cr::relay::request {

namespace {

constexpr std::int64_t k_tokens_max = std::numeric_limits<std::int32_t>::max();

// Tokens a second of one answer, at most: of the large vendors' models, and of those of whom nothing is known.
std::int64_t output_rate_max(ledger::ChannelKind kind) {
  constexpr std::int64_t k_large_vendor = 1'000;
  constexpr std::int64_t k_unknown = 4'000;
  const bool large = kind == ledger::ChannelKind::openai || kind == ledger::ChannelKind::anthropic;
  return large ? k_large_vendor : k_unknown;
}

std::int64_t milliseconds_since(base::SteadyTime start) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(base::steady_now() - start).count();
}

}  // namespace

void Exchange::fill_facts(ledger::RequestFacts& facts) const {
  facts.id = id_;
  facts.started_at = started_at_;
  facts.token = caller_.token->id;
  facts.key = caller_.key->id;
  facts.account = caller_.token->account;
  if (group_ != nullptr) facts.group = group_->name;
  facts.model = scan_.model;
  facts.endpoint = dialect::name_of(endpoint_);
  facts.source_ip = caller_.source.to_string();
  facts.stream = scan_.stream;
}

bool Exchange::needs_tokens() const {
  return dialect::tells_tokens(endpoint_) || (price_ && billing::has_token_rates(to_price(*price_)));
}

// As the provider told it; what it did not tell is estimated, and flagged.
dialect::Usage Exchange::used(std::uint32_t& flags) const {
  if (dialect::is_free(endpoint_)) return {};
  auto usage = meter_ ? meter_->usage() : std::nullopt;
  if (!usage && needs_tokens()) flags |= ledger::k_estimated;
  if (!usage) usage = needs_tokens() ? estimated_usage() : dialect::Usage{};
  count_units(*usage, flags);
  return *usage;
}

void Exchange::count_units(dialect::Usage& usage, std::uint32_t& flags) const {
  if (endpoint_ == dialect::Endpoint::audio_speech) usage.characters = scan_.characters;
  if (endpoint_ == dialect::Endpoint::rerank && meter_) usage.search_units = meter_->search_units().value_or(0);
  if (dialect::hears_sound(endpoint_)) {
    const auto told = meter_ ? meter_->audio_ms() : std::nullopt;
    const bool matters = price_ && price_->per_second > base::Credits();
    if (!told && matters) flags |= ledger::k_estimated;
    usage.audio_ms = told.value_or(matters ? billing::estimated_sound_ms(body_bytes()) : 0);
  }
  if (!dialect::makes_images(endpoint_)) return;
  const auto came = meter_ ? meter_->images() : std::nullopt;
  usage.images = came.value_or(scan_.choices);
  if (!came) flags |= ledger::k_estimated;
}

// A try that was sent and not answered counts as its input: the provider may have read it.
dialect::Usage Exchange::unanswered() const {
  dialect::Usage usage;
  if (dialect::is_free(endpoint_)) return usage;
  if (needs_tokens()) usage.input_tokens = estimated_input();
  if (endpoint_ == dialect::Endpoint::audio_speech) usage.characters = scan_.characters;
  return usage;
}

// What a try that was sent can have come to, if its provider went on until it closed the connection, and for as long
// again as it may take to notice that; at most all that the request allows.
dialect::Usage Exchange::made_in(std::chrono::milliseconds since_sent) const {
  constexpr std::chrono::seconds k_notice{2};
  auto usage = unanswered();
  if (dialect::is_free(endpoint_)) return usage;
  if (const auto most = price_ ? units_ceiling() : std::nullopt) {
    usage.images = most->images;
    usage.audio_ms = most->audio_ms;
    usage.search_units = most->search_units;
    usage.output_tokens = most->output_tokens;
  }
  if (dialect::output_of(endpoint_) != dialect::Output::text) return usage;
  const auto longest = price_ ? price_->max_output_tokens : std::nullopt;
  const auto bound = hold_ && hold_->output_bound > 0 ? hold_->output_bound
                                                      : scan_.output_bound.value_or(longest.value_or(k_tokens_max));
  const auto made = output_rate_max(channel_->kind) * std::chrono::milliseconds(since_sent + k_notice).count() / 1000;
  usage.output_tokens = std::min(bound, made) * std::max<std::int64_t>(scan_.choices, 1);
  return usage;
}

void Exchange::add_lost(const dialect::Usage& usage) {
  if (!lost_) lost_.emplace();
  *lost_ += usage;
  lost_cost_ += cost_of(usage);
}

// 0 where nothing is charged.
base::Credits Exchange::cost_of(const dialect::Usage& usage) const {
  if (!price_ || dialect::is_free(endpoint_)) return {};
  return billing::cost(to_price(*price_), {group_->multiplier_millionths}, usage);
}

// The provider goes on with it whatever becomes of us, and nobody tells what it used.
bool Exchange::is_made_later() const {
  return scan_.background && meter_ && !meter_->usage();
}

dialect::Usage Exchange::estimated_usage() const {
  dialect::Usage usage;
  // Anthropic tells its input at the start of a stream: then only the output is a guess.
  const auto told = meter_ ? meter_->input_usage() : std::nullopt;
  if (told) usage = *told;
  if (!told) usage.input_tokens = estimated_input();
  if (!meter_ || !dialect::has_output(endpoint_)) return usage;
  if (dialect::output_of(endpoint_) == dialect::Output::media) {
    const auto most = units_ceiling();
    usage.output_tokens = most ? most->output_tokens : 0;
    return usage;
  }
  // What the meter cannot read, a part of a plain answer or no JSON, counts by its length.
  usage.output_tokens = std::max(meter_->estimated_output_tokens(), billing::estimated_tokens(unread_bytes_));
  if (is_made_later()) {
    const auto most = hold_ ? hold_->output_bound : scan_.output_bound.value_or(0);
    usage.output_tokens = std::max(usage.output_tokens, most);
  }
  return usage;
}

void Exchange::fill_settlement(ledger::Settlement& settlement, ledger::Ending ending) {
  if (reservation_) {
    settlement.facts = std::move(reservation_->facts);  // nobody needs them after the ending
    settlement.held = reservation_->amount;
    if (settlement.facts.group != group_->name) settlement.facts.group = group_->name;
  } else {
    fill_facts(settlement.facts);
  }
  settlement.ending = ending;
  settlement.status = status_;
  settlement.error = error_;
  if (channel_) settlement.channel = channel_->id;
  if (upstream_model_ != scan_.model) settlement.upstream_model = upstream_model_;
  settlement.upstream_request_id = passed_.request_id;
  settlement.duration_ms = milliseconds_since(started_);
  settlement.first_byte_ms = first_byte_ms_;
  if (hold_ && hold_->lowered) settlement.flags |= ledger::k_clamped;
}

// What was used, and what it costs.
void Exchange::charge(ledger::Settlement& settlement) {
  const bool errored =
      meter_ && meter_->saw_error() && !meter_->usage() && !meter_->images() && meter_->estimated_output_tokens() == 0;
  const bool served = source_ && !passed_error_ && !errored;
  if (!served && !lost_) return;
  const bool priced = price_ && !dialect::is_free(endpoint_);
  auto usage = served ? used(settlement.flags) : dialect::Usage{};
  const auto answer_cost = served ? cost_of(usage) : base::Credits();
  base::Credits told_cost;
  if (lost_) {
    if ((settlement.flags & ledger::k_estimated) == 0) told_cost = answer_cost;
    settlement.flags |= ledger::k_unknown;
    usage += *lost_;
  }
  settlement.input_tokens = usage.input_tokens;
  settlement.cached_tokens = usage.cached_tokens;
  settlement.cache_write_tokens = usage.cache_write_tokens;
  settlement.output_tokens = usage.output_tokens;
  settlement.units = {usage.images, usage.characters, usage.audio_ms, usage.search_units};
  if (priced) {
    settlement.cost = answer_cost + lost_cost_;
    // An estimate never passes the hold: the hold is what the request could have cost at most.
    const bool estimated = (settlement.flags & (ledger::k_estimated | ledger::k_unknown)) != 0;
    if (estimated && hold_) settlement.cost = std::max(told_cost, std::min(settlement.cost, reservation_->amount));
    if (is_made_later() && hold_) settlement.cost = reservation_->amount;
  } else if (!dialect::is_free(endpoint_)) {
    settlement.flags |= ledger::k_unpriced;
  }
}

// How the answer of a channel that answered came to its end.
void Exchange::tell_health(ledger::Ending ending) {
  if (!answered_) return;
  const bool broken = ending == ledger::Ending::upstream_cut || ending == ledger::Ending::upstream_silent;
  const auto change = lane_.shared().health.finished(
      *claim_, broken ? routing::HealthBook::Finish::broken : routing::HealthBook::Finish::whole, first_byte_ms_,
      milliseconds_since(started_), base::steady_now());
  log_change(change, {routing::Verdict::Kind::failed, 0, "its answers break off", {}});
}

void Exchange::settle(ledger::Ending ending) {
  if (settled_) return;
  settled_ = true;
  ledger::Settlement settlement;
  fill_settlement(settlement, ending);
  charge(settlement);
  note_stored(settlement);
  tell_health(ending);
  correct_rates(settlement.input_tokens + settlement.output_tokens);
  lane_.shared().metrics.count(settlement);
  log_end(settlement);
  lane_.shared().ledger.settle(std::move(settlement));
}

void Exchange::settle_refused(const dialect::Refusal& refusal) {
  const bool left = client_gone_ && channel_ != nullptr;
  if (left) {  // while a provider was asked: nobody got to see what is refused here
    status_ = 0;
    error_ = {};
  }
  if (lost_) {
    settle(left                                                     ? ledger::Ending::client_gone
           : refusal.code == dialect::RefusalCode::upstream_timeout ? ledger::Ending::upstream_silent
                                                                    : ledger::Ending::upstream_failed);
    return;
  }
  if (settled_) return;
  settled_ = true;
  correct_rates(0);
  ledger::Settlement settlement;
  settlement.ending = ledger::Ending::refused;
  const bool known = caller_.token && caller_.account;
  const bool ours = upload_ && upload_->refusal;  // for what came of the form after a channel was asked
  if (known) {
    fill_settlement(settlement, left                ? ledger::Ending::client_gone
                                : channel_ && !ours ? ledger::Ending::upstream_failed
                                                    : ledger::Ending::refused);
  }
  settlement.status = status_;
  settlement.error = error_;
  if (left) {
    lane_.shared().metrics.count(settlement);
  } else {
    lane_.shared().metrics.count(refusal.code);
  }
  log_end(settlement);
  // Nobody's request leaves no row: a stranger with a wrong key must not be able to fill the store. Nor does what a
  // rate refuses: there is no end to how often that may come. What holds nothing is not queued for a store that cannot
  // be written: the queue would grow as long as requests come.
  const bool by_rate = refusal.code == dialect::RefusalCode::rate_limit_exceeded ||
                       refusal.code == dialect::RefusalCode::concurrency_limit_exceeded;
  if (known && !by_rate && (holds_credit() || lane_.ledger_admits()))
    lane_.shared().ledger.settle(std::move(settlement));
}

void Exchange::log_end(const ledger::Settlement& settlement) const {
  const bool failed = status_ >= 400 || settlement.ending != ledger::Ending::complete;
  if (settings_->log_requests == policy::LogRequests::none ||
      (!failed && settings_->log_requests == policy::LogRequests::errors))
    return;
  lane_.shared().log.write(failed ? base::LogLevel::warning : base::LogLevel::info,
                           failed ? "request failed" : "request",
                           {{"request_id", request_id_},
                            {"token", caller_.token ? caller_.token->name : std::string()},
                            {"endpoint", std::string(dialect::name_of(endpoint_))},
                            {"model", scan_.model},
                            {"channel", channel_ ? channel_->name : std::string()},
                            {"status", std::to_string(status_)},
                            {"error", std::string(error_)},
                            {"ending", std::string(ledger::name_of(settlement.ending))},
                            {"cost", settlement.cost.to_decimal()},
                            {"ms", std::to_string(milliseconds_since(started_))}});
}

}  // namespace cr::relay::request

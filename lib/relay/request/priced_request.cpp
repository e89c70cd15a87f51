// SPDX-License-Identifier: MIT
#include "relay/request/priced_request.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "billing/price_rules.h"

namespace cr::relay::request {

using dialect::Usage;

namespace {

constexpr std::int64_t k_tokens_max = std::numeric_limits<std::int32_t>::max();

}  // namespace

bool writes_no_bound(const ledger::ChannelRecord& channel, dialect::Endpoint endpoint,
                     const dialect::RequestScan& scan) {
  return endpoint == dialect::Endpoint::chat_completions && channel.bound_field == "none" && !scan.bound_value;
}

billing::RequestTerms PricedRequest::terms(ledger::WhenLow when_low, const policy::CreditSettings& settings) const {
  billing::RequestTerms terms;
  terms.endpoint = endpoint;
  terms.text_tokens =
      billing::text_tokens_ceiling(is_form() ? 0 : body_bytes, scan) + scan.continued_tokens.value_or(0);
  terms.images = scan.images;
  terms.sound_tokens = billing::sound_tokens_ceiling(scan.sound_bytes);
  const bool goes_on_from_unknown = !scan.previous_response.empty() && !scan.continued_tokens;
  terms.outside_input = scan.unbounded_media || goes_on_from_unknown;
  terms.long_cache = scan.long_cache;
  terms.wants_sound = scan.wants_sound;
  terms.choices = scan.choices;
  terms.client_bound = scan.output_bound;
  terms.thinking_budget = scan.thinking_budget;
  terms.when_low = when_low == ledger::WhenLow::refuse ? billing::WhenLow::refuse : billing::WhenLow::clamp;
  terms.default_output_tokens = settings.default_output_tokens;
  terms.clamp_floor = settings.clamp_floor;
  // A form has no field for a bound: the model's own limits are all there is.
  if (is_form()) terms.when_low = billing::WhenLow::refuse;
  return terms;
}

std::optional<billing::RouteCeiling> PricedRequest::ceiling(const billing::RequestTerms& terms) const {
  if (is_form() && !billing::has_token_rates(*price)) {
    auto without_tokens = terms;
    without_tokens.outside_input = false;
    without_tokens.text_tokens = 0;
    return billing::RouteCeiling::of(*price, multiplier, without_tokens, circumstances(), body_bytes);
  }
  auto ceiling = billing::RouteCeiling::of(*price, multiplier, terms, circumstances(), body_bytes);
  if (!ceiling || channel == nullptr || !writes_no_bound(*channel, endpoint, scan)) return ceiling;
  return ceiling->leave_open() ? ceiling : std::nullopt;
}

std::optional<Usage> PricedRequest::units_ceiling() const {
  return billing::units_ceiling(*price, endpoint, body_bytes, scan);
}

billing::Circumstances PricedRequest::circumstances(const dialect::Told* told) const {
  billing::Circumstances of{.scan = &scan, .told = told};
  if (channel != nullptr) {
    of.service_tier = channel->service_tier;
    of.stripped = channel->strip;
  }
  return of;
}

bool PricedRequest::needs_tokens() const {
  return dialect::tells_tokens(endpoint) || (price && billing::has_token_rates(*price));
}

// Where nobody counts. Files come to fewer tokens than text of their size, and never to more than fits the model.
std::int64_t PricedRequest::estimated_input() const {
  if (!is_form()) {
    return billing::estimated_tokens(body_bytes + static_cast<std::uint64_t>(scan.repeated_bytes)) +
           scan.continued_tokens.value_or(0);
  }
  const auto by_bytes = billing::estimated_media_tokens(told_bytes);
  return price && price->context_tokens ? std::min(by_bytes, *price->context_tokens) : by_bytes;
}

Usage PricedRequest::used(const dialect::Meter& meter, std::uint64_t unread_bytes, std::uint32_t& flags) const {
  if (dialect::is_free(endpoint)) return {};
  auto usage = meter.usage();
  if (!usage && needs_tokens()) flags |= ledger::k_estimated;
  if (!usage) usage = needs_tokens() ? estimated(meter, unread_bytes) : Usage{};
  count_units(meter, *usage, flags);
  return *usage;
}

void PricedRequest::count_units(const dialect::Meter& meter, Usage& usage, std::uint32_t& flags) const {
  if (endpoint == dialect::Endpoint::audio_speech) usage.characters = scan.characters;
  if (endpoint == dialect::Endpoint::rerank) usage.search_units = meter.search_units().value_or(0);
  if (dialect::hears_sound(endpoint)) {
    const auto told = meter.audio_ms();
    const bool matters = price && price->per_second > base::Credits();
    if (!told && matters) flags |= ledger::k_estimated;
    usage.audio_ms = told.value_or(matters ? billing::estimated_sound_ms(body_bytes) : 0);
  }
  if (!dialect::makes_images(endpoint)) return;
  const auto came = meter.images();
  usage.images = came.value_or(scan.choices);
  if (!came) flags |= ledger::k_estimated;
}

Usage PricedRequest::estimated(const dialect::Meter& meter, std::uint64_t unread_bytes) const {
  Usage usage;
  // Anthropic tells its input at the start of a stream: then only the output is a guess.
  const auto told = meter.input_usage();
  if (told) usage = *told;
  if (!told) usage.input_tokens = estimated_input();
  if (!dialect::has_output(endpoint)) return usage;
  if (dialect::output_of(endpoint) == dialect::Output::media) {
    const auto most = price ? units_ceiling() : std::nullopt;
    usage.output_tokens = most ? most->output_tokens : 0;
    return usage;
  }
  // What the meter cannot read, a part of a plain answer or no JSON, counts by its length.
  usage.output_tokens =
      std::max({meter.told_output_tokens(), meter.estimated_output_tokens(), billing::estimated_tokens(unread_bytes)});
  if (is_made_later(meter)) {
    const auto most = reservation != nullptr ? reservation->output_bound : scan.output_bound.value_or(0);
    usage.output_tokens = std::max(usage.output_tokens, most);
  }
  return usage;
}

bool is_ended_by_closing(const ledger::ChannelRecord& channel) {
  return channel.cancels != "never";
}

// To what is reserved for: a client that leaves before the end learns no price by it, and pays no less than it may have
// used up. Four bytes a token are an estimate, and no bound of what has less.
void PricedRequest::raise_input(Usage& usage) const {
  if (reservation == nullptr || price == nullptr || is_form()) return;
  const auto most = ceiling(terms(ledger::WhenLow::clamp, {}));
  if (!most || most->input_tokens() <= usage.input_tokens) return;
  usage.input_tokens = most->input_tokens();
  usage.image_input_tokens = scan.images * price->image_tokens.value_or(0);
  usage.audio_input_tokens = billing::sound_tokens_ceiling(scan.sound_bytes);
}

Usage PricedRequest::unanswered() const {
  Usage usage;
  if (dialect::is_free(endpoint)) return usage;
  if (needs_tokens()) usage.input_tokens = estimated_input();
  if (needs_tokens()) raise_input(usage);
  if (endpoint == dialect::Endpoint::audio_speech) usage.characters = scan.characters;
  return usage;
}

Usage PricedRequest::made_in(std::chrono::milliseconds since_sent, std::int64_t output_rate) const {
  constexpr std::chrono::seconds k_notice{2};
  auto usage = unanswered();
  if (dialect::is_free(endpoint)) return usage;
  if (const auto most = price ? units_ceiling() : std::nullopt) {
    usage.images = most->images;
    usage.audio_ms = most->audio_ms;
    usage.search_units = most->search_units;
    usage.output_tokens = most->output_tokens;
  }
  if (dialect::output_of(endpoint) != dialect::Output::text) return usage;
  const auto longest = price ? price->max_output_tokens : std::nullopt;
  auto bound = reservation != nullptr && reservation->output_bound > 0
                   ? reservation->output_bound
                   : scan.output_bound.value_or(longest.value_or(k_tokens_max));
  if (price) bound = billing::most_output(*price, bound);
  const auto made = output_rate * std::chrono::milliseconds(since_sent + k_notice).count() / 1000;
  usage.output_tokens = std::min(bound, made) * std::max<std::int64_t>(scan.choices, 1);
  return usage;
}

void PricedRequest::add_unseen(const dialect::Meter& meter, std::chrono::milliseconds worked_for,
                               std::int64_t output_rate, Usage& usage) const {
  if (!meter.input_usage()) raise_input(usage);
  const bool silent = meter.estimated_output_tokens() == 0;
  const bool thinks = price != nullptr && (price->thinks || price->thinking_tokens);
  if (!silent && !thinks) return;
  const auto made = made_in(worked_for, output_rate);
  usage.output_tokens = std::max(usage.output_tokens, made.output_tokens);
  usage.images = std::max(usage.images, made.images);
  usage.audio_ms = std::max(usage.audio_ms, made.audio_ms);
  usage.search_units = std::max(usage.search_units, made.search_units);
}

dialect::Told PricedRequest::with_unseen_calls(dialect::Told told) const {
  return reservation != nullptr ? with_all_calls(std::move(told)) : told;
}

dialect::Told PricedRequest::with_all_calls(dialect::Told told) const {
  if (price == nullptr) return told;
  for (const auto& rule : price->rules.list()) {
    if (!rule.is_fee()) continue;
    const auto most = billing::most_calls(rule, scan);
    if (most > told.count(rule.count)) told.set_count(rule.count, most);
  }
  return told;
}

std::optional<ledger::UnseenCost> PricedRequest::unseen_cost(const billing::RouteCeiling& ceiling,
                                                             std::int64_t output_rate) const {
  if (!scan.stream || scan.background || dialect::output_of(endpoint) != dialect::Output::text) return std::nullopt;
  if (channel != nullptr && !is_ended_by_closing(*channel)) return std::nullopt;
  const auto calls = with_all_calls({});
  auto made = made_in(std::chrono::milliseconds(0), output_rate);
  made.input_tokens = std::max(made.input_tokens, ceiling.input_tokens());
  return ledger::UnseenCost{cost(made, &calls), ceiling.output_alone(output_rate)};
}

base::Credits PricedRequest::cost(const Usage& usage, const dialect::Told* told) const {
  return is_charged() ? billing::cost(*price, multiplier, usage, circumstances(told)) : base::Credits();
}

}  // namespace cr::relay::request

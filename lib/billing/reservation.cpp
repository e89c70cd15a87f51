// SPDX-License-Identifier: MIT
#include "billing/reservation.h"

#include <algorithm>
#include <limits>

#include "billing/price_rules.h"

namespace cr::billing {
namespace {

constexpr std::int64_t k_bound_max = std::numeric_limits<std::int32_t>::max();
constexpr std::int64_t k_tokens_max = std::numeric_limits<std::int64_t>::max();

std::int64_t saturating(std::int64_t count, std::int64_t each) {
  std::int64_t product = 0;
  return __builtin_mul_overflow(count, each, &product) ? k_tokens_max : product;
}

std::int64_t saturating_sum(std::int64_t a, std::int64_t b) {
  std::int64_t sum = 0;
  return __builtin_add_overflow(a, b, &sum) ? k_tokens_max : sum;
}

Sum scaled(Sum each, std::int64_t count) {
  Sum sum = 0;
  return __builtin_mul_overflow(each, static_cast<Sum>(std::max<std::int64_t>(count, 0)), &sum) ? k_sum_max : sum;
}

// What a bound allows with the thinking `beside` it that it counts none of.
std::int64_t with_thinking(std::int64_t bound, std::int64_t beside, std::optional<std::int64_t> longest) {
  if (beside == 0) return bound;
  return std::min(saturating_sum(bound, beside), longest.value_or(k_tokens_max));
}

// The largest from `least` on and below `above` that fits, where all below one that fits do; `least` if none does.
template <class Fits>
std::int64_t largest(std::int64_t least, std::int64_t above, const Fits& fits) {
  while (above - least > 1) {
    const auto middle = least + (above - least) / 2;
    (fits(middle) ? least : above) = middle;
  }
  return least;
}

// The fees of the tools that the request lets the provider call.
Sum tool_fees(const Price& price, const dialect::RequestScan& scan) {
  Sum sum = 0;
  if (scan.provider_tools.empty()) return sum;
  for (const PriceRule& rule : price.rules.list()) {
    if (rule.is_fee()) sum = plus(sum, times(most_calls(rule, scan), rule.fee));
  }
  return sum;
}

// What the tools of the provider bring in, each as its rule says; none: nothing bounds it but the context.
std::optional<std::int64_t> tool_input(const Price& price, const dialect::RequestScan& scan) {
  std::int64_t tokens = 0;
  for (const auto& tool : scan.provider_tools) {
    const PriceRule* known = nullptr;
    for (const PriceRule& rule : price.rules.list()) {
      if (rule.is_fee() && tool.type.starts_with(rule.tool)) known = &rule;
    }
    if (known == nullptr || !known->brings) return std::nullopt;
    tokens = saturating_sum(tokens, *known->brings);
  }
  return tokens;
}

}  // namespace

std::optional<RouteCeiling> RouteCeiling::of(const Price& price, Multiplier multiplier, const RequestTerms& request,
                                             const Circumstances& circumstances, std::size_t body_bytes) {
  static const dialect::RequestScan k_none;
  const auto& scan = circumstances.scan != nullptr ? *circumstances.scan : k_none;
  RouteCeiling made;
  made.multiplier_ = multiplier;
  made.choices_ = std::max<std::int64_t>(request.choices, 1);
  made.context_ = price.context_tokens;
  made.longest_ = price.max_output_tokens;
  made.longest_bound_ = longest_bound(price);
  made.thinking_beside_ = price.thinking_tokens.value_or(0);
  made.thinks_ = price.thinks;
  made.bounded_output_ = dialect::output_of(request.endpoint) == dialect::Output::text;
  made.open_bound_ = price.default_output_tokens.value_or(made.longest_bound_.value_or(request.default_output_tokens));
  if (made.longest_bound_) made.open_bound_ = std::min(made.open_bound_, *made.longest_bound_);

  made.text_tokens_ = request.text_tokens;
  made.sound_tokens_ = request.sound_tokens;
  const bool free_input =
      std::max({price.input, price.cached_input, price.cache_write}) == Rate{} && price.rules.empty();
  const auto brought = tool_input(price, scan);
  const bool unknown = request.outside_input || !brought || (request.images > 0 && !price.image_tokens);
  if (unknown && !free_input) {
    if (!price.context_tokens) return std::nullopt;
    made.text_tokens_ = std::max(made.text_tokens_, *price.context_tokens);
  } else {
    made.image_tokens_ = saturating(request.images, price.image_tokens.value_or(0));
    made.text_tokens_ = saturating_sum(made.text_tokens_, brought.value_or(0));
  }
  made.input_tokens_ = saturating_sum(saturating_sum(made.text_tokens_, made.image_tokens_), made.sound_tokens_);

  const auto units = units_ceiling(price, request.endpoint, body_bytes, scan);
  if (!units) return std::nullopt;
  dialect::Usage output = *units;
  output.image_output_tokens = dialect::makes_images(request.endpoint) ? output.output_tokens : 0;
  output.audio_output_tokens = request.endpoint == dialect::Endpoint::audio_speech ? output.output_tokens : 0;
  made.fixed_ = plus(sum_of_charges(price, output, circumstances), tool_fees(price, scan));

  for (const auto step : price.rules.steps()) {
    if (step < made.input_tokens_) made.add_piece(price, request, circumstances, step);
  }
  made.add_piece(price, request, circumstances, made.input_tokens_);
  return made;
}

// However the provider's cache splits the input, none of it costs more than the dearest rate; and a member of the
// request that the response need not confirm may cost more without it.
void RouteCeiling::add_piece(const Price& price, const RequestTerms& request, const Circumstances& circumstances,
                             std::int64_t up_to) {
  Piece piece;
  for (const bool confirmed : {false, true}) {
    const auto rates = rates_of(price, up_to, circumstances, confirmed);
    piece.text = std::max({piece.text, rates.input, rates.cached_input, rates.cache_write,
                           request.long_cache ? rates.cache_write_hour : Rate{}});
    piece.image = std::max({piece.image, piece.text, rates.image_input, rates.cached_image_input});
    piece.sound = std::max({piece.sound, piece.text, rates.audio_input, rates.cached_audio_input});
    piece.output = std::max({piece.output, rates.output, request.wants_sound ? rates.audio_output : Rate{},
                             price.other.image_output ? rates.image_output : Rate{}});
    if (price.rules.of_rates().empty()) break;
  }
  piece.input_up_to = up_to;
  if (piece_count_ == k_pieces_max) {
    // More steps than anybody has: the last one's rates hold for all that is longer, where they are the dearer.
    auto& last = pieces_[k_pieces_max - 1];
    last = {up_to, std::max(last.text, piece.text), std::max(last.image, piece.image),
            std::max(last.sound, piece.sound), std::max(last.output, piece.output)};
    return;
  }
  pieces_[piece_count_++] = piece;
}

// Of an input of at most `most` tokens.
Sum RouteCeiling::input_sum(const Piece& piece, std::int64_t most) const {
  const auto whole =
      plus(plus(times(text_tokens_, piece.text), times(image_tokens_, piece.image)), times(sound_tokens_, piece.sound));
  if (most >= input_tokens_) return whole;
  const Rate dearest = std::max({text_tokens_ > 0 ? piece.text : Rate{}, image_tokens_ > 0 ? piece.image : Rate{},
                                 sound_tokens_ > 0 ? piece.sound : Rate{}});
  return std::min(whole, times(std::max<std::int64_t>(most, 0), dearest));
}

// Of the splits of a context the dearest is one of the two ends: all of the input, or all of the output.
Sum RouteCeiling::sum(const Piece& piece, std::int64_t output) const {
  const auto cost = [&](std::int64_t tokens) {
    return bounded_output_ ? scaled(times(tokens, piece.output), choices_) : Sum{0};
  };
  const auto input = std::min(piece.input_up_to, input_tokens_);
  if (!context_ || saturating_sum(input, output) <= *context_) return plus(input_sum(piece, input), cost(output));
  const auto most_input = std::min(input, *context_);
  const auto most_output = std::min(output, *context_);
  const auto all_input = plus(input_sum(piece, most_input), cost(*context_ - most_input));
  const auto all_output = plus(input_sum(piece, std::min(most_input, *context_ - most_output)), cost(most_output));
  return std::max(all_input, all_output);
}

std::optional<std::int64_t> longest_bound(const Price& price) {
  if (!price.max_output_tokens) return std::nullopt;
  const auto beside = price.thinking_tokens.value_or(0);
  return beside < *price.max_output_tokens ? *price.max_output_tokens - beside : *price.max_output_tokens;
}

std::int64_t most_output(const Price& price, std::int64_t bound) {
  return with_thinking(bound, price.thinking_tokens.value_or(0), price.max_output_tokens);
}

bool RouteCeiling::leave_open() {
  if (!longest_) longest_ = longest_bound_ = context_;
  left_open_ = longest_.has_value();
  return left_open_ || !bounded_output_;
}

// Of one choice.
std::int64_t RouteCeiling::output_of(std::int64_t bound) const {
  if (left_open_) return *longest_;
  return with_thinking(bound, thinking_beside_, longest_);
}

base::Credits RouteCeiling::amount(std::int64_t bound) const {
  const auto output = output_of(bound);
  Sum most = 0;
  for (std::size_t i = 0; i < piece_count_; ++i) most = std::max(most, sum(pieces_[i], output));
  return round_up(plus(most, fixed_), multiplier_);
}

base::Credits RouteCeiling::output_alone(std::int64_t bound) const {
  Rate dearest;
  for (std::size_t i = 0; i < piece_count_; ++i) dearest = std::max(dearest, pieces_[i].output);
  return round_up(bounded_output_ ? scaled(times(bound, dearest), choices_) : Sum{0}, multiplier_);
}

bool RouteCeiling::is_output_free() const {
  return output_alone(k_bound_max) == base::Credits();
}

std::int64_t RouteCeiling::affordable(base::Credits available) const {
  if (amount(0) > available) return -1;
  if (amount(k_bound_max) <= available) return k_bound_max;
  return largest(0, k_bound_max, [&](std::int64_t bound) { return amount(bound) <= available; });
}

namespace {

// A model stops at its own limit, so a bound above it costs no more than the limit.
std::int64_t within(std::int64_t bound, const RouteCeiling& route) {
  return std::min(bound, route.longest().value_or(k_bound_max));
}

// What a quarter of the credit pays of output alone; but for a request without a bound that is all it is worth.
std::int64_t open_bound(const RouteCeiling& route, base::Credits available) {
  const auto quarter = base::Credits::from_nano(available.nano() / 4);
  const auto wanted = route.open_bound();
  if (wanted <= k_least_open_output_tokens || route.output_alone(wanted) <= quarter) return wanted;
  return largest(k_least_open_output_tokens, wanted,
                 [&](std::int64_t bound) { return route.output_alone(bound) <= quarter; });
}

// What the request is to have where there is credit for it, by any of its routes.
std::int64_t wanted_bound(const ReservationTerms& terms, base::Credits available) {
  std::int64_t wanted = 0;
  for (const auto& route : terms.routes) {
    wanted = std::max(wanted, terms.request.client_bound
                                  ? within(std::max<std::int64_t>(*terms.request.client_bound, 1), route)
                                  : open_bound(route, available));
  }
  // A bound at or below what the model may think is refused by its provider.
  if (!terms.request.client_bound && terms.request.thinking_budget)
    wanted = std::max(wanted, saturating_sum(*terms.request.thinking_budget, 1));
  return std::min(wanted, k_bound_max);
}

// The most that the routes can bill whose own most fits `available`; none: not one does.
std::optional<base::Credits> carried(const ReservationTerms& terms, std::int64_t bound, base::Credits available) {
  std::optional<base::Credits> most;
  for (const auto& route : terms.routes) {
    const auto amount = route.amount(within(bound, route));
    if (amount <= available) most = std::max(most.value_or(amount), amount);
  }
  return most;
}

std::int64_t floor_of(const ReservationTerms& terms, std::int64_t wanted) {
  const auto& request = terms.request;
  std::int64_t floor = request.clamp_floor;
  const auto thinks = [](const RouteCeiling& route) { return route.thinks(); };
  if (std::any_of(terms.routes.begin(), terms.routes.end(), thinks)) floor = std::max(floor, k_thinking_floor);
  floor = std::min(floor, wanted);
  if (request.thinking_budget) floor = std::max(floor, saturating_sum(*request.thinking_budget, 1));
  return floor;
}

}  // namespace

bool carries(const ReservationSize& size, const RouteCeiling& route) {
  return route.amount(within(size.output_bound, route)) <= size.amount;
}

bool must_write_bound(const ReservationSize& size, std::optional<std::int64_t> longest) {
  return size.write_bound && (!longest || size.output_bound < *longest);
}

std::optional<ReservationSize> size_reservation(const ReservationTerms& terms, base::Credits available) {
  if (dialect::output_of(terms.request.endpoint) != dialect::Output::text) {
    const auto amount = carried(terms, 0, available);
    return amount ? std::optional(ReservationSize{*amount, 0, false, false}) : std::nullopt;
  }
  const auto free = [](const RouteCeiling& route) { return route.is_output_free(); };
  const bool all_free = std::all_of(terms.routes.begin(), terms.routes.end(), free);
  const auto wanted = wanted_bound(terms, available);
  if (const auto amount = carried(terms, wanted, available)) {
    const bool open = !terms.request.client_bound;
    return ReservationSize{*amount, open && all_free ? 0 : wanted, open && !all_free, false};
  }
  if (terms.request.when_low == WhenLow::refuse) return std::nullopt;
  std::int64_t lowered = -1;
  for (const auto& route : terms.routes) lowered = std::max(lowered, std::min(wanted, route.affordable(available)));
  if (lowered < floor_of(terms, wanted)) return std::nullopt;
  const auto amount = carried(terms, lowered, available);
  return amount ? std::optional(ReservationSize{*amount, lowered, true, true}) : std::nullopt;
}

std::optional<base::Credits> least_reservation(const ReservationTerms& terms) {
  const bool is_text = dialect::output_of(terms.request.endpoint) == dialect::Output::text;
  const auto wanted = is_text ? wanted_bound(terms, base::Credits::max()) : 0;
  std::optional<base::Credits> least;
  for (const auto& route : terms.routes) {
    const auto amount = route.amount(within(wanted, route));
    least = std::min(least.value_or(amount), amount);
  }
  return least;
}

std::optional<ReservationSize> shrink_reservation(const ReservationTerms& terms, const ReservationSize& reservation,
                                                  base::Credits available) {
  if (reservation.amount <= available) return reservation;
  const bool by_us = !terms.request.client_bound && reservation.write_bound &&
                     dialect::output_of(terms.request.endpoint) == dialect::Output::text;
  if (!by_us) return std::nullopt;
  std::int64_t bound = -1;
  for (const auto& route : terms.routes)
    bound = std::max(bound, std::min(reservation.output_bound, route.affordable(available)));
  if (bound < std::min(reservation.output_bound, k_least_open_output_tokens) || bound < floor_of(terms, bound))
    return std::nullopt;
  const auto amount = carried(terms, bound, available);
  return amount ? std::optional(ReservationSize{*amount, bound, true, reservation.lowered}) : std::nullopt;
}

}  // namespace cr::billing

// SPDX-License-Identifier: MIT
// size_reservation(): the ceiling of a request, and what of it the credit left can carry.
#include <algorithm>
#include <limits>

#include "billing/cost.h"
#include "billing/price.h"

namespace cr::billing {
namespace {

constexpr std::int64_t k_bound_max = std::numeric_limits<std::int32_t>::max();
constexpr std::int64_t k_tokens_max = std::numeric_limits<std::int64_t>::max();

// Cohere's search unit is one query with up to 100 documents. A long document counts once for each piece that it is cut
// into: 510 tokens, of which the query takes at most 256 (docs.cohere.com/docs/reranking-best-practices). A token is at
// least a byte, so that a piece takes more than these off a document.
constexpr std::int64_t k_rerank_bytes_per_piece = 200;
constexpr std::int64_t k_rerank_pieces_per_unit = 100;

// The prices of one request, as a line: fixed + slope x (output tokens of one choice).
class Line {
 public:
  explicit Line(const ReservationTerms& terms) : multiplier_(terms.multiplier) {
    // However the provider's cache splits the input, none of it costs more than the dearest rate.
    const Rate dearest = std::max({terms.price.input, terms.price.cached_input, terms.price.cache_write,
                                   terms.long_cache ? long_cache_write_rate(terms.price) : Rate{}});
    fixed_ = plus(times(terms.input_tokens, dearest), units(terms.price, terms.units));
    fixed_ = plus(fixed_, times(terms.units.output_tokens, terms.price.output));
    const bool bounded = dialect::output_of(terms.endpoint) == dialect::Output::text;
    slope_ = bounded ? times(std::max<std::int64_t>(terms.choices, 1), terms.price.output) : 0;
  }

  bool is_output_free() const { return slope_ == 0 || multiplier_.millionths <= 0; }

  base::Credits amount(std::int64_t bound) const {
    Sum output = 0;
    if (__builtin_mul_overflow(slope_, static_cast<Sum>(bound), &output)) output = k_sum_max;
    return round_up(plus(fixed_, output), multiplier_);
  }

  // The largest bound that `available` pays, input and all; -1 if it does not even pay the input.
  std::int64_t affordable(base::Credits available) const {
    if (amount(0) > available) return -1;
    if (is_output_free()) return k_bound_max;
    const Sum sum = largest_sum(available, multiplier_);
    return sum < fixed_ ? 0 : capped((sum - fixed_) / slope_);  // less only where amount() has saturated
  }

  // The same for the output alone.
  std::int64_t affordable_output(base::Credits available) const {
    if (is_output_free()) return k_bound_max;
    return capped(largest_sum(available, multiplier_) / slope_);
  }

 private:
  static std::int64_t capped(Sum bound) {
    return static_cast<std::int64_t>(std::min(bound, static_cast<Sum>(k_bound_max)));
  }

  Multiplier multiplier_;
  Sum fixed_ = 0;
  Sum slope_ = 0;
};

// The most a model can say to this request. Some providers refuse a bound that does not fit the context beside the
// prompt, so what crd writes of its own stays within what surely fits, down to the default.
std::int64_t longest_answer(const ReservationTerms& terms) {
  const auto& context = terms.price.context_tokens;
  const std::int64_t longest = terms.price.max_output_tokens.value_or(context.value_or(k_bound_max));
  if (!context) return std::clamp<std::int64_t>(longest, 1, k_bound_max);
  const std::int64_t room = std::max(*context - terms.input_tokens, k_default_output_tokens);
  return std::clamp<std::int64_t>(std::min(longest, room), 1, k_bound_max);
}

std::optional<ReservationSize> reserve_for_given(const ReservationTerms& terms, const Line& line,
                                                 base::Credits available) {
  // A model stops at its own limit, so a bound above it costs no more than the limit.
  const std::int64_t wanted = std::min(*terms.client_bound, terms.price.max_output_tokens.value_or(k_bound_max));
  const std::int64_t affordable = line.affordable(available);
  if (affordable >= wanted) return ReservationSize{line.amount(wanted), wanted, false, false};
  if (terms.when_low == WhenLow::refuse || affordable < k_least_output_tokens) return std::nullopt;
  return ReservationSize{line.amount(affordable), affordable, true, true};
}

std::optional<ReservationSize> reserve_for_open(const ReservationTerms& terms, const Line& line,
                                                base::Credits available) {
  const std::int64_t affordable = line.affordable(available);
  if (affordable < 0) return std::nullopt;
  if (line.is_output_free()) {
    if (!terms.price.max_output_tokens) return ReservationSize{line.amount(0), 0, false, false};
    const std::int64_t bound = longest_answer(terms);
    return ReservationSize{line.amount(bound), bound, true, false};
  }
  const std::int64_t longest = longest_answer(terms);
  const std::int64_t usual = std::min(longest, k_default_output_tokens);
  const auto quarter = base::Credits::from_nano(available.nano() / 4);
  const std::int64_t wanted = std::min(longest, std::max(k_default_output_tokens, line.affordable_output(quarter)));
  const std::int64_t bound = std::min(wanted, affordable);
  if (bound < usual && (terms.when_low == WhenLow::refuse || bound < k_least_output_tokens)) return std::nullopt;
  return ReservationSize{line.amount(bound), bound, true, bound < usual};
}

}  // namespace

std::int64_t input_tokens_ceiling(std::size_t body_bytes, const dialect::RequestScan& scan) {
  return static_cast<std::int64_t>(body_bytes) + scan.repeated_bytes + k_overhead_tokens_per_request +
         scan.messages * k_overhead_tokens_per_message;
}

// No speech that can be understood takes less than Opus at 6 kbit/s (RFC 6716, 2.1.1).
std::int64_t longest_sound_ms(std::uint64_t bytes) {
  constexpr std::uint64_t k_bytes_per_second = 750;
  return static_cast<std::int64_t>(bytes / k_bytes_per_second * 1000 +
                                   bytes % k_bytes_per_second * 1000 / k_bytes_per_second + 1);
}

std::int64_t estimated_sound_ms(std::uint64_t bytes) {
  constexpr std::uint64_t k_bytes_per_ms = 8;
  return static_cast<std::int64_t>(bytes / k_bytes_per_ms);
}

std::optional<dialect::Usage> units_ceiling(const Price& price, dialect::Endpoint endpoint, std::size_t body_bytes,
                                            const dialect::RequestScan& scan) {
  dialect::Usage most;
  if (dialect::makes_images(endpoint)) most.images = scan.choices;
  if (dialect::hears_sound(endpoint)) most.audio_ms = longest_sound_ms(body_bytes);
  if (endpoint == dialect::Endpoint::audio_speech) most.characters = scan.characters;
  if (endpoint == dialect::Endpoint::rerank) {
    const std::int64_t pieces = scan.documents + static_cast<std::int64_t>(body_bytes) / k_rerank_bytes_per_piece;
    most.search_units = (pieces + k_rerank_pieces_per_unit - 1) / k_rerank_pieces_per_unit;
  }
  if (dialect::output_of(endpoint) != dialect::Output::media || price.output == Rate{}) return most;
  const auto longest = price.max_output_tokens ? price.max_output_tokens : price.context_tokens;
  if (!longest) return std::nullopt;
  if (__builtin_mul_overflow(*longest, scan.choices, &most.output_tokens)) most.output_tokens = k_tokens_max;
  return most;
}

std::int64_t estimated_tokens(std::uint64_t bytes) {
  constexpr std::int64_t k_bytes_per_token = 4;
  return (static_cast<std::int64_t>(bytes) + k_bytes_per_token - 1) / k_bytes_per_token;
}

std::int64_t estimated_media_tokens(std::uint64_t bytes) {
  constexpr std::uint64_t k_bytes_per_token = 256;
  return static_cast<std::int64_t>((bytes + k_bytes_per_token - 1) / k_bytes_per_token);
}

std::optional<ReservationSize> shrink_reservation(const ReservationTerms& terms, const ReservationSize& reservation,
                                                  base::Credits available) {
  if (reservation.amount <= available) return reservation;
  const bool by_us =
      !terms.client_bound && reservation.write_bound && dialect::output_of(terms.endpoint) == dialect::Output::text;
  if (!by_us) return std::nullopt;
  const Line line(terms);
  const auto bound = std::min(reservation.output_bound, line.affordable(available));
  if (bound < std::min(longest_answer(terms), k_default_output_tokens)) return std::nullopt;
  return ReservationSize{line.amount(bound), bound, true, reservation.lowered};
}

std::optional<ReservationSize> size_reservation(const ReservationTerms& terms, base::Credits available) {
  const Line line(terms);
  if (line.amount(0) > available) return std::nullopt;
  if (dialect::output_of(terms.endpoint) != dialect::Output::text)
    return ReservationSize{line.amount(0), 0, false, false};
  return terms.client_bound ? reserve_for_given(terms, line, available) : reserve_for_open(terms, line, available);
}

}  // namespace cr::billing

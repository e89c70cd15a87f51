// SPDX-License-Identifier: MIT
// How much is reserved for a request: the most that the provider can bill for it, by every route that may be tried, and
// what of it the credit left can carry. Pure; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/credits.h"
#include "billing/cost.h"
#include "billing/price.h"
#include "dialect/endpoint.h"
#include "dialect/request_scan.h"
#include "dialect/usage.h"

namespace cr::billing {

inline constexpr std::int64_t k_overhead_tokens_per_message = 16;
inline constexpr std::int64_t k_overhead_tokens_per_request = 64;
// For a request without a bound to a model whose longest answer is not known, and the least of what is left of it where
// a quarter of the credit is less.
inline constexpr std::int64_t k_default_output_tokens = 16'384;
inline constexpr std::int64_t k_least_open_output_tokens = 4096;
// Below these a bound is not lowered; of a model that thinks unasked the second.
inline constexpr std::int64_t k_clamp_floor = 256;
inline constexpr std::int64_t k_thinking_floor = 4096;

enum class WhenLow { clamp, refuse };

// What the ceiling of a request depends on, whichever route it goes.
struct RequestTerms {
  dialect::Endpoint endpoint = dialect::Endpoint::chat_completions;
  std::int64_t text_tokens = 0;   // of the input, at most
  std::int64_t images = 0;        // of the input
  std::int64_t sound_tokens = 0;  // of the input, at most
  bool outside_input = false;     // it brings input that nobody can bound: up to the context
  bool long_cache = false;        // the input may be written to a cache for an hour
  bool wants_sound = false;       // of the answer
  std::int64_t choices = 1;
  std::optional<std::int64_t> client_bound;     // per choice
  std::optional<std::int64_t> thinking_budget;  // what a bound must be above
  WhenLow when_low = WhenLow::clamp;
  std::int64_t default_output_tokens = k_default_output_tokens;
  std::int64_t clamp_floor = k_clamp_floor;
};

// The most that one route can bill for the request, by the bound of its output. Input and output together never pass
// the model's context, so that it is the dearest split of it.
class RouteCeiling {
 public:
  // What else the route's price and the request come to: units (images, characters, sound, requests, output that no
  // request can bound), and the circumstances of the price's rules. Nothing: the input, or output of this kind, has no
  // known bound.
  static std::optional<RouteCeiling> of(const Price& price, Multiplier multiplier, const RequestTerms& request,
                                        const Circumstances& circumstances, std::size_t body_bytes);

  base::Credits amount(std::int64_t bound) const;  // `bound`: of one choice, which may think beside it
  // The largest bound that `available` pays; -1 if it does not even pay the input.
  std::int64_t affordable(base::Credits available) const;
  base::Credits output_alone(std::int64_t bound) const;
  // The request can carry no bound by this route: its output comes to the model's longest answer, or its context,
  // whatever bound there is. False: neither is known.
  bool leave_open();
  bool is_output_free() const;
  // The longest answer that a bound can allow; none: not known.
  std::optional<std::int64_t> longest() const { return longest_bound_; }
  // What a request without a bound comes to.
  std::int64_t open_bound() const { return open_bound_; }
  bool thinks() const { return thinks_; }
  std::int64_t input_tokens() const { return input_tokens_; }

 private:
  struct Piece {  // the dearest rates of an input of up to so many tokens
    std::int64_t input_up_to = 0;
    Rate text, image, sound, output;
  };
  static constexpr std::size_t k_pieces_max = 8;

  void add_piece(const Price& price, const RequestTerms& request, const Circumstances& circumstances,
                 std::int64_t up_to);
  Sum input_sum(const Piece& piece, std::int64_t most) const;
  Sum sum(const Piece& piece, std::int64_t output) const;
  std::int64_t output_of(std::int64_t bound) const;

  std::array<Piece, k_pieces_max> pieces_{};
  std::size_t piece_count_ = 0;
  Multiplier multiplier_{};
  std::int64_t text_tokens_ = 0, image_tokens_ = 0, sound_tokens_ = 0, input_tokens_ = 0;
  std::int64_t choices_ = 1;
  Sum fixed_ = 0;
  std::optional<std::int64_t> context_, longest_, longest_bound_;
  std::int64_t thinking_beside_ = 0;
  std::int64_t open_bound_ = 0;
  bool bounded_output_ = false;
  bool thinks_ = false;
  bool left_open_ = false;
};

// All that the size of a reservation depends on but the credit there is.
struct ReservationTerms {
  RequestTerms request;
  std::vector<RouteCeiling> routes;  // at least one
};

struct ReservationSize {
  base::Credits amount;
  std::int64_t output_bound = 0;  // per choice
  bool write_bound = false;       // the forwarded request must carry output_bound, where a model would say more
  bool lowered = false;           // it is less than the client asked for: x-crd-output-limit
};

// Whether `route` stays within `size`, and so may be tried.
bool carries(const ReservationSize& size, const RouteCeiling& route);
// Whether a request by this route must carry the bound: it lowers what the model would do by itself.
bool must_write_bound(const ReservationSize& size, std::optional<std::int64_t> longest);

// The reservation for one request when `available` credit is not posted; nullopt = not enough. Routes that it does not
// carry are left out before the bound is lowered; a bound is lowered to the floor at most, and above the thinking
// budget. amount <= available always.
std::optional<ReservationSize> size_reservation(const ReservationTerms& terms, base::Credits available);
// The least `available` that carries the request unlowered, by its cheapest route; none: no credit does.
std::optional<base::Credits> least_reservation(const ReservationTerms& terms);

// `reservation`, which was made by `terms`, with as much less output as makes it fit `available`: no more than a bound
// that crd wrote of its own, and not below what it usually writes. nullopt = it cannot.
std::optional<ReservationSize> shrink_reservation(const ReservationTerms& terms, const ReservationSize& reservation,
                                                  base::Credits available);

// No request can have more text tokens than this: a token is at least a byte.
std::int64_t text_tokens_ceiling(std::size_t body_bytes, const dialect::RequestScan& scan);
// And of sound in the body: as long as it can be at all, at the most tokens a second that a vendor documents (Gemini:
// 32; ai.google.dev/gemini-api/docs/audio).
std::int64_t sound_tokens_ceiling(std::int64_t sound_bytes);

// How long sound of so many bytes can be, and for where nobody counts how long it usually is: 64 kbit/s. A file of near
// silence can be longer; what it costs above its reservation is overrun.
std::int64_t longest_sound_ms(std::uint64_t bytes);
std::int64_t estimated_sound_ms(std::uint64_t bytes);

// What files come to, for where nobody counts: usual codings of sound and pictures take more than 256 bytes a token.
std::int64_t estimated_media_tokens(std::uint64_t bytes);

// What a body of ordinary text comes to, for where nobody counts: four bytes a token.
std::int64_t estimated_tokens(std::uint64_t bytes);

// The longest answer that a bound can allow of a model with this price: where the model thinks beyond its bound, less
// than its longest output. None: not known.
std::optional<std::int64_t> longest_bound(const Price& price);
// The most output that it can come to under a bound, what the model thinks beyond it included.
std::int64_t most_output(const Price& price, std::int64_t bound);

// The units besides input tokens that a request can come to at most. Empty where the model's price charges for output
// of this kind by tokens, and nothing says how many there can be.
std::optional<dialect::Usage> units_ceiling(const Price& price, dialect::Endpoint endpoint, std::size_t body_bytes,
                                            const dialect::RequestScan& scan);

}  // namespace cr::billing

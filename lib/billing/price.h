// SPDX-License-Identifier: MIT
// Price arithmetic: cost and ceiling in exact integers, rounded up once, to a nano-dollar. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/credits.h"
#include "base/rate.h"
#include "base/result.h"
#include "dialect/request_scan.h"
#include "dialect/usage.h"

namespace cr::billing {

using base::Rate;

struct Price {
  Rate input;
  Rate cached_input;  // the input rate where the provider has none
  Rate cache_write;   // the input rate where the provider has none
  Rate output;
  base::Credits per_request;  // or per search unit, where a rerank tells those
  std::optional<std::int64_t> max_output_tokens;
  std::optional<std::int64_t> context_tokens;
  base::Credits per_image{};
  Rate per_character{};        // dollars a million Unicode characters
  base::Credits per_second{};  // of sound
  bool operator==(const Price&) const = default;
};

// A group's factor in millionths: 1.5 is 1,500,000. 0..1000, six decimals.
struct Multiplier {
  std::int64_t millionths = 1'000'000;
  static base::Result<Multiplier> parse(std::string_view text);
  std::string to_decimal() const;
  auto operator<=>(const Multiplier&) const = default;
};

// Whether anything is charged by model tokens.
bool has_token_rates(const Price& price);
// Whether `endpoint` is metered by something that `price` charges for; a price of nothing but 0 is free everywhere.
bool can_meter(const Price& price, dialect::Endpoint endpoint);

// The rate of what is written to a cache for an hour: at least twice the input's, as Anthropic has it
// (docs.claude.com/en/docs/build-with-claude/prompt-caching, "Pricing"); what is kept for minutes is at `cache_write`.
Rate long_cache_write_rate(const Price& price);

// round up ((sum of units x rate + per request) x multiplier), in 128 bits; saturates at Credits::max().
base::Credits cost(const Price& price, Multiplier multiplier, const dialect::Usage& usage);

inline constexpr std::int64_t k_overhead_tokens_per_message = 16;
inline constexpr std::int64_t k_overhead_tokens_per_request = 64;
inline constexpr std::int64_t k_default_output_tokens = 4096;
inline constexpr std::int64_t k_least_output_tokens = 16;

// No request can have more input tokens than this: a token is at least a byte.
std::int64_t input_tokens_ceiling(std::size_t body_bytes, const dialect::RequestScan& scan);

// The units besides input tokens that a request can come to at most. Empty where the model's price charges for output
// of this kind by tokens, and neither its longest answer nor its context says how many there can be.
std::optional<dialect::Usage> units_ceiling(const Price& price, dialect::Endpoint endpoint, std::size_t body_bytes,
                                            const dialect::RequestScan& scan);

// How long sound of so many bytes can be, and for where nobody counts how long it usually is: 64 kbit/s. A file of near
// silence can be longer; what it costs above its reservation is overrun.
std::int64_t longest_sound_ms(std::uint64_t bytes);
std::int64_t estimated_sound_ms(std::uint64_t bytes);

// What files come to, for where nobody counts: usual codings of sound and pictures take more than 256 bytes a token.
std::int64_t estimated_media_tokens(std::uint64_t bytes);

// What a body of ordinary text comes to, for where nobody counts: four bytes a token.
std::int64_t estimated_tokens(std::uint64_t bytes);

enum class WhenLow { clamp, refuse };

// All that the size of a reservation depends on but the credit there is.
struct ReservationTerms {
  Price price;
  Multiplier multiplier;
  dialect::Endpoint endpoint = dialect::Endpoint::chat_completions;
  std::int64_t input_tokens = 0;  // the ceiling of the input
  dialect::Usage units;           // what units_ceiling() says
  bool long_cache = false;        // the input may be written to a cache for an hour
  std::int64_t choices = 1;
  std::optional<std::int64_t> client_bound;  // per choice
  WhenLow when_low = WhenLow::clamp;
};

struct ReservationSize {
  base::Credits amount;
  std::int64_t output_bound = 0;  // per choice
  bool write_bound = false;       // the forwarded request must carry output_bound
  bool lowered = false;           // it is less than the client asked for: x-crd-output-limit
};

// The reservation for one request when `available` credit is left; nullopt = not enough (see accounting: less than 16
// output tokens affordable, or the full bound not affordable with WhenLow::refuse). amount <= available always.
std::optional<ReservationSize> size_reservation(const ReservationTerms& terms, base::Credits available);

// `reservation`, which was made by `terms`, with as much less output as makes it fit `available`: no more than a bound
// that crd wrote of its own, and not below what it usually writes. nullopt = it cannot.
std::optional<ReservationSize> shrink_reservation(const ReservationTerms& terms, const ReservationSize& reservation,
                                                  base::Credits available);

}  // namespace cr::billing

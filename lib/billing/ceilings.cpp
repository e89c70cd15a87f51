// SPDX-License-Identifier: MIT
// What bodies come to in model tokens, sound and units: at most, and as an estimate.
#include <algorithm>
#include <limits>

#include "billing/reservation.h"

namespace cr::billing {
namespace {

constexpr std::int64_t k_tokens_max = std::numeric_limits<std::int64_t>::max();

// Cohere's search unit is one query with up to 100 documents. A long document counts once for each piece that it is cut
// into: 510 tokens, of which the query takes at most 256 (docs.cohere.com/docs/reranking-best-practices). A token is at
// least a byte, so that a piece takes more than these off a document.
constexpr std::int64_t k_rerank_bytes_per_piece = 200;
constexpr std::int64_t k_rerank_pieces_per_unit = 100;

}  // namespace

std::int64_t text_tokens_ceiling(std::size_t body_bytes, const dialect::RequestScan& scan) {
  const auto bytes = static_cast<std::int64_t>(body_bytes) - scan.image_bytes - scan.sound_bytes;
  return std::max<std::int64_t>(bytes, 0) + scan.repeated_bytes + k_overhead_tokens_per_request +
         scan.messages * k_overhead_tokens_per_message;
}

std::int64_t sound_tokens_ceiling(std::int64_t sound_bytes) {
  constexpr std::int64_t k_tokens_per_second = 32, k_ms_per_second = 1000;
  if (sound_bytes <= 0) return 0;
  // In base64 four characters are three bytes.
  const auto ms = longest_sound_ms(static_cast<std::uint64_t>(sound_bytes) / 4 * 3 + 3);
  return std::min(sound_bytes, ms / k_ms_per_second * k_tokens_per_second + k_tokens_per_second);
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
  const auto choices = std::max<std::int64_t>(scan.choices, 1);
  if (dialect::makes_images(endpoint)) most.images = choices;
  if (dialect::hears_sound(endpoint)) most.audio_ms = longest_sound_ms(body_bytes);
  if (endpoint == dialect::Endpoint::audio_speech) most.characters = scan.characters;
  if (endpoint == dialect::Endpoint::rerank) {
    const std::int64_t pieces = scan.documents + static_cast<std::int64_t>(body_bytes) / k_rerank_bytes_per_piece;
    most.search_units = (pieces + k_rerank_pieces_per_unit - 1) / k_rerank_pieces_per_unit;
  }
  const bool charged = std::max({price.output, price.other.image_output.value_or(Rate{}),
                                 price.other.audio_output.value_or(Rate{})}) > Rate{};
  if (dialect::output_of(endpoint) != dialect::Output::media || !charged) return most;
  const auto by_image = dialect::makes_images(endpoint) ? price.output_image_tokens : std::nullopt;
  const auto longest = by_image ? by_image : price.max_output_tokens ? price.max_output_tokens : price.context_tokens;
  if (!longest) return std::nullopt;
  if (__builtin_mul_overflow(*longest, choices, &most.output_tokens)) most.output_tokens = k_tokens_max;
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

}  // namespace cr::billing

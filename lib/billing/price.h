// SPDX-License-Identifier: MIT
// Price: what a model costs, as a price list has it. Plain values; pure; any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/credits.h"
#include "base/rate.h"
#include "base/result.h"

namespace cr::billing {

using base::Rate;

// Rates of model tokens that are charged otherwise than the text of their direction; an empty one has none of its own.
struct OtherRates {
  std::optional<Rate> cache_write_hour;  // of what a cache keeps for an hour; else at least twice the input's rate
  std::optional<Rate> audio_input, cached_audio_input, audio_output;
  std::optional<Rate> image_input, cached_image_input, image_output;
  bool operator==(const OtherRates&) const = default;
};

struct PriceRule;
// Those of a price, applied in their order (price_rules.h); shared by its copies. Compared by what they say.
class PriceRules {
 public:
  PriceRules() = default;
  explicit PriceRules(std::vector<PriceRule> rules);
  bool empty() const { return index_ == nullptr; }
  std::span<const PriceRule> list() const;
  // Those that can change a rate; the lengths of input from which on one does, ascending; and the pointers that the
  // rules look at, each once.
  std::span<const PriceRule* const> of_rates() const { return lists().of_rates; }
  std::span<const std::int64_t> steps() const { return lists().steps; }
  std::span<const std::string_view> requests() const { return lists().requests; }
  std::span<const std::string_view> answers() const { return lists().answers; }
  std::span<const std::string_view> counts() const { return lists().counts; }
  bool operator==(const PriceRules& other) const;

 private:
  struct Lists {
    std::vector<const PriceRule*> of_rates;
    std::vector<std::int64_t> steps;
    std::vector<std::string_view> requests, answers, counts;
  };
  struct Index;
  // Asked a dozen times a request, mostly of prices without rules.
  const Lists& lists() const { return empty() ? k_no_lists : kept_lists(); }
  const Lists& kept_lists() const;

  static const Lists k_no_lists;
  std::shared_ptr<const Index> index_;  // null: none
};

struct Price {
  Rate input;
  Rate cached_input;  // the input rate where the provider has none
  Rate cache_write;   // the input rate where the provider has none
  Rate output;
  base::Credits per_request;                      // or per search unit, where a rerank tells those
  std::optional<std::int64_t> max_output_tokens;  // thinking included, whether or not a bound counts it
  std::optional<std::int64_t> context_tokens;
  base::Credits per_image{};
  Rate per_character{};        // dollars a million Unicode characters
  base::Credits per_second{};  // of sound
  OtherRates other{};
  std::optional<std::int64_t> default_output_tokens{};  // what a request without a bound is taken to come to
  std::optional<std::int64_t> image_tokens{};           // the most that one image of the input comes to
  std::optional<std::int64_t> output_image_tokens{};    // the most that one image made comes to
  bool thinks = false;                                  // the model thinks unasked, within its bound
  std::optional<std::int64_t> thinking_tokens{};        // the most that it thinks beyond its bound, which counts none
  PriceRules rules{};
};

// A group's factor in millionths: 1.5 is 1,500,000. 0..1000, six decimals.
struct Multiplier {
  std::int64_t millionths = 1'000'000;
  static base::Result<Multiplier> parse(std::string_view text);
  std::string to_decimal() const;
  auto operator<=>(const Multiplier&) const = default;
};

}  // namespace cr::billing

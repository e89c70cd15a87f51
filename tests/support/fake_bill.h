// SPDX-License-Identifier: MIT
// The fake provider's rate card and its bill: what it charges for what was consumed, by the model, tier and speed that
// answered. The witness of what crd posts: it uses nothing of crd's. The card is public, and tests tell crd the same
// facts (integration/public_prices.h). Plain values; pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "support/fake_usage.h"

namespace cr::test {

// Money is nano-dollars; rates of tokens and of characters are for a million of them, factors are thousandths.
struct FakePrice {
  std::string model;
  std::int64_t input = 1'000'000'000, cached = 1'000'000'000, written = 1'000'000'000, written_hour = 2'000'000'000;
  std::int64_t output = 2'000'000'000;
  std::int64_t per_request = 0, per_image = 0, per_character = 0;
  std::int64_t priority = 2000, flex = 500, fast = 3000;  // of all rates of tokens
  std::int64_t long_over = 0;                             // more input tokens than that are long; 0: none are
  std::int64_t long_input_factor = 2000, long_output_factor = 1500;
  std::int64_t search = 10'000'000;  // each
};

// Searches that it makes for one request at most, and the model tokens of input that each brings.
inline constexpr std::int64_t k_most_searches = 5, k_found = 50;

// Who answered, and how: what of an answer changes its price.
struct FakeSale {
  std::string model{};
  std::string tier{};  // "priority", "flex"; else the usual
  bool fast = false;
};

// fake-a, fake-b and fake-full; fake-cached, whose cached input costs a tenth; fake-long and fake-full-long, dearer
// above 1,000 tokens of input; fake-dear and fake-cheap, ten times and half as dear.
const std::vector<FakePrice>& fake_card();

class FakeBill {
 public:
  // Rounded up, once. What is not on the card costs what fake-a does.
  std::int64_t of(const FakeSale& sale, const FakeUsage& consumed) const;
  // Another price from now on, of a new model one of these rates alone: names of rates as crctl's flags have them
  // ("--cached-input"), in dollars. Throws std::invalid_argument.
  void change(const std::string& model, const std::map<std::string, std::string>& rates);

 private:
  const FakePrice* find_price(const std::string& model) const;  // null: it is not on the card

  std::map<std::string, FakePrice> changed_;
};

}  // namespace cr::test

// SPDX-License-Identifier: MIT
// Requests whose price depends on more than their tokens: tiers, speed, lengths, searches, an alias with two prices.
// Each by chance, within what is reserved for it. Of a fake provider whose whole card is published, behind which the
// alias "smart" is fake-a or fake-dear (add_dear_channel).
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <random>
#include <string>

namespace cr::test {

class Gateway;

struct PricedBody {
  std::string path;
  nlohmann::json body;
};

// A random one; `most_words`: the greatest bound of its output.
PricedBody priced_body(std::mt19937& random, std::size_t most_words);

// Channel "dear", asked where "fake" fails: under the name "smart" the one sells fake-a, the other fake-dear.
void add_dear_channel(Gateway& gateway);
// So many of the next requests for "smart" find "fake" down.
void take_down(Gateway& gateway, int times);

}  // namespace cr::test

// SPDX-License-Identifier: MIT
// What the fake provider's rate card says, in the words of `crctl price set`: both sides go by the same public facts,
// and each sums up by its own code. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "support/fake_bill.h"

namespace cr::test {

std::string dollars(std::int64_t nano);  // of nano-dollars
std::vector<std::string> flags_of(const FakePrice& price);
// The rules of its price (docs/prices.md): the length of the input, tiers, speed, and what a search costs.
std::string rules_of(const FakePrice& price);

}  // namespace cr::test

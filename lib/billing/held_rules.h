// SPDX-License-Identifier: MIT
// Which rules of a price the rates of one request were made by. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "billing/price_rules.h"

namespace cr::billing {

// Whether the rule changes the rates of such a request, as rates_of() asks it.
bool holds(const PriceRule& rule, std::int64_t input_tokens, const Circumstances& circumstances, bool confirmed);

// Those that do, in words and in their order: "input over 272000 tokens", "service_tier priority", "inference_geo us,
// x 1.1".
std::vector<std::string> held_rules(const Price& price, std::int64_t input_tokens, const Circumstances& circumstances);

}  // namespace cr::billing

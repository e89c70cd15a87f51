// SPDX-License-Identifier: MIT
// Price lists of others as entries of our own form (docs/prices.md): CSV, LiteLLM's table
// (model_prices_and_context_window.json), models.dev's api.json and OpenRouter's /models. Pure; any thread.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace cr::crctl {

// A decimal, also with an exponent as JSON numbers have it, as plain digits: times ten to `shift`. Nothing: it is none,
// is below 0, or has more digits than a price can.
std::optional<std::string> plain_decimal(std::string_view text, int shift = 0);

// "model,input,output" and so on in the first line, by the names of a price's members; empty fields are left out.
// `invalid` names the line.
base::Result<nlohmann::json> entries_from_csv(std::string_view text);

// The entries of a list in one of the shapes above, as an array; of models sold by several the providers' names are no
// part of the model's. What has no price of tokens is left out. Null: it is in none of these shapes.
nlohmann::json entries_of_shape(const nlohmann::json& list);

}  // namespace cr::crctl

// SPDX-License-Identifier: MIT
// The price list that crd is built with (share/prices.json): what a fresh store begins with. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "ledger/core/records.h"

namespace cr::ledger {

base::Result<std::vector<PriceRecord>> shipped_prices(Time now);
// Tells one list from another.
std::int64_t shipped_prices_digest();
// "2026-11-10": of the newest source that the list was made from; empty: it does not say.
const std::string& shipped_prices_date();
// From a text of that form; `source` of each is "shipped". `invalid` names the model.
base::Result<std::vector<PriceRecord>> prices_from_json(std::string_view json, Time now);

}  // namespace cr::ledger

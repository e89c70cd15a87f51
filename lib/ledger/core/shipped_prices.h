// SPDX-License-Identifier: MIT
// The price list that crd is built with (share/prices.json): what a fresh store begins with. Pure; any thread. `list`
// is a text of its form; an empty one stands for it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "ledger/core/records.h"

namespace cr::ledger {

base::Result<std::vector<PriceRecord>> shipped_prices(Time now, std::string_view list = {});
// Tells one list from another.
std::int64_t shipped_prices_digest(std::string_view list = {});
// "2026-11-10": of the newest source that the list was made from; empty: it does not say.
const std::string& shipped_prices_date();
// From a text of that form; `source` of each is "shipped". `invalid` names the model.
base::Result<std::vector<PriceRecord>> prices_from_json(std::string_view json, Time now);

}  // namespace cr::ledger

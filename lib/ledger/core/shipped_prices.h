// SPDX-License-Identifier: MIT
// The price list that crd is built with (share/prices.json): what a fresh store begins with. Pure; any thread.
#pragma once

#include <vector>

#include "base/result.h"
#include "ledger/core/records.h"

namespace cr::ledger {

base::Result<std::vector<PriceRecord>> shipped_prices(Time now);
// From a text of that form; `source` of each is "shipped". `invalid` names the model.
base::Result<std::vector<PriceRecord>> prices_from_json(std::string_view json, Time now);

}  // namespace cr::ledger

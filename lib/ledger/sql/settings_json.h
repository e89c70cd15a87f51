// SPDX-License-Identifier: MIT
// Lists and maps as the JSON text that columns keep, and the audit's detail. Pure; any thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "ledger/core/records.h"

namespace cr::ledger {

using TextMap = std::map<std::string, std::string>;

std::string json_of(const std::vector<std::string>& list);
std::string json_of(const TextMap& map);
std::string json_of(const BudgetLimits& budgets);  // {"day":"5","month":"50"}
// `corrupt` if a column does not hold what json_of made.
base::Result<std::vector<std::string>> list_from_json(std::string_view json);
base::Result<TextMap> map_from_json(std::string_view json);
base::Result<BudgetLimits> budgets_from_json(std::string_view json);

// {"quota":{"from":"20","to":"25"}}: the settings that differ; with one record null, all of the other's. Never a
// secret.
std::string audit_detail(const TokenRecord* before, const TokenRecord* after, std::string_view account_before,
                         std::string_view account_after);
// The same of a token that is made, with the key that it gets.
std::string audit_detail(const TokenRecord& made, std::string_view account, std::int64_t key, std::string_view hint);
std::string audit_detail(const AccountRecord* before, const AccountRecord* after);
std::string audit_detail(const GroupRecord* before, const GroupRecord* after);
std::string audit_detail(const ChannelRecord* before, const ChannelRecord* after);
std::string audit_detail(const PriceRecord* before, const PriceRecord* after);
std::string audit_detail(const TextMap& facts);

}  // namespace cr::ledger

// SPDX-License-Identifier: MIT
#include "ledger/sql/record_changes.h"

namespace cr::ledger {

Result<void> change(std::optional<Credits>& quota, const std::optional<QuotaChange>& patch) {
  if (!patch) return {};
  const auto changed = changed_quota(quota, *patch);
  if (!changed) return tl::unexpected(changed.error());
  quota = *changed;
  return {};
}

Result<void> change(BudgetLimits& budgets, const std::array<std::optional<QuotaChange>, k_period_count>& patch) {
  for (std::size_t i = 0; i < k_period_count; ++i) {
    if (!patch[i]) continue;
    const auto budget = changed_quota(budgets[i], *patch[i]);
    if (!budget) {
      const auto period = std::string(base::name_of(static_cast<base::Period>(i)));
      return base::fail(budget.error().code, "budget of a " + period + ": " + budget.error().message,
                        budget.error().hint);
    }
    budgets[i] = *budget;
  }
  return {};
}

Result<void> change(std::vector<std::string>& list, const ListPatch& patch) {
  if (!patch) return {};
  auto changed = patch(list);
  if (!changed) return tl::unexpected(changed.error());
  list = std::move(*changed);
  return {};
}

Result<void> change(std::map<std::string, std::string>& map, const std::optional<MapPatch>& patch) {
  if (!patch) return {};
  for (const auto& [key, value] : *patch) {
    if (value) {
      map[key] = *value;
    } else {
      map.erase(key);
    }
  }
  return {};
}

}  // namespace cr::ledger

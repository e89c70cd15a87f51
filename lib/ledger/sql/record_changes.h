// SPDX-License-Identifier: MIT
// What an edit or a wish makes of a record, field by field as its table says (ledger/core/record_fields.h). What must
// be looked up, as an account by its name, is left to the caller. Pure; any thread.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ledger/core/record_fields.h"
#include "ledger/core/store.h"
#include "ledger/sql/store_state.h"

namespace cr::ledger {

using ListPatch = std::function<Result<std::vector<std::string>>(const std::vector<std::string>&)>;
using MapPatch = std::map<std::string, std::optional<std::string>>;

// --- one value after its part of an edit; none = untouched ---
template <class T>
Result<void> change(T& value, const std::optional<T>& patch) {
  if (patch) value = *patch;
  return {};
}
Result<void> change(std::optional<Credits>& quota, const std::optional<QuotaChange>& patch);
Result<void> change(BudgetLimits& budgets, const std::array<std::optional<QuotaChange>, k_period_count>& patch);
Result<void> change(std::vector<std::string>& list, const ListPatch& patch);
Result<void> change(std::map<std::string, std::string>& map, const std::optional<MapPatch>& patch);
inline Result<void> change(AccountId&, const std::optional<std::string>&) {
  return {};
}

// The record after the edit; the first Error.
template <class Table, class Record, class Patch>
Result<void> change_record(const Table& table, Record& record, const Patch& patch) {
  return base::try_each_field(table, [&](const auto& field) -> Result<void> {
    using F = FieldOf<decltype(field)>;
    if constexpr (F::is_patched) {
      auto value = field.get(record);
      auto done = change(value, F::Patched::get(patch));
      if (done) field.set(record, std::move(value));
      return done;
    } else {
      return {};
    }
  });
}

// The settings that a new record is wished to have.
template <class Table, class Record, class Wanted>
void take_wanted(const Table& table, Record& record, const Wanted& wanted) {
  base::each_field(table, [&](const auto& field) {
    using F = FieldOf<decltype(field)>;
    if constexpr (F::is_wanted) {
      if constexpr (std::is_assignable_v<std::remove_cvref_t<decltype(field.get(record))>&,
                                         decltype(F::Wanted::get(wanted))>) {
        field.set(record, F::Wanted::get(wanted));
      } else {
        static_assert(std::is_same_v<std::remove_cvref_t<decltype(field.get(record))>, AccountId>,
                      "only an account is looked up by its name");
      }
    }
  });
}

}  // namespace cr::ledger

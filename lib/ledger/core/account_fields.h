// SPDX-License-Identifier: MIT
// The ledger's tables of the fields of accounts and groups: their settings in the order of admin/account_fields.h,
// where they have the same names. See record_fields.h.
#pragma once

#include "ledger/core/record_fields.h"
#include "ledger/core/store.h"

namespace cr::ledger {

inline constexpr auto k_account_fields = std::make_tuple(
    kept<At<&AccountRecord::id>>("id"), kept<At<&AccountRecord::rev>>("rev"), setting<At<&AccountRecord::name>>("name"),
    setting<At<&AccountRecord::enabled>, NoMember, At<&AccountPatch::enabled>>("enabled"),
    setting<At<&AccountRecord::quota>, NoMember, At<&AccountPatch::quota>>("quota", {.none_is_unlimited = true}),
    setting<At<&AccountRecord::note>, NoMember, At<&AccountPatch::note>>("note"),
    kept<At<&AccountRecord::created_at>>("created_at"));

inline constexpr auto k_group_fields = std::make_tuple(
    kept<At<&GroupRecord::id>>("id"), kept<At<&GroupRecord::rev>>("rev"), setting<At<&GroupRecord::name>>("name"),
    setting<At<&GroupRecord::multiplier_millionths>, NoMember, At<&GroupPatch::multiplier_millionths>>(
        "multiplier", {.column = "multiplier_millionths", .audit = "multiplier_millionths"}),
    setting<At<&GroupRecord::note>, NoMember, At<&GroupPatch::note>>("note"),
    kept<At<&GroupRecord::created_at>>("created_at"));

constexpr const auto& fields_of(const AccountRecord&) {
  return k_account_fields;
}
constexpr const auto& fields_of(const GroupRecord&) {
  return k_group_fields;
}

}  // namespace cr::ledger

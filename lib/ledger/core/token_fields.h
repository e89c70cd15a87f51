// SPDX-License-Identifier: MIT
// The ledger's table of a token's fields: its settings in the order of admin/token_fields.h, where they have the same
// names. Each is reached in the record, in what a new token is made of, and in what an edit is given. See
// record_fields.h.
#pragma once

#include "ledger/core/record_fields.h"
#include "ledger/core/store.h"

namespace cr::ledger {

// How a value in TokenSettings is reached. One that is set to what it is stays shared with other records.
template <auto member, auto... rest>
struct InSettings {
  static constexpr const auto& get(const TokenRecord& token) { return At<member, rest...>::get(*token.settings); }
  template <class Value>
  static void set(TokenRecord& token, Value&& value) {
    if (get(token) == value) return;
    At<member, rest...>::set(token.settings.edit(), std::forward<Value>(value));
  }
};

// A member of RateLimits, in the record and in a new token.
template <auto rate, auto patched>
constexpr auto rate_setting(std::string_view name) {
  return setting<InSettings<&TokenSettings::rates, rate>, At<&NewToken::rates, rate>, At<patched>>(
      name, {.none_is_unlimited = true});
}

inline constexpr auto k_token_fields = std::make_tuple(
    kept<At<&TokenRecord::id>>("id"), kept<At<&TokenRecord::rev>>("rev"),
    setting<At<&TokenRecord::name>, At<&NewToken::name>, At<&TokenPatch::name>>("name"),
    setting<At<&TokenRecord::enabled>, At<&NewToken::enabled>, At<&TokenPatch::enabled>>("enabled"),
    setting<InSettings<&TokenSettings::groups>, At<&NewToken::groups>, At<&TokenPatch::groups>>("groups"),
    setting<At<&TokenRecord::account>, At<&NewToken::account>, At<&TokenPatch::account>>("account",
                                                                                         {.column = "account_id"}),
    setting<At<&TokenRecord::quota>, At<&NewToken::quota>, At<&TokenPatch::quota>>("quota",
                                                                                   {.none_is_unlimited = true}),
    setting<InSettings<&TokenSettings::budgets>, At<&NewToken::budgets>, At<&TokenPatch::budgets>>("budgets"),
    setting<InSettings<&TokenSettings::zone>, At<&NewToken::zone>, At<&TokenPatch::zone>>("time_zone"),
    rate_setting<&RateLimits::requests_per_minute, &TokenPatch::requests_per_minute>("requests_per_minute"),
    rate_setting<&RateLimits::tokens_per_minute, &TokenPatch::tokens_per_minute>("tokens_per_minute"),
    rate_setting<&RateLimits::requests_at_once, &TokenPatch::requests_at_once>("requests_at_once"),
    setting<At<&TokenRecord::expires>, At<&NewToken::expires>, At<&TokenPatch::expires>>(
        "expires_at", {.column = "expires", .audit = "expires"}),
    setting<InSettings<&TokenSettings::not_before>, At<&NewToken::not_before>, At<&TokenPatch::not_before>>(
        "not_before"),
    setting<InSettings<&TokenSettings::models>, At<&NewToken::models>, At<&TokenPatch::models>>("models"),
    setting<InSettings<&TokenSettings::allow_ip>, At<&NewToken::allow_ip>, At<&TokenPatch::allow_ip>>("allow_ip"),
    setting<InSettings<&TokenSettings::when_low>, At<&NewToken::when_low>, At<&TokenPatch::when_low>>("when_low"),
    setting<InSettings<&TokenSettings::tags>, At<&NewToken::tags>, At<&TokenPatch::tags>>("tags"),
    setting<InSettings<&TokenSettings::note>, At<&NewToken::note>, At<&TokenPatch::note>>("note"),
    setting<InSettings<&TokenSettings::retrievable>, At<&NewToken::retrievable>>("retrievable"),
    kept<At<&TokenRecord::created_at>>("created_at"), kept<At<&TokenRecord::deleted_at>>("deleted_at"));

constexpr const auto& fields_of(const TokenRecord&) {
  return k_token_fields;
}

}  // namespace cr::ledger

// SPDX-License-Identifier: MIT
// The tables of the fields of accounts and groups, each in the order of its JSON; see record_fields.h.
#pragma once

#include "admin/messages.h"
#include "admin/record_fields.h"

namespace cr::admin {

inline constexpr auto k_account_fields = std::make_tuple(
    computed("id", &Account::id), computed("rev", &Account::rev),
    setting("name", &Account::name, &AccountCreate::name, NoMember(), {.required = true}),
    setting("enabled", &Account::enabled, NoMember(), &AccountEdit::enabled, {.heading = "status"}),
    setting("quota", &Account::quota, &AccountCreate::quota, &AccountEdit::quota,
            {.none = "unlimited",
             .typed = Typed::quota,
             .flag = "--quota",
             .metavar = "AMOUNT",
             .create_help = "Dollars it may spend; unlimited, none or -1 (unlimited).",
             .edit_help = "A new quota, +5 or -5 to change it; unlimited or none."}),
    computed("used", &Account::used), computed("reserved", &Account::reserved), computed("left", &Account::left),
    computed("tokens", &Account::tokens),
    setting(
        "note", &Account::note, &AccountCreate::note, &AccountEdit::note,
        {.typed = Typed::text, .flag = "--note", .metavar = "TEXT", .create_help = "A note.", .edit_help = "A note."}),
    computed("created_at", &Account::created_at));

inline constexpr auto k_group_fields = std::make_tuple(
    computed("id", &Group::id), computed("rev", &Group::rev),
    setting("name", &Group::name, &GroupCreate::name, NoMember(), {.required = true}),
    setting("multiplier", &Group::multiplier, &GroupCreate::multiplier, &GroupEdit::multiplier,
            {.typed = Typed::text,
             .flag = "--multiplier",
             .metavar = "FACTOR",
             .create_help = "What a request's cost is multiplied by, such as 1.5 (1).",
             .edit_help = "What a request's cost is multiplied by, such as 1.5 (1)."}),
    setting(
        "note", &Group::note, &GroupCreate::note, &GroupEdit::note,
        {.typed = Typed::text, .flag = "--note", .metavar = "TEXT", .create_help = "A note.", .edit_help = "A note."}),
    computed("channels", &Group::channels), computed("tokens", &Group::tokens),
    computed("created_at", &Group::created_at));

constexpr const auto& fields_of(const Account&) {
  return k_account_fields;
}
constexpr const auto& fields_of(const Group&) {
  return k_group_fields;
}

}  // namespace cr::admin

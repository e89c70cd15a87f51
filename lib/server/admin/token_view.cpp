// SPDX-License-Identifier: MIT
#include "server/admin/token_view.h"

#include <algorithm>

#include "admin/token_fields.h"
#include "ledger/core/token_fields.h"
#include "relay/request/least_costs.h"
#include "server/admin/field_values.h"

namespace cr::server::admin {

namespace {

bool works(const ledger::KeyRecord& key, base::Time now) {
  return !key.not_after || now < *key.not_after;
}

cr::admin::KeyInfo to_message(const ledger::KeyRow& row) {
  cr::admin::KeyInfo info;
  info.id = row.key.id.value;
  info.first = row.key.hint.first.view();
  info.last = row.key.hint.last.view();
  info.state = row.key.not_after ? "old" : "current";
  info.created_at = row.key.created_at;
  info.not_after = row.key.not_after;
  info.last_used_at = row.last_used_at;
  info.last_used_ip = row.last_used_ip;
  return info;
}

}  // namespace

std::string_view token_status(const TokenStatusFacts& facts, base::Time now) {
  if (facts.deleted) return "deleted";
  if (facts.enabled == token::Switch::off) return "disabled";
  if (facts.expires && now >= *facts.expires) return "expired";
  if (facts.not_before && now < *facts.not_before) return "not_yet_valid";
  if (facts.balance.quota && relay::request::pays_nothing(facts.balance.available(), facts.least)) return "exhausted";
  if (limited_until(facts.budgets, facts.least)) return "limited";
  return facts.rotating ? "rotating" : "enabled";
}

std::optional<base::Time> limited_until(std::span<const ledger::BudgetUse> budgets, base::Credits least) {
  std::optional<base::Time> until;
  for (const auto& budget : budgets) {
    if (relay::request::pays_nothing(budget.available(), least))
      until = std::max(until.value_or(budget.span.end), budget.span.end);
  }
  return until;
}

cr::admin::Token to_message(const TokenView& view, base::Time now) {
  const auto& record = view.record;
  cr::admin::Token token;
  show_fields<cr::admin::k_token_fields, ledger::k_token_fields>(token, record);
  token.account = view.account;
  token.used = view.balance.posted;
  token.reserved = view.balance.reserved;
  if (record.quota) token.left = view.balance.available();
  for (const auto& use : view.budgets) {
    token.budgets.push_back(
        {std::string(base::name_of(use.period)), use.limit, use.used, use.reserved, use.available(), use.span.end});
  }
  token.limited_until = limited_until(view.budgets, view.least);
  bool rotating = false;
  for (const auto& row : view.keys) {
    if (!works(row.key, now)) continue;
    rotating = rotating || row.key.not_after.has_value();
    token.keys.push_back(to_message(row));
  }
  token.status = token_status({record.deleted_at.has_value(), record.enabled, record.settings->not_before,
                               record.expires, view.balance, rotating, view.budgets, view.least},
                              now);
  token.last_used_at = view.last_used_at;
  if (view.refused != nullptr) token.refused = *view.refused;
  return token;
}

cr::admin::Token to_message(const ledger::TokenRow& row, base::Credits least, base::Time now) {
  const ledger::Balance balance{row.token.quota, row.posted, row.reserved};
  return to_message(
      TokenView{row.token, row.account_name, balance, row.keys, row.last_used_at, row.budgets, &row.refused, least},
      now);
}

}  // namespace cr::server::admin

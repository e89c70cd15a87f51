// SPDX-License-Identifier: MIT
#include "server/admin/token_view.h"

#include <algorithm>

#include "base/text.h"

namespace cr::server::admin {

namespace {

bool works(const ledger::KeyRecord& key, base::Time now) {
  return !key.not_after || now < *key.not_after;
}

cr::admin::KeyInfo to_message(const ledger::KeyRow& row) {
  cr::admin::KeyInfo info;
  info.id = row.key.id.value;
  info.first = row.key.hint.first;
  info.last = row.key.hint.last;
  info.state = row.key.not_after ? "old" : "current";
  info.created_at = row.key.created_at;
  info.not_after = row.key.not_after;
  info.last_used_at = row.last_used_at;
  info.last_used_ip = row.last_used_ip;
  return info;
}

void set_settings(cr::admin::Token& token, const ledger::TokenRecord& record) {
  token.id = record.id.value;
  token.rev = record.rev;
  token.name = record.name;
  token.enabled = record.enabled == token::Switch::on;
  token.groups = record.groups;
  token.quota = record.quota;
  token.time_zone = record.zone.name();
  token.requests_per_minute = record.rates.requests_per_minute;
  token.tokens_per_minute = record.rates.tokens_per_minute;
  token.requests_at_once = record.rates.requests_at_once;
  token.expires_at = record.expires;
  token.not_before = record.not_before;
  token.models = record.models;
  token.allow_ip = record.allow_ip;
  token.when_low = record.when_low == ledger::WhenLow::refuse ? "refuse" : "clamp";
  token.tags = record.tags;
  token.note = record.note;
  token.retrievable = record.retrievable;
  token.created_at = record.created_at;
  token.deleted_at = record.deleted_at;
}

// --- an edit in words ---
std::string words(bool value) {
  return value ? "yes" : "no";
}
std::string words(const std::string& value) {
  return value;
}
std::string words(const cr::admin::Quota& value) {
  return value ? value->to_display() : "unlimited";
}
std::string words(const std::vector<std::string>& list) {
  std::string text;
  for (const auto& item : list) text += (text.empty() ? "" : ",") + item;
  return text.empty() ? "all" : text;
}
std::string words(const cr::admin::Tags& tags) {
  std::string text;
  for (const auto& [name, value] : tags) text += (text.empty() ? "" : ",") + name + "=" + value;
  return text;
}
std::string words(const std::optional<std::int64_t>& count) {
  return count ? std::to_string(*count) : "unlimited";
}
std::string words(const std::vector<cr::admin::Budget>& budgets) {
  std::string text;
  for (const auto& budget : budgets)
    text += (text.empty() ? "" : ",") + budget.limit.to_display() + "/" + budget.period;
  return text.empty() ? "none" : text;
}
std::string when(const std::optional<base::Time>& time) {
  return time ? base::format_rfc3339(*time) : "never";
}
std::string since(const std::optional<base::Time>& time) {
  return time ? base::format_rfc3339(*time) : "always";
}

}  // namespace

std::string_view token_status(const TokenStatusFacts& facts, base::Time now) {
  if (facts.deleted) return "deleted";
  if (facts.enabled == token::Switch::off) return "disabled";
  if (facts.expires && now >= *facts.expires) return "expired";
  if (facts.not_before && now < *facts.not_before) return "not_yet_valid";
  if (facts.balance.quota && facts.balance.available() == base::Credits()) return "exhausted";
  if (limited_until(facts.budgets)) return "limited";
  return facts.rotating ? "rotating" : "enabled";
}

std::optional<base::Time> limited_until(std::span<const ledger::BudgetUse> budgets) {
  std::optional<base::Time> until;
  for (const auto& budget : budgets) {
    if (budget.available() == base::Credits()) until = std::max(until.value_or(budget.span.end), budget.span.end);
  }
  return until;
}

cr::admin::Token to_message(const TokenView& view, base::Time now) {
  const auto& record = view.record;
  cr::admin::Token token;
  set_settings(token, record);
  token.account = view.account;
  token.used = view.balance.posted;
  token.reserved = view.balance.reserved;
  if (record.quota) token.left = view.balance.available();
  for (const auto& use : view.budgets) {
    token.budgets.push_back(
        {std::string(base::name_of(use.period)), use.limit, use.used, use.reserved, use.available(), use.span.end});
  }
  token.limited_until = limited_until(view.budgets);
  bool rotating = false;
  for (const auto& row : view.keys) {
    if (!works(row.key, now)) continue;
    rotating = rotating || row.key.not_after.has_value();
    token.keys.push_back(to_message(row));
  }
  token.status = token_status({record.deleted_at.has_value(), record.enabled, record.not_before, record.expires,
                               view.balance, rotating, view.budgets},
                              now);
  token.last_used_at = view.last_used_at;
  return token;
}

cr::admin::Token to_message(const ledger::TokenRow& row, base::Time now) {
  const ledger::Balance balance{row.token.quota, row.posted, row.reserved};
  return to_message(TokenView{row.token, row.account_name, balance, row.keys, row.last_used_at, row.budgets}, now);
}

std::vector<cr::admin::Change> changes_between(const cr::admin::Token& before, const cr::admin::Token& after) {
  std::vector<cr::admin::Change> changes;
  const auto compare = [&](std::string field, std::string old_words, std::string new_words) {
    if (old_words != new_words) changes.push_back({std::move(field), std::move(old_words), std::move(new_words)});
  };
  compare("name", before.name, after.name);
  compare("enabled", words(before.enabled), words(after.enabled));
  compare("expires_at", when(before.expires_at), when(after.expires_at));
  compare("not_before", since(before.not_before), since(after.not_before));
  compare("quota", words(before.quota), words(after.quota));
  compare("budgets", words(before.budgets), words(after.budgets));
  compare("time_zone", before.time_zone, after.time_zone);
  compare("requests_per_minute", words(before.requests_per_minute), words(after.requests_per_minute));
  compare("tokens_per_minute", words(before.tokens_per_minute), words(after.tokens_per_minute));
  compare("requests_at_once", words(before.requests_at_once), words(after.requests_at_once));
  compare("models", words(before.models), words(after.models));
  compare("allow_ip", words(before.allow_ip), words(after.allow_ip));
  compare("groups", words(before.groups), words(after.groups));
  compare("account", before.account, after.account);
  compare("when_low", before.when_low, after.when_low);
  compare("tags", words(before.tags), words(after.tags));
  compare("note", words(before.note), words(after.note));
  return changes;
}

}  // namespace cr::server::admin

// SPDX-License-Identifier: MIT
#include "ledger/sqlite/balance_changes.h"

namespace cr::ledger {

using base::Result;

void BalanceChanges::put(const AccountRecord& account, Presence presence) {
  const bool deleted = presence == Presence::deleted;
  Balances::Account* const holder = balances_.find_account(account.id);
  if (holder == nullptr) {
    balances_.add_account(account.id, account.enabled, {account.quota, {}, {}}).deleted = deleted;
    balances_.note_undo([this, id = account.id] { balances_.drop_account(id); });
    return;
  }
  balances_.note_undo([holder, quota = holder->balance.quota, enabled = holder->enabled, was = holder->deleted] {
    holder->balance.quota = quota;
    holder->enabled = enabled;
    holder->deleted = was;
  });
  holder->balance.quota = account.quota;
  holder->enabled = account.enabled;
  holder->deleted = deleted;
}

Result<void> BalanceChanges::put(const TokenRecord& token, Presence presence) {
  const bool deleted = presence == Presence::deleted;
  Balances::Token* holder = balances_.find_token(token.id);
  if (holder == nullptr) {
    // New, or deleted until now: its row and that of its balance are there.
    const auto recalled = balances_.recall_token(token.id);
    if (!recalled) return tl::unexpected(recalled.error());
    holder = *recalled;
    if (holder == nullptr) {
      return base::fail(base::ErrorCode::corrupt, "token '" + token.name + "': the row of its balance is missing");
    }
    balances_.note_undo([this, id = token.id] { balances_.drop_token(id); });
  } else {
    balances_.note_undo([holder, quota = holder->balance.quota, enabled = holder->enabled, was = holder->deleted,
                         account = holder->account] {
      holder->balance.quota = quota;
      holder->enabled = enabled;
      holder->deleted = was;
      holder->account = account;
    });
  }
  holder->balance.quota = token.quota;
  holder->enabled = token.enabled;
  holder->deleted = deleted;
  holder->account = balances_.find_account(token.account);
  if (deleted) balances_.leave_if_deleted(token.id);
  return {};
}

Result<void> BalanceChanges::put_budgets(const TokenRecord& token, Time now) {
  Balances::Token* const holder = balances_.find_token(token.id);
  if (holder == nullptr) return {};
  const Budgets::Terms before = holder->budget ? *holder->budget : Budgets::Terms();
  if (before.limits == token.settings->budgets && (before.zone == token.settings->zone || !before.any())) return {};
  balances_.note_undo([this, holder, before] {
    holder->set_budget(before);
    balances_.budgets().forget(holder->id);
  });
  Budgets::Terms after{token.settings->budgets, token.settings->zone, {}};
  auto changed = balances_.budgets().change(token.id, before, after, now, balances_.history(*holder));
  holder->set_budget(after);
  return changed;
}

Result<void> BalanceChanges::forgive(TokenId token, base::Period period, Time now) {
  Balances::Token* const holder = balances_.find_token(token);
  if (holder == nullptr || !holder->budget) return {};
  balances_.note_undo([this, token] { balances_.budgets().forget(token); });
  return balances_.budgets().forgive(token, *holder->budget, period, now, balances_.history(*holder));
}

Result<void> BalanceChanges::refund(const Refund& refund) {
  return balances_.refund(refund);
}

void BalanceChanges::retire_key(KeyId key) {
  balances_.retire_key(key);
}

Holders::KeyUse BalanceChanges::key_use(KeyId key) {
  return balances_.keys().find(key);
}

std::optional<Balance> BalanceChanges::balance_of(TokenId token) {
  const auto* holder = balances_.find_token(token);
  return holder == nullptr ? std::nullopt : std::optional(holder->balance);
}

std::optional<Balance> BalanceChanges::balance_of(AccountId account) {
  const auto* holder = balances_.find_account(account);
  return holder == nullptr ? std::nullopt : std::optional(holder->balance);
}

Result<std::vector<BudgetUse>> BalanceChanges::budget_uses(TokenId token, Time now) {
  auto* holder = balances_.find_token(token);
  if (holder == nullptr || !holder->budget) return std::vector<BudgetUse>();
  return balances_.budgets().uses_at(token, *holder->budget, now);
}

}  // namespace cr::ledger

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

void BalanceChanges::put(const TokenRecord& token, Presence presence) {
  const bool deleted = presence == Presence::deleted;
  Balances::Token* const holder = balances_.find_token(token.id);
  if (holder == nullptr) {
    auto& made = balances_.add_token(token.id, token.account, token.enabled, {token.quota, {}, {}});
    made.budget = {token.budgets, token.zone, {}};
    made.deleted = deleted;
    balances_.note_undo([this, id = token.id] { balances_.drop_token(id); });
    return;
  }
  balances_.note_undo([holder, quota = holder->balance.quota, enabled = holder->enabled, was = holder->deleted,
                       account = holder->account] {
    holder->balance.quota = quota;
    holder->enabled = enabled;
    holder->deleted = was;
    holder->account = account;
  });
  holder->balance.quota = token.quota;
  holder->enabled = token.enabled;
  holder->deleted = deleted;
  holder->account = balances_.find_account(token.account);
}

Result<void> BalanceChanges::put_budgets(const TokenRecord& token, Time now) {
  Balances::Token* const holder = balances_.find_token(token.id);
  if (holder == nullptr) return {};
  const BudgetBook::Terms before = holder->budget;
  if (before.limits == token.budgets && before.zone == token.zone) return {};
  balances_.note_undo([this, holder, before] {
    holder->budget = before;
    balances_.budgets().forget(holder->id);
  });
  holder->budget = {token.budgets, token.zone, {}};
  return balances_.budgets().change(token.id, before, holder->budget, now, balances_.history(*holder));
}

Result<void> BalanceChanges::forgive(TokenId token, base::Period period, Time now) {
  Balances::Token* const holder = balances_.find_token(token);
  if (holder == nullptr) return {};
  balances_.note_undo([this, token] { balances_.budgets().forget(token); });
  return balances_.budgets().forgive(token, holder->budget, period, now, balances_.history(*holder));
}

Result<void> BalanceChanges::refund(const Refund& refund) {
  return balances_.refund(refund);
}

void BalanceChanges::add_key(KeyId key) {
  balances_.keys().at(key) = {};
  balances_.note_undo([this, key] { balances_.keys().drop(key); });
}

void BalanceChanges::retire_key(KeyId key) {
  balances_.retire_key(key);
}

Holders::KeyUse BalanceChanges::key_use(KeyId key) {
  return balances_.keys().at(key);
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
  if (holder == nullptr) return std::vector<BudgetUse>();
  return balances_.budgets().uses_at(token, holder->budget, now);
}

}  // namespace cr::ledger

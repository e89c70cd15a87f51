// SPDX-License-Identifier: MIT
// BalanceChanges: Holders over Balances: what changes put there, each with its way back (Balances::undo_to). Ledger
// thread only.
#pragma once

#include "ledger/sql/holders.h"
#include "ledger/sqlite/balances.h"

namespace cr::ledger {

class BalanceChanges final : public Holders {
 public:
  explicit BalanceChanges(Balances& balances) : balances_(balances) {}  // which outlive it

  void put(const AccountRecord& account, Presence presence) override;
  base::Result<void> put(const TokenRecord& token, Presence presence) override;
  base::Result<void> put_budgets(const TokenRecord& token, Time now) override;
  base::Result<void> forgive(TokenId token, base::Period period, Time now) override;
  base::Result<void> refund(const Refund& refund) override;
  void retire_key(KeyId key) override;
  KeyUse key_use(KeyId key) override;
  std::optional<Balance> balance_of(TokenId token) override;
  std::optional<Balance> balance_of(AccountId account) override;
  base::Result<std::vector<BudgetUse>> budget_uses(TokenId token, Time now) override;

 private:
  Balances& balances_;
};

}  // namespace cr::ledger

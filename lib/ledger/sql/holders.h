// SPDX-License-Identifier: MIT
// Holders: the tokens and accounts that hold money, as the changes of Store see them. Inside the transaction of the
// change: what is put here is taken back with it. Off the path of requests. One thread, the one that runs the change.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "ledger/core/decisions.h"
#include "ledger/core/records.h"

namespace cr::ledger {

class Holders {
 public:
  struct KeyUse {
    std::optional<Time> last_used_at;
    std::string last_used_ip;
  };
  // What a refund is taken from: an ended request's row.
  struct Refund {
    RequestId id;
    TokenId token;
    AccountId account;
    Credits amount;    // taken off what was posted
    UsageEntry entry;  // the row's place in the usage
  };

  virtual ~Holders() = default;

  // Quota and switch, and a token's account, are the record's from now on; one that is new has spent nothing. Its row,
  // and that of its balance, are there already. A deleted one admits no reservation; those it has still settle.
  enum class Presence { live, deleted };
  virtual void put(const AccountRecord& account, Presence presence) = 0;
  virtual base::Result<void> put(const TokenRecord& token, Presence presence) = 0;
  // The budgets' limits and time zone are the record's from now on. What was spent in a period that is not counted yet
  // is counted by the time of each request.
  virtual base::Result<void> put_budgets(const TokenRecord& token, Time now) = 0;
  // Gives back what was used of this budget in the period that is now; the token has such a budget.
  virtual base::Result<void> forgive(TokenId token, base::Period period, Time now) = 0;
  // Writes balances and usage; the request's row is the caller's. `corrupt` if its token or account is not there.
  virtual base::Result<void> refund(const Refund& refund) = 0;

  virtual void retire_key(KeyId key) = 0;  // its use is forgotten when the transaction commits
  virtual KeyUse key_use(KeyId key) = 0;   // nothing of one that was never used

  // As they are now; nullopt, or none, of what is not there.
  virtual std::optional<Balance> balance_of(TokenId token) = 0;
  virtual std::optional<Balance> balance_of(AccountId account) = 0;
  // In the order of Period; a period not begun yet shows nothing used.
  virtual base::Result<std::vector<BudgetUse>> budget_uses(TokenId token, Time now) = 0;

 protected:
  Holders() = default;
  Holders(const Holders&) = default;
  Holders(Holders&&) = default;
  Holders& operator=(const Holders&) = default;
  Holders& operator=(Holders&&) = default;
};

}  // namespace cr::ledger

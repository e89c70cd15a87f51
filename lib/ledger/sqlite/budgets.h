// SPDX-License-Identifier: MIT
// Budgets: what tokens have posted and reserved in the calendar periods of their budgets. Ledger thread only;
// Balances asks it. A request belongs to the period its reservation was made in, so a period's numbers are sums over
// that time: one met for the first time (a new budget, another time zone) is summed up from the rows, and kept from
// then on. In memory is a copy of rows, with what the running transaction changed; a rollback forgets what it touched.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "ledger/core/decisions.h"
#include "ledger/core/records.h"
#include "ledger/sql/sql_session.h"
#include "ledger/sqlite/usage_sums.h"

namespace cr::ledger {

class Budgets {
 public:
  struct Window : WindowSums {
    base::TimeSpan span;
    bool touched = false;  // differs from its row
  };
  // A token's budgets, and the periods last met: finding a period in its calendar costs more than looking.
  struct Terms {
    BudgetLimits limits{};
    base::Zone zone;
    std::array<base::TimeSpan, k_period_count> last{};
    bool any() const { return limits[0] || limits[1] || limits[2]; }
  };
  // The windows of one moment, by Period; null where there is no budget. Valid to the next call of begin(), forget() or
  // rolled_back().
  using Windows = std::array<Window*, k_period_count>;
  // What a period that is met for the first time holds already: what ended requests of the token posted, and what those
  // that run have reserved. From memory, but for what was summed up.
  struct History {
    UsageSums& sums;
    std::function<Credits(const base::TimeSpan& span)> reserved;
  };

  explicit Budgets(sqlite::Database& db) : sql_(db) {}

  base::Result<Windows> windows_at(TokenId token, Terms& terms, Time time);  // those that are there
  base::Result<Windows> windows_at(TokenId token, Terms& terms, Time time, const History& history);  // made if missing
  void touch(TokenId token, base::Period period, Window& window);

  static BudgetWindows sums_of(const Windows& windows) { return {windows[0], windows[1], windows[2]}; }

  // How much of each budget is used at `now`, in the order of Period. Creates nothing.
  base::Result<std::vector<BudgetUse>> uses_at(TokenId token, Terms& terms, Time now);
  // Gives back what was used in the period that is now; the period itself does not move.
  base::Result<void> forgive(TokenId token, Terms& terms, base::Period period, Time now, const History& history);
  // After the limits or the zone changed: rows of periods that are no longer counted go, those that are begin with what
  // was used in them already. What resets gave back stays given.
  base::Result<void> change(TokenId token, const Terms& before, Terms& after, Time now, const History& history);
  // Memory becomes a copy of the rows again: before a change that may be taken back, write_touched() was called.
  void forget(TokenId token);

  base::Result<void> write_touched();
  void committed();
  void rolled_back();

 private:
  struct Key {
    std::int64_t token = 0;
    std::int64_t start_ms = 0;
    base::Period period = base::Period::day;
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const noexcept {
      return std::hash<std::int64_t>()(key.token * 1'000'003 + key.start_ms * 4 +
                                       static_cast<std::int64_t>(key.period));
    }
  };

  base::Result<Windows> meet(TokenId token, Terms& terms, Time time, const History* history);
  base::Result<Window*> find(const Key& key);
  base::Result<Window*> create(const Key& key, const base::TimeSpan& span, const History& history);
  base::Result<void> write(const Key& key, Window& window);

  SqlSession sql_;
  std::unordered_map<Key, Window, KeyHash> windows_;
  std::vector<Key> touched_;  // since the transaction began; written or not
};

}  // namespace cr::ledger

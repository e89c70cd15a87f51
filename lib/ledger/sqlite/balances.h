// SPDX-License-Identifier: MIT
// Balances: what every token and account has posted and reserved, in memory, and the statements that write it; with
// them the budgets' periods and the usage's sums, which move in step. The ledger thread's own: these numbers decide,
// the rows follow in the same transaction. At its end exactly one of committed() and rolled_back(); the latter puts
// back every number as it was when it began.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "ledger/core/decisions.h"
#include "ledger/core/operations.h"
#include "ledger/core/records.h"
#include "ledger/sql/holders.h"
#include "ledger/sqlite/budgets.h"
#include "ledger/sqlite/key_uses.h"
#include "ledger/sqlite/request_rows.h"
#include "ledger/sqlite/reservation_rows.h"
#include "ledger/sqlite/usage_sums.h"
#include "sqlite/database.h"

namespace cr::ledger {

class Balances {
 public:
  struct Holder {
    Balance balance;
    Switch enabled = Switch::on;
    bool deleted = false;
    bool touched = false;  // by the running transaction, which has saved its numbers
  };
  struct Account : Holder {
    AccountId id;
  };
  struct OpenReservation;
  struct Token : Holder {
    TokenId id;
    Account* account = nullptr;
    OpenReservation* open = nullptr;  // the first of its open reservations
    std::optional<Time> last_used_at;
    std::unique_ptr<Budgets::Terms> budget;  // null: it has none, as nearly all
    void set_budget(const Budgets::Terms& terms) {
      budget = terms.any() ? std::make_unique<Budgets::Terms>(terms) : nullptr;
    }
  };
  struct OpenReservation {
    Token* token = nullptr;
    Account* account = nullptr;
    Credits amount;
    Time reserved_at;  // whatever a settlement says of it
    std::int64_t batch = 0;
    bool has_lost = false;                // a row of `lost_attempt`
    OpenReservation* previous = nullptr;  // of its token's
    OpenReservation* next = nullptr;
  };
  enum class Settled { done, repeated, refused };

  static base::Result<Balances> prepare(sqlite::Database& db);

  // --- filling, and the settings that edits change (each edit notes its undo; see undo_to) ---
  void expect_tokens(std::size_t count) { tokens_.reserve(count); }
  Account& add_account(AccountId id, Switch enabled, const Balance& balance);
  Token& add_token(TokenId id, AccountId account, Switch enabled, const Balance& balance);
  Budgets& budgets() { return budgets_; }
  Budgets::History history(const Token& token);  // for its budgets; valid while the token is
  UsageSums& sums() { return sums_; }
  void drop_account(AccountId id);
  void drop_token(TokenId id);
  // In memory, or read from its row: a deleted one leaves memory with its last reservation, and comes back until the
  // commit for what still ends. Null: there is no such token.
  base::Result<Token*> recall_token(TokenId id);
  void leave_if_deleted(TokenId id) { leaving_.push_back(id); }  // when this transaction ends, or its last reservation
  Account* find_account(AccountId id);
  Token* find_token(TokenId id);
  KeyUses& keys() { return keys_; }
  void retire_key(KeyId id);  // noted with its undo
  void note_undo(std::function<void()> undo) { undo_.push_back(std::move(undo)); }
  std::size_t undo_mark() const { return undo_.size(); }
  void undo_to(std::size_t mark);  // runs what was noted since, last first
  void set_overrun(Credits overrun) { overrun_ = overrun_before_ = overrun; }
  Credits overrun() const { return overrun_; }
  struct Overrun {
    RequestId id;
    Credits amount;
  };
  const std::vector<Overrun>& overruns() const { return overruns_; }  // of this transaction

  // --- the transaction ---
  // What to answer without a reservation; nullopt: a reservation must be made in a transaction.
  std::optional<ReserveOutcome> decide_without_reservation(ReserveOp& op);
  base::Result<void> reserve(ReserveOp& op);
  base::Result<Settled> settle(const Settlement& settlement);
  // The row itself is the caller's; the usage is folded in this very transaction.
  base::Result<void> refund(const Holders::Refund& refund);
  base::Result<void> write_touched();
  base::Result<void> write_overrun();
  enum class Fold { if_due, now };
  base::Result<void> fold_usage(Fold when);
  bool has_idle_work() const { return keys_.unwritten() || !sums_.empty(); }
  void committed(KeyUses::Marks marks);
  void rolled_back();
  base::Result<void> answer(BalanceQuery& query, Time now);
  std::size_t open_reservations() const { return open_.size(); }
  // Rows of `request` from here on are still needed, and must not be pruned.
  Time oldest_needed() const { return std::min(sums_.oldest_noted(), reservations_.oldest()); }

 private:
  struct Statements {
    sqlite::Statement update_token, update_account, update_overrun;
  };
  explicit Balances(sqlite::Database& db) : sql_(db), budgets_(db), sums_(db) {}
  // A holder and its numbers as they were when the transaction began.
  template <class T>
  struct Touched {
    T* holder = nullptr;
    Credits posted, reserved;
  };
  template <class T>
  static void touch(T& holder, std::vector<Touched<T>>& touched);
  template <class T>
  static void forget(const T* holder, std::vector<Touched<T>>& touched);
  static void name_what_is_in_the_way(ReserveOp& op, const Token& token, const Room& unposted_room, const Room& room);
  base::Result<void> make_reservation(ReserveOp& op, Token& token, Account& account);
  base::Result<void> note_lost(ReserveOp& op);
  base::Result<Settled> settle_own(const Settlement& settlement);
  void put_open(const RequestId& id, OpenReservation reservation);
  void take_open(const RequestId& id);
  base::Result<void> close_reservation(const RequestId& id, const OpenReservation& reservation);
  // Moves the numbers of the windows that a request made at `time` belongs to.
  base::Result<void> move_budgets(Token& token, Time time, Credits posted, Credits reserved);

  void let_go();

  SqlSession sql_;
  Statements statements_;
  RequestRows requests_;
  ReservationRows reservations_;
  Budgets budgets_;
  UsageSums sums_;
  bool refunded_ = false;  // in this transaction: the usage must be folded
  std::unordered_map<std::int64_t, Account> accounts_;
  std::unordered_map<std::int64_t, Token> tokens_;
  std::vector<TokenId> leaving_;  // perhaps deleted, perhaps with reservations
  KeyUses keys_;
  std::unordered_map<RequestId, OpenReservation> open_;

  std::vector<Touched<Token>> touched_tokens_;
  std::vector<Touched<Account>> touched_accounts_;
  std::vector<RequestId> opened_;
  std::vector<std::pair<RequestId, OpenReservation>> closed_;
  std::vector<std::function<void()>> undo_;
  Credits overrun_, overrun_before_;
  std::vector<Overrun> overruns_;
};

}  // namespace cr::ledger

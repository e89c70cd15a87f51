// SPDX-License-Identifier: MIT
#include "ledger/sqlite/balances.h"

#include <algorithm>
#include <utility>

#include "ledger/core/own_requests.h"
#include "ledger/sqlite/balances_loading.h"

namespace cr::ledger {
namespace {

using base::Result;
using base::to_unix_ms;
using sqlite::Statement;

}  // namespace

Result<Balances> Balances::prepare(sqlite::Database& db) {
  Balances balances(db);
  Result<void> done = balances.reservations_.prepare(db);
  if (done) done = balances.requests_.prepare(db);
  if (done) done = balances.keys_.prepare(db);
  if (!done) return tl::unexpected(done.error());
  Statements& all = balances.statements_;
  done = Statement::prepare_all(
      db, {
              {&all.update_token,
               "UPDATE token_balance SET posted = ?2, reserved = ?3, last_used_at = ?4 WHERE token_id = ?1"},
              {&all.update_account, "UPDATE account_balance SET posted = ?2, reserved = ?3 WHERE account_id = ?1"},
              {&all.update_overrun, "UPDATE meta SET value = ?1 WHERE key = 'overrun'"},
          });
  if (!done) return tl::unexpected(done.error());
  return balances;
}

Balances::Account& Balances::add_account(AccountId id, Switch enabled, const Balance& balance) {
  Account& account = accounts_[id.value];
  account.id = id;
  account.enabled = enabled;
  account.balance = balance;
  return account;
}

Balances::Token& Balances::add_token(TokenId id, AccountId account, Switch enabled, const Balance& balance) {
  Token& token = tokens_[id.value];
  token.id = id;
  token.account = find_account(account);
  token.enabled = enabled;
  token.balance = balance;
  return token;
}

template <class T>
void Balances::forget(const T* holder, std::vector<Touched<T>>& touched) {
  std::erase_if(touched, [holder](const Touched<T>& one) { return one.holder == holder; });
}

void Balances::drop_account(AccountId id) {
  forget(find_account(id), touched_accounts_);
  accounts_.erase(id.value);
}

void Balances::drop_token(TokenId id) {
  forget(find_token(id), touched_tokens_);
  tokens_.erase(id.value);
}

Balances::Account* Balances::find_account(AccountId id) {
  const auto found = accounts_.find(id.value);
  return found == accounts_.end() ? nullptr : &found->second;
}

Balances::Token* Balances::find_token(TokenId id) {
  const auto found = tokens_.find(id.value);
  return found == tokens_.end() ? nullptr : &found->second;
}

Result<Balances::Token*> Balances::recall_token(TokenId id) {
  if (Token* const found = find_token(id)) return found;
  leave_if_deleted(id);
  return load_token(sql_, *this, id);
}

// What is deleted and has nothing open any more.
void Balances::let_go() {
  std::erase_if(leaving_, [this](TokenId id) {
    const Token* token = find_token(id);
    if (token == nullptr || !token->deleted) return true;
    if (token->open != nullptr) return false;
    if (token->budget) budgets_.forget(id);
    tokens_.erase(id.value);
    return true;
  });
}

void Balances::undo_to(std::size_t mark) {
  while (undo_.size() > mark) {
    undo_.back()();
    undo_.pop_back();
  }
}

void Balances::retire_key(KeyId id) {
  keys_.retire(id);
  note_undo([this] { keys_.keep_last(); });
}

template <class T>
void Balances::touch(T& holder, std::vector<Touched<T>>& touched) {
  if (std::exchange(holder.touched, true)) return;
  touched.push_back({&holder, holder.balance.posted, holder.balance.reserved});
}

std::optional<ReserveOutcome> Balances::decide_without_reservation(ReserveOp& op) {
  if (op.lost > Credits()) return std::nullopt;
  const Token* token = find_token(op.facts.token);
  const bool usable = token != nullptr && !token->deleted && token->enabled == Switch::on &&
                      token->account != nullptr && token->account->enabled == Switch::on;
  if (!usable) return ReserveOutcome::gone;
  op.facts.account = token->account->id;  // an edit may have moved the token since the worker looked
  op.amount = Credits();
  if (!token->balance.quota && !token->account->balance.quota && !token->budget) return ReserveOutcome::unlimited;
  return std::nullopt;
}

Result<void> Balances::note_lost(ReserveOp& op) {
  const auto found = open_.find(op.facts.id);
  op.outcome = found == open_.end() ? ReserveOutcome::gone : ReserveOutcome::reserved;
  if (found == open_.end()) return {};
  found->second.has_lost = true;
  return reservations_.note_lost(op.facts.id, op.lost);
}

Result<void> Balances::reserve(ReserveOp& op) {
  if (op.lost > Credits()) return note_lost(op);
  // Asked again here: a change in this very transaction may have disabled the token or lifted its quota.
  if (const auto decided = decide_without_reservation(op)) {
    op.outcome = *decided;
    return {};
  }
  Token& token = *find_token(op.facts.token);
  Account& account = *token.account;
  Budgets::Windows windows{};
  if (token.budget) {
    const auto met = budgets_.windows_at(token.id, *token.budget, op.facts.started_at, history(token));
    if (!met) return tl::unexpected(met.error());
    windows = *met;
  }
  const BudgetWindows sums = Budgets::sums_of(windows);
  const BudgetLimits limits = token.budget ? token.budget->limits : BudgetLimits();
  const Room unposted_room{unposted(token.balance), unposted(account.balance), unposted(limits, sums)};
  const Room room{headroom(token.balance), headroom(account.balance), headroom(limits, sums)};
  const Decision decision = decide(unposted_room, room, op.size);
  op.outcome = decision.outcome;
  op.amount = decision.amount;
  if (op.outcome == ReserveOutcome::credit_reserved && !op.waits())
    name_what_is_in_the_way(op, token, unposted_room, room);
  if (op.outcome == ReserveOutcome::no_budget) {
    op.budget = *tightest(limits, sums);
    op.budget_resets_at = token.budget->last[static_cast<std::size_t>(op.budget)].end;
  }
  if (op.outcome != ReserveOutcome::reserved || op.amount == Credits()) return {};
  return make_reservation(op, token, account);
}

// Of the three the one that has the least left.
void Balances::name_what_is_in_the_way(ReserveOp& op, const Token& token, const Room& unposted_room, const Room& room) {
  const Credits least = std::min({room.of_token, room.of_account, room.of_budgets});
  const auto take = [&op](Credits limit, Credits left) {
    op.in_the_way.limit = limit;
    op.in_the_way.reserved = limit - left;
  };
  if (least == room.of_token) {
    take(unposted_room.of_token, room.of_token);
  } else if (least == room.of_account) {
    take(unposted_room.of_account, room.of_account);
  } else {
    take(unposted_room.of_budgets, room.of_budgets);
  }
  op.in_the_way.requests = 0;
  for (const auto* open = token.open; open != nullptr; open = open->next) ++op.in_the_way.requests;
}

Result<void> Balances::make_reservation(ReserveOp& op, Token& token, Account& account) {
  if (open_.contains(op.facts.id)) return base::fail(base::ErrorCode::conflict, "reserve: the id is reserved already");
  const Time reserved_at = op.facts.started_at;
  const std::int64_t batch = reservations_.add(op, token.id, account.id);
  const OpenReservation made{&token, &account, op.amount, reserved_at, batch, false, nullptr, nullptr};
  touch(token, touched_tokens_);
  touch(account, touched_accounts_);
  token.balance.reserved += op.amount;
  account.balance.reserved += op.amount;
  if (auto moved = move_budgets(token, op.facts.started_at, Credits(), op.amount); !moved) return moved;
  put_open(op.facts.id, made);
  opened_.push_back(op.facts.id);
  return {};
}

// Of a request that crd made by itself: it is on nobody's balance.
Result<Balances::Settled> Balances::settle_own(const Settlement& settlement) {
  const auto inserted = requests_.insert_own(settlement);
  if (!inserted) return tl::unexpected(inserted.error());
  return *inserted ? Settled::done : Settled::repeated;
}

Result<Balances::Settled> Balances::settle(const Settlement& settlement) {
  const RequestFacts& facts = settlement.facts;
  if (facts.token == k_own_token) return settle_own(settlement);
  const auto found = open_.find(facts.id);
  if (found == open_.end() && settlement.reserved > Credits()) {
    const auto there = requests_.has(facts.id);
    if (!there) return tl::unexpected(there.error());
    return *there ? Settled::repeated : Settled::refused;
  }
  // What was reserved decides, whatever the settlement says of it.
  OpenReservation reservation;
  if (found != open_.end()) {
    reservation = found->second;
  } else {
    const auto token = recall_token(facts.token);
    if (!token) return tl::unexpected(token.error());
    reservation = {*token, find_account(facts.account), Credits(), facts.started_at, 0, false, nullptr, nullptr};
  }
  if (reservation.token == nullptr) return Settled::refused;
  if (reservation.account == nullptr) reservation.account = reservation.token->account;

  const Posting posting =
      posting_of(settlement.cost, reservation.amount, reservation.token->balance, reservation.account->balance);
  const auto inserted = requests_.insert(settlement, {.token = reservation.token->id,
                                                      .account = reservation.account->id,
                                                      .reserved_at = reservation.reserved_at,
                                                      .reserved = reservation.amount,
                                                      .posted = posting.posted,
                                                      .overrun = posting.overrun,
                                                      .refunded = {}});
  if (!inserted) return tl::unexpected(inserted.error());
  if (found != open_.end()) {
    if (auto closed = close_reservation(facts.id, reservation); !closed) return tl::unexpected(closed.error());
  }
  if (!*inserted) return Settled::repeated;
  sums_.note(facts.id, entry_of(settlement, reservation.token->id, reservation.account->id, reservation.reserved_at,
                                posting.posted));
  if (auto moved = move_budgets(*reservation.token, reservation.reserved_at, posting.posted, Credits()); !moved)
    return tl::unexpected(moved.error());
  touch(*reservation.token, touched_tokens_);
  touch(*reservation.account, touched_accounts_);
  reservation.token->balance.posted += posting.posted;
  reservation.account->balance.posted += posting.posted;
  overrun_ += posting.overrun;
  if (posting.overrun > Credits()) overruns_.push_back({facts.id, posting.overrun});
  auto& last_used_at = reservation.token->last_used_at;
  if (!last_used_at || *last_used_at < facts.started_at) last_used_at = facts.started_at;
  keys_.mark(facts);
  return Settled::done;
}

Result<void> Balances::close_reservation(const RequestId& id, const OpenReservation& reservation) {
  if (auto closed = reservations_.close(reservation.batch); !closed) return closed;
  if (reservation.has_lost) {
    if (auto forgotten = reservations_.forget_lost(id); !forgotten) return forgotten;
  }
  if (auto moved = move_budgets(*reservation.token, reservation.reserved_at, Credits(), Credits() - reservation.amount);
      !moved)
    return moved;
  touch(*reservation.token, touched_tokens_);
  touch(*reservation.account, touched_accounts_);
  reservation.token->balance.reserved -= reservation.amount;
  reservation.account->balance.reserved -= reservation.amount;
  closed_.emplace_back(id, reservation);
  take_open(id);
  return {};
}

Budgets::History Balances::history(const Token& token) {
  return {sums_, [&token](const base::TimeSpan& span) {
            Credits reserved;
            for (const OpenReservation* reservation = token.open; reservation != nullptr;
                 reservation = reservation->next) {
              if (span.contains(reservation->reserved_at)) reserved += reservation->amount;
            }
            return reserved;
          }};
}

void Balances::put_open(const RequestId& id, OpenReservation reservation) {
  OpenReservation& put = open_.emplace(id, reservation).first->second;
  put.previous = nullptr;
  put.next = put.token->open;
  if (put.next != nullptr) put.next->previous = &put;
  put.token->open = &put;
}

void Balances::take_open(const RequestId& id) {
  const auto found = open_.find(id);
  if (found == open_.end()) return;
  const OpenReservation& reservation = found->second;
  (reservation.previous != nullptr ? reservation.previous->next : reservation.token->open) = reservation.next;
  if (reservation.next != nullptr) reservation.next->previous = reservation.previous;
  open_.erase(found);
}

// A period that has no row yet is left alone: it is summed up when it is met, and this request with it.
Result<void> Balances::move_budgets(Token& token, Time time, Credits posted, Credits reserved) {
  if (!token.budget) return {};
  const auto windows = budgets_.windows_at(token.id, *token.budget, time);
  if (!windows) return tl::unexpected(windows.error());
  for (std::size_t i = 0; i < k_period_count; ++i) {
    if ((*windows)[i] == nullptr) continue;
    (*windows)[i]->posted += posted;
    (*windows)[i]->reserved += reserved;
    budgets_.touch(token.id, static_cast<base::Period>(i), *(*windows)[i]);
  }
  return {};
}

Result<void> Balances::refund(const Holders::Refund& refund) {
  const auto recalled = recall_token(refund.token);
  if (!recalled) return tl::unexpected(recalled.error());
  Token* const token = *recalled;
  Account* const account = find_account(refund.account);
  if (token == nullptr || account == nullptr) {
    return base::fail(base::ErrorCode::corrupt, "refund: the request's token or account is not there");
  }
  touch(*token, touched_tokens_);
  touch(*account, touched_accounts_);
  token->balance.posted -= refund.amount;
  account->balance.posted -= refund.amount;
  sums_.add(refund.entry);
  note_undo([this, token, account, amount = refund.amount] {
    token->balance.posted += amount;
    account->balance.posted += amount;
    sums_.take_back();
    budgets_.forget(token->id);
  });
  refunded_ = true;
  return move_budgets(*token, refund.entry.started_at, Credits() - refund.amount, Credits());
}

Result<void> Balances::fold_usage(Fold when) {
  const bool wanted = when == Fold::now || refunded_ || sums_.due(base::steady_now());
  return wanted && !sums_.empty() ? sums_.fold() : Result<void>();
}

Result<void> Balances::write_touched() {
  for (const auto& [token, posted, reserved] : touched_tokens_) {
    Statement& update = statements_.update_token;
    update.bind(1, token->id.value).bind(2, token->balance.posted.nano()).bind(3, token->balance.reserved.nano());
    if (token->last_used_at) update.bind(4, to_unix_ms(*token->last_used_at));
    if (auto done = update.run(); !done) return done;
  }
  for (const auto& [account, posted, reserved] : touched_accounts_) {
    Statement& update = statements_.update_account;
    update.bind(1, account->id.value).bind(2, account->balance.posted.nano()).bind(3, account->balance.reserved.nano());
    if (auto done = update.run(); !done) return done;
  }
  if (auto written = reservations_.write(); !written) return written;
  if (auto written = budgets_.write_touched(); !written) return written;
  return overrun_ != overrun_before_ ? write_overrun() : Result<void>();
}

Result<void> Balances::write_overrun() {
  return statements_.update_overrun.bind(1, overrun_.nano()).run();
}

void Balances::committed(KeyUses::Marks marks) {
  reservations_.committed();
  budgets_.committed();
  sums_.committed();
  refunded_ = false;
  for (const auto& one : touched_tokens_) one.holder->touched = false;
  for (const auto& one : touched_accounts_) one.holder->touched = false;
  touched_tokens_.clear();
  touched_accounts_.clear();
  opened_.clear();
  closed_.clear();
  undo_.clear();
  overrun_before_ = overrun_;
  overruns_.clear();
  keys_.committed(marks);
  if (!leaving_.empty()) let_go();
}

void Balances::rolled_back() {
  const auto restore = [](const auto& one) {
    one.holder->balance.posted = one.posted;
    one.holder->balance.reserved = one.reserved;
  };
  for (const RequestId& id : opened_) take_open(id);
  // Settings before numbers: a token made in this transaction goes with its own.
  undo_to(0);
  for (const auto& one : touched_tokens_) restore(one);
  for (const auto& one : touched_accounts_) restore(one);
  reservations_.rolled_back();
  budgets_.rolled_back();
  sums_.rolled_back();
  for (const auto& [id, reservation] : closed_) put_open(id, reservation);
  overrun_ = overrun_before_;
  committed(KeyUses::Marks::left);
}

Result<void> Balances::answer(BalanceQuery& query, Time now) {
  const auto found = tokens_.find(query.token.value);
  query.found = found != tokens_.end() && !found->second.deleted && found->second.account != nullptr;
  if (!query.found) return {};
  Token& token = found->second;
  query.token_balance = token.balance;
  query.account_balance = token.account->balance;
  if (!token.budget) return {};
  auto uses = budgets_.uses_at(token.id, *token.budget, now);
  if (!uses) return tl::unexpected(uses.error());
  query.budgets = std::move(*uses);
  return {};
}

}  // namespace cr::ledger

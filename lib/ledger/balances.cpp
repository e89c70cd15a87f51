// SPDX-License-Identifier: MIT
#include "ledger/balances.h"

#include <algorithm>

namespace cr::ledger {
namespace {

using base::Result;
using base::to_unix_ms;
using sqlite::Statement;

constexpr std::string_view k_insert_reservation =
    "INSERT INTO reservation (id, token_id, account_id, key_id, started_at, held, stream, model, group_name, endpoint,"
    " source_ip) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
// A second ending of the same request changes nothing, and changes() tells it apart.
constexpr std::string_view k_insert_request =
    "INSERT INTO request (id, token_id, account_id, key_id, started_at, held, stream, model, group_name, endpoint,"
    " source_ip, channel_id, upstream_model, ending, flags, status, error, posted, overrun, input_tokens, "
    "cached_tokens,"
    " cache_write_tokens, output_tokens, duration_ms, first_byte_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, "
    "?11,"
    " ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25) ON CONFLICT (id) DO NOTHING";

// What may still be reserved or posted: the quota's rest, or what the type can hold. Neither ever wraps.
Credits headroom(const Balance& balance) {
  return std::max(Credits(), balance.quota.value_or(Credits::max()) - balance.posted - balance.reserved);
}

void bind_facts(Statement& statement, const RequestFacts& facts, AccountId account, Credits held) {
  statement.bind_blob(1, facts.id.bytes)
      .bind(2, facts.token.value)
      .bind(3, account.value)
      .bind(4, facts.key.value)
      .bind(5, to_unix_ms(facts.started_at))
      .bind(6, held.nano())
      .bind(7, std::int64_t{facts.stream})
      .bind(8, facts.model)
      .bind(9, facts.group)
      .bind(10, facts.endpoint)
      .bind(11, facts.source_ip);
}

}  // namespace

Result<Balances> Balances::prepare(sqlite::Database& db) {
  Balances balances(db);
  Statements& all = balances.statements_;
  const std::pair<Statement*, std::string_view> wanted[] = {
      {&all.insert_reservation, k_insert_reservation},
      {&all.delete_reservation, "DELETE FROM reservation WHERE id = ?1"},
      {&all.insert_request, k_insert_request},
      {&all.find_request, "SELECT 1 FROM request WHERE id = ?1"},
      {&all.update_token, "UPDATE token_balance SET posted = ?2, reserved = ?3, last_used_at = ?4 WHERE token_id = ?1"},
      {&all.update_account, "UPDATE account_balance SET posted = ?2, reserved = ?3 WHERE account_id = ?1"},
      {&all.update_key, "UPDATE key SET last_used_at = ?2, last_used_ip = ?3 WHERE id = ?1"},
      {&all.update_overrun, "UPDATE meta SET value = ?1 WHERE key = 'overrun'"},
  };
  for (const auto& [statement, sql] : wanted) {
    auto made = Statement::prepare(db, sql);
    if (!made) return tl::unexpected(made.error());
    *statement = std::move(*made);
  }
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

Balances::Account* Balances::find_account(AccountId id) {
  const auto found = accounts_.find(id.value);
  return found == accounts_.end() ? nullptr : &found->second;
}

Balances::Token* Balances::find_token(TokenId id) {
  const auto found = tokens_.find(id.value);
  return found == tokens_.end() ? nullptr : &found->second;
}

void Balances::undo_to(std::size_t mark) {
  while (undo_.size() > mark) {
    undo_.back()();
    undo_.pop_back();
  }
}

void Balances::retire_key(KeyId id) {
  retired_keys_.push_back(id);
  note_undo([this] { retired_keys_.pop_back(); });
}

template <class T>
void Balances::touch(T& holder, std::vector<T*>& touched) {
  if (holder.touched_in == transaction_) return;
  holder.touched_in = transaction_;
  holder.posted_before = holder.balance.posted;
  holder.reserved_before = holder.balance.reserved;
  touched.push_back(&holder);
}

std::optional<ReserveOutcome> Balances::decide_without_hold(ReserveOp& op) {
  const Token* token = find_token(op.facts.token);
  const bool usable = token != nullptr && !token->deleted && token->enabled == Switch::on &&
                      token->account != nullptr && token->account->enabled == Switch::on;
  if (!usable) return ReserveOutcome::gone;
  op.facts.account = token->account->id;  // an edit may have moved the token since the worker looked
  op.amount = Credits();
  if (!token->balance.quota && !token->account->balance.quota) return ReserveOutcome::unlimited;
  return std::nullopt;
}

Result<void> Balances::reserve(ReserveOp& op) {
  // Asked again here: a change in this very transaction may have disabled the token or lifted its quota.
  if (const auto decided = decide_without_hold(op)) {
    op.outcome = *decided;
    return {};
  }
  Token& token = *find_token(op.facts.token);
  Account& account = *token.account;
  const Credits of_token = headroom(token.balance);
  const Credits of_account = headroom(account.balance);
  const Credits available = std::min(of_token, of_account);
  const std::optional<Credits> amount = op.size(available);
  if (!amount || *amount > available || *amount < Credits()) {
    op.outcome = of_token <= of_account ? ReserveOutcome::no_token_credit : ReserveOutcome::no_account_credit;
    return {};
  }
  op.amount = *amount;
  if (op.amount > Credits()) {
    const Hold hold{&token, &account, op.amount};
    if (auto inserted = insert_reservation(op, hold); !inserted) return inserted;
    touch(token, touched_tokens_);
    touch(account, touched_accounts_);
    token.balance.reserved += op.amount;
    account.balance.reserved += op.amount;
    holds_.emplace(op.facts.id, hold);
    opened_.push_back(op.facts.id);
  }
  op.outcome = ReserveOutcome::held;  // a free request holds nothing, and that is held too
  return {};
}

Result<void> Balances::insert_reservation(const ReserveOp& op, const Hold& hold) {
  Statement& insert = statements_.insert_reservation;
  bind_facts(insert, op.facts, hold.account->id, hold.amount);
  return insert.run();
}

Result<bool> Balances::insert_request(const Settlement& settlement, AccountId account, const Posting& posting) {
  Statement& insert = statements_.insert_request;
  bind_facts(insert, settlement.facts, account, posting.held);
  insert.bind(12, settlement.channel.value);
  if (!settlement.upstream_model.empty()) insert.bind(13, settlement.upstream_model);
  insert.bind(14, static_cast<std::int64_t>(settlement.ending))
      .bind(15, std::int64_t{settlement.flags})
      .bind(16, std::int64_t{settlement.status});
  if (!settlement.error.empty()) insert.bind(17, settlement.error);
  insert.bind(18, posting.posted.nano())
      .bind(19, posting.overrun.nano())
      .bind(20, settlement.input_tokens)
      .bind(21, settlement.cached_tokens)
      .bind(22, settlement.cache_write_tokens)
      .bind(23, settlement.output_tokens)
      .bind(24, settlement.duration_ms);
  if (settlement.first_byte_ms) insert.bind(25, *settlement.first_byte_ms);
  if (auto done = insert.run(); !done) return tl::unexpected(done.error());
  return db_->changes() == 1;
}

Result<Balances::Settled> Balances::answer_unheld(const Settlement& settlement) {
  Statement& find = statements_.find_request;
  const auto there = find.bind_blob(1, settlement.facts.id.bytes).step();
  find.reset();
  if (!there) return tl::unexpected(there.error());
  return *there ? Settled::repeated : Settled::refused;
}

Result<Balances::Settled> Balances::settle(const Settlement& settlement) {
  const RequestFacts& facts = settlement.facts;
  const auto held = holds_.find(facts.id);
  if (held == holds_.end() && settlement.held > Credits()) return answer_unheld(settlement);
  // What was reserved decides, whatever the settlement says of it.
  Hold hold =
      held == holds_.end() ? Hold{find_token(facts.token), find_account(facts.account), Credits()} : held->second;
  if (hold.token == nullptr) return Settled::refused;
  if (hold.account == nullptr) hold.account = hold.token->account;

  Posting posting{hold.amount, std::max(Credits(), settlement.cost), Credits()};
  const Credits limit = hold.amount > Credits()
                            ? hold.amount
                            : std::min(Credits::max() - hold.token->balance.posted - hold.token->balance.reserved,
                                       Credits::max() - hold.account->balance.posted - hold.account->balance.reserved);
  if (posting.posted > limit) {
    posting.overrun = posting.posted - limit;
    posting.posted = limit;
  }
  const auto inserted = insert_request(settlement, hold.account->id, posting);
  if (!inserted) return tl::unexpected(inserted.error());
  if (held != holds_.end()) {
    if (auto closed = close_hold(facts.id, hold); !closed) return tl::unexpected(closed.error());
  }
  if (!*inserted) return Settled::repeated;
  touch(*hold.token, touched_tokens_);
  touch(*hold.account, touched_accounts_);
  hold.token->balance.posted += posting.posted;
  hold.account->balance.posted += posting.posted;
  overrun_ += posting.overrun;
  mark_used(*hold.token, facts);
  return Settled::done;
}

Result<void> Balances::close_hold(const RequestId& id, const Hold& hold) {
  if (auto deleted = statements_.delete_reservation.bind_blob(1, id.bytes).run(); !deleted) return deleted;
  touch(*hold.token, touched_tokens_);
  touch(*hold.account, touched_accounts_);
  hold.token->balance.reserved -= hold.amount;
  hold.account->balance.reserved -= hold.amount;
  closed_.emplace_back(id, hold);
  holds_.erase(id);
  return {};
}

void Balances::mark_used(Token& token, const RequestFacts& facts) {
  if (!token.last_used_at || *token.last_used_at < facts.started_at) token.last_used_at = facts.started_at;
  const auto found = key_uses_.find(facts.key.value);
  if (found == key_uses_.end()) return;  // the key is gone already
  KeyUse& use = found->second;
  if (use.last_used_at && *use.last_used_at > facts.started_at) return;
  use.last_used_at = facts.started_at;
  if (use.last_used_ip != facts.source_ip) use.last_used_ip = facts.source_ip;
  if (!use.unwritten) unwritten_keys_.push_back(facts.key.value);
  use.unwritten = true;
}

Result<void> Balances::write_touched() {
  for (const Token* token : touched_tokens_) {
    Statement& update = statements_.update_token;
    update.bind(1, token->id.value).bind(2, token->balance.posted.nano()).bind(3, token->balance.reserved.nano());
    if (token->last_used_at) update.bind(4, to_unix_ms(*token->last_used_at));
    if (auto done = update.run(); !done) return done;
  }
  for (const Account* account : touched_accounts_) {
    Statement& update = statements_.update_account;
    update.bind(1, account->id.value).bind(2, account->balance.posted.nano()).bind(3, account->balance.reserved.nano());
    if (auto done = update.run(); !done) return done;
  }
  if (overrun_ != overrun_before_) return statements_.update_overrun.bind(1, overrun_.nano()).run();
  return {};
}

Result<void> Balances::write_marks() {
  for (const std::int64_t id : unwritten_keys_) {
    const auto found = key_uses_.find(id);
    if (found == key_uses_.end() || !found->second.last_used_at) continue;
    const KeyUse& use = found->second;
    auto done =
        statements_.update_key.bind(1, id).bind(2, to_unix_ms(*use.last_used_at)).bind(3, use.last_used_ip).run();
    if (!done) return done;
  }
  return {};
}

void Balances::committed(Marks marks) {
  touched_tokens_.clear();
  touched_accounts_.clear();
  opened_.clear();
  closed_.clear();
  undo_.clear();
  overrun_before_ = overrun_;
  for (const KeyId id : retired_keys_) drop_key(id);
  retired_keys_.clear();
  if (marks == Marks::left) return;
  for (const std::int64_t id : unwritten_keys_) {
    if (const auto found = key_uses_.find(id); found != key_uses_.end()) found->second.unwritten = false;
  }
  unwritten_keys_.clear();
}

void Balances::rolled_back() {
  const auto restore = [](Holder& holder) {
    holder.balance.posted = holder.posted_before;
    holder.balance.reserved = holder.reserved_before;
  };
  for (Token* token : touched_tokens_) restore(*token);
  for (Account* account : touched_accounts_) restore(*account);
  for (const RequestId& id : opened_) holds_.erase(id);
  for (const auto& [id, hold] : closed_) holds_.emplace(id, hold);
  overrun_ = overrun_before_;
  undo_to(0);
  committed(Marks::left);
}

void Balances::look(BalanceOp& op) const {
  const auto found = tokens_.find(op.token.value);
  op.found = found != tokens_.end() && !found->second.deleted && found->second.account != nullptr;
  if (!op.found) return;
  op.token_balance = found->second.balance;
  op.account_balance = found->second.account->balance;
}

}  // namespace cr::ledger

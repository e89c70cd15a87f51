// SPDX-License-Identifier: MIT
// Ledger, all but open(), which knows the engines.
#include "ledger/core/ledger.h"

#include <utility>

#include "base/text.h"
#include "ledger/core/engine.h"

namespace cr::ledger {

using base::ErrorCode;
using base::Result;

namespace {

// What a flush may fail by and a read still has something to show.
bool shows_last_commit(const base::Error& error) {
  return error.code == ErrorCode::unavailable || error.code == ErrorCode::timeout;
}

}  // namespace

Ledger::Ledger(std::unique_ptr<Engine> engine) : engine_(std::move(engine)) {}
Ledger::~Ledger() {
  close();
}

void Ledger::close() {
  engine_->close();
}

void Ledger::stop_reads() {
  engine_->stop_reads();
}

bool Ledger::admits(std::chrono::milliseconds patience) const {
  return engine_->admits(patience);
}

std::string Ledger::condition(std::chrono::milliseconds patience) const {
  const auto counters = engine_->counters();
  if (const auto busy = busy_for(); busy > patience) {
    return "the ledger thread has not answered for " + base::format_duration(busy) + ": look at the disk";
  }
  if (!counters.trouble.empty()) return "the store cannot commit: " + counters.trouble;
  if (admits(patience)) return "ready";
  return "too many settlements wait for a commit: " + std::to_string(counters.backlog);
}

std::chrono::milliseconds Ledger::busy_for() const {
  return engine_->status().busy_for();
}

Time Ledger::now() const {
  return engine_->now();
}

bool Ledger::fresh() const {
  return engine_->fresh();
}

void Ledger::reserve(ReserveOp& op) {
  if (engine_->queue().push(op)) return;
  op.outcome = ReserveOutcome::unavailable;
  op.amount = Credits();
  op.next = nullptr;
  engine_->recipient(op.recipient).deliver(&op, nullptr);
}

void Ledger::settle(Settlement settlement) {
  engine_->queue().push(std::move(settlement));
}

bool Ledger::count_refused(const RefusedRequest& request, RefusedCounts::Row row) {
  return engine_->refused().count(request, row);
}

void Ledger::query(QueryOp& op) {
  if (engine_->queue().push(op)) return;
  op.readable = false;
  op.next = nullptr;
  engine_->recipient(op.recipient).deliver(nullptr, &op);
}

Result<BalanceQuery> Ledger::balance(TokenId token) {
  return engine_->balance(token);
}

const DirectoryFeed& Ledger::directory() const {
  return engine_->directory();
}
token::Digest Ledger::digest(std::string_view key) const {
  return engine_->vault().digest(key);
}
const std::string& Ledger::key_prefix() const {
  return engine_->options().key_prefix;
}

Result<void> Ledger::write(const std::function<Result<void>(Store&)>& change, DryRun dry_run) {
  return engine_->write(change, dry_run);
}

Result<void> Ledger::flush() {
  return engine_->flush();
}

Result<void> Ledger::read(const std::function<Result<void>(Reports&)>& query) {
  if (auto flushed = flush(); !flushed && !shows_last_commit(flushed.error())) return flushed;
  return engine_->read(query, Engine::Reading::quick);
}

Result<void> Ledger::read_at_length(const std::function<Result<void>(Reports&)>& query) {
  if (auto flushed = flush(); !flushed && !shows_last_commit(flushed.error())) return flushed;
  return engine_->read(query, Engine::Reading::lengthy);
}

void Ledger::keep_requests(std::chrono::milliseconds retention) {
  engine_->keep_requests(retention);
}

Ledger::Counters Ledger::counters() const {
  return engine_->counters();
}

Ledger::HeadState Ledger::head() const {
  return engine_->head();
}

}  // namespace cr::ledger

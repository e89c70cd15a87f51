// SPDX-License-Identifier: MIT
#include "ledger/sqlite/key_uses.h"

#include <utility>

namespace cr::ledger {

using base::Result;

Result<void> KeyUses::prepare(sqlite::Database& db) {
  db_ = &db;
  return sqlite::Statement::prepare_all(
      db, {{&update_, "UPDATE key SET last_used_at = ?2, last_used_ip = ?3 WHERE id = ?1"}});
}

Holders::KeyUse KeyUses::find(KeyId id) const {
  const auto found = uses_.find(id.value);
  if (found == uses_.end()) return {};
  return found->second;
}

void KeyUses::mark(const RequestFacts& facts) {
  Use& use = at(facts.key);
  if (use.last_used_at && *use.last_used_at > facts.started_at) return;
  use.last_used_at = facts.started_at;
  if (use.last_used_ip != facts.source_ip) use.last_used_ip = facts.source_ip;
  if (!use.unwritten) unwritten_.push_back(facts.key.value);
  use.unwritten = true;
}

Result<void> KeyUses::write() {
  for (const std::int64_t id : unwritten_) {
    const auto found = uses_.find(id);
    if (found == uses_.end() || !found->second.last_used_at) continue;
    const Use& use = found->second;
    auto done = update_.bind(1, id).bind(2, base::to_unix_ms(*use.last_used_at)).bind(3, use.last_used_ip).run();
    if (!done) return done;
    if (db_->changes() == 0) gone_.push_back(id);
  }
  return {};
}

void KeyUses::committed(Marks marks) {
  for (const KeyId id : retired_) drop(id);
  retired_.clear();
  const auto gone = std::exchange(gone_, {});
  if (marks == Marks::left) return;
  for (const std::int64_t id : gone) uses_.erase(id);
  for (const std::int64_t id : unwritten_) {
    if (const auto found = uses_.find(id); found != uses_.end()) found->second.unwritten = false;
  }
  unwritten_.clear();
}

}  // namespace cr::ledger

// SPDX-License-Identifier: MIT
// KeyUses: when each key was last used, and from where, in memory; written now and then, since it is not worth a page
// in every commit. A key that was never used has no entry. Ledger thread only.
#pragma once

#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "ledger/core/operations.h"
#include "ledger/sql/holders.h"
#include "sqlite/database.h"

namespace cr::ledger {

class KeyUses {
 public:
  struct Use : Holders::KeyUse {
    bool unwritten = false;
  };
  // What the commit holds of them.
  enum class Marks { left, written };

  base::Result<void> prepare(sqlite::Database& db);  // before anything else

  Use& at(KeyId id) { return uses_[id.value]; }  // made if it is new
  Holders::KeyUse find(KeyId id) const;          // empty: it was not used yet
  void drop(KeyId id) { uses_.erase(id.value); }
  void retire(KeyId id) { retired_.push_back(id); }  // dropped when this transaction commits
  void keep_last() { retired_.pop_back(); }          // takes the last retire() back
  void mark(const RequestFacts& facts);              // used by this request

  bool unwritten() const { return !unwritten_.empty(); }
  base::Result<void> write();
  void committed(Marks marks);

 private:
  sqlite::Database* db_ = nullptr;
  sqlite::Statement update_;
  std::unordered_map<std::int64_t, Use> uses_;
  std::vector<std::int64_t> unwritten_, gone_;  // gone: without a row, dropped while a request of theirs ran
  std::vector<KeyId> retired_;
};

}  // namespace cr::ledger

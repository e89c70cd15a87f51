// SPDX-License-Identifier: MIT
// UsageSums: ended requests summed up by quarter, hour and day, for each token and for all together, so that a report
// and a balance outlive the requests' rows. Ledger thread only. A settlement is noted beside its row (table unsummed)
// and counted in memory; fold() writes many at once, in a transaction that takes the notes away. So `usage` and the
// rows still noted in `unsummed` are together, at any commit, every request once.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "ledger/core/decisions.h"
#include "ledger/core/operations.h"
#include "ledger/core/records.h"
#include "ledger/sql/sql_session.h"
#include "ledger/sql/usage_pieces.h"

namespace cr::ledger {

class UsageSums {
 public:
  explicit UsageSums(sqlite::Database& db) : sql_(db) {}

  // At the start: what a crash, or a migration, left noted.
  base::Result<void> load();

  // In the transaction that inserts the request's row; write_notes() writes all notes, many in a row, before anything
  // of that transaction reads them.
  void note(const RequestId& id, const UsageEntry& entry);
  base::Result<void> write_notes();
  void add(const UsageEntry& entry);       // counted, not noted: the caller folds in the same transaction
  void take_back() { fresh_.pop_back(); }  // the last add() of this transaction
  // Summed up at once, in this transaction; of requests without rows, which nothing else notes.
  base::Result<void> write_at_once(const std::vector<UsageEntry>& entries);

  // Posted by the requests of `token` whose reservations were made in `span` (whole quarters), refunds taken off; those
  // of the transaction that runs too.
  base::Result<Credits> posted_between(TokenId token, const base::TimeSpan& span);

  bool empty() const { return open_.empty() && fresh_.empty(); }
  // No row with an older id waits to be summed up.
  Time oldest_noted() const { return oldest_noted_; }
  bool due(base::SteadyTime now) const;
  base::Result<void> fold();
  void committed();
  void rolled_back();

 private:
  struct Key {
    std::int64_t token = 0, account = 0, channel = 0;
    std::string group, model;
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const noexcept;
  };
  struct Sums {
    std::int64_t requests = 0, errors = 0, estimated = 0, input = 0, cached = 0, output = 0, posted = 0;
    void add(const Sums& other);
  };
  using AtSums = std::unordered_map<std::int64_t, Sums>;  // by quarter
  using Table = std::unordered_map<Key, AtSums, KeyHash>;

  static void put(Table& table, const UsageEntry& entry);
  base::Result<std::int64_t> id_of(const Key& key);
  base::Result<void> write_all(const Table& all);
  base::Result<void> write(const Key& key, const AtSums& quarters, std::initializer_list<Step> steps);
  base::Result<void> upsert(std::int64_t key_id, Step step, std::int64_t at, const Sums& sums);

  SqlSession sql_;
  Table open_;                     // committed, not folded
  std::vector<UsageEntry> fresh_;  // of the transaction that runs
  std::vector<std::uint8_t> unwritten_ids_;
  bool folded_ = false, wrote_ = false;  // in the transaction that runs
  base::SteadyTime due_at_ = base::SteadyTime::max();
  Time oldest_noted_ = Time::max();
  std::unordered_map<Key, std::int64_t, KeyHash> ids_;  // of usage_key; those made in a rolled-back transaction go
};

}  // namespace cr::ledger

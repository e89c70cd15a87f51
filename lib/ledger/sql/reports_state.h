// SPDX-License-Identifier: MIT
// Reports::Impl: the read-only connection and what its queries share. One thread at a time (Ledger::read).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ledger/core/reports.h"
#include "ledger/core/store_clock.h"
#include "ledger/sql/sql_session.h"
#include "token/key.h"

namespace cr::ledger {

struct Reports::Impl {
  Impl(SqlSession session, const token::Vault& the_vault, const StoreClock& its_clock)
      : sql(std::move(session)), vault(the_vault), clock(its_clock) {}
  SqlSession sql;
  const token::Vault& vault;
  const StoreClock& clock;
  Reports::Seen seen{};  // known before the transaction of the report began

  // Names of what a row has the id of; "" for id 0, deleted ones too.
  Result<std::string> name_of(std::string_view table, std::int64_t id);
};

// "WHERE a AND b", with what stands for '?' in it.
class Where {
 public:
  void add(std::string_view condition) { text_ += (text_.empty() ? " WHERE " : " AND ") + std::string(condition); }
  void add(std::string_view condition, std::int64_t value) {
    add(condition);
    values_.push_back({value, {}, Value::Kind::number});
  }
  void add_text(std::string_view condition, std::string_view text) {
    add(condition);
    values_.push_back({0, std::string(text), Value::Kind::text});
  }
  void add_glob(Dialect dialect, std::string_view column, std::string_view pattern) {
    add_text(glob(dialect, column, "?"), glob_pattern(dialect, pattern));
  }
  // "column = ?", or "column IN (?,?)" for several: one text a count of them, not a text a list.
  void add_ids(std::string_view column, const std::vector<std::int64_t>& ids);
  void add_blob(std::string_view condition, std::span<const std::uint8_t> blob) {
    add(condition);
    values_.push_back({0, std::string(blob.begin(), blob.end()), Value::Kind::blob});
  }
  // One more value, of a condition with several '?'.
  void also(std::int64_t value) { values_.push_back({value, {}, Value::Kind::number}); }
  const std::string& text() const { return text_; }
  // In the order of the '?'; good while this is, unaltered.
  std::vector<SqlValue> values() const;

 private:
  struct Value {
    std::int64_t number = 0;
    std::string text;
    enum class Kind { number, text, blob } kind = Kind::number;
  };
  std::string text_;
  std::vector<Value> values_;
};

// The first id that a request of that time could have: ids begin with their time.
RequestId first_id(Time time);
// Whether the request of that id, in hexadecimal digits, has no row any more where they were pruned so far.
bool is_pruned(std::string_view id, Time pruned_before);
// All that ever had this name; `not_found` names the nearest.
Result<std::vector<std::int64_t>> ids_named(SqlSession& sql, std::string_view table, std::string_view name);

}  // namespace cr::ledger

// SPDX-License-Identifier: MIT
// A record's table of fields (ledger/core/record_fields.h) as the columns of its table in the store: what each value is
// there, the texts of SELECT, INSERT and UPDATE, their parameters, and the reading of a row. Pure; any thread.
#pragma once

#include <algorithm>
#include <chrono>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "billing/price_rules.h"
#include "ledger/core/operations.h"
#include "ledger/core/record_fields.h"
#include "ledger/core/records.h"
#include "ledger/sql/column_values.h"
#include "ledger/sql/settings_json.h"
#include "ledger/sql/sql_session.h"

namespace cr::ledger {

// The columns of the table from `at` on, into the record. The first Error, after all columns were read.
template <class Table, class Record>
base::Result<void> read_columns(const Table& table, const Row& row, int at, Record& record) {
  base::Result<void> done;
  base::each_field(table, [&](const auto& field) {
    if constexpr (FieldOf<decltype(field)>::is_column) {
      std::remove_cvref_t<decltype(field.get(record))> value{};
      const int column = at++;
      if (field.facts.none_is_zero && row.column_int(column) == 0) return;
      if constexpr (std::is_void_v<decltype(read_column(row, column, value))>) {
        read_column(row, column, value);
      } else {
        auto read = read_column(row, column, value);
        if (!read && done) done = std::move(read);
      }
      field.set(record, std::move(value));
    }
  });
  return done;
}

// --- parameters ---
// Those of one statement, with the texts that were made for them.
class Parameters {
 public:
  template <class T>
  void add(const T& value) {
    values_.emplace_back(value);
  }
  void add(bool value) { values_.emplace_back(std::int64_t{value}); }
  void add(Switch value) { values_.emplace_back(std::int64_t{value == Switch::on}); }
  void add(WhenLow value) { values_.emplace_back(std::int64_t{value == WhenLow::refuse}); }
  void add(ChannelKind value) { values_.emplace_back(provider::name_of(value)); }
  void add(base::Rate value) { values_.emplace_back(value.nano_per_million); }
  void add(std::chrono::milliseconds value) { values_.emplace_back(std::int64_t{value.count()}); }
  void add(const base::Zone& value) { values_.emplace_back(value.name()); }
  void add(const std::vector<std::string>& value) { add_text(json_of(value)); }
  void add(const TextMap& value) { add_text(json_of(value)); }
  void add(const billing::PriceRules& value) { add_text(billing::to_json(value)); }
  void add(const std::optional<base::Rate>& value) {
    if (value) return add(*value);
    values_.emplace_back(std::optional<std::int64_t>());
  }
  void add(const BudgetLimits& value) { add_text(json_of(value)); }
  void add_zero() { values_.emplace_back(std::int64_t{0}); }
  SqlSession::Values values() const { return values_; }

 private:
  void add_text(std::string text) { values_.emplace_back(texts_.emplace_back(std::move(text))); }
  std::vector<SqlValue> values_;
  std::deque<std::string> texts_;  // which do not move
};

// Those of the columns in their order; without the one named `without`, if any.
template <class Table, class Record>
void add_parameters(Parameters& parameters, const Table& table, const Record& record, std::string_view without = {}) {
  base::each_field(table, [&](const auto& field) {
    if constexpr (FieldOf<decltype(field)>::is_column) {
      if (field.name == without) return;
      const auto& value = field.get(record);
      if constexpr (requires { value.has_value(); }) {
        if (field.facts.none_is_zero && !value) return parameters.add_zero();
      }
      parameters.add(value);
    }
  });
}

// --- texts ---
template <class Table>
constexpr int count_columns(const Table& table) {
  int count = 0;
  base::each_field(table, [&](const auto& field) { count += FieldOf<decltype(field)>::is_column ? 1 : 0; });
  return count;
}

template <class Table>
std::vector<std::string_view> columns_in(const Table& table, std::string_view without = {}) {
  std::vector<std::string_view> columns;
  base::each_field(table, [&](const auto& field) {
    if (FieldOf<decltype(field)>::is_column && field.name != without) columns.push_back(field.column());
  });
  return columns;
}

using Columns = std::vector<std::string_view>;
// "token.id, token.rev, ..."
std::string select_list(std::string_view name, const Columns& columns);
// "INSERT INTO token (rev, name, ...) VALUES (?1, ?2, ...)"
std::string insert_text(std::string_view name, const Columns& columns);
// "UPDATE token SET rev = ?1, name = ?2, ... WHERE id = ?9": the id is the last parameter
std::string update_text(std::string_view name, const Columns& columns);
// "rev = excluded.rev, ..." of what is not in `key`: for ON CONFLICT (...) DO UPDATE SET
std::string excluded_list(const Columns& columns, const Columns& key);

// Inserts a record that has no id yet; its id.
template <class Table, class Record>
base::Result<std::int64_t> insert_record(SqlSession& sql, const Table& table, std::string_view name,
                                         const Record& record) {
  static const std::string text = insert_text(name, columns_in(table, "id")) + " RETURNING id";
  Parameters parameters;
  add_parameters(parameters, table, record, "id");
  return sql.insert_with(text, parameters.values());
}

// Writes all columns of the record of that id.
template <class Table, class Record>
base::Result<void> update_record(SqlSession& sql, const Table& table, std::string_view name, const Record& record) {
  static const std::string text = update_text(name, columns_in(table, "id"));
  Parameters parameters;
  add_parameters(parameters, table, record, "id");
  parameters.add(record.id);
  return sql.run_with(text, parameters.values());
}

}  // namespace cr::ledger

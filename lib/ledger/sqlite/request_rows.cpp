// SPDX-License-Identifier: MIT
#include "ledger/sqlite/request_rows.h"

#include <concepts>
#include <string>

#include "ledger/core/request_fields.h"
#include "ledger/sql/columns.h"

namespace cr::ledger {
namespace {

using base::Result;
using sqlite::Statement;

void bind_value(Statement& statement, int at, std::integral auto value) {
  statement.bind(at, static_cast<std::int64_t>(value));
}
void bind_value(Statement& statement, int at, Ending value) {
  statement.bind(at, static_cast<std::int64_t>(value));
}
void bind_value(Statement& statement, int at, Credits value) {
  statement.bind(at, value.nano());
}
void bind_value(Statement& statement, int at, Time value) {
  statement.bind(at, base::to_unix_ms(value));
}
template <class Tag>
void bind_value(Statement& statement, int at, base::RowId<Tag> value) {
  statement.bind(at, value.value);
}
void bind_value(Statement& statement, int at, const RequestId& value) {
  statement.bind_borrowed(at, value.bytes);
}
void bind_value(Statement& statement, int at, const std::string& value) {
  statement.bind_borrowed(at, value);
}
template <class T>
void bind_value(Statement& statement, int at, const std::optional<T>& value) {
  if (value) bind_value(statement, at, *value);
}

// The columns of the table from `at` on, without a copy of texts; the place after them. What is not bound is NULL.
template <class Table>
int bind_columns(Statement& statement, int at, const Table& table, const EndedRequest& request) {
  base::each_field(table, [&](const auto& field) {
    const auto& value = field.get(request);
    const int column = at++;
    if constexpr (requires { value == std::remove_cvref_t<decltype(value)>(); }) {
      if (field.facts.empty_is_null && value == std::remove_cvref_t<decltype(value)>()) return;
    }
    bind_value(statement, column, value);
  });
  return at;
}

// A second ending of the same request changes nothing, and changes() tells it apart.
std::string insert_once() {
  Columns columns = columns_in(k_reservation_fields);
  for (const auto column : columns_in(k_ending_fields)) columns.push_back(column);
  return insert_text("request", columns) + " ON CONFLICT (id) DO NOTHING";
}

}  // namespace

Result<void> RequestRows::prepare(sqlite::Database& db) {
  db_ = &db;
  return Statement::prepare_all(db, {{&insert_, insert_once()}, {&find_, "SELECT 1 FROM request WHERE id = ?1"}});
}

Result<bool> RequestRows::insert(const Settlement& settlement, const RequestBooking& booking) {
  const EndedRequest request{settlement, booking};
  bind_columns(insert_, bind_columns(insert_, 1, k_reservation_fields, request), k_ending_fields, request);
  if (auto done = insert_.run(); !done) return tl::unexpected(done.error());
  return db_->changes() == 1;
}

Result<bool> RequestRows::has(const RequestId& id) {
  auto there = find_.bind_borrowed(1, id.bytes).step();
  find_.reset();
  return there;
}

}  // namespace cr::ledger

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
  return Statement::prepare_all(
      db,
      {{&insert_, insert_once()},
       {&insert_own_,
        "INSERT INTO own_request (id, started_at, channel_id, model, upstream_model, status, flags, input_tokens,"
        " cached_tokens, cache_write_tokens, output_tokens, cost, price) VALUES (?1, ?2, ?3, ?4, nullif(?5, ''), ?6,"
        " ?7, ?8, ?9, ?10, ?11, ?12, nullif(?13, 0)) ON CONFLICT (id) DO NOTHING"},
       {&find_, "SELECT 1 FROM request WHERE id = ?1"}});
}

Result<bool> RequestRows::insert_own(const Settlement& settlement) {
  const RequestFacts& facts = settlement.facts;
  int at = 0;
  const auto bind = [&](const auto& value) { bind_value(insert_own_, ++at, value); };
  bind(facts.id);
  bind(facts.started_at);
  bind(settlement.channel);
  bind(facts.model);
  bind(settlement.upstream_model);
  bind(settlement.status);
  bind(settlement.flags);
  bind(settlement.input_tokens);
  bind(settlement.cached_tokens);
  bind(settlement.cache_write_tokens);
  bind(settlement.output_tokens);
  bind(settlement.cost);
  bind(settlement.price_generation);
  if (auto done = insert_own_.run(); !done) return tl::unexpected(done.error());
  return db_->changes() == 1;
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

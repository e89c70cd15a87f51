// SPDX-License-Identifier: MIT
#include "ledger/sql/sql_session.h"

#include <unordered_map>

#include "sqlite/database.h"

namespace cr::ledger {

using base::Result;

std::int64_t Row::column_int(int column) const {
  return sqlite_->column_int(column);
}
std::string_view Row::column_text(int column) const {
  return sqlite_->column_text(column);
}
std::span<const std::uint8_t> Row::column_blob(int column) const {
  return sqlite_->column_blob(column);
}
bool Row::column_is_null(int column) const {
  return sqlite_->column_is_null(column);
}
std::optional<std::int64_t> Row::column_optional_int(int column) const {
  return sqlite_->column_optional_int(column);
}
std::optional<std::string> Row::column_optional_text(int column) const {
  return sqlite_->column_optional_text(column);
}

struct SqlSession::Impl {
  explicit Impl(sqlite::Database& its_db) : db(&its_db) {}

  // Ready to step; it refers to what `values` do until it is reset.
  Result<sqlite::Statement*> bind(std::string_view sql, Values values);

  struct TextHash {
    using is_transparent = void;  // looked up by a view: no copy of the SQL for each use
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  sqlite::Database* db;
  std::unordered_map<std::string, sqlite::Statement, TextHash, std::equal_to<>> statements;
};

namespace {

void put(sqlite::Statement& statement, int at, const SqlValue& value) {
  switch (value.kind()) {
    case SqlValue::Kind::null:
      statement.bind_null(at);
      break;
    case SqlValue::Kind::number:
      statement.bind(at, value.number());
      break;
    case SqlValue::Kind::text:
      statement.bind_borrowed(at, value.text());
      break;
    case SqlValue::Kind::blob:
      statement.bind_borrowed(at, value.blob());
      break;
  }
}

// A statement left in the middle of its rows keeps its transaction open.
struct ResetAtEnd {
  sqlite::Statement& statement;
  ~ResetAtEnd() { statement.reset(); }
};

}  // namespace

Result<sqlite::Statement*> SqlSession::Impl::bind(std::string_view sql, Values values) {
  auto found = statements.find(sql);
  if (found == statements.end()) {
    auto made = sqlite::Statement::prepare(*db, sql);
    if (!made) return tl::unexpected(made.error());
    found = statements.emplace(std::string(sql), std::move(*made)).first;
  }
  sqlite::Statement& statement = found->second;
  statement.reset();
  int at = 0;
  for (const SqlValue& value : values) put(statement, ++at, value);
  return &statement;
}

SqlSession::SqlSession(sqlite::Database& db) : impl_(std::make_unique<Impl>(db)) {}
SqlSession::SqlSession(SqlSession&&) noexcept = default;
SqlSession& SqlSession::operator=(SqlSession&&) noexcept = default;
SqlSession::~SqlSession() = default;

Dialect SqlSession::dialect() const {
  return Dialect::sqlite;
}

std::int64_t SqlSession::changes() const {
  return impl_->db->changes();
}

Result<void> SqlSession::run_with(std::string_view sql, Values values) {
  auto statement = impl_->bind(sql, values);
  if (!statement) return tl::unexpected(statement.error());
  return (*statement)->run();
}

Result<std::int64_t> SqlSession::insert_with(std::string_view sql, Values values) {
  std::optional<std::int64_t> id;
  const auto keep = [&id](const Row& row) -> Result<void> {
    id = row.column_int(0);
    return {};
  };
  if (auto done = each_row_with(sql, keep, values); !done) return tl::unexpected(done.error());
  if (!id) return base::fail(base::ErrorCode::internal, "run SQL: no row was made");
  return *id;
}

Result<std::optional<std::int64_t>> SqlSession::find_int_with(std::string_view sql, Values values) {
  auto statement = impl_->bind(sql, values);
  if (!statement) return tl::unexpected(statement.error());
  const ResetAtEnd reset{**statement};
  const auto row = (*statement)->step();
  if (!row) return tl::unexpected(row.error());
  return *row ? (*statement)->column_optional_int(0) : std::nullopt;
}

Result<std::optional<std::string>> SqlSession::find_text_with(std::string_view sql, Values values) {
  auto statement = impl_->bind(sql, values);
  if (!statement) return tl::unexpected(statement.error());
  const ResetAtEnd reset{**statement};
  const auto row = (*statement)->step();
  if (!row) return tl::unexpected(row.error());
  return *row ? (*statement)->column_optional_text(0) : std::nullopt;
}

Result<void> SqlSession::each_row_with(std::string_view sql, const Each& each, Values values) {
  auto statement = impl_->bind(sql, values);
  if (!statement) return tl::unexpected(statement.error());
  const ResetAtEnd reset{**statement};
  for (;;) {
    const auto row = (*statement)->step();
    if (!row) return tl::unexpected(row.error());
    if (!*row) return {};
    if (Result<void> done = each(Row(**statement)); !done) return done;
  }
}

}  // namespace cr::ledger

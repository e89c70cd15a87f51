// SPDX-License-Identifier: MIT
// SqlSession: SQL over one connection to the store, whatever engine is behind it; how changes, loading and reports
// reach their rows. A text is prepared at its first use and kept, found by its content: texts are the program's own, of
// a bounded number, and what varies is a parameter, ?1, ?2, ... or ? in it. Errors are the engine's, as base::Error
// tells them: `conflict` where the rows' rules refuse, `corrupt`, `unavailable`, `internal`. One thread at a time.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/credits.h"
#include "base/id.h"
#include "base/result.h"
#include "ledger/sql/sql_text.h"

namespace cr::sqlite {
class Database;
class Statement;
}  // namespace cr::sqlite

namespace cr::ledger {

struct Blob {
  std::span<const std::uint8_t> bytes;
};

// A parameter: how each of our types becomes an SQL value (a time in Unix milliseconds, money in nano-dollars, an empty
// optional as NULL). Text and bytes are borrowed until the statement has run.
class SqlValue {
 public:
  enum class Kind { null, number, text, blob };
  SqlValue() = default;
  SqlValue(std::int64_t number) : kind_(Kind::number), number_(number) {}
  SqlValue(std::string_view text) : kind_(Kind::text), text_(text) {}
  SqlValue(const std::string& text) : SqlValue(std::string_view(text)) {}
  SqlValue(const char* text) : SqlValue(std::string_view(text)) {}
  SqlValue(const Blob& blob) : kind_(Kind::blob), blob_(blob.bytes) {}
  SqlValue(base::Time time) : SqlValue(base::to_unix_ms(time)) {}
  SqlValue(base::Credits credits) : SqlValue(credits.nano()) {}
  template <class Tag>
  SqlValue(base::RowId<Tag> id) : SqlValue(id.value) {}
  template <class T>
  SqlValue(const std::optional<T>& value) : SqlValue(value ? SqlValue(*value) : SqlValue()) {}

  Kind kind() const { return kind_; }
  std::int64_t number() const { return number_; }
  std::string_view text() const { return text_; }
  std::span<const std::uint8_t> blob() const { return blob_; }

 private:
  Kind kind_ = Kind::null;
  std::int64_t number_ = 0;
  std::string_view text_;
  std::span<const std::uint8_t> blob_;
};

// The row that each_row() shows, good until its function returns. Columns count from 0; NULL reads as 0 or as empty.
class Row {
 public:
  std::int64_t column_int(int column) const;
  std::string_view column_text(int column) const;
  std::span<const std::uint8_t> column_blob(int column) const;
  bool column_is_null(int column) const;
  std::optional<std::int64_t> column_optional_int(int column) const;
  std::optional<std::string> column_optional_text(int column) const;

 private:
  friend class SqlSession;
  explicit Row(const sqlite::Statement& row) : sqlite_(&row) {}
  const sqlite::Statement* sqlite_;
};

class SqlSession {
 public:
  using Values = std::span<const SqlValue>;
  using Each = std::function<base::Result<void>(const Row&)>;

  explicit SqlSession(sqlite::Database& db);  // which outlives it, and stays where it is
  SqlSession(SqlSession&&) noexcept;
  SqlSession& operator=(SqlSession&&) noexcept;
  ~SqlSession();
  Dialect dialect() const;

  // For statements without results.
  template <class... All>
  base::Result<void> run(std::string_view sql, const All&... values) {
    return run_with(sql, std::array<SqlValue, sizeof...(values)>{SqlValue(values)...});
  }
  // The id of the one row that an INSERT with "RETURNING id" makes.
  template <class... All>
  base::Result<std::int64_t> insert(std::string_view sql, const All&... values) {
    return insert_with(sql, std::array<SqlValue, sizeof...(values)>{SqlValue(values)...});
  }
  // The first column of the first row; nullopt if there is no row or it is NULL.
  template <class... All>
  base::Result<std::optional<std::int64_t>> find_int(std::string_view sql, const All&... values) {
    return find_int_with(sql, std::array<SqlValue, sizeof...(values)>{SqlValue(values)...});
  }
  template <class... All>
  base::Result<std::optional<std::string>> find_text(std::string_view sql, const All&... values) {
    return find_text_with(sql, std::array<SqlValue, sizeof...(values)>{SqlValue(values)...});
  }
  // Calls `each` for every row until the end or its first Error.
  template <class... All>
  base::Result<void> each_row(std::string_view sql, const Each& each, const All&... values) {
    return each_row_with(sql, each, std::array<SqlValue, sizeof...(values)>{SqlValue(values)...});
  }

  base::Result<void> run_with(std::string_view sql, Values values);
  base::Result<std::int64_t> insert_with(std::string_view sql, Values values);
  base::Result<std::optional<std::int64_t>> find_int_with(std::string_view sql, Values values);
  base::Result<std::optional<std::string>> find_text_with(std::string_view sql, Values values);
  base::Result<void> each_row_with(std::string_view sql, const Each& each, Values values);
  std::int64_t changes() const;  // rows that the last run() changed

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cr::ledger

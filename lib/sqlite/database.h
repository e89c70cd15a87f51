// SPDX-License-Identifier: MIT
// Database, Statement, Transaction: RAII over SQLite and nothing more; knows no table. One thread at a time per
// Database.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace cr::sqlite {

enum class OpenMode { read_write_create, read_write, read_only };

class Database {
 public:
  struct Options {
    OpenMode mode = OpenMode::read_write_create;
    int busy_timeout_ms = 2000;
    std::string vfs = {};  // empty = the default one
  };
  // Errors: `corrupt` (not a database, damaged), `unavailable` (locked, full, cannot be opened), each naming the file.
  static base::Result<Database> open(const std::string& path, const Options& options);
  Database(Database&&) noexcept;
  Database& operator=(Database&&) noexcept;
  ~Database();

  base::Result<void> execute(const char* sql);            // one or several statements without results
  base::Result<std::int64_t> query_int(const char* sql);  // first column of the first row
  std::int64_t last_insert_rowid() const;
  std::int64_t changes() const;
  bool in_transaction() const;
  int extended_error() const;  // SQLite's extended result code of the last call, SQLITE_BUSY_SNAPSHOT and the like
  sqlite3* raw() const { return db_; }
  const std::string& path() const { return path_; }

 private:
  Database(sqlite3* db, std::string path) : db_(db), path_(std::move(path)) {}
  sqlite3* db_ = nullptr;
  std::string path_;
};

// A prepared statement. Bind by position from 1; blobs and text are copied by SQLite. A bind that fails shows at the
// next step() or run(). Ends before its Database does.
class Statement {
 public:
  Statement() = default;
  static base::Result<Statement> prepare(Database& db, std::string_view sql);
  // Each into its place; the first Error ends it.
  static base::Result<void> prepare_all(Database& db,
                                        std::initializer_list<std::pair<Statement*, std::string_view>> wanted);
  Statement(Statement&&) noexcept;
  Statement& operator=(Statement&&) noexcept;
  ~Statement();

  Statement& bind(int index, std::int64_t value);
  Statement& bind(int index, std::string_view text);
  Statement& bind(int index, const char* text) { return bind(index, std::string_view(text)); }
  Statement& bind(int index, const std::string& text) { return bind(index, std::string_view(text)); }
  Statement& bind_blob(int index, std::span<const std::uint8_t> blob);
  // Without a copy: the bytes must stay until the next reset(), which run() ends with. For statements of the hot path.
  Statement& bind_borrowed(int index, std::string_view text);
  Statement& bind_borrowed(int index, std::span<const std::uint8_t> blob);
  Statement& bind_null(int index);
  Statement& bind(int index, const std::optional<std::int64_t>& value);
  Statement& bind(int index, const std::optional<std::string>& text);

  base::Result<bool> step();  // true = a row is there
  base::Result<void> run();   // steps to the end, then resets: for statements without results
  void reset();               // and clears the bindings

  std::int64_t column_int(int column) const;
  std::string_view column_text(int column) const;  // valid to the next step or reset
  std::span<const std::uint8_t> column_blob(int column) const;
  bool column_is_null(int column) const;
  std::optional<std::int64_t> column_optional_int(int column) const;
  std::optional<std::string> column_optional_text(int column) const;

 private:
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}
  base::Error failed(std::string_view doing);
  void note(int code);
  sqlite3_stmt* statement_ = nullptr;
  int bind_error_ = 0;
};

// BEGIN IMMEDIATE at make, ROLLBACK at destruction unless commit() succeeded. The Database stays where it is meanwhile.
class Transaction {
 public:
  static base::Result<Transaction> begin(Database& db);
  Transaction(Transaction&& other) noexcept;
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();
  base::Result<void> commit();

 private:
  explicit Transaction(Database& db) : db_(&db) {}
  Database* db_ = nullptr;
};

// The Error for SQLite's current failure on `db`: code by result code, message "<doing>: <sqlite's words>", and the
// file where it is damaged. SQLite's words name tables and columns, never values.
base::Error error_of(sqlite3* db, std::string_view doing);

}  // namespace cr::sqlite

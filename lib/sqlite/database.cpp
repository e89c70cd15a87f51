// SPDX-License-Identifier: MIT
#include "sqlite/database.h"

#include <sqlite3.h>

#include <utility>

namespace cr::sqlite {
namespace {

using base::ErrorCode;

ErrorCode code_of(int result) {
  switch (result & 0xFF) {  // the primary code of an extended one
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return ErrorCode::corrupt;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_INTERRUPT:
      return ErrorCode::unavailable;
    case SQLITE_CONSTRAINT:
      return ErrorCode::conflict;
    default:
      return ErrorCode::internal;
  }
}

std::string hint_of(int result) {
  switch (result & 0xFF) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return "keep the file for inspection and restore the newest backup in its place";
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return "another process or connection holds the database: try again, or stop it";
    case SQLITE_FULL:
      return "free space on the disk that holds the database";
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
      return "check that the file and its folder exist and that this user may use them";
    case SQLITE_READONLY:
      return "check that this user may write the file and its folder";
    default:
      return {};
  }
}

base::Error make_error(sqlite3* db, int result, std::string_view doing, const char* words) {
  base::Error error{code_of(result), std::string(doing) + ": " + words, hint_of(result)};
  const char* file = db == nullptr ? nullptr : sqlite3_db_filename(db, "main");
  const bool named = file != nullptr && *file != '\0' && error.message.find(file) == std::string::npos;
  if (error.code == ErrorCode::corrupt && named) error.message += std::string(" (") + file + ')';
  return error;
}

int flags_of(OpenMode mode) {
  // One thread at a time: no mutex of SQLite's. NOFOLLOW is left out: /var/lib may be a link.
  switch (mode) {
    case OpenMode::read_write_create:
      return SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    case OpenMode::read_write:
      return SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
    case OpenMode::read_only:
      return SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX;
  }
  return SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX;
}

}  // namespace

base::Error error_of(sqlite3* db, std::string_view doing) {
  return make_error(db, sqlite3_extended_errcode(db), doing, sqlite3_errmsg(db));
}

base::Result<Database> Database::open(const std::string& path, const Options& options) {
  const std::string doing = "open database " + path;
  // SQLite counts its memory under a mutex at every allocation, for figures nobody reads here. Only before its first
  // use can it be told not to; later it refuses, and counts on.
  static const int uncounted = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  static_cast<void>(uncounted);
  // SQLite takes an empty name for a temporary database that nobody would find again.
  if (path.empty()) return base::fail(ErrorCode::invalid, "open database: the path is empty", "name a file");
  if (path.find('\0') != std::string::npos) return base::fail(ErrorCode::invalid, "open database: NUL in the path");

  sqlite3* raw = nullptr;
  const char* vfs = options.vfs.empty() ? nullptr : options.vfs.c_str();
  const int opened = sqlite3_open_v2(path.c_str(), &raw, flags_of(options.mode), vfs);
  Database db(raw, path);  // closes it on every way out: SQLite makes a handle even when it fails
  if (raw == nullptr) return base::fail(ErrorCode::internal, doing + ": " + sqlite3_errstr(opened));
  if (opened != SQLITE_OK) return tl::unexpected(error_of(raw, doing));
  sqlite3_extended_result_codes(raw, 1);
  sqlite3_busy_timeout(raw, options.busy_timeout_ms);
  // SQLite opens lazily: this reads the header, so that a file that is none of ours is told now.
  if (sqlite3_exec(raw, "SELECT count(*) FROM sqlite_schema", nullptr, nullptr, nullptr) != SQLITE_OK) {
    return tl::unexpected(error_of(raw, doing));
  }
  return db;
}

Database::Database(Database&& other) noexcept : db_(std::exchange(other.db_, nullptr)), path_(std::move(other.path_)) {}

Database& Database::operator=(Database&& other) noexcept {
  if (this != &other) {
    sqlite3_close_v2(db_);
    db_ = std::exchange(other.db_, nullptr);
    path_ = std::move(other.path_);
  }
  return *this;
}

// close_v2: a Statement still alive keeps the connection until it ends, instead of leaking it.
Database::~Database() {
  sqlite3_close_v2(db_);
}

base::Result<void> Database::execute(const char* sql) {
  if (sqlite3_exec(db_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) {
    return tl::unexpected(error_of(db_, "run SQL"));
  }
  return {};
}

base::Result<std::int64_t> Database::query_int(const char* sql) {
  auto statement = Statement::prepare(*this, sql);
  if (!statement) return tl::unexpected(statement.error());
  const auto row = statement->step();
  if (!row) return tl::unexpected(row.error());
  if (!*row) return base::fail(ErrorCode::not_found, "run SQL: no row came back");
  return statement->column_int(0);
}

std::int64_t Database::last_insert_rowid() const {
  return sqlite3_last_insert_rowid(db_);
}
std::int64_t Database::changes() const {
  return sqlite3_changes64(db_);
}
bool Database::in_transaction() const {
  return sqlite3_get_autocommit(db_) == 0;
}
int Database::extended_error() const {
  return sqlite3_extended_errcode(db_);
}

base::Result<Statement> Statement::prepare(Database& db, std::string_view sql) {
  sqlite3_stmt* raw = nullptr;
  const char* rest = nullptr;
  const int result =
      sqlite3_prepare_v3(db.raw(), sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &raw, &rest);
  if (result != SQLITE_OK) return tl::unexpected(error_of(db.raw(), "prepare SQL"));
  Statement statement(raw);
  if (raw == nullptr) return base::fail(ErrorCode::internal, "prepare SQL: there is no statement in it");
  // SQLite would leave a second statement out without a word.
  const std::string_view tail = sql.substr(static_cast<std::size_t>(rest - sql.data()));
  if (tail.find_first_not_of(" \t\r\n;") != std::string_view::npos) {
    return base::fail(ErrorCode::internal, "prepare SQL: more than one statement");
  }
  return statement;
}

base::Result<void> Statement::prepare_all(Database& db,
                                          std::initializer_list<std::pair<Statement*, std::string_view>> wanted) {
  for (const auto& [statement, sql] : wanted) {
    auto made = prepare(db, sql);
    if (!made) return tl::unexpected(made.error());
    *statement = std::move(*made);
  }
  return {};
}

Statement::Statement(Statement&& other) noexcept
    : statement_(std::exchange(other.statement_, nullptr)), bind_error_(std::exchange(other.bind_error_, SQLITE_OK)) {}

Statement& Statement::operator=(Statement&& other) noexcept {
  if (this != &other) {
    sqlite3_finalize(statement_);
    statement_ = std::exchange(other.statement_, nullptr);
    bind_error_ = std::exchange(other.bind_error_, SQLITE_OK);
  }
  return *this;
}

Statement::~Statement() {
  sqlite3_finalize(statement_);
}

void Statement::note(int code) {
  if (bind_error_ == SQLITE_OK) bind_error_ = code;
}

Statement& Statement::bind(int index, std::int64_t value) {
  note(sqlite3_bind_int64(statement_, index, value));
  return *this;
}

Statement& Statement::bind(int index, std::string_view text) {
  // SQLite takes a null pointer for NULL; an empty text is not that.
  const char* data = text.data() == nullptr ? "" : text.data();
  // NOLINTNEXTLINE(performance-no-int-to-ptr): SQLite's own constant
  note(sqlite3_bind_text64(statement_, index, data, text.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
  return *this;
}

Statement& Statement::bind_blob(int index, std::span<const std::uint8_t> blob) {
  if (blob.empty()) {
    note(sqlite3_bind_zeroblob(statement_, index, 0));
    return *this;
  }
  // NOLINTNEXTLINE(performance-no-int-to-ptr): SQLite's own constant
  note(sqlite3_bind_blob64(statement_, index, blob.data(), blob.size(), SQLITE_TRANSIENT));
  return *this;
}

Statement& Statement::bind_borrowed(int index, std::string_view text) {
  const char* data = text.data() == nullptr ? "" : text.data();
  note(sqlite3_bind_text64(statement_, index, data, text.size(), SQLITE_STATIC, SQLITE_UTF8));
  return *this;
}

Statement& Statement::bind_borrowed(int index, std::span<const std::uint8_t> blob) {
  if (blob.empty()) return bind_blob(index, blob);
  note(sqlite3_bind_blob64(statement_, index, blob.data(), blob.size(), SQLITE_STATIC));
  return *this;
}

Statement& Statement::bind_null(int index) {
  note(sqlite3_bind_null(statement_, index));
  return *this;
}

Statement& Statement::bind(int index, const std::optional<std::int64_t>& value) {
  return value ? bind(index, *value) : bind_null(index);
}

Statement& Statement::bind(int index, const std::optional<std::string>& text) {
  return text ? bind(index, std::string_view(*text)) : bind_null(index);
}

base::Error Statement::failed(std::string_view doing) {
  base::Error error = error_of(sqlite3_db_handle(statement_), doing);
  sqlite3_reset(statement_);  // gives the same failure again, which is told already
  return error;
}

base::Result<bool> Statement::step() {
  if (statement_ == nullptr) return base::fail(ErrorCode::internal, "run SQL: the statement was never prepared");
  if (bind_error_ != SQLITE_OK) {
    return tl::unexpected(make_error(nullptr, bind_error_, "bind SQL parameter", sqlite3_errstr(bind_error_)));
  }
  const int result = sqlite3_step(statement_);
  if (result == SQLITE_ROW) return true;
  if (result == SQLITE_DONE) return false;
  return tl::unexpected(failed("run SQL"));
}

base::Result<void> Statement::run() {
  for (;;) {
    const auto row = step();
    if (row && *row) continue;
    reset();
    if (!row) return tl::unexpected(row.error());
    return {};
  }
}

void Statement::reset() {
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
  bind_error_ = SQLITE_OK;
}

std::int64_t Statement::column_int(int column) const {
  return sqlite3_column_int64(statement_, column);
}

std::string_view Statement::column_text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  if (text == nullptr) return {};
  return {text, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

std::span<const std::uint8_t> Statement::column_blob(int column) const {
  const auto* blob = static_cast<const std::uint8_t*>(sqlite3_column_blob(statement_, column));
  if (blob == nullptr) return {};
  return {blob, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

bool Statement::column_is_null(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

std::optional<std::int64_t> Statement::column_optional_int(int column) const {
  if (column_is_null(column)) return std::nullopt;
  return column_int(column);
}

std::optional<std::string> Statement::column_optional_text(int column) const {
  if (column_is_null(column)) return std::nullopt;
  return std::string(column_text(column));
}

base::Result<Transaction> Transaction::begin(Database& db) {
  const auto begun = db.execute("BEGIN IMMEDIATE");
  if (!begun) return tl::unexpected(begun.error());
  return Transaction(db);
}

Transaction::Transaction(Transaction&& other) noexcept : db_(std::exchange(other.db_, nullptr)) {}

Transaction::~Transaction() {
  // A grave error (disk full, I/O) has rolled back already, and a second ROLLBACK would be an error of its own.
  if (db_ != nullptr && db_->in_transaction()) static_cast<void>(db_->execute("ROLLBACK"));
}

base::Result<void> Transaction::commit() {
  if (db_ == nullptr) return base::fail(ErrorCode::internal, "commit: the transaction has ended already");
  auto committed = db_->execute("COMMIT");
  if (committed) db_ = nullptr;
  return committed;
}

}  // namespace cr::sqlite

// SPDX-License-Identifier: MIT
// StatementCache: prepared statements of one connection, kept by their text. For changes and reports; one thread at a
// time.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/clock.h"
#include "base/credits.h"
#include "base/id.h"
#include "base/result.h"
#include "sqlite/database.h"

namespace cr::ledger {

struct Blob {
  std::span<const std::uint8_t> bytes;
};

namespace bound {  // how each of our types becomes an SQL value

inline void put(sqlite::Statement& statement, int at, std::int64_t value) {
  statement.bind(at, value);
}
inline void put(sqlite::Statement& statement, int at, std::string_view text) {
  statement.bind(at, text);
}
inline void put(sqlite::Statement& statement, int at, const Blob& blob) {
  statement.bind_blob(at, blob.bytes);
}
inline void put(sqlite::Statement& statement, int at, base::Time time) {
  statement.bind(at, base::to_unix_ms(time));
}
inline void put(sqlite::Statement& statement, int at, base::Credits credits) {
  statement.bind(at, credits.nano());
}
template <class Tag>
void put(sqlite::Statement& statement, int at, base::RowId<Tag> id) {
  statement.bind(at, id.value);
}
template <class T>
void put(sqlite::Statement& statement, int at, const std::optional<T>& value) {
  if (value) {
    put(statement, at, *value);
  } else {
    statement.bind_null(at);
  }
}

}  // namespace bound

class StatementCache {
 public:
  explicit StatementCache(sqlite::Database& db) : db_(&db) {}

  // Ready to step: reset, with `values` bound from 1.
  template <class... Values>
  base::Result<sqlite::Statement*> bind(std::string_view sql, const Values&... values) {
    auto found = statements_.find(sql);
    if (found == statements_.end()) {
      auto made = sqlite::Statement::prepare(*db_, sql);
      if (!made) return tl::unexpected(made.error());
      found = statements_.emplace(std::string(sql), std::move(*made)).first;
    }
    sqlite::Statement& statement = found->second;
    statement.reset();
    int at = 0;
    (bound::put(statement, ++at, values), ...);
    return &statement;
  }

  template <class... Values>
  base::Result<void> run(std::string_view sql, const Values&... values) {
    auto statement = bind(sql, values...);
    if (!statement) return tl::unexpected(statement.error());
    return (*statement)->run();
  }

  // The first column of the first row; nullopt if there is no row or it is NULL.
  template <class... Values>
  base::Result<std::optional<std::int64_t>> find_int(std::string_view sql, const Values&... values) {
    auto statement = bind(sql, values...);
    if (!statement) return tl::unexpected(statement.error());
    const auto row = (*statement)->step();
    if (!row) return tl::unexpected(row.error());
    std::optional<std::int64_t> found;
    if (*row) found = (*statement)->column_optional_int(0);
    (*statement)->reset();
    return found;
  }

  template <class... Values>
  base::Result<std::optional<std::string>> find_text(std::string_view sql, const Values&... values) {
    auto statement = bind(sql, values...);
    if (!statement) return tl::unexpected(statement.error());
    const auto row = (*statement)->step();
    if (!row) return tl::unexpected(row.error());
    std::optional<std::string> found;
    if (*row) found = (*statement)->column_optional_text(0);
    (*statement)->reset();
    return found;
  }

  // Calls `each` for every row until the end or its first Error.
  template <class Each, class... Values>
  base::Result<void> each_row(std::string_view sql, Each&& each, const Values&... values) {
    auto statement = bind(sql, values...);
    if (!statement) return tl::unexpected(statement.error());
    for (;;) {
      const auto row = (*statement)->step();
      if (!row) return tl::unexpected(row.error());
      if (!*row) break;
      if (base::Result<void> done = each(**statement); !done) {
        (*statement)->reset();
        return done;
      }
    }
    (*statement)->reset();
    return {};
  }

  sqlite::Database& database() { return *db_; }

 private:
  sqlite::Database* db_;
  struct TextHash {
    using is_transparent = void;  // looked up by a view: no copy of the SQL for each use
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  std::unordered_map<std::string, sqlite::Statement, TextHash, std::equal_to<>> statements_;
};

}  // namespace cr::ledger

// SPDX-License-Identifier: MIT
#include "ledger/sqlite/settings_watch.h"

#include <sqlite3.h>

#include <string>
#include <string_view>
#include <vector>

namespace cr::ledger {
namespace {

using base::Result;

constexpr std::int64_t k_first_with_sum = 11;  // version of the schema
// What requests move, and no setting.
constexpr std::string_view k_key_uses[] = {"last_used_at", "last_used_ip"};

// Led by their kinds and lengths, so that none can pass for another.
void append(std::string& text, sqlite3_value* value) {
  const auto add = [&](char kind, const void* bytes, int size) {
    text += kind;
    text += std::to_string(size);
    text += ':';
    if (size > 0) text.append(static_cast<const char*>(bytes), static_cast<std::size_t>(size));
  };
  switch (sqlite3_value_type(value)) {
    case SQLITE_INTEGER:
      text += 'i' + std::to_string(sqlite3_value_int64(value)) + ':';
      break;
    case SQLITE_BLOB:
      add('b', sqlite3_value_blob(value), sqlite3_value_bytes(value));
      break;
    case SQLITE_NULL:
      text += "n:";
      break;
    case SQLITE_TEXT:
      add('t', sqlite3_value_text(value), sqlite3_value_bytes(value));
      break;
    default: {  // none of ours
      const unsigned char* number = sqlite3_value_text(value);
      add('f', number, sqlite3_value_bytes(value));
    }
  }
}

// settings_code('token', id, rev, ...). The NUL keeps it apart from every key's digest, as of the audit's chain.
void settings_code(sqlite3_context* context, int count, sqlite3_value** values) {
  const auto* vault = static_cast<const token::Vault*>(sqlite3_user_data(context));
  thread_local std::string text;
  text.assign("settings\0", 9);
  for (int i = 0; i < count; ++i) append(text, values[i]);
  const token::Digest code = vault->digest(text);
  sqlite3_result_blob(context, code.data(), static_cast<int>(code.size()), SQLITE_TRANSIENT);
}

template <void (SettingsSum::*tell)(std::size_t, std::span<const std::uint8_t>)>
void tell_sum(sqlite3_context* context, int, sqlite3_value** values) {
  auto* sum = static_cast<SettingsSum*>(sqlite3_user_data(context));
  const auto* code = static_cast<const std::uint8_t*>(sqlite3_value_blob(values[1]));
  const auto size = static_cast<std::size_t>(sqlite3_value_bytes(values[1]));
  (sum->*tell)(static_cast<std::size_t>(sqlite3_value_int64(values[0])), {code, size});
}

using Function = void (*)(sqlite3_context*, int, sqlite3_value**);

Result<void> define(sqlite::Database& db, const char* name, int arguments, void* with, Function function) {
  if (sqlite3_create_function_v2(db.raw(), name, arguments, SQLITE_UTF8, with, function, nullptr, nullptr, nullptr) ==
      SQLITE_OK) {
    return {};
  }
  return tl::unexpected(sqlite::error_of(db.raw(), "define a function"));
}

Result<std::vector<std::string>> columns_of(sqlite::Database& db, std::string_view table) {
  auto listed = sqlite::Statement::prepare(db, "SELECT name FROM pragma_table_info(?1) ORDER BY cid");
  if (!listed) return tl::unexpected(listed.error());
  listed->bind(1, table);
  std::vector<std::string> columns;
  for (;;) {
    const auto row = listed->step();
    if (!row) return tl::unexpected(row.error());
    if (!*row) return columns;
    const std::string_view name = listed->column_text(0);
    const bool is_use = table == "key" && (name == k_key_uses[0] || name == k_key_uses[1]);
    if (!is_use) columns.emplace_back(name);
  }
}

// "settings_code('token', old.id, old.rev, ...)"
std::string code_text(std::string_view table, const std::vector<std::string>& columns, const std::string& of) {
  std::string text = "settings_code('" + std::string(table) + '\'';
  for (const auto& column : columns) text += ", " + of + '"' + column + '"';
  return text + ')';
}

std::string trigger_text(std::size_t part, const std::vector<std::string>& columns, std::string_view event) {
  const std::string table(k_settings_parts.at(part));
  const auto tell = [&](const char* function, const std::string& of) {
    return " SELECT " + std::string(function) + '(' + std::to_string(part) + ", " + code_text(table, columns, of) +
           ");";
  };
  std::string of_columns;
  if (event == "UPDATE") {
    for (const auto& column : columns) of_columns += (of_columns.empty() ? " OF \"" : ", \"") + column + '"';
  }
  std::string text = "CREATE TEMP TRIGGER settings_" + table + '_' + std::string(event) + " AFTER " +
                     std::string(event) + of_columns + " ON main." + table + " BEGIN";
  if (event != "INSERT") text += tell("settings_leaves", "old.");
  if (event != "DELETE") text += tell("settings_enters", "new.");
  return text + " END";
}

}  // namespace

Result<void> show_settings_rows(sqlite::Database& db, const token::Vault& vault) {
  // SQLite gives it back as it is, and settings_code() only reads.
  auto done = define(db, "settings_code", -1, const_cast<token::Vault*>(&vault), settings_code);
  std::string text = "DROP VIEW IF EXISTS temp.settings_row; CREATE TEMP VIEW settings_row (part, code) AS";
  for (std::size_t part = 0; done && part < k_settings_parts.size(); ++part) {
    const auto columns = columns_of(db, k_settings_parts[part]);
    if (!columns) return tl::unexpected(columns.error());
    if (part > 0) text += " UNION ALL";
    text += " SELECT " + std::to_string(part) + ", " + code_text(k_settings_parts[part], *columns, "") + " FROM main." +
            std::string(k_settings_parts[part]);
  }
  // Of a connection that only reads, temporary views are refused, too.
  const auto reads_only = db.query_int("PRAGMA query_only");
  if (!reads_only) return tl::unexpected(reads_only.error());
  if (done) done = db.execute("PRAGMA query_only = OFF");
  if (done) done = db.execute(text.c_str());
  if (done && *reads_only != 0) done = db.execute("PRAGMA query_only = ON");
  return done;
}

Result<void> watch_settings(sqlite::Database& db, SettingsSum& sum) {
  auto done = define(db, "settings_enters", 2, &sum, tell_sum<&SettingsSum::enters>);
  if (done) done = define(db, "settings_leaves", 2, &sum, tell_sum<&SettingsSum::leaves>);
  for (std::size_t part = 0; done && part < k_settings_parts.size(); ++part) {
    const auto columns = columns_of(db, k_settings_parts[part]);
    if (!columns) return tl::unexpected(columns.error());
    for (const std::string_view event : {"INSERT", "UPDATE", "DELETE"}) {
      if (done) done = db.execute(trigger_text(part, *columns, event).c_str());
    }
  }
  return done;
}

Result<void> begin_settings_sum(sqlite::Database& db, const token::Vault& vault) {
  auto done = show_settings_rows(db, vault);
  if (!done) return done;
  SqlSession sql(db);
  SettingsSum sum(vault);
  done = sum.begin(sql);
  if (!done) return done;
  const auto written = sum.write(sql);
  if (!written) return tl::unexpected(written.error());
  return {};
}

Result<bool> settings_fit(sqlite::Database& db, const token::Vault& vault, std::int64_t version) {
  SqlSession sql(db);
  SettingsSum sum(vault);
  const auto text = seal_text_of(sql);
  if (!text) return tl::unexpected(text.error());
  if (version < k_first_with_sum && !*text) return true;
  if (auto loaded = sum.load(sql); !loaded) return tl::unexpected(loaded.error());
  if (auto shown = show_settings_rows(db, vault); !shown) return tl::unexpected(shown.error());
  const auto rows = sum_of_rows(sql);
  if (!rows) return tl::unexpected(rows.error());
  return sum.known() && sum.now().parts == *rows;
}

}  // namespace cr::ledger

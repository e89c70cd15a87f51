// SPDX-License-Identifier: MIT
#include "ledger/sql/sql_text.h"

#include <algorithm>
#include <charconv>

namespace cr::ledger {
namespace {

// Where what begins at `at` ends: a literal, a quoted name, a comment; `at` itself where none begins. A quote doubled
// inside quotes begins the next piece at once, which comes to the same.
std::size_t end_of_quoted(std::string_view sql, std::size_t at) {
  const auto after = [&](std::string_view end, std::size_t from) {
    const std::size_t found = sql.find(end, from);
    return found == std::string_view::npos ? sql.size() : found + end.size();
  };
  const std::string_view rest = sql.substr(at);
  if (rest.starts_with('\'') || rest.starts_with('"')) return after(rest.substr(0, 1), at + 1);
  if (rest.starts_with("--")) return after("\n", at);
  if (rest.starts_with("/*")) return after("*/", at + 2);
  return at;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

}  // namespace

std::string numbered_for_postgresql(std::string_view sql) {
  std::string text;
  text.reserve(sql.size() + 8);
  int largest = 0;
  for (std::size_t at = 0; at < sql.size();) {
    if (const std::size_t end = end_of_quoted(sql, at); end > at) {
      text.append(sql, at, end - at);
      at = end;
      continue;
    }
    if (sql[at] != '?') {
      text.push_back(sql[at++]);
      continue;
    }
    std::size_t end = at + 1;
    while (end < sql.size() && is_digit(sql[end])) ++end;
    int number = largest + 1;
    if (end > at + 1) std::from_chars(sql.data() + at + 1, sql.data() + end, number);
    largest = std::max(largest, number);
    text += '$' + std::to_string(number);
    at = end;
  }
  return text;
}

std::string glob(Dialect dialect, std::string_view column, std::string_view place) {
  const std::string_view like = dialect == Dialect::sqlite ? " GLOB " : " LIKE ";
  return std::string(column) + std::string(like) + std::string(place);
}

std::string glob_pattern(Dialect dialect, std::string_view pattern) {
  std::string text;
  for (const char c : pattern) {
    if (dialect == Dialect::sqlite) {
      text += c == '[' ? std::string("[[]") : std::string(1, c);  // else it would begin a class
    } else if (c == '*' || c == '?') {
      text += c == '*' ? '%' : '_';
    } else {
      if (c == '%' || c == '_' || c == '\\') text += '\\';
      text += c;
    }
  }
  return text;
}

std::string each_of_json(Dialect dialect, JsonKind kind, std::string_view column, std::string_view alias) {
  const std::string of(column), as(alias);
  if (dialect == Dialect::sqlite) return "json_each(" + of + ") AS " + as;
  return kind == JsonKind::list ? "jsonb_array_elements_text(" + of + "::jsonb) AS " + as + "(value)"
                                : "jsonb_each_text(" + of + "::jsonb) AS " + as + "(key, value)";
}

}  // namespace cr::ledger

// SPDX-License-Identifier: MIT
#include "ledger/sql/columns.h"

#include <algorithm>

namespace cr::ledger {
namespace {

using base::ErrorCode;
using base::Result;

template <class T>
Result<void> take(Result<T> from, T& to) {
  if (!from) return base::fail(ErrorCode::corrupt, from.error().message);
  to = std::move(*from);
  return {};
}

// The texts that `each` makes of the columns and their numbers from 1, with commas between them.
template <class Each>
std::string listed(const Columns& columns, const Each& each) {
  std::string text;
  int number = 0;
  for (const auto column : columns) {
    if (!text.empty()) text += ", ";
    text += each(std::string(column), std::to_string(++number));
  }
  return text;
}

}  // namespace

Result<void> read_column(const Row& row, int at, std::vector<std::string>& value) {
  return take(list_from_json(row.column_text(at)), value);
}

Result<void> read_column(const Row& row, int at, TextMap& value) {
  return take(map_from_json(row.column_text(at)), value);
}

Result<void> read_column(const Row& row, int at, BudgetLimits& value) {
  return take(budgets_from_json(row.column_text(at)), value);
}

Result<void> read_column(const Row& row, int at, billing::PriceRules& value) {
  return take(billing::parse_rules(row.column_text(at)), value);
}

Result<void> read_column(const Row& row, int at, base::Zone& value) {
  return take(base::Zone::find(row.column_text(at)), value);
}

Result<void> read_column(const Row& row, int at, ChannelKind& value) {
  const auto* kind = provider::find_kind(row.column_text(at));
  if (kind == nullptr) return base::fail(ErrorCode::corrupt, "its kind is unknown");
  value = kind->kind;
  return {};
}

Result<void> read_column(const Row& row, int at, token::Digest& value) {
  const auto bytes = row.column_blob(at);
  if (bytes.size() != value.size()) {
    return base::fail(ErrorCode::corrupt, "read the store: a key's digest has the wrong length");
  }
  std::copy(bytes.begin(), bytes.end(), value.begin());
  return {};
}

std::string select_list(std::string_view name, const Columns& columns) {
  return listed(columns,
                [&](const std::string& column, const std::string&) { return std::string(name) + "." + column; });
}

std::string insert_text(std::string_view name, const Columns& columns) {
  const auto names = listed(columns, [](const std::string& column, const std::string&) { return column; });
  const auto places = listed(columns, [](const std::string&, const std::string& number) { return "?" + number; });
  return "INSERT INTO " + std::string(name) + " (" + names + ") VALUES (" + places + ")";
}

std::string update_text(std::string_view name, const Columns& columns) {
  const auto sets =
      listed(columns, [](const std::string& column, const std::string& number) { return column + " = ?" + number; });
  return "UPDATE " + std::string(name) + " SET " + sets + " WHERE id = ?" + std::to_string(columns.size() + 1);
}

std::string excluded_list(const Columns& columns, const Columns& key) {
  Columns others;
  std::copy_if(columns.begin(), columns.end(), std::back_inserter(others),
               [&](const auto& column) { return std::find(key.begin(), key.end(), column) == key.end(); });
  return listed(others, [](const std::string& column, const std::string&) { return column + " = excluded." + column; });
}

}  // namespace cr::ledger

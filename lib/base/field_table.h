// SPDX-License-Identifier: MIT
// A table of fields is a constexpr std::tuple of rows, one for each field of a record. Each row has a type of its own,
// so that what is derived from the table is compiled for each field: walking it costs no look-up and no indirect call.
// Any thread.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>
#include <tuple>

#include "base/result.h"

namespace cr::base {

// Calls visit(row) for each row, in the table's order.
template <class... Rows, class Visit>
constexpr void each_field(const std::tuple<Rows...>& table, Visit&& visit) {
  std::apply([&](const Rows&... rows) { (visit(rows), ...); }, table);
}

// The same, until a visit returns an Error, which is the result.
template <class... Rows, class Visit>
Result<void> try_each_field(const std::tuple<Rows...>& table, Visit&& visit) {
  Result<void> done;
  const auto goes_on = [&](const auto& row) {
    done = visit(row);
    return done.has_value();
  };
  std::apply([&](const Rows&... rows) { static_cast<void>((goes_on(rows) && ...)); }, table);
  return done;
}

// The names of the rows, in the table's order.
template <class... Rows>
constexpr std::array<std::string_view, sizeof...(Rows)> field_names(const std::tuple<Rows...>& table) {
  return std::apply([](const Rows&... rows) { return std::array<std::string_view, sizeof...(Rows)>{rows.name...}; },
                    table);
}

// The place of the row of that name; the number of rows if there is none.
template <class... Rows>
constexpr std::size_t field_index(const std::tuple<Rows...>& table, std::string_view name) {
  std::size_t at = 0;
  for (const auto known : field_names(table)) {
    if (known == name) break;
    ++at;
  }
  return at;
}

}  // namespace cr::base

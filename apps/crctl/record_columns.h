// SPDX-License-Identifier: MIT
// The columns of a record's list and show, made of its table of fields (admin/record_fields.h). Plain values, any
// thread.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "admin/messages.h"
#include "admin/record_fields.h"
#include "base/text.h"
#include "crctl/listing.h"
#include "crctl/values.h"

namespace cr::crctl {

// --- a setting's value as a cell ---
inline Cell cell_of(const std::string& value, admin::Typed, const View&) {
  return text_cell(value);
}
inline Cell cell_of(bool value, admin::Typed, const View&) {
  return bool_cell(value);
}
inline Cell cell_of(std::int64_t value, admin::Typed typed, const View&) {
  if (typed != admin::Typed::duration) return count_cell(value);
  return {std::to_string(value), base::format_duration(std::chrono::milliseconds(value)), Style::none};
}
inline Cell cell_of(const std::optional<std::string>& value, admin::Typed, const View&) {
  return value ? text_cell(*value) : Cell{};
}
inline Cell cell_of(const admin::JsonText& value, admin::Typed, const View&) {
  return text_cell(value.text);
}
inline Cell cell_of(const std::optional<std::int64_t>& value, admin::Typed, const View&) {
  return value ? count_cell(*value) : Cell{};
}
inline Cell cell_of(const std::vector<std::string>& value, admin::Typed, const View&) {
  return list_cell(value);
}
inline Cell cell_of(const std::map<std::string, std::string>& value, admin::Typed, const View&) {
  return tags_cell(value);
}
inline Cell cell_of(const admin::Quota& value, admin::Typed, const View&) {
  return quota_cell(value);
}
inline Cell cell_of(const std::optional<base::Time>& value, admin::Typed typed, const View& view) {
  if (typed == admin::Typed::future_moment) return expiry_cell(value, view);
  return value ? past_cell(value, view) : Cell{};
}
inline Cell cell_of(const std::vector<admin::Budget>& value, admin::Typed, const View&) {
  std::string text;
  for (const auto& budget : value) text += (text.empty() ? "" : ",") + budget.limit.to_decimal() + "/" + budget.period;
  return text_cell(text);
}

template <class T>
using CellOf = Cell (*)(const T&, const View&);

// A column in its place. Without a cell of its own it shows the setting of its name.
template <class T>
struct Place {
  Column column;
  CellOf<T> cell = nullptr;
};

// How the row at `index` shows a T; null for what is not a setting.
template <class T, const auto& table, std::size_t index>
constexpr CellOf<T> setting_cell() {
  using Field = std::remove_cvref_t<decltype(std::get<index>(table))>;
  if constexpr (Field::role != admin::Role::setting) {
    return nullptr;
  } else {
    return [](const T& record, const View& view) {
      constexpr const auto& row = std::get<index>(table);
      return cell_of(record.*row.member, row.facts.typed, view);
    };
  }
}

// The columns of `places` in their order; before the one named `rest_before`, those of the settings that have no place.
template <class T, const auto& table>
std::vector<ColumnOf<T>> columns_of(std::vector<Place<T>> places, std::string_view rest_before) {
  constexpr std::size_t k_rows = std::tuple_size_v<std::remove_cvref_t<decltype(table)>>;
  const auto cells = []<std::size_t... index>(std::index_sequence<index...>) {
    return std::array<CellOf<T>, k_rows>{setting_cell<T, table, index>()...};
  }
  (std::make_index_sequence<k_rows>());
  const auto headings =
      std::apply([](const auto&... rows) { return std::array<std::string_view, k_rows>{rows.heading()...}; }, table);
  std::vector<ColumnOf<T>> columns;
  const auto add_rest = [&] {
    for (std::size_t at = 0; at < k_rows; ++at) {
      const auto is_it = [&](const auto& place) { return place.column.name == headings[at]; };
      if (cells[at] == nullptr || std::any_of(places.begin(), places.end(), is_it)) continue;
      columns.push_back({{std::string(headings[at]), Align::left, 9, From::detail}, cells[at]});
    }
  };
  for (const auto& place : places) {
    if (place.column.name == rest_before) add_rest();
    const auto row =
        static_cast<std::size_t>(std::find(headings.begin(), headings.end(), place.column.name) - headings.begin());
    columns.push_back({place.column, place.cell != nullptr ? place.cell : cells.at(row)});
  }
  return columns;
}

}  // namespace cr::crctl

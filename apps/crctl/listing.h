// SPDX-License-Identifier: MIT
// Listing: records made ready to be written in any mode: cells for eyes and for programs, and the daemon's own JSON.
// A record type has one table of columns (ColumnOf<T>), used by its list, its show and --fields alike. Plain values.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "crctl/terminal.h"

namespace cr::crctl {

enum class Align { left, right };
// The narrowest view that shows a column: list, -o wide, show; in this order.
enum class From { list, wide, detail };

struct Cell {
  std::string plain = {};  // for programs: RFC 3339, plain numbers; may hold anything from outside
  std::string shown = {};  // for eyes, escaped; empty = as plain, escaped
  Style style = Style::none;
};

struct Column {
  std::string name;  // lower_snake_case
  Align align = Align::left;
  int drop = 0;  // the highest goes first where the screen is narrow; 0 stays
  From from = From::list;
  bool eyes_only = false;  // a bar: says nothing that another column does not
};

struct Row {
  std::vector<Cell> cells;
  std::string name;
  std::string json;  // one object
};

struct Listing {
  std::vector<Column> columns;
  std::vector<Row> rows;
  std::string summary;  // a last line for eyes
};

// How values are shown.
struct View {
  base::Time now;
  bool unicode = false;
  bool exact = false;  // full times rather than "3m ago"
};

template <class T>
struct Record {
  T value;
  std::string json;
};

template <class T>
struct ColumnOf {
  Column column;
  Cell (*cell)(const T&, const View&);
};

template <class T>
struct RecordKind {
  std::string noun;  // "token"
  std::vector<ColumnOf<T>> columns;
  std::string (*name)(const T&);
};

// What is made of a record: cells up to this view's, and its JSON. The rest stays empty.
struct Needs {
  std::optional<From> cells = From::detail;
  bool json = true;
  bool cell(const Column& column) const { return cells && column.from <= *cells; }
};

template <class T>
Listing make_listing(const RecordKind<T>& kind, const std::vector<Record<T>>& records, const View& view,
                     const Needs& needs = {}) {
  Listing listing;
  listing.rows.reserve(records.size());
  for (const auto& column : kind.columns) listing.columns.push_back(column.column);
  for (const auto& record : records) {
    Row row;
    row.cells.resize(kind.columns.size());
    for (std::size_t i = 0; i < kind.columns.size(); ++i) {
      const auto& column = kind.columns[i];
      if (needs.cell(column.column)) row.cells[i] = column.cell(record.value, view);
    }
    row.name = kind.name(record.value);
    row.json = record.json;
    listing.rows.push_back(std::move(row));
  }
  return listing;
}

}  // namespace cr::crctl

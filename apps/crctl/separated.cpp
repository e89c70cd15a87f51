// SPDX-License-Identifier: MIT
// The part of table.h for programs.
#include "base/text.h"
#include "crctl/table.h"

namespace cr::crctl {
namespace {

// A tab or a line end inside a value would make two of it; other control bytes could reach somebody's screen.
std::string for_tabs(const std::string& value) {
  return base::escape_for_terminal(value);
}

std::string for_commas(const std::string& value) {
  if (value.find_first_of(",\"\r\n") == std::string::npos) return value;
  std::string quoted = "\"";
  for (const char c : value) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + "\"";
}

std::string line_of(const std::vector<std::string>& values, Separated form) {
  std::string line;
  for (const auto& value : values) {
    if (&value != values.data()) line += form == Separated::tabs ? '\t' : ',';
    line += form == Separated::tabs ? for_tabs(value) : for_commas(value);
  }
  return line + "\n";
}

}  // namespace

std::string render_separated(const Listing& listing, Separated form, bool header) {
  const auto printed = [](const Column& column) { return column.from == From::list && !column.eyes_only; };
  std::string out;
  std::vector<std::string> values;
  for (const auto& column : listing.columns) {
    if (printed(column)) values.push_back(column.name);
  }
  if (header) out += line_of(values, form);
  for (const auto& row : listing.rows) {
    values.clear();
    for (std::size_t i = 0; i < listing.columns.size(); ++i) {
      if (printed(listing.columns[i])) values.push_back(row.cells[i].plain);
    }
    out += line_of(values, form);
  }
  return out;
}

std::string render_details_separated(const Listing& listing, Separated form, bool header) {
  std::string out = header ? line_of({"field", "value"}, form) : std::string();
  for (const auto& row : listing.rows) {
    for (std::size_t i = 0; i < listing.columns.size(); ++i) {
      if (!listing.columns[i].eyes_only) out += line_of({listing.columns[i].name, row.cells[i].plain}, form);
    }
  }
  return out;
}

}  // namespace cr::crctl

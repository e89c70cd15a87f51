// SPDX-License-Identifier: MIT
// Listings as text: aligned tables for eyes, lines for programs. Pure functions, any thread.
#pragma once

#include <string>
#include <vector>

#include "crctl/listing.h"

namespace cr::crctl {

struct TableStyle {
  int width = 0;  // columns of the screen; 0 = no limit
  bool header = true;
  bool colour = false;
  bool unicode = false;
  bool wide = false;  // -o wide: every list column, nothing cut
};

// A table that comes in pages of the same columns. The first one decides the columns' widths: aligned by display width;
// too wide: columns go by their `drop`, then the widest cells are cut with an ellipsis. A later cell that is wider is
// cut too where there is a screen to keep to, and else pushes its line to the right.
class Table {
 public:
  Table(const Listing& first, const TableStyle& style);
  std::string head() const;
  std::string rows(const Listing& page) const;

 private:
  struct Lane {  // a column as it will be printed
    std::size_t index = 0;
    int width = 0;
  };
  int total_width() const;
  void fit();
  template <class TextOf>
  std::string line_of(TextOf text_of) const;

  TableStyle style_;
  std::vector<Column> columns_;
  std::vector<Lane> lanes_;
};

// All of it in one page.
std::string render_table(const Listing& listing, const TableStyle& style);
// One record a block, one "field  value" line each; values break at blanks. Empty values are left out.
std::string render_details(const Listing& listing, const TableStyle& style);

enum class Separated { tabs, commas };
// Tab-separated (tabs and line ends in a value become escapes) or RFC 4180.
std::string render_separated(const Listing& listing, Separated form, bool header);
std::string render_details_separated(const Listing& listing, Separated form, bool header);

// The text up to `width` columns, cut with an ellipsis.
std::string cut_to_width(const std::string& text, int width, bool unicode);

}  // namespace cr::crctl

// SPDX-License-Identifier: MIT
// The part of table.h for eyes.
#include "crctl/table.h"

#include <algorithm>
#include <numeric>

#include "base/text.h"

namespace cr::crctl {
namespace {

constexpr int k_gap = 2;
constexpr int k_cut_to_min = 6;  // a cell is not cut shorter than this

std::string shown(const Cell& cell) {
  std::string text = cell.shown.empty() ? base::escape_for_terminal(cell.plain) : cell.shown;
  return text.empty() ? "-" : text;
}

std::string heading(const Column& column) {
  if (column.eyes_only) return {};
  std::string text = column.name;
  for (char& c : text) c = c == '_' ? ' ' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  return text;
}

int natural_width(const Listing& listing, std::size_t index, const TableStyle& style) {
  int width = style.header ? base::display_width(heading(listing.columns[index])) : 0;
  for (const auto& row : listing.rows) {
    const Cell& cell = row.cells[index];
    if (listing.columns[index].eyes_only && cell.shown.empty()) continue;
    width = std::max(width, base::display_width(shown(cell)));
  }
  return width;
}

std::string padded(const std::string& text, int width, Align align, Style style, bool colour, bool last) {
  const int missing = std::max(0, width - base::display_width(text));
  const std::string blanks(static_cast<std::size_t>(missing), ' ');
  const std::string painted = paint(text, style, colour);
  if (align == Align::right) return blanks + painted;
  return last ? painted : painted + blanks;
}

std::string without_trailing_blanks(std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

// `text` broken at blanks into lines of at most `width` columns; a longer word has a line of its own.
std::vector<std::string> broken_at_blanks(const std::string& text, int width) {
  std::vector<std::string> lines(1);
  for (const auto& word : base::split_list(text, ' ')) {
    std::string& line = lines.back();
    if (line.empty()) {
      line = word;
    } else if (width <= 0 || base::display_width(line) + 1 + base::display_width(word) <= width) {
      line += " " + word;
    } else {
      lines.push_back(word);
    }
  }
  return lines;
}

std::string block_of(const Listing& listing, const Row& row, int label_width, const TableStyle& style) {
  std::string out;
  const auto indent = static_cast<std::size_t>(label_width) + k_gap;
  for (std::size_t i = 0; i < listing.columns.size(); ++i) {
    const Cell& cell = row.cells[i];
    if (listing.columns[i].eyes_only || (cell.plain.empty() && cell.shown.empty())) continue;
    std::string label = listing.columns[i].name;
    std::replace(label.begin(), label.end(), '_', ' ');
    label.resize(indent, ' ');
    const auto lines = broken_at_blanks(shown(cell), style.width > 0 ? style.width - static_cast<int>(indent) : 0);
    for (const auto& line : lines) {
      out += &line == lines.data() ? paint(label, Style::faint, style.colour) : std::string(indent, ' ');
      out += paint(line, cell.style, style.colour) + "\n";
    }
  }
  return out;
}

}  // namespace

std::string cut_to_width(const std::string& text, int width, bool unicode) {
  if (base::display_width(text) <= width) return text;
  const std::string ellipsis = unicode ? "…" : "~";
  std::string kept;
  for (std::size_t i = 0; i < text.size();) {
    std::size_t next = i + 1;
    while (next < text.size() && (static_cast<unsigned char>(text[next]) & 0xC0U) == 0x80U) ++next;
    const std::string longer = kept + text.substr(i, next - i);
    if (base::display_width(longer) + 1 > width) break;
    kept = longer;
    i = next;
  }
  return width > 0 ? kept + ellipsis : kept;
}

Table::Table(const Listing& first, const TableStyle& style) : style_(style), columns_(first.columns) {
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const From from = columns_[i].from;
    if (from == From::list || (from == From::wide && style.wide)) lanes_.push_back({i, natural_width(first, i, style)});
  }
  std::erase_if(lanes_, [&](const Lane& lane) { return lane.width == 0 && columns_[lane.index].eyes_only; });
  if (style.width > 0 && !style.wide) fit();
}

int Table::total_width() const {
  const int gaps = lanes_.empty() ? 0 : k_gap * (static_cast<int>(lanes_.size()) - 1);
  return std::accumulate(lanes_.begin(), lanes_.end(), gaps,
                         [](int sum, const Lane& lane) { return sum + lane.width; });
}

void Table::fit() {
  while (total_width() > style_.width) {
    const auto first_to_go = std::max_element(lanes_.begin(), lanes_.end(), [&](const Lane& left, const Lane& right) {
      return columns_[left.index].drop < columns_[right.index].drop;
    });
    if (first_to_go == lanes_.end() || columns_[first_to_go->index].drop == 0) break;
    lanes_.erase(first_to_go);
  }
  while (total_width() > style_.width) {
    const auto widest = std::max_element(lanes_.begin(), lanes_.end(),
                                         [](const Lane& left, const Lane& right) { return left.width < right.width; });
    if (widest == lanes_.end() || widest->width <= k_cut_to_min) break;
    --widest->width;
  }
}

template <class TextOf>
std::string Table::line_of(TextOf text_of) const {
  const bool cuts = style_.width > 0 && !style_.wide;
  std::string line;
  for (const Lane& lane : lanes_) {
    if (&lane != lanes_.data()) line.append(k_gap, ' ');
    const auto [text, look] = text_of(lane);
    line += padded(cuts ? cut_to_width(text, lane.width, style_.unicode) : text, lane.width, columns_[lane.index].align,
                   look, style_.colour, &lane == &lanes_.back());
  }
  return without_trailing_blanks(std::move(line));
}

std::string Table::head() const {
  return line_of([&](const Lane& lane) { return std::pair{heading(columns_[lane.index]), Style::strong}; });
}

std::string Table::rows(const Listing& page) const {
  std::string out;
  for (const auto& row : page.rows) {
    out += line_of([&](const Lane& lane) {
      const Cell& cell = row.cells[lane.index];
      const bool blank = columns_[lane.index].eyes_only && cell.shown.empty();
      return std::pair{blank ? std::string() : shown(cell), cell.style};
    });
  }
  return out;
}

std::string render_table(const Listing& listing, const TableStyle& style) {
  const Table table(listing, style);
  std::string out;
  if (style.header && !listing.rows.empty()) out += table.head();
  out += table.rows(listing);
  if (!listing.summary.empty()) out += paint(listing.summary, Style::faint, style.colour) + "\n";
  return out;
}

std::string render_details(const Listing& listing, const TableStyle& style) {
  int label_width = 0;
  for (std::size_t i = 0; i < listing.columns.size(); ++i) {
    const bool used = std::any_of(listing.rows.begin(), listing.rows.end(), [&](const Row& row) {
      return !row.cells[i].plain.empty() || !row.cells[i].shown.empty();
    });
    if (used && !listing.columns[i].eyes_only) {
      label_width = std::max(label_width, base::display_width(listing.columns[i].name));
    }
  }
  std::string out;
  for (const auto& row : listing.rows) {
    if (!out.empty()) out += "\n";
    out += block_of(listing, row, label_width, style);
  }
  return out;
}

}  // namespace cr::crctl

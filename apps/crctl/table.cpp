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

// A column as it will be printed.
struct Lane {
  std::size_t index = 0;
  int width = 0;
};

int total_width(const std::vector<Lane>& lanes) {
  const int gaps = lanes.empty() ? 0 : k_gap * (static_cast<int>(lanes.size()) - 1);
  return std::accumulate(lanes.begin(), lanes.end(), gaps, [](int sum, const Lane& lane) { return sum + lane.width; });
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

std::vector<Lane> lanes_of(const Listing& listing, const TableStyle& style) {
  std::vector<Lane> lanes;
  for (std::size_t i = 0; i < listing.columns.size(); ++i) {
    const From from = listing.columns[i].from;
    if (from == From::list || (from == From::wide && style.wide)) {
      lanes.push_back({i, natural_width(listing, i, style)});
    }
  }
  std::erase_if(lanes, [&](const Lane& lane) { return lane.width == 0 && listing.columns[lane.index].eyes_only; });
  return lanes;
}

void fit(std::vector<Lane>& lanes, const Listing& listing, int width) {
  while (total_width(lanes) > width) {
    const auto first_to_go = std::max_element(lanes.begin(), lanes.end(), [&](const Lane& left, const Lane& right) {
      return listing.columns[left.index].drop < listing.columns[right.index].drop;
    });
    if (first_to_go == lanes.end() || listing.columns[first_to_go->index].drop == 0) break;
    lanes.erase(first_to_go);
  }
  while (total_width(lanes) > width) {
    const auto widest = std::max_element(lanes.begin(), lanes.end(),
                                         [](const Lane& left, const Lane& right) { return left.width < right.width; });
    if (widest == lanes.end() || widest->width <= k_cut_to_min) break;
    --widest->width;
  }
}

std::string padded(const std::string& text, const Lane& lane, Align align, Style style, bool colour, bool last) {
  const int missing = std::max(0, lane.width - base::display_width(text));
  const std::string blanks(static_cast<std::size_t>(missing), ' ');
  const std::string painted = paint(text, style, colour);
  if (align == Align::right) return blanks + painted;
  return last ? painted : painted + blanks;
}

std::string without_trailing_blanks(std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

template <class TextOf>
std::string line_of(const std::vector<Lane>& lanes, const Listing& listing, const TableStyle& style, TextOf text_of) {
  std::string line;
  for (const Lane& lane : lanes) {
    if (&lane != lanes.data()) line.append(k_gap, ' ');
    const auto [text, look] = text_of(lane);
    line += padded(cut_to_width(text, lane.width, style.unicode), lane, listing.columns[lane.index].align, look,
                   style.colour, &lane == &lanes.back());
  }
  return without_trailing_blanks(std::move(line));
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
  const auto indent = static_cast<std::size_t>(label_width + k_gap);
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

std::string render_table(const Listing& listing, const TableStyle& style) {
  std::vector<Lane> lanes = lanes_of(listing, style);
  if (style.width > 0 && !style.wide) fit(lanes, listing, style.width);
  std::string out;
  if (style.header && !listing.rows.empty()) {
    out += line_of(lanes, listing, style, [&](const Lane& lane) {
      return std::pair{heading(listing.columns[lane.index]), Style::strong};
    });
  }
  for (const auto& row : listing.rows) {
    out += line_of(lanes, listing, style, [&](const Lane& lane) {
      const Cell& cell = row.cells[lane.index];
      const bool blank = listing.columns[lane.index].eyes_only && cell.shown.empty();
      return std::pair{blank ? std::string() : shown(cell), cell.style};
    });
  }
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

// SPDX-License-Identifier: MIT
#include "crctl/output.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "base/hide_keys.h"
#include "base/text.h"
#include "crctl/json_text.h"
#include "crctl/table.h"

namespace cr::crctl {
namespace {

using base::Error;
using base::ErrorCode;
using base::fail;
using base::Result;

base::Error no_such_field(const std::string& field, const Listing& listing) {
  std::vector<std::string> names;
  for (const auto& column : listing.columns) {
    if (!column.eyes_only) names.push_back(column.name);
  }
  if (!listing.rows.empty()) {
    for (auto& name : member_names(listing.rows.front().json)) names.push_back(std::move(name));
  }
  const auto near = base::nearest(field, names);
  return {ErrorCode::invalid, fmt::format("no field named '{}'", base::escape_for_terminal(field)),
          near ? fmt::format("did you mean '{}'?", *near) : "--fields=help lists the fields"};
}

std::size_t column_named(const Listing& listing, std::string_view name) {
  const auto found = std::find_if(listing.columns.begin(), listing.columns.end(),
                                  [&](const Column& column) { return !column.eyes_only && column.name == name; });
  return static_cast<std::size_t>(found - listing.columns.begin());
}

}  // namespace

std::string system_reason(int number) {
  return base::to_lower_ascii(std::generic_category().message(number));
}

std::string system_reason() {
  return system_reason(errno);
}

Result<void> write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail(ErrorCode::internal, system_reason());
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

std::string error_as_json(const Error& error, Exit exit, std::string_view request_id) {
  return fmt::format(R"({{"code":{},"message":{},"hint":{},"exit":{},"request_id":{}}})",
                     json_string(base::name_of(error.code)), json_string(error.message),
                     error.hint.empty() ? "null" : json_string(error.hint), static_cast<int>(exit),
                     request_id.empty() ? "null" : json_string(request_id));
}

Mode Output::mode_for_stdout() const {
  const Mode mode = globals_.mode();
  if (mode != Mode::automatic) return mode;
  return terminal_.out_tty ? Mode::table : Mode::tsv;
}

Needs Output::list_needs() const {
  if (globals_.field || globals_.fields) return {};
  switch (mode_for_stdout()) {
    case Mode::json:
    case Mode::jsonl:
      return {std::nullopt, true};
    case Mode::name:
      return {std::nullopt, false};
    case Mode::wide:
      return {From::wide, false};
    default:
      return {From::list, false};
  }
}

bool Output::wants_json() const {
  const Mode mode = globals_.mode();
  return mode == Mode::json || mode == Mode::jsonl;
}

bool Output::wants_data() const {
  return globals_.field || wants_json();
}

Result<void> Output::text(std::string_view text) {
  auto written = write_all(STDOUT_FILENO, text);
  if (written) return {};
  pipe_broken_ = pipe_broken_ || errno == EPIPE;
  return fail(ErrorCode::internal, "cannot write to standard output: " + written.error().message);
}

Result<void> Output::json_object(std::string_view json) {
  std::string shown(json);
  if (globals_.fields) shown = only_members(json, *globals_.fields);
  if (globals_.mode() == Mode::jsonl) return text(one_line(shown) + "\n");
  if (array_ == Array::none) return text(indented(shown) + "\n");
  const bool first = std::exchange(array_, Array::begun) == Array::empty;
  return text((first ? "[\n  " : ",\n  ") + indented(shown, 1));
}

void Output::begin_array() {
  if (globals_.mode() == Mode::json && !globals_.field) array_ = Array::empty;
}

Result<void> Output::end_array() {
  const auto was = std::exchange(array_, Array::none);
  if (was == Array::none) return {};
  return text(was == Array::begun ? "\n]\n" : "[]\n");
}

// The columns --fields names, in its order; a JSON member that is no column becomes one.
Result<Listing> Output::with_fields(const Listing& listing) const {
  if (!globals_.fields) return listing;
  Listing picked;
  picked.summary = listing.summary;
  for (const auto& row : listing.rows) picked.rows.push_back({{}, row.name, row.json});
  for (const auto& field : *globals_.fields) {
    const std::size_t index = column_named(listing, field);
    const bool known = index < listing.columns.size();
    picked.columns.push_back(known ? listing.columns[index] : Column{field});
    picked.columns.back().from = From::list;
    picked.columns.back().drop = 0;
    for (std::size_t i = 0; i < listing.rows.size(); ++i) {
      if (known) {
        picked.rows[i].cells.push_back(listing.rows[i].cells[index]);
        continue;
      }
      const auto text = member_text(listing.rows[i].json, field);
      if (!text) return tl::unexpected(no_such_field(field, listing));
      picked.rows[i].cells.push_back({*text, {}, Style::none});
    }
  }
  return picked;
}

Result<void> Output::raw_field(const Listing& listing) {
  const std::size_t index = column_named(listing, *globals_.field);
  std::string out;
  for (const auto& row : listing.rows) {
    auto value = member_text(row.json, *globals_.field);
    // What is absent, or no member, is said as its column says it: "unlimited".
    if ((!value || value->empty()) && index < listing.columns.size()) value = row.cells[index].plain;
    if (!value) return tl::unexpected(no_such_field(*globals_.field, listing));
    out += *value + "\n";
  }
  return text(out);
}

// What --fields names: members of the JSON, and columns that are none, as text.
Result<std::string> Output::picked_json(const Listing& listing, const Row& row) const {
  if (!globals_.fields) return row.json;
  std::vector<std::pair<std::string, std::string>> members;
  for (const auto& field : *globals_.fields) {
    std::string value = member_json(row.json, field);
    const std::size_t index = column_named(listing, field);
    if (value.empty() && index < listing.columns.size()) value = json_string(row.cells[index].plain);
    if (value.empty()) return tl::unexpected(no_such_field(field, listing));
    members.emplace_back(field, std::move(value));
  }
  return object_of(members);
}

Result<void> Output::json_rows(const Listing& listing, Mode mode) {
  std::string out;
  for (const auto& row : listing.rows) {
    const auto item = picked_json(listing, row);
    if (!item) return tl::unexpected(item.error());
    out += (mode == Mode::json ? indented(*item) : one_line(*item)) + "\n";
  }
  return text(out);
}

Result<void> Output::list(const Listing& listing) {
  Pages pages(*this);
  if (auto added = pages.add(listing); !added) return added;
  return pages.end(listing.summary);
}

Result<void> Output::Pages::add(const Listing& page) {
  if (output_.globals_.field) return output_.raw_field(page);
  const Mode mode = output_.mode_for_stdout();
  if (mode == Mode::json) return add_json(page);
  if (mode == Mode::jsonl) return output_.json_rows(page, mode);
  if (mode == Mode::name) {
    std::string names;
    for (const auto& row : page.rows) names += row.name + "\n";
    return output_.text(names);
  }
  const auto add_rows = [&](const Listing& rows) {
    return mode == Mode::csv || mode == Mode::tsv ? add_separated(rows, mode) : add_table(rows, mode);
  };
  if (!output_.globals_.fields) return add_rows(page);
  auto picked = output_.with_fields(page);
  if (!picked) return tl::unexpected(picked.error());
  return add_rows(*picked);
}

Result<void> Output::Pages::add_json(const Listing& page) {
  std::string out;
  for (const auto& row : page.rows) {
    auto item = output_.picked_json(page, row);
    if (!item) return tl::unexpected(item.error());
    out += (begun_ ? ",\n  " : "[\n  ") + indented(*item, 1);
    begun_ = true;
  }
  return output_.text(out);
}

Result<void> Output::Pages::add_separated(const Listing& page, Mode mode) {
  const bool header = !output_.globals_.no_header && !std::exchange(begun_, true);
  return output_.text(render_separated(page, mode == Mode::csv ? Separated::commas : Separated::tabs, header));
}

Result<void> Output::Pages::add_table(const Listing& page, Mode mode) {
  if (page.rows.empty()) return {};
  const Terminal& terminal = output_.terminal_;
  const bool header = !output_.globals_.no_header;
  std::string out;
  if (!table_) {
    table_.emplace(page, TableStyle{terminal.width, header, terminal.colour_out, terminal.unicode, mode == Mode::wide});
    if (header) out = table_->head();
  }
  return output_.text(out + table_->rows(page));
}

Result<void> Output::Pages::end(const std::string& summary) {
  if (output_.globals_.field) return {};
  const Mode mode = output_.mode_for_stdout();
  if (mode == Mode::json) return output_.text(begun_ ? "\n]\n" : "[]\n");
  if ((mode != Mode::table && mode != Mode::wide) || summary.empty()) return {};
  return output_.text(paint(summary, Style::faint, output_.terminal_.colour_out) + "\n");
}

Result<void> Output::show(const Listing& one) {
  if (globals_.field) return raw_field(one);
  const Mode mode = mode_for_stdout();
  if (mode == Mode::name || (mode == Mode::json && one.rows.size() != 1)) return list(one);
  if (mode == Mode::json || mode == Mode::jsonl) return json_rows(one, mode);
  auto picked = with_fields(one);
  if (!picked) return tl::unexpected(picked.error());
  if (mode == Mode::csv) return text(render_details_separated(*picked, Separated::commas, !globals_.no_header));
  if (mode == Mode::tsv) return text(render_details_separated(*picked, Separated::tabs, !globals_.no_header));
  const TableStyle style{terminal_.width, true, terminal_.colour_out, terminal_.unicode, true};
  return text(render_details(*picked, style));
}

Result<void> Output::object(const std::string& json) {
  if (!globals_.field) return wants_json() ? json_object(json) : Result<void>();
  const auto value = member_text(json, *globals_.field);
  if (!value) return tl::unexpected(no_such_field(*globals_.field, Listing{{}, {{{}, {}, json}}, {}}));
  return text(*value + "\n");
}

Result<void> Output::changes(const std::vector<admin::Change>& changes, const std::string& after) {
  if (wants_data()) return object(after);
  if (globals_.quiet) return {};
  int width = 0;
  for (const auto& change : changes) width = std::max(width, base::display_width(change.field));
  std::string out;
  for (const auto& change : changes) {
    std::string label = change.field;
    label.resize(static_cast<std::size_t>(width) + 2, ' ');
    out += fmt::format("{}{} {} {}\n", paint(label, Style::faint, terminal_.colour_out),
                       base::escape_for_terminal(change.before), "->", base::escape_for_terminal(change.after));
  }
  return text(out);
}

Result<void> Output::field_names(const std::vector<Column>& columns, const std::vector<std::string>& members) {
  std::vector<std::string> names;
  for (const auto& column : columns) {
    if (!column.eyes_only) names.push_back(column.name);
  }
  for (const auto& member : members) {
    if (std::find(names.begin(), names.end(), member) == names.end()) names.push_back(member);
  }
  std::string out;
  for (const auto& name : names) out += name + "\n";
  return text(out);
}

void Output::note(std::string_view line) {
  // A note that cannot be shown is no reason to fail what it is about.
  if (!globals_.quiet && !wants_json())
    static_cast<void>(write_all(STDERR_FILENO, base::escape_for_terminal(line) + "\n"));
}

void Output::error(const Error& whole, Exit exit, std::string_view request_id) {
  // Whatever was typed in another word's place may have been a key.
  const Error error{whole.code, base::hide_keys(whole.message), base::hide_keys(whole.hint)};
  std::string out;
  if (wants_json()) {
    out = error_as_json(error, exit, request_id) + "\n";
  } else {
    const bool colour = terminal_.colour_err;
    out = paint("error:", Style::bad, colour) + " " + base::escape_for_terminal(error.message) + "\n";
    if (!error.hint.empty()) {
      out += paint("hint:", Style::faint, colour) + " " + base::escape_for_terminal(error.hint) + "\n";
    }
  }
  static_cast<void>(write_all(STDERR_FILENO, out));
}

}  // namespace cr::crctl

// SPDX-License-Identifier: MIT
// The word `usage`.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "crctl/commands.h"
#include "crctl/fetch.h"
#include "crctl/flags.h"
#include "crctl/values.h"

namespace cr::crctl {
namespace {

using admin::UsageReport;
using admin::UsageRow;
using base::Result;

constexpr int k_bar_columns = 16;
constexpr std::size_t k_sparks_max = 48;

struct Words {
  std::optional<Texts> by;
  std::optional<std::string> since, until, token, model, channel, group, account;
  std::optional<std::int64_t> top;
};

bool is_time(const std::string& dimension) {
  return dimension == "day" || dimension == "hour";
}

Result<admin::UsageQuery> query_of_words(const Context& context, const Words& words) {
  admin::UsageQuery query;
  query.by = words.by.value_or(Texts{"day"});
  for (std::size_t i = 0; i < query.by.size(); ++i) {
    if (std::find(query.by.begin(), query.by.begin() + static_cast<std::ptrdiff_t>(i), query.by[i]) !=
        query.by.begin() + static_cast<std::ptrdiff_t>(i)) {
      return base::fail(base::ErrorCode::invalid, fmt::format("--by names '{}' twice", query.by[i]));
    }
  }
  auto since = parse_moment(words.since.value_or("7d"), context.now);
  if (!since) return tl::unexpected(since.error());
  query.since = *since;
  if (words.until) {
    auto until = parse_moment(*words.until, context.now);
    if (!until) return tl::unexpected(until.error());
    query.until = *until;
  }
  query.token = words.token;
  query.model = words.model;
  query.channel = words.channel;
  query.group = words.group;
  query.account = words.account;
  if (context.globals.tz) query.time_zone = *context.globals.tz;
  return query;
}

std::vector<Cell> cells_of(const UsageRow& row, const Texts& by) {
  std::vector<Cell> cells;
  for (const auto& dimension : by) {
    const auto found = row.key.find(dimension);
    cells.push_back(text_cell(found == row.key.end() ? std::string_view() : std::string_view(found->second)));
  }
  for (const std::int64_t count : {row.requests, row.errors, row.input_tokens, row.cached_tokens, row.output_tokens}) {
    cells.push_back(count_cell(count));
  }
  Cell cost = money_cell(row.cost);
  if (row.estimated) cost.shown = "~" + cost.shown;
  cells.push_back(std::move(cost));
  return cells;
}

// The cost of every step of time, for the sparkline; the newest ones if there are too many.
std::string sparkline_of(const UsageReport& report, bool unicode) {
  const auto dimension = std::find_if(report.by.begin(), report.by.end(), is_time);
  if (dimension == report.by.end()) return {};
  std::map<std::string, double> costs;
  const auto step = *dimension == "day" ? std::chrono::hours(24) : std::chrono::hours(1);
  for (const auto& row : report.rows) {
    const auto found = row.key.find(*dimension);
    if (found != row.key.end()) costs[found->second] += static_cast<double>(row.cost.nano());
  }
  std::vector<double> values;
  std::optional<base::Time> before;
  for (const auto& [key, cost] : costs) {
    const auto time = base::parse_time(key);
    // Steps without a request are steps of nothing, not gaps to close up.
    if (time && before) {
      const auto missing =
          std::min<std::int64_t>((*time - *before) / step - 1, static_cast<std::int64_t>(k_sparks_max));
      for (std::int64_t i = 0; i < missing; ++i) values.push_back(0);
    }
    values.push_back(cost);
    if (time) before = *time;
  }
  if (values.size() > k_sparks_max)
    values.erase(values.begin(), values.end() - static_cast<std::ptrdiff_t>(k_sparks_max));
  return values.size() > 1 ? sparkline(values, unicode) : std::string();
}

std::vector<Column> columns_of(const Texts& by) {
  std::vector<Column> columns;
  for (const auto& dimension : by) columns.push_back({dimension});
  columns.push_back({"requests", Align::right, 3});
  columns.push_back({"errors", Align::right, 6});
  columns.push_back({"input", Align::right, 4});
  columns.push_back({"cached", Align::right, 7});
  columns.push_back({"output", Align::right, 5});
  columns.push_back({"cost", Align::right});
  columns.push_back({"cost_bar", Align::left, 9, From::list, true});
  return columns;
}

Listing listing_of(const UsageReport& report, std::span<const UsageRow> rows, const std::vector<std::string>& json,
                   const Context& context) {
  Listing listing;
  listing.columns = columns_of(report.by);
  double largest = 0;
  for (const auto& row : rows) largest = std::max(largest, static_cast<double>(row.cost.nano()));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Row row;
    row.cells = cells_of(rows[i], report.by);
    const double share = largest > 0 ? static_cast<double>(rows[i].cost.nano()) / largest : 0;
    row.cells.push_back({{}, bar(share, k_bar_columns, context.terminal.unicode), Style::none});
    row.name = row.cells.front().plain;
    row.json = i < json.size() ? json[i] : std::string("{}");
    listing.rows.push_back(std::move(row));
  }
  return listing;
}

void add_total(Listing& listing, const UsageReport& report, const Context& context) {
  Row total;
  total.cells = cells_of(report.total, report.by);
  total.cells.front() = text_cell("TOTAL", Style::strong);
  for (std::size_t i = 1; i < report.by.size(); ++i) total.cells[i] = {{}, " ", Style::none};
  total.cells.push_back({{}, sparkline_of(report, context.terminal.unicode), Style::none});
  listing.rows.push_back(std::move(total));
}

Result<void> print_report(Context& context, UsageReport report, const std::string& raw,
                          std::optional<std::int64_t> top) {
  auto json = array_items(raw, "rows");
  std::vector<std::size_t> order(report.rows.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  if (top) {
    std::stable_sort(order.begin(), order.end(), [&](std::size_t left, std::size_t right) {
      return report.rows[left].cost > report.rows[right].cost;
    });
    order.resize(std::min(order.size(), static_cast<std::size_t>(*top)));
  }
  std::vector<UsageRow> rows;
  std::vector<std::string> row_json;
  for (const std::size_t index : order) {
    rows.push_back(report.rows[index]);
    row_json.push_back(index < json.size() ? json[index] : std::string("{}"));
  }
  Listing listing = listing_of(report, rows, row_json, context);
  const Mode mode = context.globals.mode();
  const bool for_eyes =
      (mode == Mode::automatic && context.terminal.out_tty) || mode == Mode::table || mode == Mode::wide;
  if (for_eyes && !context.globals.fields && !context.globals.field) {
    if (report.rows.size() > rows.size())
      listing.summary = fmt::format("{} of {} rows; TOTAL is of all", rows.size(), report.rows.size());
    if (report.rows.empty()) listing.summary = "no requests in this time";
    add_total(listing, report, context);
  }
  return context.output.list(listing);
}

Result<Exit> run_usage(Context& context, const Words& words) {
  if (words.top && *words.top < 1) return base::fail(base::ErrorCode::invalid, "--top must be 1 or more");
  if (context.globals.wants_field_names()) {
    auto printed = context.output.field_names(columns_of(words.by.value_or(Texts{"day"})),
                                              member_names(admin::to_json(UsageRow{})));
    if (!printed) return tl::unexpected(printed.error());
    return Exit::done;
  }
  auto query = query_of_words(context, words);
  if (!query) return tl::unexpected(query.error());
  std::string raw;
  auto report = context.client().get<UsageReport>("/usage" + admin::query_of(*query), &raw);
  if (!report) return tl::unexpected(report.error());
  if (report->rows.empty()) note_unknown_name(context, "group", words.group);
  // The report is an object: its window, its rows and its total; jsonl is a row a line.
  const bool whole = context.globals.mode() == Mode::json && !context.globals.fields && !words.top;
  auto printed = whole ? context.output.object(raw) : print_report(context, *std::move(report), raw, words.top);
  if (!printed) return tl::unexpected(printed.error());
  return Exit::done;
}

// What narrows the report and how it is cut; the filter that a noun's own verb has as its NAME is left out.
void add_usage_flags(CLI::App& usage, Words& words) {
  add_choices(usage, "--by", "token|model|hour|day|week|month|channel|group|account",
              "A row for each; several make pairs (day).", words.by);
  add_text(usage, "--since", "WHEN", "From then on: 7d back, or a date (7d).", words.since);
  add_text(usage, "--until", "WHEN", "Up to then (now).", words.until);
  add_text(usage, "--model", "MODEL", "Only this model.", words.model);
  add_text(usage, "--channel", "CHANNEL", "Only this channel.", words.channel);
  add_text(usage, "--group", "GROUP", "Only this group.", words.group);
  add_number(usage, "--top", "N", "Only the N dearest rows.", words.top);
}

}  // namespace

void add_usage_of(Commands& commands, CLI::App& noun, const std::string& what, const std::string& metavar) {
  auto words = std::make_shared<Words>();
  auto name = std::make_shared<std::string>();
  CLI::App& usage = commands.verb(noun,
                                  {"usage",
                                   "What one " + what + " used: 'crctl usage' for it alone.",
                                   {"crctl " + what + " usage ci --by model"},
                                   {}},
                                  Effect::reads, [words, name, what](Context& context) {
                                    (what == "token" ? words->token : words->account) = *name;
                                    return run_usage(context, *words);
                                  });
  add_name(usage, "NAME", metavar, "The " + what + ".", *name);
  add_usage_flags(usage, *words);
}

void add_usage(Commands& commands) {
  auto words = std::make_shared<Words>();
  CLI::App& usage =
      commands.word({"usage",
                     "Requests, model tokens and cost, by whatever you like.",
                     {"crctl usage --by day --since 7d", "crctl usage --by token,model --since 2026-01-01 --top 10"},
                     "A '~' marks costs of which some are estimated. Days, weeks (from Monday) and months are UTC's, "
                     "or --tz's. --json has the whole "
                     "report;\nwith --fields or --top, the rows alone."},
                    Effect::reads, [words](Context& context) { return run_usage(context, *words); });
  add_usage_flags(usage, *words);
  add_text(usage, "--token", "TOKEN", "Only this token.", words->token);
  add_text(usage, "--account", "ACCOUNT", "Only this account.", words->account);
}

}  // namespace cr::crctl

// SPDX-License-Identifier: MIT
// The word `reconcile`.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/decimal.h"
#include "base/text.h"
#include "crctl/commands.h"
#include "crctl/fetch.h"
#include "crctl/flags.h"
#include "crctl/prompt.h"
#include "crctl/reconciliation.h"
#include "crctl/values.h"

namespace cr::crctl {
namespace {

using base::ErrorCode;
using base::fail;
using base::Result;
using Json = nlohmann::ordered_json;

constexpr std::size_t k_bytes_max = std::size_t{256} << 20;  // of all files

struct Words {
  Texts files;
  std::optional<std::string> channel, tolerance;
};

// "1%", "0.5%", "1": in millionths.
Result<std::int64_t> parse_tolerance(const std::string& text) {
  constexpr int k_decimals = 4;
  std::string_view number = text;
  if (number.ends_with('%')) number.remove_suffix(1);
  const auto tolerance = base::parse_fixed(number, k_decimals, 100);
  if (tolerance) return *tolerance;
  return fail(ErrorCode::invalid, "--tolerance: '" + base::escape_for_terminal(text) + "' is no percentage",
              "write it like 1% or 0.5%");
}

Result<std::vector<BookFile>> read_files(const Texts& names) {
  if (std::count(names.begin(), names.end(), "-") > 1) return fail(ErrorCode::invalid, "stdin ('-') is named twice");
  std::vector<BookFile> files;
  std::size_t bytes = 0;
  for (const auto& name : names) {
    auto text = read_text(name);
    if (!text) return tl::unexpected(text.error());
    bytes += text->size();
    if (bytes > k_bytes_max) return fail(ErrorCode::invalid, "the files have more than 256 MiB", "give fewer days");
    files.push_back({name == "-" ? "stdin" : name, std::move(*text)});
  }
  return files;
}

Result<std::vector<admin::CostRow>> fetch_costs(Context& context, const std::string& channel, base::TimeSpan span) {
  std::vector<admin::CostRow> rows;
  for (std::optional<base::Time> since = span.start; since;) {
    auto page = context.client().get<admin::CostReport>("/costs" + admin::query_of({channel, *since, span.end}));
    if (!page) return tl::unexpected(page.error());
    if (page->rows_since && *page->rows_since > *since) {
      return fail(ErrorCode::invalid,
                  "the rows of requests before " + base::format_rfc3339(*page->rows_since) +
                      " are gone: what they cost is not known by model any more",
                  "give reports of the days after it; [usage] retention says how long rows are kept");
    }
    std::move(page->rows.begin(), page->rows.end(), std::back_inserter(rows));
    since = page->next;
  }
  return rows;
}

Result<OurDays> fetch_days(Context& context, const std::string& channel, const std::vector<BookDay>& days) {
  OurDays ours;
  for (const auto& day : days) {
    for (const auto& span : day.spans) {
      auto rows = fetch_costs(context, channel, span);
      if (!rows) return tl::unexpected(rows.error());
      auto& of_day = ours[day.day];
      std::move(rows->begin(), rows->end(), std::back_inserter(of_day));
    }
  }
  return ours;
}

// --- out ---
std::string day_text(base::Time day) {
  return base::Zone().day_text(day);
}

std::string percent_text(const ComparedRow& row) {
  const auto hundredths = difference_of(row);
  if (!hundredths) return {};
  const auto size = *hundredths < 0 ? -*hundredths : *hundredths;
  return fmt::format("{}{}.{:02}", *hundredths < 0 ? "-" : "+", size / 100, size % 100);
}

Json part_json(const admin::CostPart& part) {
  return {{"requests", part.requests}, {"cost", part.cost.to_decimal()}};
}

Json row_json(const ComparedRow& row) {
  Json json;
  const bool total = row.model == "TOTAL";
  if (!total) {
    json["day"] = day_text(row.day);
    json["covered"] = row.covered.empty() ? Json() : Json(row.covered);
    json["model"] = row.model;
    json["their_models"] = row.their_names;
    json["our_models"] = row.our_names;
  }
  json["theirs"] = row.theirs ? Json(row.theirs->to_decimal()) : Json();
  json["ours"] = row.ours.to_decimal();
  json["difference"] = row.theirs ? Json((*row.theirs - row.ours).to_decimal()) : Json();
  const auto percent = percent_text(row);
  json["percent"] = percent.empty() ? Json() : Json(percent);
  json["within"] = row.within;
  if (!total && row.their_tokens) {
    json["their_tokens"] = {{"requests", row.their_tokens->requests},
                            {"input", row.their_tokens->input},
                            {"cached", row.their_tokens->cached},
                            {"output", row.their_tokens->output}};
  } else if (!total) {
    json["their_tokens"] = Json();
  }
  const auto& sums = row.sums;
  json["our_tokens"] = {{"requests", sums.requests},
                        {"input", sums.input_tokens},
                        {"cached", sums.cached_tokens},
                        {"output", sums.output_tokens}};
  json["posted"] = sums.posted.to_decimal();
  json["overrun"] = sums.overrun.to_decimal();
  json["refunded"] = sums.refunded.to_decimal();
  json["in_doubt"] = part_json(sums.in_doubt);
  json["unknown"] = part_json(sums.unknown);
  json["estimated"] = part_json(sums.estimated);
  json["told"] = part_json(sums.told);
  json["unpriced"] = part_json(sums.unpriced);
  json["own"] = part_json(sums.own);
  if (!total) json["explained"] = row.explained;
  return json;
}

std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Row shown_row(const ComparedRow& row) {
  constexpr int k_decimals = 6;
  const auto style = row.within ? Style::none : Style::bad;
  const auto percent = percent_text(row);
  const bool total = row.model == "TOTAL";
  Row shown;
  shown.cells.push_back(text_cell(total ? "TOTAL" : day_text(row.day), total ? Style::strong : Style::none));
  shown.cells.push_back(total ? Cell{{}, " ", Style::none} : text_cell(row.model));
  shown.cells.push_back(row.theirs ? money_cell(*row.theirs, k_decimals) : Cell{});
  shown.cells.push_back(money_cell(row.ours, k_decimals));
  shown.cells.push_back(row.theirs ? money_cell(*row.theirs - row.ours, k_decimals) : Cell{});
  shown.cells.push_back({percent, percent.empty() ? "-" : percent + "%", style});
  shown.cells.push_back(count_cell(row.sums.requests));
  shown.cells.push_back(text_cell(row.covered));
  shown.cells.push_back(text_cell(join(row.explained, "; ")));
  shown.name = row.model;
  shown.json = text_of(row_json(row));
  return shown;
}

std::vector<Column> columns() {
  return {{"day"},
          {"model"},
          {"theirs", Align::right},
          {"ours", Align::right},
          {"difference", Align::right},
          {"percent", Align::right},
          {"requests", Align::right, 2},
          {"covered", Align::left, 8, From::wide},
          {"explained", Align::left, 9, From::wide}};
}

// What a reader of the table asks next: why, row by row.
std::string reasons_text(const Comparison& comparison, const Words& words, const std::string& tolerance) {
  std::string text;
  for (const auto& row : comparison.rows) {
    if (row.explained.empty() && row.within && row.covered.empty()) continue;
    text += fmt::format("{} {}{}\n", day_text(row.day), base::escape_for_terminal(row.model),
                        row.within ? "" : ": beyond the tolerance");
    if (!row.covered.empty()) text += "  of " + row.covered + " UTC alone\n";
    for (const auto& reason : row.explained) text += "  " + reason + "\n";
    if (!row.within && row.sums.requests > 0) {
      text += fmt::format("  rows: crctl request list --channel {} --since {} --until {}\n", *words.channel,
                          day_text(row.day), day_text(row.day + std::chrono::days(1)));
    }
  }
  const auto count = comparison.rows.size();
  text += comparison.beyond == 0 ? fmt::format("{} of {} rows within {}", count, count, tolerance)
                                 : fmt::format("{} of {} rows beyond {}", comparison.beyond, count, tolerance);
  return text;
}

Result<void> print(Context& context, const Comparison& comparison, const Words& words, const std::string& tolerance) {
  const Mode mode = context.globals.mode();
  if (mode == Mode::json && !context.globals.fields && !context.globals.field) {
    Json json{{"channel", *words.channel}, {"tolerance", tolerance}, {"within", comparison.beyond == 0}};
    json["rows"] = Json::array();
    for (const auto& row : comparison.rows) json["rows"].push_back(row_json(row));
    json["total"] = row_json(comparison.total);
    return context.output.object(text_of(json));
  }
  Listing listing;
  listing.columns = columns();
  for (const auto& row : comparison.rows) listing.rows.push_back(shown_row(row));
  const bool for_eyes =
      (mode == Mode::automatic && context.terminal.out_tty) || mode == Mode::table || mode == Mode::wide;
  if (for_eyes && !context.globals.fields && !context.globals.field) {
    if (comparison.rows.size() > 1) listing.rows.push_back(shown_row(comparison.total));
    listing.summary =
        comparison.rows.empty() ? "no requests on either side" : reasons_text(comparison, words, tolerance);
  }
  return context.output.list(listing);
}

void note_days(Context& context, const ProviderBooks& books, const std::vector<BookDay>& days) {
  for (const auto& note : books.notes) context.output.note(note);
  if (days.back().spans.back().end > context.now)
    context.output.note(day_text(days.back().day) + " is not over yet: the provider's report may lack its last hours");
}

Result<Exit> run_reconcile(Context& context, const Words& words) {
  if (context.globals.wants_field_names()) {
    auto printed = context.output.field_names(columns(), member_names(text_of(row_json({}))));
    if (!printed) return tl::unexpected(printed.error());
    return Exit::done;
  }
  const auto tolerance = parse_tolerance(words.tolerance.value_or("1%"));
  if (!tolerance) return tl::unexpected(tolerance.error());
  const auto files = read_files(words.files);
  if (!files) return tl::unexpected(files.error());
  const auto books = read_books(*files);
  if (!books) return tl::unexpected(books.error());
  const auto days = days_of(*books);
  if (days.empty())
    return fail(ErrorCode::invalid, "the books tell of no day", "ask the provider for a report of some days");
  const auto ours = fetch_days(context, *words.channel, days);
  if (!ours) return tl::unexpected(ours.error());
  note_days(context, *books, days);
  const auto comparison = compare(*books, *ours, *tolerance);
  auto printed = print(context, comparison, words, base::format_fixed(*tolerance, 4) + "%");
  if (!printed) return tl::unexpected(printed.error());
  return comparison.beyond == 0 ? Exit::done : Exit::said_no;
}

}  // namespace

void add_reconcile(Commands& commands) {
  auto words = std::make_shared<Words>();
  CLI::App& verb = commands.word(
      {"reconcile",
       "Hold a provider's own books against what requests cost here.",
       {"crctl reconcile costs.json usage.json --channel openai",
        "crctl reconcile - --channel claude --tolerance 0.5% < cost_report.json"},
       "The files are what the provider's API answers: OpenAI's organization costs and usage, Anthropic's cost and\n"
       "usage reports, OpenRouter's activity; several pages in one file or in several. By UTC day and model: theirs,\n"
       "ours (the provider's cost, whatever was posted), the difference, and what explains it. Exits with 0 where "
       "every\n"
       "row is within the tolerance, with 14 where one is beyond, with 2 where a file's shape is not known."},
      Effect::reads, [words](Context& context) { return run_reconcile(context, *words); });
  add_names(verb, "FILE", "FILE", "The provider's reports; - is stdin.", words->files);
  require(
      add_text(verb, "--channel", "CHANNEL", "The channel that the provider's bill is of (required).", words->channel));
  add_text(verb, "--tolerance", "PERCENT", "How far a row may be from ours (1%).", words->tolerance);
}

}  // namespace cr::crctl

// SPDX-License-Identifier: MIT
#include "crctl/reconciliation.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "crctl/model_match.h"
#include "crctl/values.h"

namespace cr::crctl {
namespace {

using base::Credits;
using base::TimeSpan;
using Of = BookLine::Of;
using Wide = __int128;

constexpr std::string_view k_all = "(all models)";
constexpr std::string_view k_tools = "(tools)";

base::Time day_of(base::Time time) {
  return std::chrono::floor<std::chrono::days>(time);
}

std::vector<TimeSpan> merged(std::vector<TimeSpan> spans) {
  std::sort(spans.begin(), spans.end());
  std::vector<TimeSpan> out;
  for (const auto& span : spans) {
    if (!out.empty() && span.start <= out.back().end) {
      out.back().end = std::max(out.back().end, span.end);
    } else {
      out.push_back(span);
    }
  }
  return out;
}

std::map<base::Time, std::vector<TimeSpan>> by_day(const std::vector<TimeSpan>& spans) {
  std::map<base::Time, std::vector<TimeSpan>> days;
  for (const auto& span : spans) days[day_of(span.start)].push_back(span);
  for (auto& [day, of_day] : days) of_day = merged(std::move(of_day));
  return days;
}

// --- the two sides of a day, by model ---
struct Theirs {
  std::optional<Credits> dollars;
  std::optional<TokenCounts> tokens;
  Credits elsewhere;
  std::int64_t lines = 0;
};
struct Side {
  std::map<std::string, Theirs> theirs;
  std::map<std::string, admin::CostRow> ours;
};

void add(std::optional<TokenCounts>& sum, const TokenCounts& tokens) {
  auto& counts = sum ? *sum : sum.emplace();
  counts.requests += tokens.requests;
  counts.input += tokens.input;
  counts.cached += tokens.cached;
  counts.output += tokens.output;
}

void add(Theirs& sum, const BookLine& line, const BookDay& day) {
  ++sum.lines;
  if (line.dollars && day.costs) sum.dollars = sum.dollars.value_or(Credits()) + *line.dollars;
  sum.elsewhere += line.elsewhere;
  if (line.tokens && day.usage) add(sum.tokens, *line.tokens);
}

void add(admin::CostRow& sum, const admin::CostRow& row) {
  for (const auto member : {&admin::CostRow::requests, &admin::CostRow::input_tokens, &admin::CostRow::cached_tokens,
                            &admin::CostRow::cache_write_tokens, &admin::CostRow::output_tokens}) {
    sum.*member += row.*member;
  }
  for (const auto member : {&admin::CostRow::cost, &admin::CostRow::fees, &admin::CostRow::posted,
                            &admin::CostRow::overrun, &admin::CostRow::refunded}) {
    sum.*member += row.*member;
  }
  for (const auto member : {&admin::CostRow::in_doubt, &admin::CostRow::unknown, &admin::CostRow::estimated,
                            &admin::CostRow::told, &admin::CostRow::unpriced, &admin::CostRow::own}) {
    (sum.*member).requests += (row.*member).requests;
    (sum.*member).cost += (row.*member).cost;
  }
}

template <class Sums>
std::set<std::string> names_of(const Sums& sums) {
  std::set<std::string> names;
  for (const auto& [name, sum] : sums) names.insert(name);
  return names;
}

ComparedRow row_of(const BookDay& day, const Side& side, ModelMatch match) {
  ComparedRow row;
  row.day = day.day;
  row.covered = covered_text(day);
  row.model = label_of(match);
  for (const auto& name : match.theirs) {
    const auto& sum = side.theirs.at(name);
    row.roundings += sum.lines;
    row.elsewhere += sum.elsewhere;
    if (sum.dollars) row.theirs = row.theirs.value_or(Credits()) + *sum.dollars;
    if (sum.tokens) add(row.their_tokens, *sum.tokens);
  }
  for (const auto& name : match.ours) add(row.sums, side.ours.at(name));
  row.ours = row.sums.cost;
  row.roundings += row.sums.requests;
  // What is told of the day, and not of this model, is nothing.
  if (day.costs && !row.theirs) row.theirs = Credits();
  if (!day.costs && day.usage && !row.their_tokens) row.their_tokens = TokenCounts{};
  row.their_names = std::move(match.theirs);
  row.our_names = std::move(match.ours);
  return row;
}

// --- what a row says ---
bool within(std::int64_t theirs, std::int64_t ours, std::int64_t slack, std::int64_t tolerance) {
  const Wide apart = theirs > ours ? Wide{theirs} - ours : Wide{ours} - theirs;
  return apart <= slack || apart * 1'000'000 <= Wide{tolerance} * (ours < 0 ? -Wide{ours} : Wide{ours});
}

bool tokens_agree(const ComparedRow& row, std::int64_t tolerance) {
  return within(row.their_tokens->input, row.sums.input_tokens, 0, tolerance) &&
         within(row.their_tokens->output, row.sums.output_tokens, 0, tolerance);
}

std::string compared_tokens(const ComparedRow& row) {
  return fmt::format("theirs {} requests, {} input and {} output tokens; ours {}, {} and {}",
                     grouped(row.their_tokens->requests), grouped(row.their_tokens->input),
                     grouped(row.their_tokens->output), grouped(row.sums.requests), grouped(row.sums.input_tokens),
                     grouped(row.sums.output_tokens));
}

void explain_sums(ComparedRow& row) {
  const auto& sums = row.sums;
  const auto say = [&](const admin::CostPart& part, std::string_view what) {
    if (part.requests == 0) return;
    row.explained.push_back(fmt::format("{} of {} {}: {}", money_text(part.cost, 9), grouped(part.requests),
                                        part.requests == 1 ? "request" : "requests", what));
  };
  say(sums.in_doubt, "in doubt after a crash, charged as what can have been made");
  say(sums.unknown, "unknown, never answered to the end");
  say(sums.estimated, "estimated, no usage was told");
  say(sums.told, "as the provider told it (told_cost)");
  say(sums.unpriced, "a part of the usage has no price here");
  say(sums.own, "crd's own, to see how the channel does");
  if (sums.overrun != Credits()) row.explained.push_back(money_text(sums.overrun, 9) + " above reservations (overrun)");
  if (sums.refunded != Credits())
    row.explained.push_back(money_text(sums.refunded, 9) + " refunded here, which is no credit of the provider's");
  if (row.elsewhere != Credits())
    row.explained.push_back(money_text(row.elsewhere, 9) + " billed elsewhere, by one's own keys");
}

void judge(ComparedRow& row, std::int64_t tolerance) {
  row.within = row.theirs         ? within(row.theirs->nano(), row.ours.nano(), row.roundings, tolerance)
               : row.their_tokens ? tokens_agree(row, tolerance)
                                  : true;
  const bool theirs_alone = row.our_names.empty() && row.sums.requests == 0;
  if (!row.within && theirs_alone) row.explained.push_back("not through crd: no request of this channel");
  if (!row.within && row.their_names.empty() && row.model != k_tools)
    row.explained.push_back("not in the provider's report");
  if (row.their_tokens && !row.within && !theirs_alone) {
    const bool agree = tokens_agree(row, tolerance);
    row.explained.push_back(agree && row.theirs ? "the tokens agree: it is the price" : compared_tokens(row));
  }
  explain_sums(row);
}

// Fees stand in lines of their own where the provider tells costs by model: they go out of the models' costs.
Side side_of(const BookDay& day, const ProviderBooks& books, const std::vector<admin::CostRow>& ours, bool whole) {
  Side side;
  admin::CostRow tools;
  const bool by_lines = day.costs && !whole && books.provider != "OpenRouter";
  for (const auto& line : books.lines) {
    if (day_of(line.span.start) != day.day || (line.dollars && !day.costs) || (!line.dollars && !day.usage)) continue;
    if (!whole && line.of == Of::all) continue;
    add(side.theirs[whole                 ? std::string(k_all)
                    : line.of == Of::tool ? std::string(k_tools)
                                          : plain_name(line.name)],
        line, day);
  }
  for (auto row : ours) {
    if (by_lines && row.fees != Credits()) {
      tools.cost += row.fees;
      tools.requests += row.requests;
      row.cost -= row.fees;
    }
    add(side.ours[whole ? std::string(k_all) : plain_name(row.model)], row);
  }
  if (tools.cost != Credits()) side.ours[std::string(k_tools)] = tools;
  return side;
}

// Of a day whose costs are told, they decide; usage that is not told by model says nothing of one then.
bool is_told_whole(const BookDay& day, const ProviderBooks& books) {
  return std::ranges::any_of(books.lines, [&](const BookLine& line) {
    return line.of == Of::all && day_of(line.span.start) == day.day && line.dollars.has_value() == day.costs;
  });
}

}  // namespace

std::vector<BookDay> days_of(const ProviderBooks& books) {
  const auto costs = by_day(books.cost_spans);
  const auto usage = by_day(books.usage_spans);
  std::vector<BookDay> days;
  for (const auto& [day, spans] : costs) {
    const auto same = usage.find(day);
    const bool both = books.provider == "OpenRouter" || (same != usage.end() && same->second == spans);
    days.push_back({day, spans, true, both});
  }
  for (const auto& [day, spans] : usage) {
    if (!costs.contains(day)) days.push_back({day, spans, false, true});
  }
  std::ranges::sort(days, {}, &BookDay::day);
  return days;
}

std::string covered_text(const BookDay& day) {
  if (day.spans.size() == 1 && day.spans.front() == base::Zone().period_of(base::Period::day, day.day)) return {};
  std::string text;
  for (const auto& span : day.spans) {
    const auto clock = [&](base::Time time) {
      const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(time - day.day).count();
      return fmt::format("{:02}:{:02}", minutes / 60, minutes % 60);
    };
    text += (text.empty() ? "" : ", ") + clock(span.start) + "-" + clock(span.end);
  }
  return text;
}

std::optional<std::int64_t> difference_of(const ComparedRow& row) {
  const bool tokens = !row.theirs && row.their_tokens;
  const Wide ours = tokens ? row.sums.input_tokens + row.sums.output_tokens : row.ours.nano();
  if (ours == 0 || (!row.theirs && !tokens)) return std::nullopt;
  const Wide theirs = tokens ? row.their_tokens->input + row.their_tokens->output : row.theirs->nano();
  const Wide apart = (theirs - ours) * 10'000;
  const Wide half = (apart < 0) == (ours < 0) ? ours / 2 : -(ours / 2);
  const Wide share = (apart + half) / ours;
  constexpr Wide k_most = std::numeric_limits<std::int64_t>::max();
  return static_cast<std::int64_t>(std::clamp(share, -k_most, k_most));
}

Comparison compare(const ProviderBooks& books, const OurDays& ours, std::int64_t tolerance) {
  Comparison comparison;
  comparison.total.model = "TOTAL";
  for (const auto& day : days_of(books)) {
    const auto found = ours.find(day.day);
    const auto side = side_of(day, books, found == ours.end() ? std::vector<admin::CostRow>() : found->second,
                              is_told_whole(day, books));
    for (auto& match : match_models(names_of(side.theirs), names_of(side.ours))) {
      auto row = row_of(day, side, std::move(match));
      judge(row, tolerance);
      comparison.beyond += row.within ? 0 : 1;
      auto& total = comparison.total;
      if (row.theirs) {
        total.theirs = total.theirs.value_or(Credits()) + *row.theirs;
        total.ours += row.ours;
      }
      add(total.sums, row.sums);
      comparison.rows.push_back(std::move(row));
    }
  }
  std::ranges::stable_sort(comparison.rows, {}, [](const ComparedRow& row) { return std::pair(row.day, row.model); });
  return comparison;
}

}  // namespace cr::crctl

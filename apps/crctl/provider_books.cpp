// SPDX-License-Identifier: MIT
#include "crctl/provider_books.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>

#include "base/text.h"
#include "crctl/json_text.h"
#include "crctl/report_object.h"

namespace cr::crctl {
namespace {

using base::ErrorCode;
using base::Result;
using Json = nlohmann::json;
using Of = BookLine::Of;

constexpr std::size_t k_lines_max = 1'000'000;
// Of results that tell of no model tokens: recognised, and nothing is made of them.
constexpr std::array<std::string_view, 4> k_by_other_units = {
    "organization.usage.vector_stores.result", "organization.usage.code_interpreter_sessions.result",
    "organization.usage.file_searches.result", "organization.usage.web_searches.result"};
constexpr std::array<std::string_view, 6> k_by_tokens = {
    "organization.usage.completions.result",    "organization.usage.embeddings.result",
    "organization.usage.moderations.result",    "organization.usage.images.result",
    "organization.usage.audio_speeches.result", "organization.usage.audio_transcriptions.result"};

template <class Names>
bool is_one_of(const Names& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

bool is_within_a_day(const base::TimeSpan& span) {
  return base::Zone().period_of(base::Period::day, span.start).end >= span.end;
}

class Reader {
 public:
  Result<void> add_file(const BookFile& file) {
    const ReportPlace place(file.name);
    auto pages = split(file.text, place);
    if (!pages) return tl::unexpected(pages.error());
    for (std::size_t i = 0; i < pages->size(); ++i) {
      auto done = add_page((*pages)[i], pages->size() == 1 ? place : place.at(i));
      if (!done) return done;
    }
    if (goes_on_)
      books_.notes.push_back(base::escape_for_terminal(file.name) +
                             ": the report goes on (has_more): its next page is not in this file");
    goes_on_ = false;
    return {};
  }
  ProviderBooks take() {
    // A page without a result may be of costs or of usage.
    for (const auto& span : unknown_spans_) {
      if (!books_.cost_spans.empty() || books_.usage_spans.empty()) books_.cost_spans.push_back(span);
      if (!books_.usage_spans.empty()) books_.usage_spans.push_back(span);
    }
    return std::move(books_);
  }

 private:
  static Result<std::vector<Json>> split(std::string_view text, const ReportPlace& place) {
    if (is_too_deep(text)) return place.refuse("nested deeper than 16 levels");
    std::vector<Json> pages;
    for (const auto piece : json_values(text)) {
      auto value = Json::parse(piece, nullptr, false);
      if (value.is_discarded()) return place.refuse("it is not JSON");
      if (!value.is_array()) {
        pages.push_back(std::move(value));
        continue;
      }
      for (auto& item : value) pages.push_back(std::move(item));
    }
    if (pages.empty()) return place.refuse("it is empty");
    return pages;
  }

  Result<void> add_page(const Json& json, const ReportPlace& place) {
    const ReportObject page(json, place);
    if (page.find("error") != nullptr) return place.refuse("it is an error that the provider answered, and no report");
    const auto* data = page.find("data");
    if (data == nullptr || !data->is_array()) return place.refuse("its shape is not known");
    const auto* more = page.find("has_more");
    if (more != nullptr && !more->is_boolean()) return place.in("has_more").refuse("expected true or false");
    goes_on_ = more != nullptr && more->get<bool>();
    if (!data->empty()) {
      const ReportObject first(data->front(), place);
      const auto* provider = first.has("start_time") && first.has("results")    ? "OpenAI"
                             : first.has("starting_at") && first.has("results") ? "Anthropic"
                             : first.has("date") && first.has("model")          ? "OpenRouter"
                                                                                : nullptr;
      if (provider == nullptr) return place.in("data").at(0).refuse("its shape is not known");
      if (!books_.provider.empty() && books_.provider != provider) {
        return place.refuse(fmt::format("it is {}'s, and what was read before it {}'s", provider, books_.provider),
                            "one channel has one provider: give the files of each by themselves");
      }
      books_.provider = provider;
    }
    if (books_.provider == "OpenRouter") return add_activity(*data, place);
    for (std::size_t i = 0; i < data->size(); ++i) {
      const ReportObject bucket((*data)[i], place.in("data").at(i));
      auto done = add_bucket(bucket);
      if (!done) return done;
    }
    return {};
  }

  // --- OpenAI and Anthropic: buckets of results ---
  Result<void> add_bucket(const ReportObject& bucket) {
    const bool openai = books_.provider == "OpenAI";
    auto span = openai ? unix_span(bucket) : text_span(bucket);
    if (!span) return tl::unexpected(span.error());
    if (span->end <= span->start) return bucket.place().refuse("it ends before it begins");
    if (!is_within_a_day(*span))
      return bucket.place().refuse("it is of more than one UTC day", "ask for the report with bucket_width=1d");
    const auto results = bucket.list("results");
    if (!results) return tl::unexpected(results.error());
    if ((*results)->empty()) unknown_spans_.push_back(*span);
    for (std::size_t i = 0; i < (*results)->size(); ++i) {
      const ReportObject result((**results)[i], bucket.place().in("results").at(i));
      if (!(**results)[i].is_object()) return result.place().refuse("expected an object");
      if (auto once = check_once(*span, (**results)[i], result.place()); !once) return once;
      auto done = openai ? add_openai(result, *span) : add_anthropic(result, *span);
      if (!done) return done;
    }
    return {};
  }

  static Result<base::TimeSpan> unix_span(const ReportObject& bucket) {
    const auto from = bucket.count("start_time"), to = bucket.count("end_time");
    if (!from) return tl::unexpected(from.error());
    if (!to) return tl::unexpected(to.error());
    constexpr std::int64_t k_seconds_max = 253'402'300'800;  // the year 10000
    if (std::max(*from, *to) > k_seconds_max) return bucket.place().refuse("its times are not seconds since 1970");
    return base::TimeSpan{base::from_unix_ms(*from * 1000), base::from_unix_ms(*to * 1000)};
  }

  static Result<base::TimeSpan> text_span(const ReportObject& bucket) {
    base::TimeSpan span;
    for (const auto& [name, time] : {std::pair{"starting_at", &span.start}, std::pair{"ending_at", &span.end}}) {
      const auto text = bucket.text(name);
      if (!text) return tl::unexpected(text.error());
      const auto parsed = base::parse_time(*text);
      if (!parsed) return bucket.place().in(name).refuse("expected a time as in RFC 3339");
      *time = *parsed;
    }
    return span;
  }

  // A page that was given twice would be counted twice.
  Result<void> check_once(const base::TimeSpan& span, const Json& result, const ReportPlace& place) {
    auto key = fmt::format("{} {} {}", base::to_unix_ms(span.start), base::to_unix_ms(span.end), result.dump());
    if (seen_.insert(std::move(key)).second) return {};
    return place.refuse("the same result of the same time is there twice", "give each page once");
  }

  Result<void> add_openai(const ReportObject& result, const base::TimeSpan& span) {
    const auto kind = result.text("object");
    if (!kind) return tl::unexpected(kind.error());
    if (*kind == "organization.costs.result") return add_openai_cost(result, span);
    if (is_one_of(k_by_tokens, *kind)) return add_openai_usage(result, span);
    if (is_one_of(k_by_other_units, *kind)) return {};
    return result.place().in("object").refuse("'" + base::escape_for_terminal(*kind) + "' is no result that is known");
  }

  Result<void> add_openai_cost(const ReportObject& result, const base::TimeSpan& span) {
    BookLine line{span, Of::all, {}, base::Credits(), {}, {}};
    if (const auto* amount = result.find("amount")) {
      const ReportObject money(*amount, result.place().in("amount"));
      if (!amount->is_object()) return money.place().refuse("expected an object with value and currency");
      if (auto dollars = money.check_currency("currency"); !dollars) return dollars;
      const auto value = money.amount("value", 0);
      if (!value) return tl::unexpected(value.error());
      line.dollars = *value;
    }
    const auto item = result.text("line_item");
    if (!item) return tl::unexpected(item.error());
    if (!item->empty()) {
      auto parsed = parse_line_item(*item);
      line.of = parsed.tool ? Of::tool : Of::model;
      line.name = std::move(parsed.name);
    }
    return add(std::move(line), result.place());
  }

  Result<void> add_openai_usage(const ReportObject& result, const base::TimeSpan& span) {
    TokenCounts tokens;
    auto counted = read_counts(result, {{"num_model_requests", &tokens.requests},
                                        {"input_tokens", &tokens.input},
                                        {"input_cached_tokens", &tokens.cached},
                                        {"output_tokens", &tokens.output}});
    if (!counted) return counted;
    return add_of_model(result, {span, Of::all, {}, {}, tokens, {}});
  }

  Result<void> add_anthropic(const ReportObject& result, const base::TimeSpan& span) {
    if (result.has("amount")) return add_anthropic_cost(result, span);
    if (result.has("uncached_input_tokens")) return add_anthropic_usage(result, span);
    return result.place().refuse("it has neither amount nor uncached_input_tokens");
  }

  Result<void> add_anthropic_cost(const ReportObject& result, const base::TimeSpan& span) {
    constexpr int k_cents = 2;
    if (auto dollars = result.check_currency("currency"); !dollars) return dollars;
    const auto* amount = result.find("amount");
    if (amount != nullptr && !amount->is_string()) return result.place().in("amount").refuse("expected text, in cents");
    const auto cents = result.amount("amount", k_cents);
    if (!cents) return tl::unexpected(cents.error());
    const auto type = result.text("cost_type");
    if (!type) return tl::unexpected(type.error());
    BookLine line{span, Of::all, {}, *cents, {}, {}};
    if (!type->empty() && *type != "tokens") {
      line.of = Of::tool;
      line.name = *type;
      return add(std::move(line), result.place());
    }
    return add_of_model(result, std::move(line));
  }

  Result<void> add_anthropic_usage(const ReportObject& result, const base::TimeSpan& span) {
    TokenCounts tokens;
    std::int64_t uncached = 0, hour = 0, minutes = 0, searches = 0;
    auto counted = read_counts(result, {{"uncached_input_tokens", &uncached},
                                        {"cache_read_input_tokens", &tokens.cached},
                                        {"output_tokens", &tokens.output}});
    if (counted)
      counted = read_counts_in(result, "cache_creation",
                               {{"ephemeral_1h_input_tokens", &hour}, {"ephemeral_5m_input_tokens", &minutes}});
    if (counted) counted = read_counts_in(result, "server_tool_use", {{"web_search_requests", &searches}});
    if (!counted) return counted;
    tokens.input = uncached + tokens.cached + hour + minutes;
    return add_of_model(result, {span, Of::all, {}, {}, tokens, {}});
  }

  // --- OpenRouter: rows of a day ---
  Result<void> add_activity(const Json& data, const ReportPlace& place) {
    std::optional<base::TimeSpan> all;
    for (std::size_t i = 0; i < data.size(); ++i) {
      const ReportObject row(data[i], place.in("data").at(i));
      auto span = day_span(row);
      if (!span) return tl::unexpected(span.error());
      if (auto once = check_once(*span, data[i], row.place()); !once) return once;
      TokenCounts tokens;
      auto counted = read_counts(
          row,
          {{"requests", &tokens.requests}, {"prompt_tokens", &tokens.input}, {"completion_tokens", &tokens.output}});
      if (!counted) return counted;
      if (row.find("usage") == nullptr) return row.place().in("usage").refuse("it is missing");
      const auto usage = row.amount("usage", 0), elsewhere = row.amount("byok_usage_inference", 0);
      if (!usage) return tl::unexpected(usage.error());
      if (!elsewhere) return tl::unexpected(elsewhere.error());
      auto done = add_of_model(row, {*span, Of::all, {}, *usage, tokens, *elsewhere});
      if (!done) return done;
      all = all ? base::TimeSpan{std::min(all->start, span->start), std::max(all->end, span->end)} : *span;
    }
    // A day between two of them without a row had no activity.
    for (; all && all->start < all->end; all->start += std::chrono::hours(24))
      books_.cost_spans.push_back({all->start, all->start + std::chrono::hours(24)});
    return {};
  }

  static Result<base::TimeSpan> day_span(const ReportObject& row) {
    constexpr std::size_t k_date = 10;
    const auto text = row.text("date");
    if (!text) return tl::unexpected(text.error());
    const std::string_view rest = std::string_view(*text).substr(std::min(k_date, text->size()));
    const auto day = base::parse_time(text->substr(0, k_date));
    const bool midnight = rest.empty() || rest == " 00:00:00" || rest.starts_with("T00:00:00");
    if (!day || !midnight) return row.place().in("date").refuse("expected a date as in 2026-01-31");
    return base::TimeSpan{*day, *day + std::chrono::hours(24)};
  }

  // --- what they share ---
  struct Counted {
    const char* name;
    std::int64_t* count;
  };
  static Result<void> read_counts(const ReportObject& object, std::initializer_list<Counted> all) {
    for (const auto& [name, target] : all) {
      const auto count = object.count(name);
      if (!count) return tl::unexpected(count.error());
      *target = *count;
    }
    return {};
  }
  static Result<void> read_counts_in(const ReportObject& object, const char* name, std::initializer_list<Counted> all) {
    const auto* inner = object.find(name);
    if (inner == nullptr) return {};
    if (!inner->is_object()) return object.place().in(name).refuse("expected an object");
    return read_counts(ReportObject(*inner, object.place().in(name)), all);
  }

  Result<void> add_of_model(const ReportObject& object, BookLine line) {
    auto model = object.text("model");
    if (!model) return tl::unexpected(model.error());
    if (!model->empty()) line.of = Of::model;
    line.name = std::move(*model);
    return add(std::move(line), object.place());
  }

  Result<void> add(BookLine line, const ReportPlace& place) {
    if (books_.lines.size() >= k_lines_max) return place.refuse("more than a million results", "give fewer days");
    if (books_.provider != "OpenRouter") (line.dollars ? books_.cost_spans : books_.usage_spans).push_back(line.span);
    books_.lines.push_back(std::move(line));
    return {};
  }

  ProviderBooks books_;
  std::vector<base::TimeSpan> unknown_spans_;
  std::set<std::string> seen_;
  bool goes_on_ = false;
};

}  // namespace

LineItem parse_line_item(std::string_view text) {
  const auto comma = text.find(',');
  auto name = text.substr(0, comma);
  // "gpt-image-1 text, input": the kind of token stands behind the model.
  const bool of_surface = name.find('|') != std::string_view::npos;
  if (comma != std::string_view::npos && !of_surface) {
    for (const std::string_view kind : {" audio", " text", " image", " video"}) {
      if (name.ends_with(kind)) name.remove_suffix(kind.size());
    }
  }
  while (name.ends_with(' ')) name.remove_suffix(1);
  while (name.starts_with(' ')) name.remove_prefix(1);
  const bool tool = comma == std::string_view::npos && name.find(' ') != std::string_view::npos;
  return {std::string(name), tool};
}

Result<ProviderBooks> read_books(std::span<const BookFile> files) {
  Reader reader;
  for (const auto& file : files) {
    if (auto done = reader.add_file(file); !done) return tl::unexpected(done.error());
  }
  return reader.take();
}

}  // namespace cr::crctl

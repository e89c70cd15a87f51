// SPDX-License-Identifier: MIT
// What is read of each shape of a provider's books; books/ has one file of each, as the vendors' pages show them.
#include "crctl/provider_books.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.h"
#include "crctl/report_object.h"
#include "unit/crctl/books.h"

namespace cr::crctl {
namespace {

using base::Credits;
using testing::HasSubstr;
using Of = BookLine::Of;

std::vector<std::string> told(const ProviderBooks& books) {
  std::vector<std::string> lines;
  for (const auto& line : books.lines) {
    auto text = base::format_rfc3339(line.span.start).substr(0, 13) + " " + line.name;
    if (line.of == Of::tool) text += " (tool)";
    if (line.dollars) text += " $" + line.dollars->to_decimal();
    if (line.tokens)
      text += " " + std::to_string(line.tokens->requests) + " " + std::to_string(line.tokens->input) + " " +
              std::to_string(line.tokens->cached) + " " + std::to_string(line.tokens->output);
    lines.push_back(text);
  }
  return lines;
}

TEST(ProviderBooks, reads_openais_costs_of_two_pages) {
  const auto books = books_of({"openai_costs.json"});
  EXPECT_THAT(told(books), testing::ElementsAre(
                               "2026-11-02T00 gpt-4o-mini-2024-07-18 $0.6", "2026-11-02T00 gpt-4o-mini-2024-07-18 $0",
                               "2026-11-02T00 gpt-4o-mini-2024-07-18 $0.4", "2026-11-02T00 gpt-image-1 $2.5",
                               "2026-11-02T00 gpt-image-1 $1.5", "2026-11-02T00 web search tool calls (tool) $0.03",
                               "2026-11-02T00 evals | gpt-4o-mini-2024-07-18 $0.125",
                               "2026-11-03T00 text-embedding-3-small $0.000005"));
  EXPECT_EQ(books.provider, "OpenAI");
  EXPECT_TRUE(books.notes.empty()) << "the page that was announced is there";
  EXPECT_EQ(books.cost_spans.back().start, *base::parse_time("2026-11-04")) << "a day without results is told of";
  EXPECT_TRUE(books.usage_spans.empty());
}

TEST(ProviderBooks, reads_openais_usage) {
  EXPECT_THAT(
      told(books_of({"openai_usage.json"})),
      testing::ElementsAre("2026-11-02T00 gpt-4o-mini-2024-07-18 10 4000000 1000 666666",
                           "2026-11-02T00 gpt-image-1 2 0 0 0", "2026-11-03T00 text-embedding-3-small 1 250 0 0"));
}

TEST(ProviderBooks, reads_anthropics_costs_in_cents_and_its_usage) {
  EXPECT_THAT(
      told(books_of({"anthropic_costs.json", "anthropic_usage.json"})),
      testing::ElementsAre(
          "2026-11-02T00 claude-sonnet-4-20250514 $1.2378912", "2026-11-02T00 claude-sonnet-4-20250514 $0.7621088",
          "2026-11-02T00 claude-haiku-4-5-20251001 $0.035", "2026-11-02T00 web_search (tool) $0.02",
          "2026-11-02T00 claude-sonnet-4-20250514 0 3200 200 500", "2026-11-02T12 claude-sonnet-4-20250514 0 10 0 5"));
}

TEST(ProviderBooks, reads_openrouters_activity) {
  const auto books = books_of({"openrouter_activity.json"});
  EXPECT_THAT(told(books), testing::ElementsAre("2026-11-02T00 openai/gpt-4.1 $0.015 5 50 0 125",
                                                "2026-11-02T00 openai/gpt-4.1 $0.005 1 10 0 25",
                                                "2026-11-04T00 z-ai/glm-5 $1 3 100 0 10"));
  EXPECT_EQ(books.lines[0].elsewhere, *Credits::parse("0.012"));
  EXPECT_EQ(books.cost_spans.size(), 3U) << "the day without a row, too";
}

TEST(ProviderBooks, reads_an_array_of_pages_and_pages_one_after_the_other) {
  const auto page = [](int day) {
    return R"({"object":"page","data":[{"object":"bucket","start_time":)" + std::to_string(day * 86400) +
           R"(,"end_time":)" + std::to_string((day + 1) * 86400) +
           R"(,"results":[{"object":"organization.costs.result","amount":{"value":1,"currency":"usd"}}]}],)"
           R"("has_more":true,"next_page":"p"})";
  };
  for (const auto& text : {"[" + page(1) + "," + page(2) + "]", page(1) + page(2), page(1) + "\n" + page(2) + "\n"}) {
    const auto books = read_books(std::vector<BookFile>{{"f", text}});
    ASSERT_TRUE(books) << books.error().message;
    EXPECT_EQ(books->lines.size(), 2U);
    EXPECT_EQ(books->lines[0].of, Of::all) << "no line item: of all models";
    ASSERT_EQ(books->notes.size(), 1U);
    EXPECT_THAT(books->notes[0], HasSubstr("its next page"));
  }
}

// A page of one OpenAI cost result, and of one Anthropic cost.
std::string openai(const std::string& result) {
  return R"({"object":"page","data":[{"start_time":86400,"end_time":172800,"results":[)" + result + "]}]}";
}
std::string anthropic(const std::string& result) {
  return R"({"data":[{"starting_at":"2026-01-01T00:00:00Z","ending_at":"2026-01-02T00:00:00Z","results":[)" + result +
         "]}]}";
}

TEST(ProviderBooks, what_is_wrong_is_said_with_its_place) {
  const std::string cost = R"("object":"organization.costs.result")";
  struct {
    std::string text, message, hint;
  } const rows[] = {
      {"", "f: it is empty", "OpenRouter"},
      {"hello", "f: it is not JSON", "OpenAI's /v1/organization/costs"},
      {R"({"data":[)", "f: it is not JSON", "known are"},
      {std::string(17, '['), "f: nested deeper than 16 levels", "known are"},
      {"5", "f: its shape is not known", "known are"},
      {R"({"error":{"message":"no"}})", "f: it is an error that the provider answered", "known are"},
      {R"({"data":[{"id":"x"}]})", "f: data[0]: its shape is not known", "Anthropic's"},
      {R"([{"data":[]},{"data":7}])", "f: [1]: its shape is not known", "known are"},
      {openai("3"), "f: data[0].results[0]: expected an object", "known are"},
      {openai(R"({"object":"organization.usage.dreams.result"})"),
       "f: data[0].results[0].object: 'organization.usage.dreams.result' is no result that is known", "known are"},
      {openai("{" + cost + R"(,"amount":4})"), "f: data[0].results[0].amount: expected an object", "known are"},
      {openai("{" + cost + R"(,"amount":{"value":"x"}})"),
       "f: data[0].results[0].amount.value: expected an amount of money", "known are"},
      {openai("{" + cost + R"(,"amount":{"value":1,"currency":"eur"}})"),
       "f: data[0].results[0].amount.currency: 'eur': only US dollars can be compared", "US dollars"},
      {openai("{" + cost + R"(,"line_item":4})"), "f: data[0].results[0].line_item: expected text", "known are"},
      {openai(R"({"object":"organization.usage.completions.result","input_tokens":1.5})"),
       "f: data[0].results[0].input_tokens: expected a whole number, 0 or more", "known are"},
      {openai(R"({"object":"organization.usage.completions.result","input_tokens":-1})"), "0 or more", "known are"},
      {openai("{" + cost + "},{" + cost + "}"),
       "f: data[0].results[1]: the same result of the same time is there twice", "each page once"},
      {R"({"object":"page","has_more":1,"data":[]})", "f: has_more: expected true or false", "known are"},
      {R"({"data":[{"start_time":172800,"end_time":86400,"results":[]}]})", "f: data[0]: it ends before it begins",
       "known are"},
      {R"({"data":[{"start_time":0,"end_time":172800,"results":[]}]})", "f: data[0]: it is of more than one UTC day",
       "bucket_width=1d"},
      {R"({"data":[{"start_time":0,"end_time":86400,"results":{}}]})", "f: data[0].results: expected a list",
       "known are"},
      {anthropic(R"({"amount":5})"), "f: data[0].results[0].amount: expected text, in cents", "known are"},
      {anthropic(R"({"amount":"5","currency":"EUR"})"), "only US dollars", "US dollars"},
      {anthropic(R"({"tokens":5})"), "it has neither amount nor uncached_input_tokens", "known are"},
      {anthropic(R"({"uncached_input_tokens":1,"cache_creation":3})"),
       "f: data[0].results[0].cache_creation: expected an object", "known are"},
      {R"({"data":[{"starting_at":"soon","ending_at":"2026-01-02T00:00:00Z","results":[]}]})",
       "f: data[0].starting_at: expected a time as in RFC 3339", "known are"},
      {R"({"data":[{"date":"2.11.2026","model":"m","usage":1}]})", "f: data[0].date: expected a date", "known are"},
      {R"({"data":[{"date":"2026-11-02","model":"m"}]})", "f: data[0].usage: it is missing", "known are"},
      {R"({"data":[{"date":"2026-11-02","model":"m","usage":"dear"}]})", "f: data[0].usage: expected an amount",
       "known are"},
  };
  for (const auto& row : rows) {
    const auto books = read_books(std::vector<BookFile>{{"f", row.text}});
    ASSERT_FALSE(books) << row.text;
    EXPECT_EQ(books.error().code, base::ErrorCode::invalid);
    EXPECT_THAT(books.error().message, HasSubstr(row.message)) << row.text;
    EXPECT_THAT(books.error().hint, HasSubstr(row.hint)) << row.text;
  }
  const auto both =
      read_books(std::vector<BookFile>{{"a", openai("{" + cost + "}")}, {"b", anthropic(R"({"amount":"1"})")}});
  ASSERT_FALSE(both);
  EXPECT_THAT(both.error().message, HasSubstr("b: it is Anthropic's, and what was read before it OpenAI's"));
}

TEST(ProviderBooks, line_items_name_a_model_or_a_tool) {
  struct {
    const char *text, *name;
    bool tool;
  } const rows[] = {
      {"gpt-4o-mini-2024-07-18, cached input", "gpt-4o-mini-2024-07-18", false},
      {"gpt-audio-mini-2025-12-15 audio, input", "gpt-audio-mini-2025-12-15", false},
      {"ft-gpt-4o-2024-08-06, output", "ft-gpt-4o-2024-08-06", false},
      {"gpt-4o", "gpt-4o", false},
      {"web search tool calls", "web search tool calls", true},
      {"evals | gpt-4o-mini-2024-07-18, input", "evals | gpt-4o-mini-2024-07-18", false},
      {"assistants api | file search", "assistants api | file search", true},
      {"Dall-e 3, standard, 1024x1792", "Dall-e 3", false},
  };
  for (const auto& row : rows) {
    const auto item = parse_line_item(row.text);
    EXPECT_EQ(item.name, row.name) << row.text;
    EXPECT_EQ(item.tool, row.tool) << row.text;
  }
}

TEST(ProviderBooks, amounts_are_read_to_the_nano_dollar) {
  struct {
    const char* text;
    int scale;
    std::int64_t nano;
  } const rows[] = {{"1", 0, 1'000'000'000},   {"0.0000000001", 0, 1},       {"0E-6176", 0, 0},  {"1e-6", 0, 1000},
                    {"-0.5", 0, -500'000'000}, {"123.45", 2, 1'234'500'000}, {"0.00001", 2, 100}};
  for (const auto& row : rows) EXPECT_EQ(parse_amount(row.text, row.scale)->nano(), row.nano) << row.text;
  for (const auto* text : {"", "x", "1,5", "--1", "$1", "1e30"}) EXPECT_FALSE(parse_amount(text, 0)) << text;
}

}  // namespace
}  // namespace cr::crctl

// SPDX-License-Identifier: MIT
// A provider's books held against rows as the daemon sums them.
#include "crctl/reconciliation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.h"
#include "crctl/model_match.h"
#include "unit/crctl/books.h"

namespace cr::crctl {
namespace {

using base::Credits;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::int64_t k_one_percent = 10'000;

base::Time day(int number) {
  return *base::parse_time("2026-11-0" + std::to_string(number));
}

admin::CostRow ours(const std::string& model, const std::string& cost, std::int64_t input = 0,
                    std::int64_t output = 0) {
  admin::CostRow row;
  row.model = model;
  row.requests = 1;
  row.cost = *Credits::parse(cost);
  row.input_tokens = input;
  row.output_tokens = output;
  return row;
}

std::vector<std::string> told(const Comparison& comparison) {
  std::vector<std::string> rows;
  for (const auto& row : comparison.rows) {
    const auto percent = difference_of(row);
    rows.push_back(base::format_rfc3339(row.day).substr(8, 2) + " " + row.model + " " +
                   (row.theirs ? row.theirs->to_decimal() : "-") + " " + row.ours.to_decimal() + " " +
                   (percent ? std::to_string(*percent) : "-") + (row.within ? "" : " beyond"));
  }
  return rows;
}

const ComparedRow& row_of(const Comparison& comparison, const std::string& model) {
  static const ComparedRow k_none;
  for (const auto& row : comparison.rows) {
    if (row.model == model) return row;
  }
  ADD_FAILURE() << "no row of " << model;
  return k_none;
}

OurDays openai_days(const std::string& mini) {
  auto searching = ours("gpt-image-1", "4.03");
  searching.fees = *Credits::parse("0.03");
  return {{day(2), {ours("gpt-4o-mini", mini, 4'000'000, 666'666), searching}},
          {day(3), {ours("text-embedding-3-small", "0.000005", 250)}}};
}

TEST(Reconciliation, a_planted_difference_of_two_per_cent_is_found_in_openais_books) {
  const auto books = books_of({"openai_costs.json", "openai_usage.json"});
  const auto alike = compare(books, openai_days("1"), k_one_percent);
  EXPECT_THAT(told(alike), ElementsAre("02 (tools) 0.03 0.03 0", "02 evals-|-gpt-4o-mini-2024-07-18 0.125 0 - beyond",
                                       "02 gpt-4o-mini-2024-07-18 1 1 0", "02 gpt-image-1 4 4 0",
                                       "03 text-embedding-3-small 0.000005 0.000005 0"));
  EXPECT_EQ(alike.beyond, 1U);
  EXPECT_THAT(row_of(alike, "evals-|-gpt-4o-mini-2024-07-18").explained, ElementsAre(HasSubstr("not through crd")));

  const auto apart = compare(books, openai_days("0.98"), k_one_percent);
  const auto& row = row_of(apart, "gpt-4o-mini-2024-07-18");
  EXPECT_FALSE(row.within);
  EXPECT_EQ(difference_of(row), 204);
  EXPECT_THAT(row.our_names, ElementsAre("gpt-4o-mini")) << "asked for without its date";
  EXPECT_THAT(row.explained, ElementsAre("the tokens agree: it is the price"));
  EXPECT_TRUE(compare(books, openai_days("0.98"), 3 * k_one_percent).rows[2].within);
}

TEST(Reconciliation, other_tokens_are_said) {
  auto days = openai_days("0.9");
  days[day(2)][0].input_tokens = 3'000'000;
  const auto compared = compare(books_of({"openai_costs.json", "openai_usage.json"}), days, k_one_percent);
  EXPECT_THAT(
      row_of(compared, "gpt-4o-mini-2024-07-18").explained,
      ElementsAre("theirs 10 requests, 4,000,000 input and 666,666 output tokens; ours 1, 3,000,000 and 666,666"));
}

TEST(Reconciliation, two_per_cent_in_anthropics_and_openrouters_books) {
  const auto anthropic = books_of({"anthropic_costs.json", "anthropic_usage.json"});
  auto sonnet = ours("claude-sonnet-4-0", "2.02", 3210, 505);
  sonnet.fees = *Credits::parse("0.02");
  const OurDays alike{{day(2), {sonnet, ours("claude-haiku-4-5", "0.035")}}};
  EXPECT_THAT(told(compare(anthropic, alike, k_one_percent)),
              ElementsAre("02 (tools) 0.02 0.02 0", "02 claude-haiku-4-5-20251001 0.035 0.035 0",
                          "02 claude-sonnet-4-20250514 2 2 0"));
  sonnet.cost = *Credits::parse("1.98");
  EXPECT_EQ(compare(anthropic, {{day(2), {sonnet, ours("claude-haiku-4-5", "0.035")}}}, k_one_percent).beyond, 1U);

  const auto activity = books_of({"openrouter_activity.json"});
  auto asked = ours("openai/gpt-4.1", "0.02", 60, 150);
  EXPECT_EQ(compare(activity, {{day(2), {asked}}, {day(4), {ours("z-ai/glm-5", "1")}}}, k_one_percent).beyond, 0U);
  const auto apart = compare(
      activity, {{day(2), {asked}}, {day(3), {ours("x", "1")}}, {day(4), {ours("z-ai/glm-5", "0.98")}}}, k_one_percent);
  EXPECT_THAT(told(apart), ElementsAre("02 openai/gpt-4.1 0.02 0.02 0", "03 x 0 1 -10000 beyond",
                                       "04 z-ai/glm-5 1 0.98 204 beyond"));
  EXPECT_THAT(row_of(apart, "x").explained, ElementsAre("not in the provider's report"));
  EXPECT_THAT(row_of(apart, "openai/gpt-4.1").explained, ElementsAre(HasSubstr("$0.012 billed elsewhere")));
}

TEST(Reconciliation, usage_alone_is_judged_by_its_tokens) {
  const auto books = books_of({"anthropic_usage.json"});
  EXPECT_EQ(compare(books, {{day(2), {ours("claude-sonnet-4-20250514", "5", 3210, 505)}}}, k_one_percent).beyond, 0U);
  const auto apart = compare(books, {{day(2), {ours("claude-sonnet-4-20250514", "5", 3210, 495)}}}, k_one_percent);
  EXPECT_EQ(apart.beyond, 1U);
  EXPECT_EQ(apart.rows[0].theirs, std::nullopt);
}

TEST(Reconciliation, what_may_be_the_reason_is_told) {
  auto row = ours("m", "1");
  row.requests = 9;
  row.in_doubt = {1, *Credits::parse("0.1")};
  row.unknown = {2, *Credits::parse("0.2")};
  row.estimated = {3, *Credits::parse("0.3")};
  row.told = {1, *Credits::parse("0.4")};
  row.unpriced = {1, Credits()};
  row.overrun = *Credits::parse("0.5");
  row.refunded = *Credits::parse("0.6");
  ProviderBooks books;
  books.provider = "OpenRouter";
  const base::TimeSpan part{day(2), day(2) + std::chrono::hours(13)};
  books.cost_spans = {part};
  books.lines = {{part, BookLine::Of::model, "m", Credits::parse("2").value(), {}, {}}};
  const auto compared = compare(books, {{day(2), {row}}}, k_one_percent);
  EXPECT_EQ(compared.rows[0].covered, "00:00-13:00");
  const auto all = testing::PrintToString(compared.rows[0].explained);
  for (const auto* reason :
       {"$0.10 of 1 request: in doubt", "$0.20 of 2 requests: unknown", "$0.30 of 3 requests: estimated",
        "$0.40 of 1 request: as the provider told", "a part of the usage has no price",
        "$0.50 above reservations (overrun)", "$0.60 refunded"})
    EXPECT_THAT(all, HasSubstr(reason));
}

TEST(Reconciliation, a_bill_without_models_is_held_against_all) {
  ProviderBooks books;
  books.provider = "OpenAI";
  const base::TimeSpan whole{day(2), day(3)};
  books.cost_spans = {whole};
  books.lines = {{whole, BookLine::Of::all, {}, Credits::parse("3").value(), {}, {}}};
  EXPECT_THAT(told(compare(books, {{day(2), {ours("a", "1"), ours("b", "2")}}}, k_one_percent)),
              ElementsAre("02 (all models) 3 3 0"));
  // Usage without models says nothing of one where the costs have them.
  books.usage_spans = {whole};
  books.lines = {{whole, BookLine::Of::model, "a", Credits::parse("1").value(), {}, {}},
                 {whole, BookLine::Of::model, "b", Credits::parse("2").value(), {}, {}},
                 {whole, BookLine::Of::all, {}, {}, TokenCounts{2, 9, 0, 9}, {}}};
  EXPECT_THAT(told(compare(books, {{day(2), {ours("a", "1"), ours("b", "2")}}}, k_one_percent)),
              ElementsAre("02 a 1 1 0", "02 b 2 2 0"));
}

TEST(Reconciliation, roundings_to_a_nano_dollar_are_no_difference) {
  ProviderBooks books;
  books.provider = "OpenAI";
  const base::TimeSpan whole{day(2), day(3)};
  books.cost_spans = {whole};
  books.lines = {{whole, BookLine::Of::model, "m", Credits::from_nano(10), {}, {}}};
  EXPECT_EQ(compare(books, {{day(2), {ours("m", "0.000000012")}}}, k_one_percent).beyond, 0U);
  EXPECT_EQ(compare(books, {{day(2), {ours("m", "0.000000013")}}}, k_one_percent).beyond, 1U);
}

TEST(ModelMatch, a_name_without_its_date_stands_for_any_version) {
  struct {
    std::set<std::string> theirs, ours;
    std::vector<std::string> expected;
  } const rows[] = {
      {{"gpt-4o-2024-08-06"}, {"gpt-4o"}, {"gpt-4o-2024-08-06=gpt-4o"}},
      {{"gpt-4o-2024-08-06", "gpt-4o-2024-05-13"}, {"gpt-4o"}, {"gpt-4o-2024-05-13+gpt-4o-2024-08-06=gpt-4o"}},
      {{"gpt-4o-2024-08-06", "gpt-4o-2024-05-13"},
       {"gpt-4o", "gpt-4o-2024-05-13"},
       {"gpt-4o-2024-05-13=gpt-4o-2024-05-13", "gpt-4o-2024-08-06=gpt-4o"}},
      {{"gpt-4o-2024-05-13"}, {"gpt-4o", "gpt-4o-2024-05-13"}, {"gpt-4o-2024-05-13=gpt-4o+gpt-4o-2024-05-13"}},
      {{"gpt-4o-2024-08-06"}, {"gpt-4o-2024-05-13"}, {"gpt-4o-2024-08-06=", "=gpt-4o-2024-05-13"}},
      {{"gpt-4o-mini"}, {"gpt-4o"}, {"=gpt-4o", "gpt-4o-mini="}},
  };
  for (const auto& row : rows) {
    std::vector<std::string> found;
    for (const auto& match : match_models(row.theirs, row.ours)) {
      std::string text;
      for (const auto& name : match.theirs) text += (text.empty() ? "" : "+") + name;
      text += "=";
      for (const auto& name : match.ours) text += (text.back() == '=' ? "" : "+") + name;
      found.push_back(text);
    }
    EXPECT_EQ(found, row.expected);
  }
  for (const auto* name : {"claude-sonnet-4-20250514", "claude-sonnet-4-0", "claude-sonnet-4@20250514"})
    EXPECT_EQ(family_of(name), "claude-sonnet-4") << name;
  EXPECT_EQ(family_of("gpt-4-0613"), "gpt-4");
  EXPECT_EQ(family_of("llama-3-8192"), "llama-3-8192") << "no day of a year";
  EXPECT_EQ(family_of("chatgpt-4o-latest"), "chatgpt-4o");
}

}  // namespace
}  // namespace cr::crctl

// SPDX-License-Identifier: MIT
// What a provider's own books say, read from the JSON that its API answers, recognised by its shape. Pure; any thread.
//
//   OpenAI      GET /v1/organization/costs and /v1/organization/usage/{completions,embeddings,...}: a page of buckets
//   of
//               results (platform.openai.com/docs/api-reference/usage; openai-python 3.57.0, types/admin/organization/
//               usage_costs_response.py). An amount is dollars, in practice also as text of many digits.
//   Anthropic   GET /v1/organizations/cost_report and /v1/organizations/usage_report/messages
//               (platform.claude.com/docs/en/api/admin/cost_report, .../usage_report). An amount is a decimal text of
//               cents.
//   OpenRouter  GET /api/v1/activity (openrouter.ai/docs/client-sdks/typescript/models/activityitem): a row a day,
//   model
//               and endpoint; dollars.
//
// A file has one page, an array of pages, or several one after the other.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/calendar.h"
#include "base/credits.h"
#include "base/result.h"

namespace cr::crctl {

// What is said of model tokens and requests; input with what was cached and written to the cache.
struct TokenCounts {
  std::int64_t requests = 0, input = 0, cached = 0, output = 0;
};

// One line of the books.
struct BookLine {
  enum class Of { model, tool, all };  // a fee of a tool that the provider runs; or not told by model
  base::TimeSpan span;                 // within one UTC day
  Of of = Of::model;
  std::string name;                      // of the model or tool, as the provider writes it
  std::optional<base::Credits> dollars;  // none: a report of usage
  std::optional<TokenCounts> tokens;     // none: a report of costs
  base::Credits elsewhere{};             // what others bill for the same requests (OpenRouter, with one's own keys)
};

struct ProviderBooks {
  std::string provider;  // "OpenAI"; empty: nothing was read yet
  std::vector<BookLine> lines;
  std::vector<base::TimeSpan> cost_spans, usage_spans;  // what time they tell of, with or without lines
  std::vector<std::string> notes;                       // what a reader should know
};

struct BookFile {
  std::string name;  // for messages
  std::string text;
};

// All of them together. `invalid` says which file and where; so does what is given twice, is of two providers, or is in
// another currency.
base::Result<ProviderBooks> read_books(std::span<const BookFile> files);

// Of an OpenAI line item ("gpt-4o-mini-2024-07-18, cached input"): the model, or the tool where it names none.
struct LineItem {
  std::string name;
  bool tool = false;
};
LineItem parse_line_item(std::string_view text);

}  // namespace cr::crctl

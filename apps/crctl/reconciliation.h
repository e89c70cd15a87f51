// SPDX-License-Identifier: MIT
// A provider's books held against crd's own, by UTC day and model. Pure; any thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "admin/report_messages.h"
#include "crctl/provider_books.h"

namespace cr::crctl {

// A UTC day that the books tell of, or a part of one.
struct BookDay {
  base::Time day;
  std::vector<base::TimeSpan> spans;  // of it, in order, apart from each other
  bool costs = false;                 // the books tell its costs; else its usage alone
  bool usage = false;                 // they tell its usage, of the same time
};
std::vector<BookDay> days_of(const ProviderBooks& books);
// "00:00-13:00" of a part of a day; empty of a whole one.
std::string covered_text(const BookDay& day);

// What crd has of a day's spans, by model.
using OurDays = std::map<base::Time, std::vector<admin::CostRow>>;

struct ComparedRow {
  base::Time day;
  std::string covered;  // as covered_text
  std::string model;    // as the provider calls it; "(all models)", "(tools)"
  std::vector<std::string> their_names, our_names;
  std::optional<base::Credits> theirs;  // none: no costs were told
  base::Credits ours;
  std::optional<TokenCounts> their_tokens;
  admin::CostRow sums;                 // of ours
  base::Credits elsewhere;             // as BookLine has it
  std::int64_t roundings = 0;          // how often a nano-dollar may have been rounded up
  bool within = true;                  // the tolerance
  std::vector<std::string> explained;  // what may be the reason of the difference, each in a few words
};
struct Comparison {
  std::vector<ComparedRow> rows;  // by day and model
  ComparedRow total;
  std::size_t beyond = 0;  // rows that are not within the tolerance
};

// Names are the same model where they differ in the date of its version alone ("gpt-4o-mini-2024-07-18"). The
// difference may be `tolerance` millionths of what is ours; where no costs are told, that of the model tokens.
Comparison compare(const ProviderBooks& books, const OurDays& ours, std::int64_t tolerance);

// Theirs above ours (below: negative), of ours, in hundredths of a per cent; none where ours is 0.
std::optional<std::int64_t> difference_of(const ComparedRow& row);

}  // namespace cr::crctl

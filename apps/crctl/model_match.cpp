// SPDX-License-Identifier: MIT
#include "crctl/model_match.h"

#include <algorithm>
#include <map>

#include "base/text.h"

namespace cr::crctl {
namespace {

bool is_date(std::string_view digits, bool with_year) {
  if (!std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; })) return false;
  const auto number = [](std::string_view two) { return (two[0] - '0') * 10 + (two[1] - '0'); };
  if (with_year && !digits.starts_with("20")) return false;
  const auto month_day = digits.substr(digits.size() - 4);
  const int month = number(month_day.substr(0, 2)), day = number(month_day.substr(2));
  return month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

// How many bytes at its end are a version's date, with what is in front of it.
std::size_t date_length(std::string_view name) {
  const auto ends_in_date = [&](std::size_t length) {
    if (name.size() <= length) return false;
    const auto tail = name.substr(name.size() - length);
    if (tail[0] != '-' && tail[0] != '@') return false;
    if (length == 11 && (tail[5] != '-' || tail[8] != '-')) return false;
    std::string digits(tail.substr(1));
    std::erase(digits, '-');
    return digits.size() == (length == 5 ? 4U : 8U) && is_date(digits, length != 5);
  };
  for (const std::size_t length : {11U, 9U, 5U}) {
    if (ends_in_date(length)) return length;
  }
  return 0;
}

// Names of one family, each side's. Equal ones belong together. What is left of the two sides does where one of them
// has a name without a date, which stands for any version.
void match_family(const std::set<std::string>& theirs, const std::set<std::string>& ours,
                  std::vector<ModelMatch>& matches) {
  std::vector<ModelMatch> equal;
  ModelMatch rest;
  for (const auto& name : theirs) {
    if (ours.contains(name)) {
      equal.push_back({{name}, {name}});
    } else {
      rest.theirs.push_back(name);
    }
  }
  for (const auto& name : ours) {
    if (!theirs.contains(name)) rest.ours.push_back(name);
  }
  const auto is_open = [&](const std::string& name) { return date_length(name) == 0; };
  const bool open = std::ranges::any_of(rest.theirs, is_open) || std::ranges::any_of(rest.ours, is_open);
  if (open && (rest.theirs.empty() || rest.ours.empty()) && !equal.empty()) {
    for (auto& match : equal) {
      rest.theirs.insert(rest.theirs.end(), match.theirs.begin(), match.theirs.end());
      rest.ours.insert(rest.ours.end(), match.ours.begin(), match.ours.end());
    }
    matches.push_back(std::move(rest));
    return;
  }
  std::move(equal.begin(), equal.end(), std::back_inserter(matches));
  if (open) {
    matches.push_back(std::move(rest));
    return;
  }
  for (auto& name : rest.theirs) matches.push_back({{std::move(name)}, {}});
  for (auto& name : rest.ours) matches.push_back({{}, {std::move(name)}});
}

}  // namespace

std::string plain_name(std::string_view name) {
  auto plain = base::to_lower_ascii(name);
  std::replace(plain.begin(), plain.end(), ' ', '-');
  return plain;
}

std::string family_of(std::string_view model) {
  model.remove_suffix(date_length(model));
  if (model.ends_with("-latest")) model.remove_suffix(7);
  if (model.starts_with("claude-") && model.ends_with("-0")) model.remove_suffix(2);
  return std::string(model);
}

std::vector<ModelMatch> match_models(const std::set<std::string>& theirs, const std::set<std::string>& ours) {
  std::map<std::string, std::pair<std::set<std::string>, std::set<std::string>>> families;
  for (const auto& name : theirs) families[family_of(name)].first.insert(name);
  for (const auto& name : ours) families[family_of(name)].second.insert(name);
  std::vector<ModelMatch> matches;
  for (const auto& [family, names] : families) match_family(names.first, names.second, matches);
  return matches;
}

std::string label_of(const ModelMatch& match) {
  if (match.theirs.size() == 1) return match.theirs.front();
  if (match.theirs.empty() && match.ours.size() == 1) return match.ours.front();
  return family_of((match.theirs.empty() ? match.ours : match.theirs).front());
}

}  // namespace cr::crctl

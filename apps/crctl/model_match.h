// SPDX-License-Identifier: MIT
// Names of models as a provider writes them in its books, matched with those that requests asked for. Pure; any thread.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace cr::crctl {

// "GPT-4o mini" and "gpt-4o-mini" are one.
std::string plain_name(std::string_view name);

// What a name is without the version's date: "claude-sonnet-4-20250514", "gpt-4-0613", "chatgpt-4o-latest".
std::string family_of(std::string_view model);

// Names of both sides that stand for the same model.
struct ModelMatch {
  std::vector<std::string> theirs, ours;
};
// Each name of each side in one of them. Equal names belong together; of the others those of one family do where one of
// them has no date, and so stands for any version.
std::vector<ModelMatch> match_models(const std::set<std::string>& theirs, const std::set<std::string>& ours);

// What a match is called: by the provider's name, if there is one; of several, by their family.
std::string label_of(const ModelMatch& match);

}  // namespace cr::crctl

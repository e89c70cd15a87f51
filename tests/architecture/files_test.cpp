// SPDX-License-Identifier: MIT
// What every file must have and must not: its licence line, a bounded size, a name that says something, no loose ends.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <optional>
#include <set>
#include <utility>

#include "architecture/source_tree.h"
#include "base/text.h"

namespace cr::architecture {
namespace {

constexpr std::size_t k_source_lines_max = 500;
constexpr std::size_t k_header_lines_max = 200;

bool is_source(const SourceFile& file) {
  static const std::set<std::string_view> extensions = {".cpp", ".h",  ".hpp", ".c",  ".cmake", ".sql",
                                                        ".py",  ".sh", ".js",  ".ts", ".mjs",   ".cjs"};
  return extensions.contains(file.extension()) || file.name() == "CMakeLists.txt";
}

std::optional<std::string> licence_fault(const SourceFile& file) {
  // A "#!" line may stand before it.
  const std::size_t last = std::min<std::size_t>(file.lines.size(), 2);
  for (std::size_t i = 0; i < last; ++i) {
    if (file.lines[i].ends_with("SPDX-License-Identifier: MIT")) return std::nullopt;
  }
  return "must open with \"SPDX-License-Identifier: MIT\" in a comment of its own";
}

std::optional<std::string> size_fault(const SourceFile& file) {
  if (!file.is_cpp()) return std::nullopt;
  const std::size_t most = file.is_header() ? k_header_lines_max : k_source_lines_max;
  if (file.lines.size() <= most) return std::nullopt;
  return std::to_string(file.lines.size()) + " lines, over " + std::to_string(most) + ": split it by topic";
}

// The words of a text: runs of what `is_part` takes.
template <class IsPart>
std::vector<std::string> words_of(std::string_view text, IsPart is_part) {
  std::vector<std::string> words;
  std::string word;
  for (const char c : text) {
    if (is_part(c)) {
      word += c;
    } else if (!word.empty()) {
      words.push_back(std::exchange(word, {}));
    }
  }
  if (!word.empty()) words.push_back(word);
  return words;
}

std::optional<std::string> name_fault(const SourceFile& file) {
  static const std::set<std::string> empty_words = {"util",    "utils",    "common",  "helper",   "helpers", "misc",
                                                    "manager", "managers", "handler", "handlers", "impl"};
  const auto in_word = [](char c) { return c != '/' && c != '_' && c != '-' && c != '.'; };
  for (const std::string& word : words_of(base::to_lower_ascii(file.path), in_word)) {
    if (empty_words.contains(word)) return '"' + word + "\" says nothing: name it after the one thing in it";
  }
  return std::nullopt;
}

std::optional<std::string> loose_end(const std::string& line) {
  // Put together from halves, or this file would find itself.
  static const std::set<std::string> marks = {
      "TO"
      "DO",
      "FIX"
      "ME"};
  const auto in_word = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; };
  for (const std::string& word : words_of(line, in_word)) {
    if (marks.contains(word)) return word + " is a promise to nobody: do it, or take it out";
  }
  return std::nullopt;
}

TEST(Files, every_source_has_its_licence_line) {
  std::size_t checked = 0;
  for (const SourceFile& file : read_tree({"lib", "apps", "tests"})) {
    if (!is_source(file)) continue;
    ++checked;
    if (const auto fault = licence_fault(file)) ADD_FAILURE() << at(file, 1) << ": " << *fault;
  }
  EXPECT_GT(checked, 30U) << "the tree was not found under " << CR_SOURCE_DIR;
}

TEST(Files, sizes_are_bounded) {
  for (const SourceFile& file : read_tree({"lib", "apps"})) {
    if (const auto fault = size_fault(file)) ADD_FAILURE() << at(file, file.lines.size()) << ": " << *fault;
  }
}

TEST(Files, names_say_something) {
  for (const SourceFile& file : read_tree({"lib", "apps", "tests"})) {
    if (const auto fault = name_fault(file)) ADD_FAILURE() << file.path << ": " << *fault;
  }
}

TEST(Files, no_loose_ends) {
  for (const SourceFile& file : read_tree({"lib", "apps", "tests"})) {
    if (!is_source(file)) continue;
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      if (const auto fault = loose_end(file.lines[i])) ADD_FAILURE() << at(file, i + 1) << ": " << *fault;
    }
  }
}

// The rules themselves: a checker that sees nothing would pass for ever.
TEST(Files, the_checkers_see) {
  const std::string licence = "// SPDX-License-Identifier: MIT";
  EXPECT_FALSE(licence_fault({"lib/a/b.cpp", {licence}}));
  EXPECT_FALSE(licence_fault({"tests/a.py", {"#!/usr/bin/env python3", "# SPDX-License-Identifier: MIT"}}));
  EXPECT_TRUE(licence_fault({"lib/a/b.cpp", {}}));
  EXPECT_TRUE(licence_fault({"lib/a/b.cpp", {"#pragma once", "", licence}}));
  EXPECT_TRUE(licence_fault({"lib/a/b.cpp", {"// SPDX-License-Identifier: GPL-3.0"}}));

  EXPECT_FALSE(size_fault({"lib/a/b.cpp", std::vector<std::string>(500)}));
  EXPECT_TRUE(size_fault({"lib/a/b.cpp", std::vector<std::string>(501)}));
  EXPECT_FALSE(size_fault({"lib/a/b.h", std::vector<std::string>(200)}));
  EXPECT_TRUE(size_fault({"lib/a/b.h", std::vector<std::string>(201)}));

  for (const char* path :
       {"lib/util/a.cpp", "lib/base/utils.h", "apps/crd/common.cpp", "tests/token_helpers.cpp", "lib/a/misc.h",
        "lib/a/connection_manager.cpp", "lib/a/route-handler.cpp", "lib/a/log.impl.h"}) {
    EXPECT_TRUE(name_fault({path, {}})) << path;
  }
  for (const char* path : {"lib/base/text.cpp", "lib/a/simple.cpp", "lib/a/commonwealth.h", "apps/crd/main.cpp"}) {
    EXPECT_FALSE(name_fault({path, {}})) << path;
  }

  EXPECT_TRUE(
      loose_end("  // TO"
                "DO: later"));
  EXPECT_TRUE(
      loose_end("FIX"
                "ME"));
  EXPECT_FALSE(
      loose_end("TO"
                "DOS is a word of its own"));
}

}  // namespace
}  // namespace cr::architecture

// SPDX-License-Identifier: MIT
// Kinds of providers are compared in lib/provider alone, and what a kind more touches is what the document says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <set>

#include "architecture/source_tree.h"

namespace cr::architecture {
namespace {

constexpr std::string_view k_document = "docs/adding-a-provider.md";

std::vector<std::string> lines_of(const std::string& path) {
  for (const SourceFile& file : read_tree({path.substr(0, path.find('/'))})) {
    if (file.path == path) return file.lines;
  }
  return {};
}

// What stands between `before` and the next `after` in each line.
std::vector<std::string> quoted(const std::vector<std::string>& lines, std::string_view before,
                                std::string_view after) {
  std::vector<std::string> found;
  for (const std::string& line : lines) {
    for (auto begin = line.find(before); begin != std::string::npos; begin = line.find(before, begin)) {
      begin += before.size();
      const auto end = line.find(after, begin);
      if (end == std::string::npos) break;
      found.push_back(line.substr(begin, end - begin));
      begin = end + after.size();
    }
  }
  return found;
}

std::optional<std::string> kind_named(const std::string& line, const std::vector<std::string>& kinds) {
  for (const std::string& kind : kinds) {
    if (line.find("Kind::" + kind) != std::string::npos) return kind;
  }
  return std::nullopt;
}

TEST(Kinds, are_compared_in_lib_provider_alone) {
  const auto kinds = quoted(lines_of("lib/provider/kinds/kind.h"), ".name = \"", "\"");
  EXPECT_THAT(kinds, testing::IsSupersetOf({"openai", "anthropic", "echo"}));
  std::size_t seen = 0;
  for (const SourceFile& file : read_tree({"lib", "apps"})) {
    if (!file.is_cpp()) continue;
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      const auto kind = kind_named(file.lines[i], kinds);
      if (!kind) continue;
      ++seen;
      EXPECT_TRUE(file.path.starts_with("lib/provider/"))
          << at(file, i + 1) << ": ask provider::of() or provider::row_of() instead of comparing with " << *kind;
    }
  }
  EXPECT_GT(seen, 0U) << "the checker sees nothing";
}

TEST(Kinds, the_document_names_files_that_are_there) {
  std::set<std::string> there, folders;
  for (const SourceFile& file : read_tree({"lib", "tests", "docs", "man"})) {
    there.insert(file.path);
    for (auto end = file.path.find('/'); end != std::string::npos; end = file.path.find('/', end + 1))
      folders.insert(file.path.substr(0, end));
  }
  std::size_t seen = 0;
  for (const std::string& name : quoted(lines_of(std::string(k_document)), "`", "`")) {
    const bool is_path = name.starts_with("lib/") || name.starts_with("tests/") || name.starts_with("docs/");
    if (!is_path || name.find("NAME") != std::string::npos) continue;
    ++seen;
    EXPECT_TRUE(there.contains(name) || folders.contains(name)) << k_document << " names " << name;
  }
  EXPECT_GT(seen, 5U);
}

// Of the files that the document's table has, the fourth kind stands in for the two that have the tables' rows.
TEST(Kinds, one_more_touches_three_files_beside_its_own) {
  std::vector<std::string> table, fourth;
  for (const std::string& line : lines_of(std::string(k_document))) {
    const auto cells = quoted({line}, "| `", "` |");
    if (!cells.empty()) table.push_back(cells.front());
  }
  EXPECT_THAT(table, testing::ElementsAre("lib/provider/NAME.cpp", "lib/provider/kinds/kind.h", "lib/provider/table.h",
                                          "lib/provider/CMakeLists.txt"));
  std::size_t rows = 0;
  for (const SourceFile& file : read_tree({"lib", "apps", "tests"})) {
    const bool its_own = file.path.starts_with("tests/fourth_kind/");
    if (its_own) fourth.emplace_back(file.name());
    for (const std::string& line : file.lines) {
      if (line.find("k_deployment") == std::string::npos || file.path.starts_with("tests/architecture/")) continue;
      EXPECT_TRUE(its_own) << file.path << " knows the kind of the tests";
      rows += file.name() == "table_row.cpp" ? 1 : 0;
    }
  }
  EXPECT_THAT(fourth, testing::ElementsAre("CMakeLists.txt", "deployment.cpp", "kind_row.cpp", "table_row.cpp"));
  EXPECT_EQ(rows, 2U) << "its declaration and its place in the table";
}

}  // namespace
}  // namespace cr::architecture

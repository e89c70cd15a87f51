// SPDX-License-Identifier: MIT
// What is referred to is there: manual pages, commands and files that messages, units, manual pages and documents name;
// and clients, who have neither a shell here nor the tree, are not sent to either.
#include <gmock/gmock.h>

#include <filesystem>
#include <map>
#include <regex>
#include <set>

#include "support/process.h"
#include "support/programs.h"
#include "support/temp_dir.h"

namespace cr::test {
namespace {

namespace fs = std::filesystem;

const fs::path k_tree = CR_SOURCE_DIR;

std::string shown(const fs::path& path) {
  return path.lexically_relative(k_tree).string();
}

// Files of these folders, and the pages beside them, by what their names end in.
std::vector<fs::path> files_of(const std::vector<std::string>& folders, const std::set<std::string>& endings) {
  std::vector<fs::path> found;
  for (const auto& folder : folders) {
    for (const auto& entry : fs::recursive_directory_iterator(k_tree / folder)) {
      if (entry.is_regular_file() && (endings.empty() || endings.contains(entry.path().extension().string())))
        found.push_back(entry.path());
    }
  }
  return found;
}

std::vector<fs::path> everything_that_is_read() {
  auto found = files_of({"apps", "lib", "man", "packaging", "docs", "examples", "completions"}, {});
  for (const char* page : {"README.md", "CONTRIBUTING.md", "ARCHITECTURE.md", "CHANGELOG.md"})
    found.push_back(k_tree / page);
  return found;
}

// What `pattern` finds in each file, with the file that has it first.
template <class Use>
int each_match(const std::vector<fs::path>& files, const std::regex& pattern, Use use) {
  int count = 0;
  for (const auto& file : files) {
    const auto text = read_file(file.string());
    for (auto match = std::sregex_iterator(text.begin(), text.end(), pattern); match != std::sregex_iterator();
         ++match) {
      ++count;
      use(*match, file);
    }
  }
  return count;
}

TEST(References, ManualPages) {
  // "*crd*(8)", "man:crd(8)"
  const std::regex pattern(R"(\b((?:crd|crctl)[a-z.-]*)\*?\(([1-8])\))");
  const auto count = each_match(everything_that_is_read(), pattern, [](const std::smatch& match, const fs::path& file) {
    const auto page = "man/" + match[1].str() + "." + match[2].str() + ".scd";
    EXPECT_TRUE(fs::exists(k_tree / page)) << shown(file) << " names " << match.str() << ": there is no " << page;
  });
  EXPECT_GE(count, 10);
}

TEST(References, Commands) {
  // Where a command begins, and no sentence: quoted, in bold, after "with: ", a value of the shell.
  const std::regex pattern(R"((?:[*'`]|with: |\$\(|\$ |sudo )crctl ([a-z]+)(?: ([a-z][a-z-]*)\b(?![=/]))?)");
  std::map<std::vector<std::string>, std::string> named;
  each_match(everything_that_is_read(), pattern, [&](const std::smatch& match, const fs::path& file) {
    std::vector<std::string> words{match[1].str()};
    if (match[2].matched) words.push_back(match[2].str());
    named.emplace(words, shown(file));
  });
  EXPECT_GE(named.size(), 20U);
  for (const auto& [words, file] : named) {
    std::vector<std::string> argv{crctl_program()};
    argv.insert(argv.end(), words.begin(), words.end());
    argv.emplace_back("--help");
    const auto asked = run({.argv = argv, .env = {}, .directory = {}});
    EXPECT_EQ(asked.exit, 0) << file << " names 'crctl " << words.front()
                             << (words.size() > 1 ? " " + words.back() : "") << "': " << asked.err;
  }
}

TEST(References, LinksOfDocuments) {
  const std::regex pattern(R"(\]\(([^)#:\s]+)(?:#[^)]*)?\))");
  std::vector<fs::path> documents = files_of({"docs"}, {".md"});
  for (const char* page : {"README.md", "CONTRIBUTING.md", "ARCHITECTURE.md"}) documents.push_back(k_tree / page);
  const auto count = each_match(documents, pattern, [](const std::smatch& match, const fs::path& file) {
    EXPECT_TRUE(fs::exists(file.parent_path() / match[1].str())) << shown(file) << " links to " << match[1];
  });
  EXPECT_GE(count, 5);
}

// Their error's reader has a key and an address.
TEST(References, ClientsAreSentToNoCommandAndNoFile) {
  const auto sources = files_of({"lib/dialect", "lib/relay", "lib/server/listener"}, {".cpp", ".h"});
  const std::regex pattern(R"re("(?:[^"\\\n]|\\.)*(?:\bcrctl\b|\bdocs/|\.md\b|\bREADME\b)[^"\n]*")re");
  each_match(sources, pattern, [](const std::smatch& match, const fs::path& file) {
    ADD_FAILURE() << shown(file) << " tells a client: " << match.str();
  });
  EXPECT_GE(sources.size(), 50U);
}

}  // namespace
}  // namespace cr::test

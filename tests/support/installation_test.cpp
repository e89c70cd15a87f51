// SPDX-License-Identifier: MIT
// What an installation puts where, by DESTDIR: for each prefix that its user has in mind, all that a file of it names,
// and nothing that stays behind when it is taken away again.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/file.h>
#include <unistd.h>

#include <filesystem>
#include <set>
#include <sstream>

#include "support/process.h"
#include "support/temp_dir.h"

namespace cr::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class Installation : public testing::Test {
 protected:
  Finished script(const std::string& verb, const std::string& prefix) {
    return run({.argv = {std::string(CR_SOURCE_DIR) + "/scripts/install.sh", verb, prefix, CR_TEST_BUILD},
                .env = {{"DESTDIR", root()}},
                .directory = {}});
  }
  void must(const std::string& verb, const std::string& prefix) {
    const auto done = script(verb, prefix);
    ASSERT_EQ(done.exit, 0) << done.out << done.err;
  }
  std::string root() const { return dir_ / "root"; }
  std::string text(const std::string& path) const { return read_file(root() + path); }
  bool is_there(const std::string& path) const { return std::filesystem::exists(root() + path); }
  std::set<std::string> files() const {
    std::set<std::string> found;
    if (!std::filesystem::exists(root())) return found;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root())) {
      if (!entry.is_directory()) found.insert(entry.path().string().substr(root().size()));
    }
    return found;
  }

  TempDir dir_;
};

const std::vector<std::string> k_prefixes = {"/usr/local", "/usr", "/opt/crd"};

// One build serves for all of them: the first is not kept.
TEST_F(Installation, EachPrefixIsObeyed) {
  for (const auto& prefix : k_prefixes) {
    SCOPED_TRACE(prefix);
    must("install", prefix);
    for (const char* program : {"/bin/crd", "/bin/crctl"}) {
      const auto path = root() + prefix + program;
      EXPECT_EQ(::access(path.c_str(), X_OK), 0) << path;
      const auto sections = run({.argv = {"readelf", "-SW", path}, .env = {}, .directory = {}});
      EXPECT_THAT(sections.out, testing::AllOf(HasSubstr(".text"), Not(HasSubstr(".symtab")))) << "not stripped";
    }
    const auto zsh = prefix + "/share/zsh/" + (prefix == "/usr" ? "vendor-completions" : "site-functions") + "/_crctl";
    EXPECT_TRUE(is_there(zsh));
    for (const auto& file : files()) EXPECT_TRUE(file.starts_with(prefix + "/") || file == "/etc/crd/crd.toml") << file;
    must("uninstall", prefix);
  }
}

// Programs of its units and of its examples' units: at this prefix, and there.
TEST_F(Installation, WhatUnitsRunIsThere) {
  for (const auto& prefix : k_prefixes) {
    SCOPED_TRACE(prefix);
    must("install", prefix);
    int commands = 0;
    for (const auto& file : files()) {
      if (!file.ends_with(".service")) continue;
      std::istringstream lines(text(file));
      for (std::string line; std::getline(lines, line);) {
        EXPECT_THAT(line, Not(HasSubstr("@CR_"))) << file;
        if (!line.starts_with("Exec")) continue;
        ++commands;
        const auto program = line.substr(line.find('=') + 1, line.find(' ') - line.find('=') - 1);
        EXPECT_TRUE(program.starts_with(prefix + "/")) << line;
        EXPECT_EQ(::access((root() + program).c_str(), X_OK), 0) << line;
      }
    }
    EXPECT_GE(commands, 3);
    must("uninstall", prefix);
  }
}

TEST_F(Installation, AnAdministratorsFileStays) {
  must("install", "/usr/local");
  write_file(root() + "/etc/crd/crd.toml", "# mine\n");
  const auto again = script("install", "/usr/local");
  EXPECT_EQ(again.exit, 0);
  EXPECT_THAT(again.out, HasSubstr("kept " + root() + "/etc/crd/crd.toml"));
  EXPECT_EQ(text("/etc/crd/crd.toml"), "# mine\n");
  const auto away = script("uninstall", "/usr/local");
  EXPECT_EQ(away.exit, 0) << away.err;
  EXPECT_THAT(away.out, HasSubstr("kept " + root() + "/etc/crd/crd.toml"));
  EXPECT_THAT(files(), testing::ElementsAre("/etc/crd/crd.toml"));
}

TEST_F(Installation, TakesAwayWhatItPutThereAndNothingElse) {
  must("install", "/usr/local");
  write_file(root() + "/usr/local/bin/other", "");
  must("uninstall", "/usr/local");
  EXPECT_THAT(files(), testing::ElementsAre("/usr/local/bin/other"));
  EXPECT_EQ(script("uninstall", "/usr/local").exit, 1) << "nothing is there any more";
  EXPECT_EQ(script("install", "local").exit, 2) << "no absolute path";
}

// A later build of somebody else's would trip over it.
TEST_F(Installation, LeavesNothingInTheTree) {
  must("install", "/usr");
  {
    // Other tests install from the same tree: as install.sh does, each in its turn.
    const int tree = ::open(CR_TEST_BUILD, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ASSERT_EQ(::flock(tree, LOCK_EX), 0);
    EXPECT_FALSE(std::filesystem::exists(std::string(CR_TEST_BUILD) + "/install_manifest.txt"));
    ::close(tree);
  }
  must("uninstall", "/usr");
  EXPECT_THAT(files(), IsEmpty());
}

}  // namespace
}  // namespace cr::test

// SPDX-License-Identifier: MIT
// man/crctl.1.scd against the tree of commands: every verb has a heading, every flag an entry, and no entry is stale.
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <fstream>
#include <functional>
#include <map>
#include <set>

#include "crctl/arguments.h"
#include "crctl/commands.h"

namespace cr::crctl {
namespace {

using Sections = std::map<std::string, std::set<std::string>>;  // heading -> "--flag"s

// "*-o*, *--output* _FORM_": --output.
std::set<std::string> flags_of(const std::string& line) {
  std::set<std::string> flags;
  for (std::size_t at = line.find("*--"); at != std::string::npos; at = line.find("*--", at + 1)) {
    flags.insert(line.substr(at + 1, line.find('*', at + 1) - at - 1));
  }
  return flags;
}

Sections sections_of_page() {
  std::ifstream file(CR_SOURCE_DIR "/man/crctl.1.scd");
  EXPECT_TRUE(file.is_open());
  Sections sections;
  std::string heading, line;
  while (std::getline(file, line)) {
    if (line.starts_with("## ")) {
      heading = line.substr(3);
      sections[heading];
    } else if (line.starts_with("# ")) {
      heading = line.substr(2);
    } else if (line.starts_with("*-")) {
      for (const auto& flag : flags_of(line)) sections[heading].insert(flag);
    }
  }
  return sections;
}

std::set<std::string> flags_of(const CLI::App& app) {
  std::set<std::string> flags;
  for (const CLI::Option* option : app.get_options()) {
    for (const auto& name : option->get_lnames()) flags.insert("--" + name);
  }
  return flags;
}

Sections sections_of_commands(Commands& commands) {
  Sections sections;
  sections["FLAGS FOR EVERY VERB"] = flags_of(commands.root());
  const std::function<void(const CLI::App&)> visit = [&](const CLI::App& app) {
    if (commands.find_run(app) != nullptr && !app.get_group().empty()) {
      sections[spoken_path(app).substr(std::string("crctl ").size())] = flags_of(app);
    }
    for (const CLI::App* child : app.get_subcommands([](const CLI::App*) { return true; })) visit(*child);
  };
  visit(commands.root());
  return sections;
}

TEST(ManPage, documents_every_verb_and_flag_and_no_other) {
  Globals globals;
  Commands commands(globals);
  add_all(commands);
  const Sections real = sections_of_commands(commands);
  const Sections page = sections_of_page();
  ASSERT_GT(real.size(), 40U);
  for (const auto& [heading, flags] : real) {
    ASSERT_TRUE(page.contains(heading)) << "man/crctl.1.scd has no heading '" << heading << "'";
    EXPECT_EQ(page.at(heading), flags) << heading;
  }
  for (const auto& [heading, flags] : page) {
    EXPECT_TRUE(real.contains(heading)) << "man/crctl.1.scd documents '" << heading << "', which is not there";
  }
}

}  // namespace
}  // namespace cr::crctl

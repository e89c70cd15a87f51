// SPDX-License-Identifier: MIT
// What is delivered beside the programs says what the programs do: the commented configuration, the manual pages, the
// unit.
#include <gmock/gmock.h>

#include <set>
#include <sstream>

#include "server/config/keys.h"
#include "support/daemon.h"
#include "support/process.h"
#include "support/temp_dir.h"

namespace cr::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string source(const std::string& path) {
  return read_file(std::string(CR_SOURCE_DIR) + "/" + path);
}

server::config::Surroundings root() {
  server::config::Surroundings around;
  around.is_root = true;
  return around;
}

// "#key = value" -> "key = value"; comments proper have a blank after the mark.
std::string with_keys_uncommented(const std::string& text) {
  std::string out;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const bool commented_key = line.size() > 1 && line[0] == '#' && line[1] >= 'a' && line[1] <= 'z';
    out += (commented_key ? line.substr(1) : line) + "\n";
  }
  return out;
}

std::string shown(const base::Result<server::config::Config>& config) {
  return config ? server::config::show_config(*config) : config.error().message;
}

TEST(DeliveredTest, TheConfigurationIsValidAsItIs) {
  EXPECT_EQ(shown(server::config::parse_config(source("packaging/crd.toml"), "crd.toml", root())),
            shown(server::config::parse_config("", "", root())));
}

TEST(DeliveredTest, TheConfigurationShowsEveryKeyWithItsDefault) {
  const std::string text = with_keys_uncommented(source("packaging/crd.toml"));
  EXPECT_EQ(shown(server::config::parse_config(text, "crd.toml", root())),
            shown(server::config::parse_config("", "", root())));
  std::string table;
  std::set<std::string> keys;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with('[')) table = line.substr(1, line.find(']') - 1) + ".";
    if (const auto equals = line.find(" = "); line[0] != '#' && equals != line.npos)
      keys.insert(table + line.substr(0, equals));
  }
  for (const auto& key : server::config::config_keys()) EXPECT_TRUE(keys.contains(key.name)) << key.name;
}

TEST(DeliveredTest, TheManualHasEveryKeyAndWhatNeedsARestart) {
  const std::string manual = source("man/crd.toml.5.scd");
  for (const auto& key : server::config::config_keys()) {
    const auto at = manual.find("\n*" + key.name.substr(key.name.rfind('.') + 1) + "* = ");
    ASSERT_NE(at, manual.npos) << key.name;
    const auto line = manual.substr(at + 1, manual.find('\n', at + 1) - at - 1);
    EXPECT_EQ(line.ends_with("(restart)"), key.reload == server::config::Reload::restart) << line;
  }
}

TEST(DeliveredTest, TheManualHasEveryOptionOfCrd) {
  const auto help = run({.argv = {CR_TEST_CRD, "--help"}, .env = {}, .directory = {}});
  ASSERT_EQ(help.exit, 0) << help.err;
  const std::string manual = source("man/crd.8.scd");
  std::istringstream words(help.out);
  int options = 0;
  for (std::string word; words >> word;) {
    const auto at = word.find("--");
    if (at == word.npos) continue;
    const auto end = word.find_first_not_of("abcdefghijklmnopqrstuvwxyz-", at);
    EXPECT_THAT(manual, HasSubstr("*" + word.substr(at, end - at) + "*"));
    ++options;
  }
  EXPECT_GE(options, 4);
}

TEST(DeliveredTest, TheUnitIsSoundAndConfined) {
  TempDir dir;
  write_file(dir / "crd.service", read_file(CR_TEST_UNIT));
  for (const std::string name : {"crd.socket", "crd-admin.socket"}) write_file(dir / name, source("packaging/" + name));
  // It names the installed program, which a build tree does not have.
  const auto verified = run({.argv = {"/bin/sh", "-c",
                                      "sed -i -E 's#^(ExecStart|ExecReload)=[^ ]*#\\1=/bin/true#' crd.service && "
                                      "systemd-analyze verify --man=no ./crd.service ./crd.socket ./crd-admin.socket"},
                             .env = {},
                             .directory = dir.path()});
  EXPECT_EQ(verified.exit, 0) << verified.err;
  EXPECT_EQ(verified.err, "");
  const auto confined =
      run({.argv = {"systemd-analyze", "security", "--offline=true", "--threshold=15", "--no-pager", "./crd.service"},
           .env = {},
           .directory = dir.path()});
  EXPECT_EQ(confined.exit, 0) << confined.out;
}

// The values of one key in a unit's text.
std::vector<std::string> values_of(const std::string& unit, const std::string& key) {
  std::vector<std::string> found;
  std::istringstream lines(unit);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(key + "=")) found.push_back(line.substr(key.size() + 1));
  }
  return found;
}

// A reload that sends a signal is done before it is known how it went.
TEST(DeliveredTest, TheUnitsReloadFailsWhereTheFileIsNotTaken) {
  const auto unit = read_file(CR_TEST_UNIT);
  const auto reload = values_of(unit, "ExecReload");
  ASSERT_EQ(reload.size(), 1U);
  const auto at = reload.front().find("/crctl ");
  ASSERT_NE(at, std::string::npos) << reload.front();
  std::vector<std::string> verb;
  std::istringstream words(reload.front().substr(at + 7));
  for (std::string word; words >> word;) verb.push_back(word);
  Daemon daemon;
  EXPECT_EQ(daemon.crctl(verb).exit, 0);
  write_file(daemon.config_file(), "listen = 7\n");
  const auto refused = daemon.crctl(verb);
  EXPECT_EQ(refused.exit, 6);
  EXPECT_THAT(refused.err, HasSubstr("listen"));
  EXPECT_TRUE(daemon.process().running());
}

// What a start more cannot mend does not start again and again: the exits of a wrong option and of a wrong file.
TEST(DeliveredTest, TheUnitDoesNotRepeatAStartThatCannotSucceed) {
  TempDir dir;
  write_file(dir / "crd.toml", "listen = 7\n");
  std::string exits;
  for (const auto& argv : std::vector<std::vector<std::string>>{{CR_TEST_CRD, "--no-such-option"},
                                                                {CR_TEST_CRD, "--config", dir / "crd.toml"}})
    exits += (exits.empty() ? "" : " ") + std::to_string(run({.argv = argv, .env = {}, .directory = {}}).exit);
  EXPECT_THAT(values_of(read_file(CR_TEST_UNIT), "RestartPreventExitStatus"), ElementsAre(exits));
}

TEST(DeliveredTest, UsersAndDirectoriesParse) {
  TempDir dir;
  for (const char* name : {"sysusers", "tmpfiles"}) {
    write_file(dir / (std::string(name) + ".conf"), source("packaging/crd." + std::string(name)));
  }
  const auto users =
      run({.argv = {"systemd-sysusers", "--dry-run", dir / "sysusers.conf"}, .env = {}, .directory = {}});
  EXPECT_EQ(users.exit, 0) << users.err;
  EXPECT_THAT(users.out + users.err, HasSubstr("crd-admin"));
}

}  // namespace
}  // namespace cr::test

// SPDX-License-Identifier: MIT
// crctl and keys: copy, rotate, verify, delete, restore; what the audit keeps, and that no key text is kept anywhere.
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "integration/verbs.h"
#include "support/programs.h"

namespace cr::test {
namespace {

using testing::HasSubstr;

std::string create(Daemon& daemon, const std::string& name, Args flags = {}) {
  Args args{"token", "create", name};
  args.insert(args.end(), flags.begin(), flags.end());
  auto key = daemon.must(args);
  key.pop_back();
  return key;
}

std::string rotate(Daemon& daemon, const std::string& name, Args flags = {}) {
  Args args{"token", "rotate", name};
  args.insert(args.end(), flags.begin(), flags.end());
  auto key = daemon.must(args);
  key.pop_back();
  return key;
}

int answer_to(Daemon& daemon, const std::string& key) {
  return HttpClient(daemon.port(), key).get("/v1/models").status;
}

// A request that is counted as a use of its key.
int use(Daemon& daemon, const std::string& key) {
  return HttpClient(daemon.port(), key).post("/v1/chat/completions", chat("echo").dump()).status;
}

TEST(TokenCopy, OnlyARetrievableKeyComesBack) {
  BookedDaemon daemon;
  create(daemon, "digest");
  const auto key = create(daemon, "sealed", {"--retrievable"});
  EXPECT_EQ(daemon.must({"token", "copy", "sealed", "--print"}), key + "\n");
  const auto refused = daemon.crctl({"token", "copy", "digest", "--print"});
  EXPECT_EQ(refused.exit, 12);
  EXPECT_EQ(refused.out, "");
  EXPECT_THAT(refused.err, HasSubstr("its key was not kept"));
  EXPECT_THAT(refused.err, HasSubstr("hint: make a new one with: crctl token rotate digest"));
  EXPECT_EQ(daemon.crctl({"token", "copy", "nobody", "--print"}).exit, 10);
  const auto second = rotate(daemon, "sealed");
  EXPECT_EQ(daemon.must({"token", "copy", "sealed", "--print"}), second + "\n") << "the current key";
  daemon.restart();
  EXPECT_EQ(daemon.must({"token", "copy", "sealed", "--print"}), second + "\n");
}

TEST(TokenRotate, FinishUndoAndConflicts) {
  BookedDaemon daemon;
  daemon.must({"channel", "create", "echo", "--kind", "echo", "--models", "echo"});
  const auto first = create(daemon, "t");
  EXPECT_EQ(daemon.crctl({"token", "rotate", "t", "--finish"}).exit, 11) << "not rotating";
  EXPECT_EQ(daemon.crctl({"token", "rotate", "t", "--undo"}).exit, 11);
  const auto second = rotate(daemon, "t", {"--grace", "1h"});
  EXPECT_EQ(answer_to(daemon, first), 200);
  EXPECT_EQ(answer_to(daemon, second), 200);
  const auto third = daemon.crctl({"token", "rotate", "t"});
  EXPECT_EQ(third.exit, 11) << "two keys at most";
  EXPECT_THAT(third.err, HasSubstr("is rotating already"));

  daemon.must({"token", "rotate", "t", "--undo"});
  EXPECT_EQ(answer_to(daemon, first), 200);
  EXPECT_EQ(answer_to(daemon, second), 401);

  const auto fourth = rotate(daemon, "t");
  EXPECT_EQ(use(daemon, first), 200);
  const auto used = daemon.crctl({"token", "rotate", "t", "--finish"});
  EXPECT_EQ(used.exit, 11) << "the old key was used a moment ago";
  EXPECT_EQ(answer_to(daemon, first), 200);
  daemon.must({"token", "rotate", "t", "--finish", "--force"});
  EXPECT_EQ(answer_to(daemon, first), 401);
  EXPECT_EQ(answer_to(daemon, fourth), 200);
  EXPECT_EQ(daemon.must({"token", "show", "t", "--field", "status"}), "enabled\n");
  EXPECT_EQ(daemon.crctl({"token", "rotate", "t", "--grace", "31d"}).exit, 2) << "at most 30 days";
  EXPECT_EQ(daemon.crctl({"token", "rotate", "t", "--finish", "--undo"}).exit, 2);
}

TEST(TokenRotate, SeveralIntoADirectory) {
  BookedDaemon daemon;
  const auto a = create(daemon, "a"), b = create(daemon, "b");
  const auto directory = daemon.dir() / "keys";
  std::filesystem::create_directory(directory);
  daemon.must({"token", "rotate", "a", "b", "--out-dir", directory, "--now", "--yes"});
  for (const auto* name : {"a", "b"}) {
    auto key = read_file(directory + "/" + name);
    key.pop_back();
    EXPECT_EQ(answer_to(daemon, key), 200) << name;
  }
  EXPECT_EQ(answer_to(daemon, a), 401);
  EXPECT_EQ(answer_to(daemon, b), 401);
  const auto kept = read_file(directory + "/a");
  EXPECT_EQ(daemon.crctl({"token", "rotate", "a", "--out", directory + "/a"}).exit, 11);
  EXPECT_EQ(read_file(directory + "/a"), kept);
  EXPECT_EQ(daemon.must({"token", "show", "a", "--field", "status"}), "enabled\n") << "rotated, its key unwritten";
}

DaemonOptions with_clock() {
  DaemonOptions options;
  options.clock = true;
  return options;
}

struct Site {
  BookedDaemon daemon{with_clock()};
  std::string directory = daemon.dir() / "keys";
  Site() { std::filesystem::create_directory(directory); }
  Finished rotate_old(Args flags) {
    Args args{"token", "rotate", "--older-than", "80d", "--out-dir", directory, "--force"};
    args.insert(args.end(), flags.begin(), flags.end());
    return daemon.crctl(args);
  }
  int key_in_file_answers(const std::string& name) {
    auto key = read_file(directory + "/" + name);
    key.pop_back();
    return answer_to(daemon, key);
  }
};

// Ninety days from now a token made with --expires 90d would have ended, with a key that is ten days old.
TEST(TokenRotate, OldKeysAreThoseOfAFilterAndTheirTokensLiveOn) {
  Site site;
  auto& daemon = site.daemon;
  for (const auto* name : {"a", "b"}) create(daemon, name, {"--tag", "rotate=auto", "--expires", "90d"});
  create(daemon, "spent", {"--tag", "rotate=auto", "--quota", "0"});
  create(daemon, "over", {"--tag", "rotate=auto", "--expires", "10d"});
  create(daemon, "off", {"--tag", "rotate=auto", "--disabled"});
  const auto kept = create(daemon, "hers", {"--expires", "never"});
  const auto nobodys = site.rotate_old({});
  EXPECT_EQ(nobodys.exit, 2);
  EXPECT_THAT(nobodys.err, HasSubstr("--all for everybody's"));
  const auto none = site.rotate_old({"--tag", "rotate=auto", "--json"});
  EXPECT_EQ(none.exit, 0);
  EXPECT_EQ(none.out, "[]\n");
  EXPECT_TRUE(std::filesystem::is_empty(site.directory)) << "none is that old";

  daemon.step(std::chrono::hours(24 * 81));
  const auto told = site.rotate_old({"--tag", "rotate=auto", "--dry-run"});
  EXPECT_THAT(told.err, HasSubstr("warning: token 'a' ends"));
  EXPECT_THAT(told.err, HasSubstr("warning: token 'over' ended"));
  const auto rotated = site.rotate_old({"--tag", "rotate=auto", "--expires", "90d"});
  EXPECT_EQ(rotated.exit, 0) << rotated.err;
  EXPECT_THAT(rotated.err, HasSubstr("1 disabled token is left as it is"));
  EXPECT_THAT(rotated.err, testing::Not(HasSubstr("warning")));
  for (const auto* name : {"a", "b", "over", "spent"}) EXPECT_EQ(site.key_in_file_answers(name), 200) << name;
  EXPECT_FALSE(std::filesystem::exists(site.directory + "/off"));
  EXPECT_EQ(daemon.must({"token", "show", "spent", "--field", "expires_at"}), "\n") << "it did not end and does not";
  EXPECT_EQ(answer_to(daemon, kept), 200);

  daemon.step(std::chrono::hours(24 * 10));
  for (const auto* name : {"a", "b", "over"}) EXPECT_EQ(site.key_in_file_answers(name), 200) << name << ", on day 91";
  daemon.must({"audit", "verify"});
}

TEST(TokenRotate, WhatIsLeftIsNamedAndExits13) {
  Site site;
  for (const auto* name : {"a", "b"}) create(site.daemon, name, {"--tag", "t"});
  std::filesystem::create_directory(site.directory + "/a");  // where its key would go
  site.daemon.step(std::chrono::hours(24 * 81));
  const auto rotated = site.rotate_old({"--tag", "t"});
  EXPECT_EQ(rotated.exit, 13);
  EXPECT_THAT(rotated.err, HasSubstr("/a'"));
  EXPECT_EQ(site.key_in_file_answers("b"), 200);
}

TEST(TokenRotate, AGraceIsExtendedWhereTheOldKeyIsStillUsed) {
  BookedDaemon daemon(with_clock());
  const auto old_key = create(daemon, "t");
  EXPECT_EQ(daemon.crctl({"token", "rotate", "t", "--extend", "7d"}).exit, 11) << "it is not rotating";
  rotate(daemon, "t");
  use(daemon, old_key);
  const auto shown = [&](const std::string& field) {
    return daemon.must({"token", "list", "--rotating", "--fields", field, "--no-header"});
  };
  EXPECT_THAT(shown("name"), testing::Eq("t\n"));
  EXPECT_THAT(shown("old_used"), testing::Not(testing::Eq("never\n")));
  EXPECT_EQ(shown("new_used"), "never\n");
  daemon.step(std::chrono::hours(23));
  daemon.must({"token", "rotate", "t", "--extend", "7d"});
  daemon.step(std::chrono::hours(24 * 6));
  EXPECT_EQ(answer_to(daemon, old_key), 200);
  daemon.must({"audit", "verify"});
  daemon.step(std::chrono::hours(24 * 2));
  EXPECT_EQ(answer_to(daemon, old_key), 401);
  EXPECT_EQ(shown("name"), "");
}

TEST(TokenRotate, ToEndAKeyAtOnceIsAskedFor) {
  BookedDaemon daemon;
  const auto key = create(daemon, "t");
  const auto refused = daemon.crctl({"token", "rotate", "t", "--now"});
  EXPECT_EQ(refused.exit, 2);
  EXPECT_THAT(refused.err, HasSubstr("--yes"));
  EXPECT_EQ(answer_to(daemon, key), 200);
}

struct stat about(const std::string& path) {
  struct stat info {};
  EXPECT_EQ(::stat(path.c_str(), &info), 0) << path;
  return info;
}

TEST(KeyFile, KeepsWhoMayReadWhatItReplaces) {
  BookedDaemon daemon;
  create(daemon, "t");
  const std::string folder = daemon.dir() / "not/yet/there", file = folder + "/key";
  EXPECT_EQ(daemon.crctl({"token", "rotate", "t", "--out", file, "--dry-run"}).exit, 0);
  EXPECT_FALSE(std::filesystem::exists(folder)) << "a dry run makes nothing";
  daemon.must({"token", "rotate", "t", "--out", file, "--now", "--yes"});
  EXPECT_EQ(about(file).st_mode & 0777, 0600U);
  EXPECT_EQ(about(folder).st_mode & 0777, 0700U);
  ASSERT_EQ(::chmod(file.c_str(), 0640), 0);
  const bool is_root = ::geteuid() == 0;
  const uid_t nobody = 65'534;
  const uid_t owner = is_root ? nobody : ::geteuid();
  const gid_t group = is_root ? nobody : ::getegid();
  ASSERT_EQ(::chown(file.c_str(), owner, group), 0);
  daemon.must({"token", "rotate", "t", "--out", file, "--force", "--now", "--yes"});
  EXPECT_EQ(about(file).st_mode & 0777, 0640U);
  EXPECT_EQ(about(file).st_uid, owner);
  EXPECT_EQ(about(file).st_gid, group);
  daemon.must({"token", "rotate", "t", "--out", file, "--force", "--mode", "0400", "--now", "--yes"});
  EXPECT_EQ(about(file).st_mode & 0777, 0400U);
  if (is_root) {
    daemon.must({"token", "create", "new", "--out", folder + "/new", "--owner", "nobody:0"});
    EXPECT_EQ(about(folder + "/new").st_uid, nobody);
    EXPECT_EQ(about(folder + "/new").st_gid, 0U);
  }
  const auto unknown = daemon.crctl({"token", "create", "x", "--out", folder + "/x", "--owner", "no-such-user-here"});
  EXPECT_EQ(unknown.exit, 2);
  EXPECT_EQ(daemon.crctl({"token", "show", "x"}).exit, 10) << "there was no token yet";
  EXPECT_EQ(daemon.crctl({"token", "create", "x", "--mode", "0600"}).exit, 2) << "stdout has no mode";
}

TEST(KeyFile, ADashIsStdout) {
  BookedDaemon daemon;
  const auto env = daemon.must({"token", "create", "t", "--out", "-", "--format", "env"});
  EXPECT_THAT(env, testing::StartsWith("OPENAI_API_KEY=sk-cr-"));
  EXPECT_FALSE(std::filesystem::exists("-"));
  auto key = daemon.must({"token", "rotate", "t", "--out", "-"});
  key.pop_back();
  EXPECT_EQ(answer_to(daemon, key), 200);
}

// Only a regular file may be replaced, or nothing; anything else is refused before there is a key.
TEST(KeyFile, WhatIsNoFileIsLeftAsItIs) {
  BookedDaemon daemon;
  const auto key = create(daemon, "t");
  const auto directory = daemon.dir() / "places";
  std::filesystem::create_directory(directory);
  std::ofstream(directory + "/real") << "kept";
  std::filesystem::create_symlink("real", directory + "/link");
  std::filesystem::create_symlink("nowhere", directory + "/dangling");
  std::filesystem::create_symlink("pipe", directory + "/link-to-pipe");
  std::filesystem::create_symlink("/dev/null", directory + "/link-to-device");
  ASSERT_EQ(::mkfifo((directory + "/pipe").c_str(), 0600), 0);
  std::filesystem::create_directory(directory + "/folder");
  std::vector<std::pair<std::string, std::string>> table = {{"/link", "a symbolic link"},
                                                            {"/dangling", "a symbolic link"},
                                                            {"/link-to-pipe", "a symbolic link"},
                                                            {"/link-to-device", "a symbolic link"},
                                                            {"/pipe", "a pipe"},
                                                            {"/folder", "a directory"}};
  const int listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const auto place = directory + "/socket";
  ASSERT_LT(place.size(), sizeof address.sun_path);
  std::copy(place.begin(), place.end(), address.sun_path);
  ASSERT_EQ(::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ::close(listener);
  table.emplace_back("/socket", "a socket");
  // Root alone may make one: /dev/null itself is not risked.
  if (::mknod((directory + "/device").c_str(), S_IFCHR | 0600, makedev(1, 3)) == 0)
    table.emplace_back("/device", "a device");
  const auto before = daemon.must({"audit", "list", "--json"});
  for (const auto& [name, what] : table) {
    const auto file = directory + name;
    const auto status = std::filesystem::symlink_status(file);
    for (const Args& verb : {Args{"token", "create", "new"}, Args{"token", "rotate", "t"}}) {
      for (const Args& force : {Args{}, Args{"--force"}}) {
        const auto refused = daemon.crctl(verb + Args{"--out", file} + force);
        EXPECT_EQ(refused.exit, 2) << file;
        EXPECT_EQ(refused.out, "");
        EXPECT_THAT(refused.err, HasSubstr("error: '" + file + "' is " + what + ", not a file\nhint: "));
        EXPECT_EQ(std::filesystem::symlink_status(file).type(), status.type());
      }
    }
    std::filesystem::rename(file, directory + "/t");
    const auto into = daemon.crctl({"token", "rotate", "t", "--out-dir", directory, "--force"});
    EXPECT_EQ(into.exit, 2) << file;
    EXPECT_THAT(into.err, HasSubstr(what));
    EXPECT_EQ(std::filesystem::symlink_status(directory + "/t").type(), status.type());
    std::filesystem::rename(directory + "/t", file);
  }
  EXPECT_EQ(daemon.crctl({"token", "create", "new", "--out", ""}).exit, 2);
  EXPECT_EQ(read_file(directory + "/real"), "kept");
  EXPECT_EQ(daemon.must({"audit", "list", "--json"}), before) << "nothing was minted and taken back";
  EXPECT_EQ(answer_to(daemon, key), 200);
}

TEST(TokenVerify, CurrentOldAndUnknown) {
  BookedDaemon daemon;
  const auto first = create(daemon, "t");
  const auto current = daemon.crctl({"token", "verify"}, first + "\n");
  EXPECT_EQ(current.exit, 0);
  EXPECT_THAT(current.out, HasSubstr("current key of token 't'"));
  EXPECT_EQ((current.out + current.err).find(first), std::string::npos) << "no echo";
  const auto second = rotate(daemon, "t");
  EXPECT_THAT(daemon.must({"token", "verify"}, first + "\n"), HasSubstr("old key of token 't'"));
  EXPECT_EQ(Json::parse(daemon.must({"token", "verify", "--json"}, second + "\n")).at("state"), "current");
  auto mistyped = second;
  mistyped.back() = mistyped.back() == 'a' ? 'b' : 'a';
  const auto unknown = daemon.crctl({"token", "verify"}, mistyped + "\n");
  EXPECT_EQ(unknown.exit, 10);
  EXPECT_THAT(unknown.err, HasSubstr("checksum"));
  EXPECT_EQ(unknown.err.find(mistyped), std::string::npos);
  EXPECT_EQ(daemon.crctl({"token", "verify"}, "something-else-entirely\n").exit, 10);
}

TEST(TokenDelete, AsksAndCanBeTakenBack) {
  BookedDaemon daemon;
  const auto key = create(daemon, "t");
  create(daemon, "u");
  const auto unasked = daemon.crctl({"token", "delete", "t"});
  EXPECT_EQ(unasked.exit, 2) << "there is no terminal to ask";
  EXPECT_THAT(unasked.err, HasSubstr("a confirmation is needed"));
  EXPECT_THAT(unasked.err, HasSubstr("hint: add --yes"));
  EXPECT_EQ(answer_to(daemon, key), 200);
  const auto some = daemon.crctl({"token", "delete", "t", "nobody", "--yes"});
  EXPECT_EQ(some.exit, 13);
  EXPECT_EQ(answer_to(daemon, key), 401);
  EXPECT_EQ(daemon.must({"token", "list", "-q"}), "u\n");
  EXPECT_EQ(daemon.must({"token", "list", "--deleted", "-q"}), "t\n");
  daemon.must({"token", "restore", "t"});
  EXPECT_EQ(daemon.must({"token", "list", "-q"}), "t\nu\n");
  EXPECT_EQ(answer_to(daemon, key), 401) << "its key was destroyed";
  EXPECT_EQ(answer_to(daemon, rotate(daemon, "t", {"--now", "--yes"})), 200);
  EXPECT_EQ(daemon.crctl({"token", "restore", "t"}).exit, 10) << "not deleted now";
  daemon.must({"token", "delete", "t", "-y"});
  create(daemon, "t");
  EXPECT_EQ(daemon.crctl({"token", "restore", "t"}).exit, 11) << "the name is taken";
}

struct Mutation {
  Args args;
  std::string action, object, in;
};

TEST(Audit, EveryMutationIsKeptWithItsCaller) {
  BookedDaemon daemon;
  write_file(daemon.dir() / "prices.json", R"([{"model":"m2","input":"1","output":"2"}])");
  const std::string provider = "sk-provider-of-the-audit-0123456789", other = "sk-another-of-the-audit-0123456789";
  const std::vector<Mutation> table = {
      {{"group", "create", "vip"}, "group.create", "group vip", ""},
      {{"group", "edit", "vip", "--multiplier", "2"}, "group.edit", "group vip", ""},
      {{"account", "create", "acme", "--quota", "5"}, "account.create", "account acme", ""},
      {{"account", "credit", "acme", "5"}, "account.edit", "account acme", ""},
      {{"account", "disable", "acme"}, "account.edit", "account acme", ""},
      {{"channel", "create", "c", "--kind", "openai", "--models", "m", "--key-stdin"},
       "channel.create",
       "channel c",
       provider},
      {{"channel", "set-key", "c", "--add", "--key-stdin"}, "channel.keys.add", "channel c", other},
      {{"channel", "edit", "c", "--priority", "2"}, "channel.edit", "channel c", ""},
      {{"price", "set", "m", "--input", "1", "--output", "2"}, "price.set", "price m", ""},
      {{"price", "import", daemon.dir() / "prices.json"}, "price.import", "prices", ""},
      {{"price", "unset", "m2"}, "price.unset", "price m2", ""},
      {{"token", "create", "t", "--retrievable"}, "token.create", "token t", ""},
      {{"token", "edit", "t", "--note", "x"}, "token.edit", "token t", ""},
      {{"token", "copy", "t", "--print"}, "token.copy", "token t", ""},
      {{"token", "rotate", "t"}, "token.rotate", "token t", ""},
      {{"token", "rotate", "t", "--undo"}, "token.rotate.undo", "token t", ""},
      {{"token", "rotate", "t"}, "token.rotate", "token t", ""},
      {{"token", "rotate", "t", "--finish"}, "token.rotate.finish", "token t", ""},
      {{"token", "disable", "t"}, "token.edit", "token t", ""},
      {{"token", "delete", "t", "--yes"}, "token.delete", "token t", ""},
      {{"token", "restore", "t"}, "token.restore", "token t", ""},
      {{"channel", "delete", "c", "--yes"}, "channel.delete", "channel c", ""},
      {{"account", "delete", "acme", "--yes"}, "account.delete", "account acme", ""},
      {{"group", "delete", "vip", "--yes"}, "group.delete", "group vip", ""},
  };
  std::vector<std::string> keys = {provider, other};
  for (const auto& mutation : table) {
    Args argv{crctl_program(), "--socket", daemon.socket(), "--reason", "spring cleaning"};
    argv.insert(argv.end(), mutation.args.begin(), mutation.args.end());
    Process process({.argv = argv, .env = {}, .directory = {}});
    process.write_in(mutation.in + "\n");
    process.close_in();
    ASSERT_EQ(process.wait(), 0) << mutation.action << ": " << process.err();
    auto said = process.out();
    if (said.starts_with("sk-")) keys.push_back(said.substr(0, said.find('\n')));
    const auto row =
        daemon.sql("SELECT action, object, uid, reason FROM audit WHERE pid = " + std::to_string(process.pid()));
    const std::vector<std::vector<std::string>> expected = {
        {mutation.action, mutation.object, std::to_string(::getuid()), "spring cleaning"}};
    EXPECT_EQ(row, expected) << mutation.action;
  }
  EXPECT_EQ(daemon.sql_value("SELECT count(*) FROM audit"), std::to_string(table.size()));
  ASSERT_GE(keys.size(), 6U);
  for (const auto& key : keys) {
    EXPECT_EQ(daemon.sql_value("SELECT count(*) FROM audit WHERE instr(detail, '" + key + "') > 0"), "0") << key;
  }
}

TEST(Audit, WhatIsRefusedChangesAndRecordsNothing) {
  BookedDaemon daemon;
  create(daemon, "t");
  const auto before = daemon.sql_value("SELECT count(*) FROM audit");
  EXPECT_EQ(daemon.crctl({"token", "create", "t"}).exit, 11);
  EXPECT_EQ(daemon.crctl({"token", "edit", "t", "--note", "x", "--if-rev", "99"}).exit, 11);
  EXPECT_EQ(daemon.crctl({"token", "delete", "nobody", "--yes"}).exit, 10);
  EXPECT_EQ(daemon.crctl({"group", "delete", "default", "--yes"}).exit, 11);
  EXPECT_EQ(daemon.crctl({"token", "enable", "t"}).exit, 0) << "unchanged";
  EXPECT_EQ(daemon.sql_value("SELECT count(*) FROM audit"), before);
}

// Everything in the directory but the clock: the store, its write-ahead log, the configuration.
std::string bytes_under(const std::filesystem::path& directory) {
  std::string all;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    all.append(std::istreambuf_iterator<char>(file), {});
  }
  return all;
}

TEST(Secrets, NoKeyTextInTheStoreOrTheLog) {
  DaemonOptions options;
  options.tables = "[log]\nrequests = \"all\"";
  BookedDaemon daemon(options);
  const std::string provider = "sk-provider-text-0123456789abcdef", added = "sk-provider-more-0123456789abcdef",
                    imported = "sk-imported-text-0123456789abcdef", wrong = "sk-never-a-key-0123456789abcdef";
  daemon.must({"channel", "create", "up", "--kind", "openai", "--models", "m", "--key-stdin"}, provider + "\n");
  daemon.must({"channel", "set-key", "up", "--add", "--key-stdin"}, added + "\n");
  daemon.must({"token", "create", "imported", "--key-stdin"}, imported + "\n");
  std::vector<std::string> keys = {provider, added, imported, wrong, create(daemon, "t")};
  keys.push_back(create(daemon, "sealed", {"--retrievable"}));
  keys.push_back(rotate(daemon, "t"));
  keys.push_back(rotate(daemon, "sealed"));
  daemon.must({"token", "copy", "sealed", "--print"});
  for (const auto& key : keys) {
    HttpClient(daemon.port(), key).get("/v1/models");
    HttpClient(daemon.port(), key).post("/v1/chat/completions", chat("m").dump());
    daemon.crctl({"token", "verify"}, key + "\n");
  }
  daemon.crctl({"token", "create", "again", "--key-stdin"}, imported + "\n");
  daemon.must({"token", "delete", "t", "--yes"});
  const auto check = [&] {
    const auto stored = bytes_under(daemon.state_dir());
    ASSERT_NE(stored.find("imported"), std::string::npos)
        << "the names are there, so this looks where the keys would be";
    const auto log = daemon.log();
    for (const auto& key : keys) {
      EXPECT_EQ(stored.find(key), std::string::npos) << key;
      EXPECT_EQ(log.find(key), std::string::npos) << key;
      // The middle of it neither: what is shown of a key is its ends.
      EXPECT_EQ(stored.find(key.substr(10, key.size() - 14)), std::string::npos) << key;
    }
  };
  check();
  EXPECT_EQ(daemon.stop(), 0);
  check();
}

// Where a name, a file or a word too many is given, it may be a key by mistake.
TEST(Secrets, NoErrorRepeatsWhatMayBeAKey) {
  BookedDaemon daemon;
  daemon.must({"channel", "create", "fake", "--kind", "openai", "--models", "m", "--base-url",
               "https://api.example.com/v1", "--key-stdin"},
              "sk-upstream-0123456789abcdef");
  create(daemon, "ci");
  for (const std::string key :
       {"sk-cr-Ab1Cd2Ef3Gh4Ij5Kl6Mn7Op8Qr9St0Uv1Wx2Yz3AbCdEfGhIjKl", "sk-proj-short-one-1234"}) {
    for (const Args& args :
         std::vector<Args>{{key},
                           {"token", key},
                           {"token", "show", key},
                           {"token", "edit", key, "--note", "x"},
                           {"token", "rotate", key},
                           {"token", "copy", key, "--print"},
                           {"token", "delete", key, "--yes"},
                           {"token", "verify", key},
                           {"token", "create", "x", key},
                           {"token", "create", "x", "--key", key},
                           {"token", "create", "x", "--key=" + key},
                           {"token", "create", "x", "--key-file", key},
                           {"token", "create", "x", "--quota", key},
                           {"token", "create", "x", "--expires", key},
                           {"token", "create", "x", "--account", key},
                           {"token", "create", "x", "--group", key},
                           {"token", "create", "x", "--like", key},
                           {"channel", "set-key", "fake", key},
                           {"channel", "set-key", "fake", "--remove", key},
                           {"channel", "set-key", "fake", "--key-file", key},
                           {"channel", "set-key", key, "--remove", "sk"},
                           {"channel", "edit", "fake", "--header", "authorization " + key},
                           {"channel", "edit", "fake", "--base-url", "https://u:" + key + "@host/v1"},
                           {"channel", "edit", "fake", "--base-url", "https://host/v1?key=" + key},
                           {"channel", "edit", "fake", "--base-url", key},
                           {"channel", "edit", "fake", "--proxy", key},
                           {"channel", "create", "y", "--kind", key},
                           {"channel", "show", key},
                           {"account", "show", key},
                           {"group", "show", key},
                           {"price", "show", key},
                           {"request", "show", key},
                           {"route", "explain", "--token", key, "--model", "m"},
                           {"model", "list", "--token", key},
                           {"usage", "--token", key, "--by", key},
                           {"config", "check", key},
                           {"api", "GET", "/tokens/" + key},
                           {"api", key, "/tokens"},
                           {"api", "GET", "/" + key},
                           {"api", "GET", "/tokens?limit=" + key},
                           {"api", "PATCH", "/tokens/" + key, "-d", "{}", "--debug"}}) {
      for (const Args& form : {Args{}, Args{"--json"}}) {
        const auto answer = daemon.crctl(args + form);
        EXPECT_EQ(answer.out.find(key), std::string::npos) << args[0] << " " << args.back() << answer.out;
        EXPECT_EQ(answer.err.find(key), std::string::npos) << args[0] << " " << args.back() << answer.err;
      }
    }
  }
  // What is given as a key is not repeated whatever it looks like.
  for (const Args& args : std::vector<Args>{{"channel", "set-key", "fake", "--remove", "hunter2"},
                                            {"channel", "set-key", "fake", "hunter2"},
                                            {"channel", "set-key", "fake", "--key-file", "hunter2"},
                                            {"channel", "edit", "fake", "--header", "authorization hunter2"},
                                            {"token", "create", "x", "hunter2"},
                                            {"token", "create", "x", "--key-file", "hunter2"},
                                            {"token", "verify", "hunter2"}}) {
    const auto answer = daemon.crctl(args);
    EXPECT_NE(answer.exit, 0);
    EXPECT_EQ(answer.err.find("hunter2"), std::string::npos) << answer.err;
  }
  EXPECT_EQ(daemon.log().find("Qr9St0Uv1Wx2"), std::string::npos);
  EXPECT_EQ(daemon.log().find("sk-proj-short-one-1234"), std::string::npos);
}

TEST(Secrets, TheDebugTraceShowsNoKey) {
  BookedDaemon daemon;
  const auto made = daemon.crctl({"token", "create", "t", "--debug"});
  ASSERT_EQ(made.exit, 0);
  const auto key = made.out.substr(0, made.out.size() - 1);
  EXPECT_THAT(made.err, HasSubstr("/admin/v1/tokens"));
  EXPECT_EQ(made.err.find(key), std::string::npos);
  const auto verified = daemon.crctl({"token", "verify", "--debug"}, key + "\n");
  EXPECT_EQ(verified.exit, 0);
  EXPECT_EQ((verified.out + verified.err).find(key), std::string::npos);
  const std::string provider = "sk-provider-text-0123456789abcdef";
  const auto channel = daemon.crctl(
      {"channel", "create", "up", "--kind", "openai", "--models", "m", "--key-stdin", "--debug"}, provider + "\n");
  EXPECT_EQ(channel.exit, 0) << channel.err;
  EXPECT_EQ((channel.out + channel.err).find(provider), std::string::npos);
}

}  // namespace
}  // namespace cr::test

// SPDX-License-Identifier: MIT
// Starts that must fail, each with one clear line, a way out, a non-zero exit and nothing lost; and orderly ends.
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>

#include "integration/gateway.h"
#include "support/programs.h"

namespace cr::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

namespace fs = std::filesystem;

class Startup : public testing::Test {
 protected:
  // Why a start of `daemon` fails; empty if it does not.
  static std::string failure(Daemon& daemon) {
    try {
      daemon.start();
    } catch (const std::exception& error) {
      return error.what();
    }
    return {};
  }
  static void write(const std::string& path, const std::string& text) { std::ofstream(path, std::ios::trunc) << text; }
  static std::string read(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
};

TEST_F(Startup, UnknownConfigKeyIsNamedWithItsLine) {
  DaemonOptions options;
  options.start = false;
  options.top_level = "worker = 2";
  BookedDaemon daemon(options);
  EXPECT_THAT(failure(daemon), AllOf(HasSubstr("exit 6"), HasSubstr("crd.toml:4"), HasSubstr("unknown key 'worker'"),
                                     HasSubstr("workers")));
}

TEST_F(Startup, BusyPort) {
  Daemon first;
  DaemonOptions options;
  options.start = false;
  options.listen = "[\"127.0.0.1:" + std::to_string(first.port()) + "\"]";
  Daemon second(options);
  EXPECT_THAT(failure(second), AllOf(HasSubstr("exit 1"), HasSubstr("the address is in use"), HasSubstr("hint:")));
}

TEST_F(Startup, AStaleSocketIsReplacedALiveOneIsNot) {
  Daemon first;
  first.kill9();
  ASSERT_TRUE(fs::exists(first.socket()));
  first.start();  // stale: nobody answers on it
  first.must({"status"});

  DaemonOptions options;
  options.start = false;
  Daemon second(options);
  auto text = read(second.config_file());
  text.replace(text.find(second.socket()), second.socket().size(), first.socket());
  write(second.config_file(), text);
  EXPECT_THAT(failure(second), AllOf(HasSubstr("exit 1"), HasSubstr(first.socket())));
  first.must({"status"});
}

TEST_F(Startup, ASecondDaemonOnTheSameStoreRefuses) {
  Daemon first;
  DaemonOptions options;
  options.start = false;
  Daemon second(options);
  auto text = read(second.config_file());
  text.replace(text.find(second.state_dir()), second.state_dir().size(), first.state_dir());
  write(second.config_file(), text);
  EXPECT_THAT(failure(second), AllOf(HasSubstr("exit 1"), HasSubstr("ledger.db")));
  first.must({"status"});
}

// Whoever takes the lock's file away, or puts another in its place.
TEST_F(Startup, ASecondDaemonRefusesWhereTheLockWasRemoved) {
  Daemon first;
  ASSERT_TRUE(fs::remove(first.ledger() + ".lock"));
  DaemonOptions options;
  options.start = false;
  options.state_dir = first.state_dir();
  Daemon second(options);
  EXPECT_THAT(failure(second), AllOf(HasSubstr("exit 1"), HasSubstr("another crd"), HasSubstr("uses it")));
}

TEST_F(Startup, ALockThatIsALinkIsNotFollowed) {
  BookedDaemon daemon;
  ASSERT_EQ(daemon.stop(), 0);
  const auto target = daemon.dir() / "precious";
  write(target, "precious");
  fs::remove(daemon.ledger() + ".lock");
  fs::create_symlink(target, daemon.ledger() + ".lock");
  EXPECT_THAT(failure(daemon), AllOf(HasSubstr("exit 6"), HasSubstr("ledger.db.lock"), HasSubstr("is a link")));
  EXPECT_EQ(read(target), "precious");
  fs::remove(daemon.ledger() + ".lock");
  daemon.start();
}

TEST_F(Startup, MasterKeyMissingShortWrongOrReadable) {
  BookedDaemon daemon;
  const auto key_file = daemon.state_dir() + "/master.key";
  daemon.must({"token", "create", "kept"});
  ASSERT_EQ(daemon.stop(), 0);
  const auto key = read(key_file);
  ASSERT_EQ(key.size(), 32U);

  fs::remove(key_file);
  EXPECT_THAT(failure(daemon), AllOf(HasSubstr("exit 6"), HasSubstr(key_file), HasSubstr("missing")));
  EXPECT_FALSE(fs::exists(key_file)) << "no new key beside an old store";
  write(key_file, key.substr(0, 31));
  fs::permissions(key_file, fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_THAT(failure(daemon), AllOf(HasSubstr("exit 6"), HasSubstr("not 32 bytes")));
  write(key_file, std::string(32, 'x'));
  EXPECT_THAT(failure(daemon), AllOf(HasSubstr("exit 6"), HasSubstr("master")));
  write(key_file, key);
  fs::permissions(key_file, fs::perms::owner_read | fs::perms::owner_write | fs::perms::others_read);
  EXPECT_THAT(failure(daemon), AllOf(HasSubstr("exit 6"), HasSubstr("chmod 600")));
  fs::permissions(key_file, fs::perms::owner_read | fs::perms::owner_write);
  daemon.start();
  EXPECT_THAT(daemon.must({"token", "list", "-q"}), HasSubstr("kept"));
}

// --- a store whose newest commits are gone, or that is gone ---

struct Missing {
  const char* name;
  void (*happens)(Daemon& daemon);
  const char* told;
};
void remove_store(Daemon& daemon) {
  for (const char* part : {"", "-wal", "-shm", ".lock"}) fs::remove(daemon.ledger() + part);
}
const Missing k_missing[] = {
    {"LogRemoved", [](Daemon& daemon) { fs::remove(daemon.ledger() + "-wal"); }, "is behind its head"},
    {"LogEmptied", [](Daemon& daemon) { fs::resize_file(daemon.ledger() + "-wal", 0); }, "is behind its head"},
    {"StoreRemoved", remove_store, "is missing, but its head"},
    {"FileRemoved", [](Daemon& daemon) { fs::remove(daemon.ledger()); }, "is missing, but its head"},
    {"FolderRemoved", [](Daemon& daemon) { fs::remove_all(daemon.state_dir()); }, "tells of one"},
    {"HeadRemoved", [](Daemon& daemon) { fs::remove(daemon.state_dir() + "-head/head"); }, "cannot be told"},
};

class StoreMissing : public testing::TestWithParam<Missing> {};

TEST_P(StoreMissing, IsRefusedUntilItIsAccepted) {
  Daemon daemon;
  daemon.must({"token", "create", "kept"});
  daemon.kill9();
  GetParam().happens(daemon);
  std::string failed;
  try {
    daemon.start();
  } catch (const std::exception& error) {
    failed = error.what();
  }
  EXPECT_THAT(failed, AllOf(HasSubstr(GetParam().told), HasSubstr("--accept-loss")));
  if (fs::exists(daemon.ledger() + "-wal") && !fs::exists(daemon.ledger())) fs::remove(daemon.ledger() + "-wal");
  Process accepting(
      {.argv = {crd_program(), "--config", daemon.config_file(), "--accept-loss"}, .env = {}, .directory = {}});
  ASSERT_TRUE(accepting.wait_for_line(Stream::err, " ready")) << accepting.err();
  accepting.signal(SIGTERM);
  EXPECT_EQ(accepting.wait(), 0);
  daemon.start();
  EXPECT_THAT(daemon.must({"audit", "list"}), HasSubstr("store.loss_accepted"));
  EXPECT_THAT(daemon.must({"status", "--field", "head"}), HasSubstr("-head/head: up to date"));
  EXPECT_THAT(daemon.must({"metrics"}), HasSubstr("crd_store_head_behind_seconds 0"));
  check_books(daemon);
}

INSTANTIATE_TEST_SUITE_P(Kinds, StoreMissing, testing::ValuesIn(k_missing),
                         [](const auto& one) { return one.param.name; });

TEST_F(Startup, AStoreWithoutAHeadIsSaidAtEachStart) {
  DaemonOptions options;
  options.tables = "[store]\nhead = \"\"\n";
  BookedDaemon daemon(options);
  EXPECT_THAT(daemon.log(), HasSubstr("no head of the store is kept"));
  EXPECT_EQ(daemon.must({"status", "--field", "head"}), "none\n");
  EXPECT_FALSE(fs::exists(daemon.state_dir() + "-head"));
}

TEST_F(Startup, ACorruptStoreIsNamedAndKept) {
  Daemon daemon;
  ASSERT_EQ(daemon.stop(), 0);
  const std::string garbage(8192, 'g');
  write(daemon.ledger(), garbage);
  EXPECT_THAT(failure(daemon), AllOf(HasSubstr("exit 1"), HasSubstr(daemon.ledger())));
  EXPECT_EQ(read(daemon.ledger()), garbage);
}

TEST_F(Startup, AStateDirectoryThatOthersMayWrite) {
  DaemonOptions options;
  options.start = false;
  BookedDaemon daemon(options);
  fs::create_directories(daemon.state_dir());
  fs::permissions(daemon.state_dir(), fs::perms::all);
  EXPECT_THAT(failure(daemon), AllOf(HasSubstr("exit 6"), HasSubstr(daemon.state_dir()), HasSubstr("chmod 700")));
}

// What is no file of this process's own, or was open to others. Nothing of it is changed.
TEST_F(Startup, StoresAndKeysThatOthersCouldHaveChanged) {
  struct Row {
    std::string what;
    std::function<void(const Daemon&)> spoil;
    std::string said;
    bool needs_root = false;
  };
  const auto link_away = [](const std::string& path) {
    fs::rename(path, path + ".real");
    fs::create_symlink(path + ".real", path);
  };
  const auto give_away = [](const std::string& path) { ASSERT_EQ(::chown(path.c_str(), 12'345, 12'345), 0); };
  const std::vector<Row> table{
      {"read by all", [](const Daemon& d) { fs::permissions(d.ledger(), fs::perms(0644)); }, "chmod 600"},
      {"read by a group", [](const Daemon& d) { fs::permissions(d.ledger(), fs::perms(0640)); }, "chmod 600"},
      {"written by all", [](const Daemon& d) { fs::permissions(d.ledger(), fs::perms(0666)); }, "chmod 600"},
      {"a link", [&](const Daemon& d) { link_away(d.ledger()); }, "it is a link"},
      {"a link to nothing",
       [](const Daemon& d) {
         fs::remove(d.ledger());
         fs::create_symlink(d.state_dir() + "/nowhere.db", d.ledger());
       },
       "it is a link"},
      {"a key that is a link", [&](const Daemon& d) { link_away(d.state_dir() + "/master.key"); },
       "/master.key is a link"},
      {"another's store", [&](const Daemon& d) { give_away(d.ledger()); }, "belongs to uid 12345", true},
      {"another's key", [&](const Daemon& d) { give_away(d.state_dir() + "/master.key"); }, "uid 12345", true},
      {"another's directory", [&](const Daemon& d) { give_away(d.state_dir()); }, "belongs to uid 12345", true},
  };
  for (const auto& row : table) {
    if (row.needs_root && ::geteuid() != 0) continue;
    SCOPED_TRACE(row.what);
    BookedDaemon daemon;
    ASSERT_EQ(daemon.stop(), 0);
    row.spoil(daemon);
    struct stat before {
    }, after{};
    ASSERT_EQ(::lstat(daemon.ledger().c_str(), &before), 0);
    EXPECT_THAT(failure(daemon), AllOf(HasSubstr("exit 6"), HasSubstr(row.said), HasSubstr(daemon.state_dir())));
    ASSERT_EQ(::lstat(daemon.ledger().c_str(), &after), 0);
    EXPECT_EQ(after.st_mode, before.st_mode);
    EXPECT_FALSE(fs::exists(daemon.state_dir() + "/nowhere.db"));
  }
}

TEST_F(Startup, WhatServesButShouldNotStayIsWarnedOf) {
  DaemonOptions options;
  options.start = false;
  options.listen = "[\"0.0.0.0:0\"]";
  options.top_level = "trusted_proxies = [\"10.0.0.0/7\"]";
  options.tables = "[limits]\nconnections_max = 1000000";
  Daemon daemon(options);
  fs::create_directories(daemon.state_dir());
  fs::permissions(daemon.state_dir(), fs::perms::owner_all);
  write(daemon.ledger(), "");
  fs::create_hard_link(daemon.ledger(), daemon.state_dir() + "/second");
  fs::permissions(daemon.config_file(), fs::perms(0666));
  const std::vector<std::string> said{"without TLS", "trusted_proxies holds a network", "a hard link", "chmod go-w",
                                      "connections_max is 1000000"};
  const auto checked =
      run({.argv = {crd_program(), "--config", daemon.config_file(), "--check"}, .env = {}, .directory = {}});
  EXPECT_EQ(checked.exit, 0) << checked.err;
  for (const auto& words : said) EXPECT_THAT(checked.err, HasSubstr(words));
  fs::remove(daemon.ledger());
  daemon.start();
  const auto log = daemon.log();
  for (const auto& words : said) {
    if (words == "a hard link") continue;  // the start made the store anew
    EXPECT_THAT(log, HasSubstr(words));
  }
}

// What a start is refused for the check says, too, and makes nothing.
TEST_F(Startup, TheCheckReadsWhatAStartReads) {
  struct Row {
    std::string tables;
    std::function<void(const Daemon&)> spoil;
    std::string said;
  };
  const std::string ca = "[relay]\nca_file = ";
  const std::vector<Row> table{
      {ca + "\"/nonexistent/ca.pem\"", {}, "/nonexistent/ca.pem"},
      {ca + "\"/dev/null\"", {}, "/dev/null"},
      {ca + "\"/\"", {}, "ca_file"},
      {"",
       [](const Daemon& d) {
         fs::create_directories(d.state_dir());
         fs::permissions(d.state_dir(), fs::perms::all);
       },
       "chmod 700"},
      {"", [](const Daemon& d) { write(d.socket(), "x"); }, "is not a socket"},
  };
  for (const auto& row : table) {
    DaemonOptions options;
    options.start = false;
    options.tables = row.tables;
    Daemon daemon(options);
    if (row.spoil) row.spoil(daemon);
    const bool there = fs::exists(daemon.state_dir());
    const auto checked =
        run({.argv = {crd_program(), "--config", daemon.config_file(), "--check"}, .env = {}, .directory = {}});
    EXPECT_EQ(checked.exit, 6) << row.said;
    EXPECT_THAT(checked.err, AllOf(HasSubstr(row.said), HasSubstr("error:"))) << row.said;
    EXPECT_EQ(fs::exists(daemon.state_dir()), there);
    EXPECT_NE(failure(daemon), "") << row.said;
  }
}

TEST_F(Startup, FilesAreForTheirOwnerOnly) {
  BookedDaemon daemon;
  for (const std::string file : {"/master.key", "/ledger.db"}) {
    EXPECT_EQ(fs::status(daemon.state_dir() + file).permissions() & fs::perms::mask,
              fs::perms::owner_read | fs::perms::owner_write)
        << file;
  }
  struct stat info {};
  ASSERT_EQ(::stat(daemon.socket().c_str(), &info), 0);
  // Shared with the admins' group where there is one; else the owner's alone.
  EXPECT_EQ(info.st_mode & 0777U, ::getgrnam("crd-admin") == nullptr ? 0600U : 0660U);
}

TEST_F(Startup, ReloadTakesAGoodFileAndKeepsTheOldOneForABad) {
  Gateway gateway;
  const auto key = gateway.token("t");
  const auto good = read(gateway.daemon.config_file());
  write(gateway.daemon.config_file(), good + "\n[limits]\nbody_bytes_max = 1024\n");
  gateway.daemon.must({"config", "reload"});
  EXPECT_EQ(gateway.post(key, chat("fake-a", {{"user", std::string(2000, 'x')}})).status, 413);
  write(gateway.daemon.config_file(), good + "\n[limits]\nbody_bytes_max = \"lots\"\n");
  const auto refused = gateway.daemon.crctl({"config", "reload"});
  EXPECT_EQ(refused.exit, 6);
  EXPECT_THAT(refused.err, HasSubstr("crd.toml:"));
  EXPECT_EQ(gateway.post(key, chat("fake-a", {{"user", std::string(2000, 'x')}})).status, 413);
  write(gateway.daemon.config_file(), good + "\n");
  gateway.daemon.process().signal(SIGHUP);
  ASSERT_TRUE(gateway.daemon.process().wait_for_line(Stream::err, "configuration reloaded"));
}

TEST_F(Startup, SigtermLetsARunningStreamFinish) {
  Gateway gateway;
  const auto key = gateway.token("t", {"--quota", "1"});
  gateway.upstream.close_gate(2);
  RawClient client(gateway.daemon.port());
  client.send(raw_request("POST", "/v1/chat/completions", key, chat("fake-a", {{"stream", true}}).dump()));
  const auto head = client.read_head();
  ASSERT_TRUE(head);
  ASSERT_TRUE(client.read_event(*head));
  RawClient idle(gateway.daemon.port());
  gateway.daemon.process().signal(SIGTERM);
  ASSERT_TRUE(gateway.daemon.process().wait_for_line(Stream::err, " draining"));
  EXPECT_TRUE(idle.wait_closed());
  gateway.upstream.open_gate();
  while (client.read_event(*head)) continue;
  EXPECT_TRUE(client.clean_end());
  EXPECT_EQ(gateway.daemon.process().wait(), 0);
  gateway.daemon.start();
  EXPECT_EQ(gateway.posted("t"), 50'000);
  check_witness(gateway, Run::clean);
}

TEST_F(Startup, ASecondSigtermCutsAndSettles) {
  Gateway gateway;
  const auto key = gateway.token("t", {"--quota", "1"});
  gateway.upstream.close_gate(2);
  RawClient client(gateway.daemon.port());
  client.send(raw_request("POST", "/v1/chat/completions", key, chat("fake-a", {{"stream", true}}).dump()));
  const auto head = client.read_head();
  ASSERT_TRUE(head);
  ASSERT_TRUE(client.read_event(*head));
  gateway.daemon.process().signal(SIGTERM);
  ASSERT_TRUE(gateway.daemon.process().wait_for_line(Stream::err, " draining"));
  gateway.daemon.process().signal(SIGTERM);
  EXPECT_EQ(gateway.daemon.process().wait(), 0);
  gateway.upstream.open_gate();
  gateway.daemon.start();
  EXPECT_EQ(gateway.reserved("t"), 0);
  EXPECT_GT(gateway.posted("t"), 0);
}

}  // namespace
}  // namespace cr::test

// SPDX-License-Identifier: MIT
// A store that hangs, cannot commit or is not there any more: requests are told so in time, for unlimited tokens too,
// nothing is sent or kept reserved, /readyz and crctl show it, and crd goes on by itself.
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <thread>

#include "integration/gateway.h"

namespace cr::test {
namespace {

using testing::HasSubstr;

constexpr CrashPoint k_sync_hangs{CrashPoint::Call::commit, CrashPoint::When::before, 1, CrashPoint::Effect::hang};
constexpr CrashPoint k_disk_full{CrashPoint::Call::write, CrashPoint::When::before, 1, CrashPoint::Effect::fail,
                                 ENOSPC};
constexpr CrashPoint k_read_only{CrashPoint::Call::write, CrashPoint::When::before, 1, CrashPoint::Effect::fail, EROFS};

DaemonOptions with_timeout(const std::string& ledger_timeout) {
  DaemonOptions options;
  options.crash_shim = true;
  options.top_level = "workers = 2";
  options.tables = "[limits]\nledger_timeout = \"" + ledger_timeout + "\"\n";
  return options;
}

// One of `crctl metrics`.
std::string metric(Daemon& daemon, const std::string& name) {
  const auto text = daemon.must({"metrics"});
  const auto line = text.find("\n" + name + " ");
  if (line == std::string::npos) return "none";
  const auto value = line + name.size() + 2;
  return text.substr(value, text.find('\n', value) - value);
}
void wait_for_metric(Daemon& daemon, const std::string& name, const std::string& value) {
  const auto until = std::chrono::steady_clock::now() + k_deadline;
  while (metric(daemon, name) != value) {
    ASSERT_LT(std::chrono::steady_clock::now(), until) << name << " is " << metric(daemon, name);
  }
}
int readiness(Daemon& daemon) {
  return HttpClient(daemon.port()).get("/readyz").status;
}
void wait_for_readiness(Daemon& daemon, int status) {
  const auto until = std::chrono::steady_clock::now() + k_deadline;
  while (readiness(daemon) != status) ASSERT_LT(std::chrono::steady_clock::now(), until);
}
void expect_unavailable(const HttpAnswer& answer) {
  EXPECT_EQ(answer.status, 503) << answer.body;
  EXPECT_EQ(error_code(answer), "unavailable");
  EXPECT_NE(answer.header("retry-after"), "");
}

TEST(StoreThatHangs, EveryWaitEndsAndNothingStaysReserved) {
  Gateway gateway(with_timeout("1s"));
  auto& daemon = gateway.daemon;
  const auto limited = gateway.token("t", {"--quota", "1"});
  const auto unlimited = gateway.token("u");
  daemon.crash_at(k_sync_hangs);
  expect_unavailable(gateway.post(limited, chat()));
  daemon.wait_met();
  wait_for_readiness(daemon, 503);
  EXPECT_EQ(HttpClient(daemon.port()).get("/healthz").status, 200);
  expect_unavailable(gateway.post(limited, chat()));
  expect_unavailable(gateway.post(unlimited, chat()));
  expect_unavailable(gateway.post(unlimited, chat(), "/v1/messages"));
  expect_unavailable(HttpClient(daemon.port(), limited).get("/v1/token"));
  expect_unavailable(HttpClient(daemon.port(), limited).get("/v1/responses/resp_1"));
  EXPECT_EQ(HttpClient(daemon.port(), limited).get("/v1/models").status, 200) << "needs no ledger";
  EXPECT_EQ(gateway.arrived(), 0);
  EXPECT_EQ(metric(daemon, "crd_ledger_ready"), "0");
  EXPECT_THAT(daemon.must({"status", "--field", "ledger"}), HasSubstr("has not answered for"));

  daemon.disarm();
  wait_for_readiness(daemon, 200);
  EXPECT_EQ(gateway.post(limited, chat()).status, 200);
  EXPECT_EQ(gateway.post(unlimited, chat()).status, 200);
  EXPECT_EQ(gateway.reserved("t"), 0) << "what was reserved too late is void";
  EXPECT_EQ(gateway.posted("t"), 50'000);
  EXPECT_EQ(daemon.must({"status", "--field", "ledger"}), "ready\n");
  check_witness(gateway, Run::clean);
  check_books(daemon);
}

TEST(StoreThatHangs, AnAdministratorIsToldAndNothingIsChangedLater) {
  Gateway gateway(with_timeout("1s"));
  auto& daemon = gateway.daemon;
  const auto key = gateway.token("t", {"--quota", "1"});
  daemon.crash_at(k_sync_hangs);
  expect_unavailable(gateway.post(key, chat()));
  const auto created = daemon.crctl({"token", "create", "late"});
  EXPECT_EQ(created.exit, 15) << created.err;
  EXPECT_THAT(created.err, HasSubstr("the ledger thread does not answer"));
  const auto shown = daemon.crctl({"token", "show", "t"});
  EXPECT_EQ(shown.exit, 0) << "as of the last commit: " << shown.err;
  daemon.disarm();
  wait_for_readiness(daemon, 200);
  EXPECT_NE(daemon.crctl({"token", "show", "late"}).exit, 0);
  check_books(daemon);
}

TEST(StoreThatHangs, AClientThatLeavesIsNotWaitedFor) {
  Gateway gateway(with_timeout("60s"));
  auto& daemon = gateway.daemon;
  const auto key = gateway.token("t", {"--quota", "1"});
  daemon.crash_at(k_sync_hangs);
  RawClient client(daemon.port());
  client.send(raw_request("POST", "/v1/chat/completions", key, chat().dump()));
  daemon.wait_met();
  EXPECT_EQ(metric(daemon, "crd_requests_running"), "1");
  client.reset();
  wait_for_metric(daemon, "crd_requests_running", "0");
  daemon.disarm();
  EXPECT_EQ(gateway.reserved("t"), 0);
  EXPECT_EQ(gateway.posted("t"), 0);
  EXPECT_EQ(gateway.arrived(), 0);
  check_books(daemon);
}

class StoreThatCannotCommit : public testing::TestWithParam<CrashPoint> {};

TEST_P(StoreThatCannotCommit, AdmitsNobodyShowsItAndRecovers) {
  Gateway gateway(with_timeout("5s"));
  auto& daemon = gateway.daemon;
  const auto key = gateway.token("u");
  gateway.upstream.close_gate(2);
  RawClient running(daemon.port());
  running.send(raw_request("POST", "/v1/chat/completions", key, chat("fake-a", {{"stream", true}}).dump()));
  const auto head = running.read_head();
  ASSERT_TRUE(head);
  ASSERT_TRUE(running.read_event(*head));
  daemon.crash_at(GetParam());
  gateway.upstream.open_gate();
  while (running.read_event(*head)) continue;
  EXPECT_TRUE(running.clean_end()) << "what runs is finished";
  wait_for_metric(daemon, "crd_ledger_ready", "0");
  EXPECT_EQ(readiness(daemon), 503);
  for (int i = 0; i < 50; ++i) expect_unavailable(gateway.post(key, chat()));
  EXPECT_EQ(metric(daemon, "crd_ledger_backlog"), "1") << "what is refused is not queued";
  EXPECT_EQ(gateway.arrived(), 1);
  EXPECT_THAT(daemon.must({"status", "--field", "ledger"}), HasSubstr("cannot commit"));
  EXPECT_EQ(daemon.must({"status", "--field", "ledger_backlog"}), "1\n");

  daemon.disarm();
  ASSERT_TRUE(daemon.process().wait_for_line(Stream::err, "the store can commit again"));
  wait_for_readiness(daemon, 200);
  EXPECT_EQ(gateway.post(key, chat()).status, 200);
  EXPECT_EQ(gateway.posted("u"), 2 * 50'000);
  EXPECT_EQ(metric(daemon, "crd_ledger_backlog"), "0");
  check_witness(gateway, Run::clean);
  check_books(daemon);
}

INSTANTIATE_TEST_SUITE_P(Kinds, StoreThatCannotCommit, testing::Values(k_disk_full, k_read_only),
                         [](const auto& one) { return one.param.error == ENOSPC ? "DiskFull" : "ReadOnly"; });

// With nothing to commit it finds out by itself, too.
TEST(StoreWithoutRoom, IsFoundToHaveSomeAgainWithNothingToCommit) {
  Gateway gateway(with_timeout("5s"));
  const auto key = gateway.token("t", {"--quota", "1"});
  gateway.daemon.crash_at(k_disk_full);
  expect_unavailable(gateway.post(key, chat()));
  EXPECT_EQ(metric(gateway.daemon, "crd_ledger_backlog"), "0");
  gateway.daemon.disarm();
  wait_for_readiness(gateway.daemon, 200);
  EXPECT_EQ(gateway.post(key, chat()).status, 200);
  check_witness(gateway, Run::clean);
}

// --- the store's files are removed or replaced while crd runs ---

namespace fs = std::filesystem;

struct Loss {
  const char* name;
  void (*happens)(const std::string& ledger);
  const char* told;
  bool starts_again;  // without a word, with all that was recorded
};
void replace(const std::string& ledger) {
  fs::copy_file(ledger, ledger + ".other");
  fs::rename(ledger + ".other", ledger);
}
const Loss k_losses[] = {
    {"FileRemoved", [](const std::string& ledger) { fs::remove(ledger); }, "ledger.db is gone", false},
    {"AllRemoved",
     [](const std::string& ledger) {
       for (const char* part : {"", "-wal", "-shm"}) fs::remove(ledger + part);
     },
     "ledger.db is gone", false},
    {"LogRemoved", [](const std::string& ledger) { fs::remove(ledger + "-wal"); }, "ledger.db-wal is gone", true},
    {"IndexRemoved", [](const std::string& ledger) { fs::remove(ledger + "-shm"); }, "ledger.db-shm is gone", true},
    {"LockRemoved", [](const std::string& ledger) { fs::remove(ledger + ".lock"); }, "ledger.db.lock is gone", true},
    {"FileReplaced", replace, "ledger.db is not the file any more", false},
    {"FileEmptied", [](const std::string& ledger) { fs::resize_file(ledger, 0); }, "ledger.db was emptied", false},
    {"FolderRenamed",
     [](const std::string& ledger) {
       const auto folder = fs::path(ledger).parent_path();
       fs::rename(folder, folder.string() + ".moved");
     },
     "ledger.db is gone", false},
};

// With a channel that needs no provider: what is lost here is not to be held against what one counted.
class LosingDaemon {
 public:
  LosingDaemon() {
    daemon.must({"channel", "create", "echo", "--kind", "echo", "--models", "m"});
    key = daemon.must({"token", "create", "t"});
    key.pop_back();
  }
  HttpAnswer post() {
    const Json body = {{"model", "m"}, {"messages", {{{"role", "user"}, {"content", "hi"}}}}};
    return HttpClient(daemon.listener(), key).post("/v1/chat/completions", body.dump());
  }
  bool wait_for(std::string_view line) { return daemon.process().wait_for_line(Stream::err, line).has_value(); }
  Daemon daemon;
  std::string key;
};

class StoreLost : public testing::TestWithParam<Loss> {};

TEST_P(StoreLost, TakesNothingSaysSoAndEndsInFailure) {
  LosingDaemon one;
  ASSERT_EQ(one.post().status, 200);
  GetParam().happens(one.daemon.ledger());
  ASSERT_TRUE(one.wait_for("the store cannot commit")) << "nobody asks anything: it looks by itself";
  EXPECT_THAT(one.daemon.log(), HasSubstr(GetParam().told));
  expect_unavailable(one.post());
  EXPECT_EQ(readiness(one.daemon), 503);
  const auto created = one.daemon.crctl({"token", "create", "late"});
  EXPECT_NE(created.exit, 0);
  EXPECT_THAT(created.err, HasSubstr(GetParam().told));
  EXPECT_EQ(one.daemon.stop(), 1);
  EXPECT_THAT(one.daemon.log(), HasSubstr("were removed or replaced"));
  if (!GetParam().starts_again) return;
  one.daemon.start();
  EXPECT_EQ(one.daemon.sql_value("SELECT count(*) FROM request"), "1");
  check_books(one.daemon);
}

INSTANTIATE_TEST_SUITE_P(Kinds, StoreLost, testing::ValuesIn(k_losses), [](const auto& one) { return one.param.name; });

TEST(StoreThatWasMoved, IsUsedAgainOnceItIsBack) {
  LosingDaemon one;
  const auto away = one.daemon.state_dir() + ".moved";
  fs::rename(one.daemon.state_dir(), away);
  ASSERT_TRUE(one.wait_for("the store cannot commit"));
  expect_unavailable(one.post());
  fs::rename(away, one.daemon.state_dir());
  ASSERT_TRUE(one.wait_for("the store can commit again"));
  wait_for_readiness(one.daemon, 200);
  EXPECT_EQ(one.post().status, 200);
  EXPECT_EQ(one.daemon.stop(), 0);
  one.daemon.start();
  EXPECT_EQ(one.daemon.sql_value("SELECT count(*) FROM request"), "1");
  check_books(one.daemon);
}

// The other file's next start must not read a log that is not its own.
TEST(StoreThatWasReplaced, IsLeftAsItIs) {
  LosingDaemon one;
  ASSERT_EQ(one.daemon.stop(), 0);
  const auto other = one.daemon.dir() / "other.db";
  fs::copy_file(one.daemon.ledger(), other);
  one.daemon.start();
  ASSERT_EQ(one.post().status, 200);
  fs::rename(other, one.daemon.ledger());
  ASSERT_TRUE(one.wait_for("the store cannot commit"));
  EXPECT_EQ(one.daemon.stop(), 1);
  EXPECT_FALSE(fs::exists(one.daemon.ledger() + "-wal"));
  EXPECT_TRUE(fs::exists(one.daemon.ledger() + "-wal.replaced"));
  EXPECT_EQ(one.daemon.sql_value("SELECT count(*) FROM request"), "0") << "as it was when it was copied";
}

// The service manager's end of NOTIFY_SOCKET.
class Manager {
 public:
  explicit Manager(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    if (::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      throw std::runtime_error("cannot bind " + path);
    const timeval deadline{k_deadline.count(), 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof deadline);
  }
  ~Manager() { ::close(fd_); }
  Manager(const Manager&) = delete;
  Manager& operator=(const Manager&) = delete;
  void wait_for(std::string_view what) {
    char text[4096];
    for (;;) {
      const auto got = ::recv(fd_, text, sizeof text, 0);
      if (got <= 0) throw std::runtime_error("no notice " + std::string(what));
      if (std::string_view(text, static_cast<std::size_t>(got)).find(what) != std::string_view::npos) return;
    }
  }

 private:
  int fd_;
};

TEST(StoreThatHangs, TheWatchdogIsNotFed) {
  TempDir folder;
  Manager manager(folder / "notify");
  auto options = with_timeout("1s");
  options.env = {{"NOTIFY_SOCKET", folder / "notify"}, {"WATCHDOG_USEC", "2000000"}};
  Gateway gateway(options);
  const auto key = gateway.token("t", {"--quota", "1"});
  manager.wait_for("WATCHDOG=1");
  gateway.daemon.crash_at(k_sync_hangs);
  expect_unavailable(gateway.post(key, chat()));
  const auto line = gateway.daemon.process().wait_for_line(Stream::err, "the watchdog is not told");
  ASSERT_TRUE(line);
  EXPECT_THAT(*line, HasSubstr("the ledger thread does not answer"));
  gateway.daemon.disarm();
  manager.wait_for("WATCHDOG=1");
  wait_for_readiness(gateway.daemon, 200);
}

}  // namespace
}  // namespace cr::test

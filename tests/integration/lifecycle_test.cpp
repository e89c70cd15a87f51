// SPDX-License-Identifier: MIT
// How crd ends while requests of every kind are under way: a sync of the store fails, or hangs and crd is told to stop;
// it is told twice; its drain runs out. Each ends in bounded time with the documented status, and the books agree at
// the next start.
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <future>
#include <mutex>

#include "integration/form.h"
#include "integration/gateway.h"
#include "support/tcp_listener.h"

namespace cr::test {
namespace {

using testing::HasSubstr;

enum class Runs { waiting, streaming, uploading, connecting, handshaking, idle, everything };
enum class Ends { sync_fails, sync_hangs, second_signal, drain_runs_out };

constexpr CrashPoint k_sync_fails{CrashPoint::Call::commit, CrashPoint::When::before, 1, CrashPoint::Effect::fail, EIO};
constexpr CrashPoint k_sync_hangs{CrashPoint::Call::commit, CrashPoint::When::before, 1, CrashPoint::Effect::hang};
constexpr std::size_t k_mib = std::size_t{1024} * 1024;

std::string name_of(Runs runs) {
  constexpr const char* k_names[] = {"Waiting",     "Streaming", "Uploading", "Connecting",
                                     "Handshaking", "Idle",      "Everything"};
  return k_names[static_cast<std::size_t>(runs)];
}
std::string name_of(Ends ends) {
  constexpr const char* k_names[] = {"SyncFails", "SyncHangs", "SecondSignal", "DrainRunsOut"};
  return k_names[static_cast<std::size_t>(ends)];
}

class Lifecycle : public testing::TestWithParam<std::tuple<Runs, Ends>> {
 protected:
  static DaemonOptions options() {
    const auto [runs, ends] = GetParam();
    DaemonOptions options;
    options.crash_shim = true;
    options.env = {{"MALLOC_CONF", "junk:true"}};  // what uses memory that was freed does not find what was there
    options.tls = runs == Runs::handshaking;
    options.top_level = "workers = 2\ndrain_timeout = ";
    options.top_level += ends == Ends::second_signal ? "\"60s\"" : "\"0s\"";
    if (ends == Ends::sync_hangs) options.tables = "[limits]\nledger_timeout = \"1s\"\n";
    return options;
  }
  Lifecycle() {
    gateway_.daemon.must({"channel", "create", "silent", "--kind", "openai", "--base-url",
                          "https://127.0.0.1:" + std::to_string(silent_.port()), "--models", "silent-*", "--key-stdin",
                          "--allow-private", "--timeout-connect", "60s"},
                         "sk-provider-5678\n");
    gateway_.set_price("silent-a");
    gateway_.daemon.must(
        {"price", "set", "fake-b", "--input", "1", "--output", "2", "--max-output", "4096", "--context", "16000"});
    key_ = gateway_.token("t", {"--quota", "10"});
  }

  RawClient& client() {
    clients_.push_back(std::make_unique<RawClient>(gateway_.daemon.listener()));
    return *clients_.back();
  }
  void send(const std::string& model, bool stream) {
    client().send(raw_request("POST", "/v1/chat/completions", key_,
                              chat(model, {{"max_tokens", 100}, {"stream", stream}}).dump()));
  }

  // Returns once it is under way.
  void begin(Runs runs) {
    switch (runs) {
      case Runs::waiting:  // of what the end itself sends
        break;
      case Runs::streaming: {
        gateway_.upstream.close_gate(2);
        send("fake-a", true);
        const auto head = clients_.back()->read_head();
        ASSERT_TRUE(head);
        ASSERT_TRUE(clients_.back()->read_event(*head));
        break;
      }
      case Runs::uploading: {
        const auto form = Form().field("model", "fake-b").file("file", std::string(8 * k_mib, 'x'));
        client().send(raw_request("POST", "/v1/audio/transcriptions", key_, {},
                                  "Content-Type: " + form.content_type() +
                                      "\r\nContent-Length: " + std::to_string(form.body().size()) + "\r\n"));
        clients_.back()->send(form.body().substr(0, 3 * k_mib));
        gateway_.upstream.wait_for("heads", 1);
        break;
      }
      case Runs::connecting:
        send("silent-a", false);
        ASSERT_EQ(connected_.wait_for(k_deadline), std::future_status::ready);
        break;
      case Runs::handshaking:
        fd_ = connect_to(gateway_.daemon.port());
        ASSERT_TRUE(send_all(fd_, "\x16\x03\x01"));  // a ClientHello begins
        while (gateway_.daemon.must({"status", "--field", "connections"}) == "0\n") continue;
        break;
      case Runs::idle: {
        client().send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
        const auto head = clients_.back()->read_head();
        ASSERT_TRUE(head);
        clients_.back()->read_body(*head);
        break;
      }
      case Runs::everything:
        for (const Runs each : {Runs::uploading, Runs::connecting, Runs::idle, Runs::streaming}) begin(each);
        break;
    }
  }

  // Returns the exit status.
  std::optional<int> end(Runs runs, Ends ends) {
    auto& daemon = gateway_.daemon;
    const bool waits = runs == Runs::waiting || runs == Runs::everything;
    if (ends == Ends::sync_fails || ends == Ends::sync_hangs || waits) {
      daemon.crash_at(ends == Ends::sync_fails ? k_sync_fails : k_sync_hangs);
      send("fake-a", false);
      daemon.wait_met();
    }
    if (ends != Ends::sync_fails) daemon.process().signal(SIGTERM);
    if (ends == Ends::second_signal) {
      daemon.process().wait_for_line(Stream::err, "draining");
      daemon.process().signal(SIGTERM);
    }
    if (waits && (ends == Ends::second_signal || ends == Ends::drain_runs_out)) {
      EXPECT_TRUE(daemon.process().wait_for_line(Stream::err, "cutting what still runs"));
      daemon.disarm();
    }
    return daemon.process().wait();
  }

  ~Lifecycle() override {
    if (fd_ >= 0) ::close(fd_);
  }

  std::once_flag connects_once_;
  std::promise<void> connects_;
  std::future<void> connected_ = connects_.get_future();
  // Accepts, and never says a word: not in TLS either.
  TcpListener silent_{[this](int fd) {
    std::call_once(connects_once_, [this] { connects_.set_value(); });
    char byte = 0;
    while (::read(fd, &byte, 1) > 0) continue;
  }};
  Gateway gateway_{options()};
  std::string key_;
  std::vector<std::unique_ptr<RawClient>> clients_;
  int fd_ = -1;
};

TEST_P(Lifecycle, EndsInTimeAndTheBooksAgree) {
  const auto [runs, ends] = GetParam();
  begin(runs);
  const auto status = end(runs, ends);
  ASSERT_TRUE(status) << "it still runs\n" << gateway_.daemon.log();
  const bool failed = ends == Ends::sync_fails || ends == Ends::sync_hangs;
  EXPECT_EQ(*status, failed ? 1 : 0) << gateway_.daemon.log();
  if (ends == Ends::sync_fails) {
    EXPECT_THAT(gateway_.daemon.log_with("failed to sync"), HasSubstr("failed to sync"));
  }
  if (ends == Ends::sync_hangs) {
    EXPECT_THAT(gateway_.daemon.log_with("stopping without the ledger thread"),
                HasSubstr("stopping without the ledger thread"));
  }

  gateway_.daemon.disarm();
  gateway_.daemon.start();
  gateway_.daemon.must({"audit", "verify"});
  EXPECT_EQ(gateway_.reserved("t"), 0);
  // Nothing was sent for what waited for its reservation: a stop that has time voids it, a crash cannot know.
  if (runs == Runs::waiting && !failed) {
    EXPECT_EQ(gateway_.posted("t"), 0);
  }
  check_witness(gateway_, Run::with_faults);
  check_books(gateway_.daemon);
}

INSTANTIATE_TEST_SUITE_P(
    All, Lifecycle,
    testing::Combine(testing::Values(Runs::waiting, Runs::streaming, Runs::uploading, Runs::connecting,
                                     Runs::handshaking, Runs::idle, Runs::everything),
                     testing::Values(Ends::sync_fails, Ends::sync_hangs, Ends::second_signal, Ends::drain_runs_out)),
    [](const auto& one) { return name_of(std::get<0>(one.param)) + name_of(std::get<1>(one.param)); });

}  // namespace
}  // namespace cr::test

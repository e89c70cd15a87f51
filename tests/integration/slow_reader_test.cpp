// SPDX-License-Identifier: MIT
// Clients that do not read: what crd holds of their streams is bounded, the providers are made to wait, nothing is lost
// when they read again, and who never does is cut and settled. On a plain listener and under TLS.
#include <sys/resource.h>
#include <sys/socket.h>

#include <fstream>
#include <thread>

#include "integration/gateway.h"
#include "integration/pulse.h"
#include "support/programs.h"

namespace cr::test {
namespace {

#ifdef CR_TEST_UNOPTIMISED
constexpr std::size_t k_usual_streams = 300;
#else
constexpr std::size_t k_usual_streams = 2000;
#endif
// Under a sanitizer every byte of memory has its shadow, and every thread its price.
const std::size_t k_streams = is_sanitized() ? 100 : k_usual_streams;
constexpr std::size_t k_handshakes_max = 500;  // of them under TLS: both sides of each are worked out on this machine
constexpr std::size_t k_events = 64;
constexpr std::size_t k_event_bytes = std::size_t{8} * 1024;
constexpr std::int64_t k_held_bytes_max = std::int64_t{256} * 1024;  // of one stream, by the manual
constexpr int k_readers = 2;

class SlowReaders : public OverWire {
 protected:
  static void SetUpTestSuite() {
    rlimit files{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &files), 0);
    files.rlim_cur = files.rlim_max;
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &files), 0);
    ASSERT_GE(files.rlim_max, 2 * k_streams + 100) << "raise the hard limit of open files";
  }
  static Listener small(const Daemon& daemon) {
    auto listener = daemon.listener();
    listener.receive_bytes = 32 * 1024;
    return listener;
  }
  static std::string request(const std::string& key) {
    return raw_request("POST", "/v1/chat/completions", key, chat("fake-a", {{"stream", true}}).dump());
  }
};

std::int64_t resident_bytes(pid_t pid) {
  std::ifstream statm("/proc/" + std::to_string(pid) + "/statm");
  std::int64_t size = 0, resident = 0;
  statm >> size >> resident;
  return resident * ::sysconf(_SC_PAGESIZE);
}

// The number of a flood's event, if all of it is as it was sent.
std::optional<std::size_t> number_of(const std::string& event) {
  const std::string begin = "data: {\"flood\":";
  if (!event.starts_with(begin)) return std::nullopt;
  const auto number = std::stoul(event.substr(begin.size(), 8));
  const auto pad = event.find("\"pad\":\"") + 7;
  const bool whole = event.size() == k_event_bytes && event.ends_with("\"}\n\n") &&
                     event.find_first_not_of(static_cast<char>('a' + number % 26), pad) == event.size() - 4;
  return whole ? std::optional(number) : std::nullopt;
}

// Why a stream is not what its provider sent; empty if it is.
std::string trouble_of(RawClient& client, const RawHead& head) {
  const int much = 256 * 1024;
  ::setsockopt(client.fd(), SOL_SOCKET, SO_RCVBUF, &much, sizeof much);
  std::size_t next = 0;
  std::string last;
  while (auto event = client.read_event(head)) {
    if (*event == ":\n\n") continue;
    last = *event;
    if (next == k_events) continue;  // the usual ones
    const auto number = number_of(*event);
    if (number != next) return "not event " + std::to_string(next) + ": " + event->substr(0, 80);
    ++next;
  }
  if (next != k_events || last != "data: [DONE]\n\n") return "ended after " + std::to_string(next) + ": " + last;
  return client.clean_end() ? "" : "no final chunk";
}

TEST_P(SlowReaders, AreHeldInBoundsAndLoseNothing) {
  DaemonOptions options;
  options.top_level = "workers = 1";
  options.tables = "[limits]\nstall_timeout = \"10m\"\n[relay]\ncomment_interval = \"1s\"\n";
  Gateway gateway(over(GetParam(), options));
  const auto key = gateway.token("slow", {"--quota", "1000"});
  gateway.upstream.behave(
      {{"model", "fake-a"}, {"times", -1}, {"flood_events", k_events}, {"flood_bytes", k_event_bytes}});
  Pulse pulse(gateway);
  const auto count = GetParam() == Wire::tls ? std::min(k_streams, k_handshakes_max) : k_streams;
  const Json complete = gateway.upstream.tally()["complete"];
  const auto before = resident_bytes(gateway.daemon.process().pid());
  std::vector<std::unique_ptr<RawClient>> clients;
  std::vector<RawHead> heads;
  for (std::size_t i = 0; i < count; ++i) {
    clients.push_back(std::make_unique<RawClient>(small(gateway.daemon)));
    ASSERT_TRUE(clients.back()->send(request(key)));
  }
  for (auto& client : clients) heads.push_back(*client->read_head());

  Json tally = gateway.upstream.tally();
  for (Json last; tally["flood"] != last;) {
    last = tally["flood"];
    pulse.wait(1);
    tally = gateway.upstream.tally();
  }
  // A few that came fast at first may lie whole in the kernel's receive buffers, which grow by what was read.
  const auto through = tally["complete"].get<std::size_t>() - complete.get<std::size_t>();
  EXPECT_LE(through, count / 5) << "the providers wait";
  EXPECT_LT(tally["flood"], count * k_events * 3 / 4);
  const auto held = (resident_bytes(gateway.daemon.process().pid()) - before) / static_cast<std::int64_t>(count);
  RecordProperty("held_bytes_a_stream", std::to_string(held));
  if (!is_sanitized()) {
    EXPECT_LE(held, k_held_bytes_max);
  }

  std::vector<std::string> troubles(count);
  std::vector<std::thread> readers;
  for (std::size_t first = 0; first < k_readers; ++first) {
    readers.emplace_back([&, first] {
      for (auto i = first; i < count; i += k_readers) {
        try {
          troubles[i] = trouble_of(*clients[i], heads[i]);
        } catch (const std::exception& error) {
          troubles[i] = error.what();
        }
      }
    });
  }
  for (auto& reader : readers) reader.join();
  for (const auto& trouble : troubles) EXPECT_EQ(trouble, "");
  EXPECT_EQ(gateway.posted("slow"), static_cast<std::int64_t>(count) * 50'000);
  EXPECT_EQ(gateway.reserved("slow"), 0);
}

TEST_P(SlowReaders, WhoNeverReadsIsCutAndSettled) {
  DaemonOptions options;
  options.tables = "[limits]\nstall_timeout = \"1s\"\n";
  Gateway gateway(over(GetParam(), options));
  const auto key = gateway.token("slow", {"--quota", "1"});
  gateway.upstream.behave({{"flood_events", 1000}, {"flood_bytes", k_event_bytes}});
  RawClient client(small(gateway.daemon));
  client.send(request(key));
  const auto head = client.read_head();
  ASSERT_TRUE(head);
  gateway.upstream.wait_for("gone", 1);
  while (gateway.reserved("slow") != 0) continue;
  const auto rows = Json::parse(gateway.daemon.must({"request", "list", "--json"}));
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0]["ending"], "client_gone");
  EXPECT_EQ(rows[0]["flags"], Json({"estimated"}));
  EXPECT_GT(gateway.posted("slow"), 0);
  while (client.read_event(*head)) continue;
  EXPECT_FALSE(client.clean_end()) << "it looks cut";
  EXPECT_FALSE(client.close_notify());
}

INSTANTIATE_TEST_SUITE_P(Wires, SlowReaders, testing::Values(Wire::plain, Wire::tls), wire_name);

}  // namespace
}  // namespace cr::test

// SPDX-License-Identifier: MIT
// One address does not keep others out: by connections that say nothing, by requests that never come whole, by way of a
// trusted proxy. What it took is free again once it has left.
#include <deque>

#include "integration/form.h"
#include "integration/gateway.h"
#include "support/programs.h"

namespace cr::test {
namespace {

using testing::HasSubstr;

constexpr std::size_t k_kib = 1024;
const std::string k_other = "127.0.0.2";

DaemonOptions limited(const std::string& limits, const std::string& top = {}) {
  DaemonOptions options;
  options.top_level = top;
  options.tables = "[limits]\n" + limits;
  return options;
}

class Crowd : public testing::TestWithParam<Wire> {
 protected:
  void start(const DaemonOptions& options) {
    gateway_ = std::make_unique<Gateway>(over(GetParam(), options));
    other_ = gateway_->daemon.listener();
    other_->source = k_other;
  }
  Daemon& daemon() { return gateway_->daemon; }
  void await(const std::string& metric, std::int64_t value) {
    while (metric_of(daemon(), metric) != value) std::this_thread::yield();
  }
  // The status of a request on a connection of its own; 0 where it is closed without a word.
  int ask(const Listener& from, const std::string& fields = {}) {
    try {
      RawClient client(from);
      client.send(raw_request("GET", "/healthz", "", "", fields));
      const auto head = client.read_head();
      return head ? head->status : 0;
    } catch (const std::runtime_error&) {
      return 0;  // under TLS there is no word before a handshake
    }
  }
  int refused() const { return GetParam() == Wire::tls ? 0 : 503; }
  const Listener& other() const { return *other_; }

  std::unique_ptr<Gateway> gateway_;
  std::optional<Listener> other_;
};

TEST_P(Crowd, OfSilentConnectionsLeavesOthersTheirPlaces) {
  start(limited("connections_max = 20\n"));
  {
    std::deque<RawClient> silent;
    for (int i = 0; i < 10; ++i) silent.emplace_back(daemon().listener());
    await("crd_connections", 10);
    EXPECT_EQ(ask(daemon().listener()), refused()) << "half of all is one address's";
    for (int i = 0; i < 30; ++i) EXPECT_EQ(ask(other()), 200);
    std::deque<RawClient> served;
    for (int i = 0; i < 10; ++i) served.emplace_back(other());
    await("crd_connections", 20);
    EXPECT_EQ(ask(other()), refused()) << "all";
  }
  await("crd_connections", 0);
  EXPECT_EQ(ask(daemon().listener()), 200);
  EXPECT_EQ(metric_of(daemon(), "crd_connections_refused_total"), 2);
  EXPECT_THAT(daemon().log_with("an address has as many connections as one may"), HasSubstr("source=127.0.0.1"));
}

TEST_P(Crowd, ALimitOfAnAddressIsTakenUpByAReload) {
  start(limited("connections_per_address_max = 1\n"));
  RawClient silent(daemon().listener());
  await("crd_connections", 1);
  EXPECT_EQ(ask(daemon().listener()), refused());
  auto text = read_file(daemon().config_file());
  const std::string key = "connections_per_address_max = ";
  write_file(daemon().config_file(), text.replace(text.find(key), key.size() + 1, key + "2"));
  daemon().must({"config", "reload"});
  EXPECT_EQ(ask(daemon().listener()), 200);
}

TEST_P(Crowd, OfRequestsByWayOfAProxyIsTheirSendersOnly) {
  start(limited("connections_per_address_max = 2\n", "trusted_proxies = [\"127.0.0.1\"]"));
  const auto key = gateway_->token("ci");
  gateway_->upstream.close_gate();
  const std::string crowd = "X-Forwarded-For: 192.0.2.7\r\n", quiet = "X-Forwarded-For: 192.0.2.8\r\n";
  std::deque<RawClient> running;
  for (int i = 0; i < 2; ++i) {
    running.emplace_back(daemon().listener())
        .send(raw_request("POST", "/v1/chat/completions", key, chat().dump(), crowd));
  }
  gateway_->upstream.wait_for("held", 2);
  RawClient third(daemon().listener());
  third.send(raw_request("POST", "/v1/chat/completions", key, chat().dump(), crowd));
  const auto told = third.read_head();
  ASSERT_TRUE(told);
  EXPECT_EQ(told->status, 503);
  EXPECT_EQ(told->header("retry-after"), "1");
  EXPECT_THAT(third.read_body(*told), HasSubstr("too many requests at once from this address"));
  EXPECT_EQ(ask(daemon().listener(), crowd), 503) << "of any path";
  for (int i = 0; i < 5; ++i) EXPECT_EQ(ask(daemon().listener(), quiet), 200);
  EXPECT_EQ(ask(daemon().listener()), 200) << "the proxy itself";
  gateway_->upstream.open_gate();
  for (auto& client : running) {
    const auto head = client.read_head();
    ASSERT_TRUE(head);
    EXPECT_EQ(head->status, 200);
    client.read_body(*head);
  }
  third.send(raw_request("POST", "/v1/chat/completions", key, chat().dump(), crowd));
  const auto answered = third.read_head();
  ASSERT_TRUE(answered) << "the connection of the refused one goes on";
  EXPECT_EQ(answered->status, 200);
  third.read_body(*answered);
  EXPECT_EQ(gateway_->arrived(), 3);
  check_witness(*gateway_, Run::clean);
}

// What a connection keeps after a chat that nearly fills what is not counted: 40 KiB with all of TLS.
TEST_P(Crowd, OfIdleConnectionsTakesLittleEach) {
  if (is_sanitized()) GTEST_SKIP() << "a sanitizer keeps what was freed";
  start(DaemonOptions{});
  const auto key = gateway_->token("ci");
  const auto body = chat("fake-a", {{"metadata", {{"pad", std::string(60 * k_kib, 'x')}}}}).dump();
  std::deque<RawClient> clients;
  const auto serve = [&](int count) {
    for (int i = 0; i < count; ++i) {
      auto& client = clients.emplace_back(daemon().listener());
      client.send(raw_request("POST", "/v1/chat/completions", key, body));
      const auto head = client.read_head();
      ASSERT_TRUE(head);
      ASSERT_EQ(head->status, 200);
      client.read_body(*head);
    }
  };
  constexpr int k_idle = 200;
  serve(50);  // what is kept for all of them
  const auto before = resident_kib(daemon(), "VmRSS:");
  serve(k_idle);
  const auto most = before + std::int64_t{40} * k_idle;
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (resident_kib(daemon(), "VmRSS:") > most && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_LE(resident_kib(daemon(), "VmRSS:"), most);
}

// 8 MiB are for what has not come whole, 4 of them for one address.
class Unfinished : public Crowd {
 protected:
  void begin() {
    start(limited("memory = \"32MiB\"\nbody_bytes_max = \"8MiB\"\nhead_timeout = \"60s\"\n"));
    key_ = gateway_->token("ci");
  }
  // Sends all but the end of one request after the other, until one is refused.
  template <class Send>
  void expect_bounded(const Send& send) {
    const auto refused = [&] { return metric_of(daemon(), "crd_unfinished_refused_total"); };
    const auto held = [&] { return metric_of(daemon(), "crd_unfinished_bytes"); };
    constexpr std::int64_t k_share = std::int64_t{4} << 20, k_each = std::int64_t{40} << 10;
    std::deque<RawClient> clients;
    for (auto before = held(); refused() == 0; before = held()) {
      ASSERT_LT(clients.size(), 200U);
      send(clients.emplace_back(daemon().listener()));
      while (refused() == 0 && held() < before + k_each) std::this_thread::yield();
    }
    EXPECT_GT(held(), k_share * 3 / 4);
    EXPECT_LE(held(), k_share);
    const auto head = clients.back().read_head();
    ASSERT_TRUE(head);
    EXPECT_EQ(head->status, 503);
    EXPECT_EQ(head->header("retry-after"), "1");
    EXPECT_THAT(clients.back().read_body(*head), HasSubstr("\"overloaded\""));
    // Who comes from elsewhere has room for the same.
    RawClient elsewhere(other());
    elsewhere.send(large_request());
    const auto answer = elsewhere.read_head();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 200);
    EXPECT_EQ(HttpClient(daemon().listener(), key_).post("/v1/chat/completions", chat().dump()).status, 200)
        << "a usual request passes always";
  }
  std::string large_request() const {
    return raw_request(
        "POST", "/v1/chat/completions", key_,
        chat("fake-a", {{"metadata", {{"pad", std::string(40 * k_kib, 'x')}}}}).dump(),
        "X-Pad-1: " + std::string(15 * k_kib, 'x') + "\r\nX-Pad-2: " + std::string(15 * k_kib, 'x') + "\r\n");
  }
  void expect_all_given_back() {
    await("crd_unfinished_bytes", 0);
    RawClient again(daemon().listener());
    again.send(large_request());
    const auto head = again.read_head();
    ASSERT_TRUE(head);
    EXPECT_EQ(head->status, 200);
    EXPECT_EQ(metric_of(daemon(), "crd_unfinished_bytes"), 0) << "a request that is whole is its token's";
    check_witness(*gateway_, Run::clean);
  }
  std::string key_;
};

TEST_P(Unfinished, HeadsTakeABoundedShare) {
  begin();
  expect_bounded([&](RawClient& client) {
    std::string head = "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n";
    for (int i = 0; i < 4; ++i) head += "X-Pad: " + std::string(14 * k_kib, 'x') + "\r\n";
    client.send(head);
  });
  expect_all_given_back();
}

TEST_P(Unfinished, SmallBodiesTakeABoundedShare) {
  begin();
  expect_bounded([&](RawClient& client) {
    client.send("POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + key_ +
                "\r\nContent-Type: application/json\r\nContent-Length: 62000\r\n\r\n" + std::string(61'000, ' '));
  });
  expect_all_given_back();
}

TEST_P(Unfinished, SoDoThoseInChunks) {
  begin();
  expect_bounded([&](RawClient& client) {
    client.send("POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + key_ +
                "\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 6; ++i) client.send(chunk_of(std::string(10'000, ' ')));
  });
  expect_all_given_back();
}

INSTANTIATE_TEST_SUITE_P(Wires, Crowd, testing::Values(Wire::plain, Wire::tls), wire_name);
INSTANTIATE_TEST_SUITE_P(Wires, Unfinished, testing::Values(Wire::plain, Wire::tls), wire_name);

}  // namespace
}  // namespace cr::test

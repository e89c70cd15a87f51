// SPDX-License-Identifier: MIT
// Restarts that no client notices: the listening socket is passed, as systemd passes that of crd.socket, and stays open
// over them; what was accepted is answered, and who comes meanwhile waits.
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <mutex>
#include <random>
#include <thread>

#include "integration/gateway.h"

namespace cr::test {
namespace {

constexpr int k_restarts = 10;
constexpr int k_clients = 50;

// Not closed on exec: the shell that becomes crd gives it its number.
class ListeningSocket {
 public:
  ListeningSocket() : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(fd_, reinterpret_cast<const sockaddr*>(&address), size) != 0 || ::listen(fd_, 4096) != 0 ||
        ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
      throw std::runtime_error("no listening socket");
    port_ = ntohs(address.sin_port);
  }
  ~ListeningSocket() { ::close(fd_); }
  ListeningSocket(const ListeningSocket&) = delete;
  ListeningSocket& operator=(const ListeningSocket&) = delete;
  int fd() const { return fd_; }
  int port() const { return port_; }

 private:
  int fd_;
  int port_ = 0;
};

DaemonOptions passing(const ListeningSocket& socket) {
  DaemonOptions options;
  options.listen = "[\"127.0.0.1:" + std::to_string(socket.port()) + "\"]";
  options.top_level = "workers = 2";
  options.passed = {socket.fd()};
  return options;
}

// Plain answers, and streams that last up to five seconds: each by a word in its body.
const std::vector<std::pair<std::string, int>> k_paces = {
    {"at once", 0}, {"brisk", 10}, {"steady", 50}, {"slowest", 100}};

class RestartClients {
 public:
  using Clock = std::chrono::steady_clock;
  RestartClients(int port, std::string key) : port_(port), key_(std::move(key)) {
    for (int number = 0; number < k_clients; ++number) threads_.emplace_back([this, number] { run(number); });
  }
  ~RestartClients() { stop(); }
  RestartClients(const RestartClients&) = delete;
  RestartClients& operator=(const RestartClients&) = delete;

  void stop() {
    stopping_ = true;
    for (auto& thread : threads_) {
      if (thread.joinable()) thread.join();
    }
  }
  // Until so many requests more have been answered.
  void wait_for_answers(std::int64_t more) const {
    const auto wanted = answered_ + more;
    for (auto seen = answered_.load(); seen < wanted; seen = answered_.load()) answered_.wait(seen);
  }
  std::int64_t answered() const { return answered_; }
  std::int64_t sent_again() const { return sent_again_; }
  Clock::duration longest_wait() const { return longest_wait_; }
  const std::vector<std::string>& failures() const { return failures_; }

 private:
  void fail(const std::string& why) {
    const std::lock_guard lock(mutex_);
    failures_.push_back(why);
    ++answered_;  // nobody shall wait for it
    answered_.notify_all();
  }

  void run(int number) {
    std::mt19937 random(static_cast<unsigned>(number));
    const bool keeps = number % 2 == 0;
    std::unique_ptr<RawClient> kept;
    while (!stopping_) {
      const auto& [word, delay] = k_paces[random() % k_paces.size()];
      Json body = chat("fake-a", {{"stream", delay > 0}});
      body["messages"][0]["content"] = word;
      try {
        ask(raw_request("POST", "/v1/chat/completions", key_, body.dump(), keeps ? "" : "Connection: close\r\n"), kept);
      } catch (const std::exception& error) {
        fail(error.what());
        kept.reset();
      }
      if (!keeps) kept.reset();
    }
  }

  void ask(const std::string& request, std::unique_ptr<RawClient>& client) {
    const bool used = client != nullptr;
    const auto from = Clock::now();
    if (!used) client = std::make_unique<RawClient>(port_);
    const bool went = client->send(request);
    const auto head = went ? client->read_head() : std::nullopt;
    if (!head && used) {
      // A server may close a connection between two requests; a client sends the second again (RFC 9112, 9.3.1).
      ++sent_again_;
      client.reset();
      return ask(request, client);
    }
    if (!head) return fail("a new connection was closed without an answer");
    if (!used) note_wait(Clock::now() - from);
    bool whole = true;
    if (head->header("transfer-encoding") == "chunked") {
      while (client->read_event(*head)) continue;
      whole = client->clean_end();
    } else {
      client->read_body(*head);
    }
    if (head->status != 200 || !whole)
      return fail(std::to_string(head->status) + (whole ? "" : ", broken off: ") + head->text);
    if (head->header("connection") == "close") client.reset();
    ++answered_;
    answered_.notify_all();
  }

  void note_wait(Clock::duration wait) {
    const std::lock_guard lock(mutex_);
    longest_wait_ = std::max(longest_wait_, wait);
  }

  const int port_;
  const std::string key_;
  std::vector<std::thread> threads_;
  std::atomic<bool> stopping_{false};
  std::atomic<std::int64_t> answered_{0}, sent_again_{0};
  std::mutex mutex_;
  Clock::duration longest_wait_{};
  std::vector<std::string> failures_;
};

TEST(Restart, WithAPassedSocketFailsNoRequest) {
  const ListeningSocket socket;
  Gateway gateway(passing(socket));
  for (const auto& [word, delay] : k_paces)
    gateway.upstream.behave({{"times", -1}, {"contains", word}, {"event_delay_ms", delay}});
  RestartClients clients(socket.port(), gateway.token("t", {"--quota", "100"}));
  for (int restart = 0; restart < k_restarts; ++restart) {
    clients.wait_for_answers(k_clients);
    EXPECT_EQ(gateway.daemon.restart(), 0) << gateway.daemon.log();
  }
  clients.wait_for_answers(k_clients);
  clients.stop();
  EXPECT_THAT(clients.failures(), testing::IsEmpty());
  const auto longest = std::chrono::duration_cast<std::chrono::milliseconds>(clients.longest_wait());
  std::printf("%d restarts, %lld requests, %zu failed, %lld sent again on a new connection; longest wait %lld ms\n",
              k_restarts, static_cast<long long>(clients.answered()), clients.failures().size(),
              static_cast<long long>(clients.sent_again()), static_cast<long long>(longest.count()));
  check_witness(gateway, Run::clean);
}

// A connection that was made and has asked nothing yet, one whose request has begun, and one that is between two.
TEST(Restart, WhatWasAcceptedIsAnswered) {
  const ListeningSocket socket;
  Gateway gateway(passing(socket));
  const auto key = gateway.token("t", {"--quota", "1"});
  const auto request = raw_request("POST", "/v1/chat/completions", key, chat().dump());
  RawClient idle(socket.port());
  ASSERT_TRUE(idle.send(request));
  const auto first = idle.read_head();
  ASSERT_TRUE(first);
  idle.read_body(*first);
  RawClient fresh(socket.port()), begun(socket.port());
  ASSERT_TRUE(begun.send(request.substr(0, 20)));
  while (gateway.daemon.must({"status", "--field", "connections"}) != "3\n") continue;
  gateway.daemon.process().signal(SIGTERM);
  EXPECT_TRUE(idle.wait_closed());
  RawClient late(socket.port());  // for the next crd
  ASSERT_TRUE(late.send(request));
  ASSERT_TRUE(fresh.send(request));
  ASSERT_TRUE(begun.send(request.substr(20)));
  for (auto* client : {&fresh, &begun}) {
    const auto head = client->read_head();
    ASSERT_TRUE(head);
    EXPECT_EQ(head->status, 200);
    EXPECT_EQ(head->header("connection"), "close");
    client->read_body(*head);
    EXPECT_TRUE(client->wait_closed());
  }
  EXPECT_EQ(gateway.daemon.process().wait(), 0);
  gateway.daemon.start();
  const auto head = late.read_head();
  ASSERT_TRUE(head);
  EXPECT_EQ(head->status, 200);
  late.read_body(*head);
  check_witness(gateway, Run::clean);
}

}  // namespace
}  // namespace cr::test

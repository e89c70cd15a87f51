// SPDX-License-Identifier: MIT
// Connections to providers are shared by all tokens: what a provider says beyond its answer must reach nobody. Each
// client's answer by the nonce that it sent; connections and requests as the provider counts them.
#include <thread>

#include "integration/network_gateway.h"
#include "support/unruly_provider.h"

namespace cr::test {
namespace {

using testing::HasSubstr;

// Of failures on purpose nothing is to be learned here.
DaemonOptions patient(int workers) {
  DaemonOptions options;
  options.top_level = "workers = " + std::to_string(workers) + "\n";
  options.tables = "failures_in_a_row = 1000\nfailures_percent = 100\n[log]\nrequests = \"none\"\n";
  return options;
}

// A client that keeps its connection where it may, so that an answer that is badly framed spoils the next one.
class NonceClient {
 public:
  NonceClient(const Listener& listener, std::string key) : listener_(listener), key_(std::move(key)) {}

  struct Answer {
    int status = 0;  // 0: none
    std::string body, nonce;
  };
  Answer ask(const std::string& nonce, bool stream = false, const std::string& model = "one") {
    const Json body = {{"model", model},
                       {"stream", stream},
                       {"max_tokens", 100},
                       {"messages", {{{"role", "user"}, {"content", nonce}}}}};
    if (!client_) client_ = std::make_unique<RawClient>(listener_);
    Answer answer;
    client_->send(raw_request("POST", "/v1/chat/completions", key_, body.dump()));
    const auto head = client_->read_head();
    if (head) {
      answer.status = head->status;
      if (head->status != 204) answer.body = client_->read_body(*head);
      answer.nonce = nonce_in(answer.body);
      if (head->status == 204) {
        EXPECT_THAT(head->text, Not(testing::ContainsRegex("[Cc]ontent-[Ll]ength|[Tt]ransfer")));
      }
    }
    if (!head || head->header("connection") == "close" || (answer.status == 200 && !whole(*head, answer.body)))
      client_.reset();
    return answer;
  }

 private:
  bool whole(const RawHead& head, const std::string& body) const {
    const auto length = head.header("content-length");
    return length.empty() ? client_->clean_end() : std::stoul(length) == body.size();
  }

  const Listener listener_;
  const std::string key_;
  std::unique_ptr<RawClient> client_;
};

struct Provider {
  explicit Provider(NetworkGateway& net, Wire wire, std::uint32_t seed = 1)
      : unruly(wire == Wire::tls ? std::optional(good_certificate()) : std::nullopt, seed), net_(net) {}
  // A channel of its own for a model of its own, at the price of net-a: one that has shown what it is keeps no
  // connections.
  void channel(const std::string& name) {
    net_.gateway.daemon.must({"channel", "create", name, "--kind", "openai", "--map", name + "=net-a", "--base-url",
                              unruly.url(), "--allow-private", "--ca-file", net_.ca_file, "--key-stdin"},
                             "sk-provider-5678\n");
  }
  UnrulyProvider unruly;

 private:
  NetworkGateway& net_;
};

class UpstreamSurplus : public OverWire {};

// Three requests, one after the other, the first of them answered in every way; what was to be said behind its answer
// lies in crd's socket when the second one comes.
TEST_P(UpstreamSurplus, ReachesNobody) {
  NetworkGateway net(patient(1));
  NonceClient client(net.gateway.daemon.listener(), net.gateway.token("u"));
  for (int i = 0; i < k_manners; ++i) {
    const auto manner = static_cast<Manner>(i);
    SCOPED_TRACE(name_of(manner));
    Provider provider(net, GetParam());
    const auto model = "c" + std::to_string(i);
    provider.channel(model);
    for (const auto next : {manner, Manner::sized, Manner::sized}) provider.unruly.next(next);
    const bool stream = manner == Manner::behind_a_stream || manner == Manner::event_stream;
    const auto first = client.ask("nonce-1", stream, model);
    EXPECT_THAT(first.nonce, testing::AnyOf("", "nonce-1"));
    if (keeps(manner) || says_more(manner)) {
      EXPECT_THAT(first.status, testing::AnyOf(200, 502)) << "204 is no answer";
    }
    // Not sent again, however it ended: the connection was new.
    provider.unruly.wait_done(1);
    for (int n = 2; n <= 3; ++n) {
      const auto answer = client.ask("nonce-" + std::to_string(n), false, model);
      EXPECT_EQ(answer.status, 200) << answer.body;
      EXPECT_EQ(answer.nonce, "nonce-" + std::to_string(n));
      provider.unruly.wait_done(static_cast<std::size_t>(n));
    }
    EXPECT_EQ(provider.unruly.requests(), 3U);
    EXPECT_THAT(provider.unruly.trusting(), testing::IsEmpty());
    // One connection for all; one that ended, and another; or none kept any more.
    EXPECT_EQ(provider.unruly.connections(), keeps(manner) ? 1U : says_more(manner) ? 3U : 2U);
    const auto told = "no connection to it is kept channel=" + model + " for=10m";
    if (says_more(manner)) {
      EXPECT_THAT(net.gateway.daemon.log_with(told), HasSubstr(told));
    } else {
      EXPECT_THAT(net.gateway.daemon.log(), Not(HasSubstr(told)));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Over, UpstreamSurplus, testing::Values(Wire::plain, Wire::tls), wire_name);

// While nobody asks it anything, too: the heartbeat finds it.
TEST(UpstreamSurplusIdle, ClosesTheConnection) {
  NetworkGateway net(patient(1));
  Provider provider(net, Wire::plain);
  provider.channel("one");
  NonceClient client(net.gateway.daemon.listener(), net.gateway.token("u"));
  provider.unruly.next(Manner::byte_late);
  EXPECT_EQ(client.ask("nonce-1").nonce, "nonce-1");
  EXPECT_THAT(net.gateway.daemon.log_with("the provider sent more"), HasSubstr("the provider sent more"));
}

// What one worker learns, all know: each has connections of its own.
TEST(UpstreamSurplusIdle, IsKnownToAllWorkers) {
  NetworkGateway net(patient(2));
  Provider provider(net, Wire::plain);
  provider.channel("one");
  const auto key = net.gateway.token("u");
  std::vector<std::unique_ptr<NonceClient>> clients;
  int n = 0;
  const auto ask_all = [&] {
    for (auto& client : clients) {
      provider.unruly.next(Manner::sized);
      EXPECT_EQ(client->ask("nonce-" + std::to_string(++n)).status, 200);
    }
  };
  for (int i = 0; i < 16; ++i) clients.push_back(std::make_unique<NonceClient>(net.gateway.daemon.listener(), key));
  ask_all();
  const auto kept = provider.unruly.connections();
  EXPECT_LE(kept, 2U);
  provider.unruly.next(Manner::byte_more);
  EXPECT_EQ(clients.front()->ask("nonce-0").status, 200);
  ask_all();
  EXPECT_EQ(provider.unruly.connections(), kept + 16);
}

struct StormCase {
  Wire wire;
  int workers;
};
class UnrulyStorm : public testing::TestWithParam<StormCase> {};

// Through many channels, one after the other.
TEST_P(UnrulyStorm, GivesNobodyAnothersAnswer) {
  constexpr std::size_t k_clients = 8;
  constexpr int k_requests = 60;
  NetworkGateway net(patient(GetParam().workers));
  Provider provider(net, GetParam().wire, 20260);
  for (int i = 0; i < k_requests / 2; ++i) provider.channel("c" + std::to_string(i));
  std::mutex mutex;
  std::vector<std::pair<std::string, std::string>> foreign;
  std::int64_t whole = 0;
  std::vector<std::thread> clients;
  for (std::size_t c = 0; c < k_clients; ++c) {
    const auto key = net.gateway.token("u" + std::to_string(c));
    clients.emplace_back([&, c, key] {
      NonceClient client(net.gateway.daemon.listener(), key);
      for (int i = 0; i < k_requests; ++i) {
        const auto nonce = "nonce-" + std::to_string(c * 1000 + static_cast<std::size_t>(i));
        const auto answer = client.ask(nonce, i % 3 == 0, "c" + std::to_string(i / 2));
        const std::lock_guard lock(mutex);
        if (answer.status == 200 && answer.nonce == nonce) ++whole;
        if (!answer.nonce.empty() && answer.nonce != nonce) foreign.emplace_back(nonce, answer.nonce);
      }
    });
  }
  for (auto& client : clients) client.join();
  const auto raced = provider.unruly.raced();
  for (const auto& [nonce, got] : foreign) {
    EXPECT_TRUE(raced.contains(nonce)) << nonce << " got the answer of " << got;
  }
  EXPECT_THAT(provider.unruly.trusting(), testing::IsEmpty());
  EXPECT_GT(whole, 0);
  EXPECT_GE(ledger_sum(net.gateway, "posted"), whole * 50'000 - static_cast<std::int64_t>(raced.size()) * 50'000);
}

INSTANTIATE_TEST_SUITE_P(Over, UnrulyStorm,
                         testing::Values(StormCase{Wire::plain, 1}, StormCase{Wire::plain, 2}, StormCase{Wire::tls, 1},
                                         StormCase{Wire::tls, 2}),
                         [](const auto& one) {
                           return std::string(one.param.wire == Wire::tls ? "Tls" : "Plain") +
                                  std::to_string(one.param.workers);
                         });

}  // namespace
}  // namespace cr::test

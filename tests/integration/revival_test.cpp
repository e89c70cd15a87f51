// SPDX-License-Identifier: MIT
// Two providers under two hundred clients; one is killed and comes back. Nobody is to see an error that the other could
// have served, and what both counted is what the ledger has.
#include <atomic>
#include <fstream>
#include <thread>

#include "integration/gateway.h"
#include "support/programs.h"

namespace cr::test {
namespace {

const int k_clients = is_sanitized() ? 60 : 200;

struct Seen {
  bool streamed = false;
  int status = 0;      // 0: no head came
  bool whole = false;  // to its proper end
  std::string request_id, body;
};

// Clients that ask, plain and streamed by turns, until they are told to stop.
class Crowd {
 public:
  Crowd(int port, const std::string& key) {
    for (int i = 0; i < k_clients; ++i) threads_.emplace_back([this, port, key, i] { run(port, key, i); });
  }
  ~Crowd() { stop(); }
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;

  const std::vector<Seen>& stop() {
    stopping_ = true;
    for (auto& thread : threads_) thread.join();
    threads_.clear();
    return seen_;
  }

 private:
  void run(int port, const std::string& key, int number) {
    auto client = std::make_unique<RawClient>(port);
    for (int turn = number; !stopping_; ++turn) {
      const Seen one = ask(*client, key, turn % 2 == 0);
      if (!one.whole) client = std::make_unique<RawClient>(port);
      const std::lock_guard lock(mutex_);
      seen_.push_back(one);
    }
  }
  static Seen ask(RawClient& client, const std::string& key, bool streamed) {
    Seen seen;
    seen.streamed = streamed;
    client.send(raw_request("POST", "/v1/chat/completions", key,
                            chat("fake-a", {{"max_tokens", 100}, {"stream", streamed}}).dump()));
    const auto head = client.read_head();
    if (!head) return seen;
    seen.status = head->status;
    seen.request_id = head->header("x-request-id");
    if (head->header("transfer-encoding") == "chunked") {
      while (client.read_event(*head)) continue;
      seen.whole = client.clean_end();
    } else {
      seen.body = client.read_body(*head);
      seen.whole = std::to_string(seen.body.size()) == head->header("content-length");
    }
    return seen;
  }

  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::vector<Seen> seen_;
  std::vector<std::thread> threads_;
};

// What was consumed, by the lines a provider wrote; they outlive it.
std::int64_t counted(const std::string& file) {
  std::ifstream lines(file);
  std::int64_t cost = 0;
  for (std::string line; std::getline(lines, line);) {
    const Json seen = Json::parse(line);
    cost += seen["bill"].get<std::int64_t>();
  }
  return cost;
}

class Revival : public testing::Test {
 protected:
  Revival() {
    DaemonOptions options;
    options.top_level = "workers = 2\n";
    options.tables = "[relay]\ncool_down_first = \"100ms\"\ncool_down_max = \"500ms\"\n[log]\nrequests = \"none\"\n";
    gateway_ = std::make_unique<Gateway>(std::move(options));
    gateway_->daemon.must({"channel", "delete", "fake", "--yes"});
    for (int i = 0; i < 2; ++i) {
      start(i);
      gateway_->daemon.must({"channel", "create", "p" + std::to_string(i), "--kind", "openai", "--base-url",
                             provider_[i]->url(), "--models", "fake-*", "--key-stdin", "--allow-private"},
                            "sk-provider-1234\n");
    }
    key_ = gateway_->token("crowd", {"--quota", "1000"});
  }
  void start(int i) {
    const int port = provider_[i] ? provider_[i]->port() : 0;
    provider_[i].reset();
    provider_[i] = std::make_unique<FakeUpstream>(FakeUpstream::Options{port, tally_file(i)});
  }
  std::string tally_file(int i) { return files_ / ("tally" + std::to_string(i)); }
  std::int64_t arrived(int i) { return provider_[i]->tally()["arrived"].get<std::int64_t>(); }
  std::int64_t posted_for(const std::string& where) {
    return std::stoll(gateway_->daemon.sql_value("SELECT coalesce(sum(posted), 0) FROM request WHERE " + where));
  }

  TempDir files_;
  std::array<std::unique_ptr<FakeUpstream>, 2> provider_;
  std::unique_ptr<Gateway> gateway_;
  std::string key_;
};

TEST_F(Revival, NobodySeesAnErrorThatTheSiblingCouldHaveServed) {
  // Of a token with a limit, what a kept connection took whole before it closed is not sent again.
  key_ = gateway_->token("free");
  Crowd crowd(gateway_->daemon.port(), key_);
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 2; ++i) provider_[i]->wait_for("arrived", arrived(i) + k_clients);
    provider_[0]->kill9();
    provider_[1]->wait_for("arrived", arrived(1) + 2 * k_clients);
    start(0);
    provider_[0]->wait_for("arrived", k_clients / 2);  // a probe has brought it back
  }
  std::size_t cut = 0;
  const auto& seen = crowd.stop();
  for (const auto& one : seen) {
    ASSERT_EQ(one.status, 200) << one.request_id << " " << one.body;
    // A stream that had begun when its provider died cannot be served again: it looks cut, as it should.
    if (!one.whole) {
      EXPECT_TRUE(one.streamed) << one.request_id;
      ++cut;
    }
  }
  EXPECT_LE(cut, static_cast<std::size_t>(3 * k_clients));
  gateway_->flush();
  EXPECT_EQ(gateway_->daemon.sql_value("SELECT count(*) FROM request"), std::to_string(seen.size()));
  EXPECT_EQ(gateway_->reserved("crowd"), 0);
  EXPECT_EQ(gateway_->daemon.sql_value("SELECT count(*) FROM request WHERE overrun > 0"), "0");
  const auto witnessed = counted(tally_file(0)) + counted(tally_file(1));
  EXPECT_LE(witnessed, posted_for("1"));
  // A line that a killed provider did not come to write, for each request it had in hand, is all that may be missing.
  EXPECT_LE(posted_for("flags = 0") - witnessed, 3 * k_clients * std::int64_t{50'000});
  check_books(gateway_->daemon);
}

TEST_F(Revival, WithoutAKillBothTalliesAreTheLedger) {
  Crowd crowd(gateway_->daemon.port(), key_);
  for (int i = 0; i < 2; ++i) provider_[i]->wait_for("arrived", 2 * k_clients);
  const auto& seen = crowd.stop();
  for (const auto& one : seen) ASSERT_TRUE(one.status == 200 && one.whole) << one.request_id;
  for (int i = 0; i < 2; ++i) provider_[i]->wait_for("finished", arrived(i));
  EXPECT_EQ(counted(tally_file(0)) + counted(tally_file(1)), gateway_->posted("crowd"));
  EXPECT_EQ(gateway_->reserved("crowd"), 0);
}

}  // namespace
}  // namespace cr::test

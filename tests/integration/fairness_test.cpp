// SPDX-License-Identifier: MIT
// One token at full speed with what costs it nothing, beside ten others: these lose no request, and the books hold.
#include <atomic>
#include <deque>
#include <thread>

#include "integration/form.h"
#include "integration/gateway.h"

namespace cr::test {
namespace {

constexpr std::size_t k_kib = 1024;
constexpr int k_others = 10, k_requests_each = 15;
const std::string k_path = "/v1/chat/completions";

// What somebody does again and again until told to stop.
class Attacker {
 public:
  Attacker(Gateway& gateway, std::string key) : gateway_(gateway), key_(std::move(key)) {}

  std::string chat_of(const Json& more = Json::object(), const std::string& model = "fake-a") const {
    return raw_request("POST", k_path, key_, chat(model, more).dump());
  }
  // One request after the other on a connection that is kept, a new one where it is closed.
  void flood(const std::function<std::string(int)>& request) {
    std::unique_ptr<RawClient> client;
    for (int i = 0; !stopped; ++i) {
      if (!client) client = connect();
      const bool answered = client && client->send(request(i)) && read(*client);
      if (answered) ++answers;
      if (!answered) client.reset();
    }
  }
  // So many connections that have begun something and do not go on; those that are closed are made again.
  void hold(std::size_t count, const std::string& beginning) {
    std::deque<std::unique_ptr<RawClient>> held;
    while (!stopped) {
      if (held.size() == count) held.pop_front();
      auto client = connect();
      if (!client) continue;
      client->send(beginning);
      ++answers;
      held.push_back(std::move(client));
    }
  }
  // Asks, and is gone before the answer has ended.
  void leave(const std::string& request) {
    while (!stopped) {
      if (auto client = connect()) {
        client->send(request);
        client->reset();
        ++answers;
      }
    }
  }

  std::atomic<bool> stopped{false};
  std::atomic<std::int64_t> answers{0};

 private:
  std::unique_ptr<RawClient> connect() {
    try {
      return std::make_unique<RawClient>(gateway_.daemon.listener());
    } catch (const std::runtime_error&) {
      return nullptr;
    }
  }
  static bool read(RawClient& client) {
    const auto head = client.read_head();
    if (!head) return false;
    client.read_body(*head);
    return head->header("connection") != "close";
  }

  Gateway& gateway_;
  const std::string key_;
};

struct Attack {
  const char* name;
  std::vector<std::string> token;  // flags of the attacker's
  void (*run)(Attacker&);
};

void PrintTo(const Attack& attack, std::ostream* out) {
  *out << attack.name;
}

std::string beginning(const std::string& framing) {
  return "POST " + k_path + " HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" + framing;
}

const std::vector<Attack>& attacks() {
  static const std::vector<Attack> all = {
      {"RefusedForQuota", {"--quota", "0"}, [](Attacker& a) { a.flood([&](int) { return a.chat_of(); }); }},
      {"RefusedByRate", {"--rpm", "1"}, [](Attacker& a) { a.flood([&](int) { return a.chat_of(); }); }},
      {"UnknownKeys",
       {},
       [](Attacker& a) {
         a.flood([](int i) { return raw_request("POST", k_path, "sk-no-" + std::to_string(i), chat().dump()); });
       }},
      {"UnknownModels",
       {},
       [](Attacker& a) { a.flood([&](int i) { return a.chat_of(Json::object(), "none-" + std::to_string(i)); }); }},
      {"NoJson", {}, [](Attacker& a) { a.flood([&](int) { return a.chat_of() + "garbage\r\n\r\n"; }); }},
      {"SilentConnections", {}, [](Attacker& a) { a.hold(100, ""); }},
      {"HeadsWithoutEnd",
       {},
       [](Attacker& a) { a.hold(100, beginning("X: " + std::string(14 * k_kib, 'x') + "\r\n")); }},
      {"BodiesWithoutEnd",
       {"--quota", "0"},
       [](Attacker& a) {
         auto request = a.chat_of({{"metadata", {{"pad", std::string(60 * k_kib, 'x')}}}});
         a.hold(100, request.substr(0, request.size() - 5));
       }},
      {"LargeBodies",
       {"--quota", "0"},
       [](Attacker& a) {
         const auto request = a.chat_of({{"metadata", {{"pad", std::string(3 * k_kib * k_kib, 'x')}}}});
         a.flood([&](int) { return request; });
       }},
      {"LeftRequests",
       {"--quota", "1000"},
       [](Attacker& a) {
         a.leave(a.chat_of({{"stream", true}}));
       }},
      {"CrdsOwnAnswers",
       {},
       [](Attacker& a) {
         const auto models = raw_request("GET", "/v1/models", "sk-no");
         a.flood([&](int i) { return i % 2 == 0 ? models : raw_request("GET", "/nowhere", ""); });
       }},
  };
  return all;
}

class Fairness : public testing::TestWithParam<Attack> {};

TEST_P(Fairness, OthersLoseNoRequest) {
  DaemonOptions options;
  options.tables = "[limits]\nconnections_max = 80\nmemory = \"64MiB\"\nbody_bytes_max = \"4MiB\"\n";
  Gateway gateway(options);
  std::vector<std::string> keys;
  for (int i = 0; i < k_others; ++i) keys.push_back(gateway.token("other" + std::to_string(i), {"--quota", "10"}));
  Attacker attacker(gateway, gateway.token("attacker", GetParam().token));
  std::thread attack([&] { GetParam().run(attacker); });
  while (attacker.answers < 5) std::this_thread::yield();
  Listener elsewhere = gateway.daemon.listener();
  elsewhere.source = "127.0.0.2";
  std::vector<std::future<int>> others;
  for (const auto& key : keys) {
    others.push_back(std::async(std::launch::async, [&elsewhere, key] {
      int served = 0;
      for (int i = 0; i < k_requests_each; ++i) {
        RawClient client(elsewhere);  // a new connection each time: a place has to be left
        client.send(raw_request("POST", k_path, key, chat("fake-a", {{"stream", i % 2 == 0}}).dump()));
        const auto head = client.read_head();
        const auto body = head ? client.read_body(*head) : std::string("no answer");
        if (!head || head->status != 200) ADD_FAILURE() << (head ? head->status : 0) << " " << body;
        if (!head || head->status != 200) continue;
        served += client.clean_end() || i % 2 != 0 ? 1 : 0;
      }
      return served;
    }));
  }
  for (auto& other : others) EXPECT_EQ(other.get(), k_requests_each);
  attacker.stopped = true;
  attack.join();
  EXPECT_EQ(gateway.daemon.crctl({"status"}).exit, 0);
}

std::string attack_name(const testing::TestParamInfo<Attack>& info) {
  return info.param.name;
}

INSTANTIATE_TEST_SUITE_P(Attacks, Fairness, testing::ValuesIn(attacks()), attack_name);

}  // namespace
}  // namespace cr::test

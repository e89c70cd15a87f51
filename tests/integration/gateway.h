// SPDX-License-Identifier: MIT
// Gateway: a real crd with the fake upstream behind it, a channel for each kind, and prices that make sums easy. The
// base of the integration tests; every test ends with the provider's bill held against the ledger (witness.cpp).
#pragma once

#include <gmock/gmock.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <future>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "integration/public_prices.h"
#include "support/client.h"
#include "support/daemon.h"
#include "support/upstream.h"

namespace cr::test {

using Json = nlohmann::json;

// A chat body with one short message; `more` is merged in.
inline Json chat(const std::string& model = "fake-a", const Json& more = Json::object()) {
  Json body = {{"model", model}, {"messages", Json::array({{{"role", "user"}, {"content", "hello"}}})}};
  body.update(more);
  return body;
}

// For what must hold on a plain listener and under TLS: `TEST_P` of an OverWire, `over(GetParam())` for the options.
enum class Wire { plain, tls };
using OverWire = testing::TestWithParam<Wire>;
inline DaemonOptions over(Wire wire, DaemonOptions options = {}) {
  options.tls = wire == Wire::tls;
  return options;
}
inline std::string wire_name(const testing::TestParamInfo<Wire>& wire) {
  return wire.param == Wire::tls ? "Tls" : "Plain";
}

// Balances against the rows they come from, as SQL has them: I1 and I2 of the ledger, for tokens and accounts.
inline void check_books(Daemon& daemon) {
  for (const std::string holder : {"token", "account"}) {
    const auto wrong = daemon.sql(
        "SELECT t.name, b.posted, b.reserved, coalesce(ended.posted, 0), coalesce(open.held, 0), t.quota FROM " +
        holder + "_balance b JOIN " + holder + " t ON t.id = b." + holder + "_id LEFT JOIN (SELECT " + holder +
        "_id AS id, sum(posted - refunded) AS posted FROM request GROUP BY 1) ended ON ended.id = t.id LEFT JOIN "
        "(SELECT " +
        holder + "_id AS id, sum(held) AS held FROM reservation GROUP BY 1) open ON open.id = t.id" +
        " WHERE b.posted <> coalesce(ended.posted, 0) OR b.reserved <> coalesce(open.held, 0) OR b.posted < 0" +
        " OR b.reserved < 0 OR b.posted + b.reserved > t.quota");
    for (const auto& row : wrong) {
      ADD_FAILURE() << holder << " '" << row[0] << "': posted " << row[1] << ", its requests " << row[3]
                    << "; reserved " << row[2] << ", its reservations " << row[4] << "; quota " << row[5];
    }
  }
}

// A counter or gauge of `crctl metrics`; 0 if there is none.
inline std::int64_t metric_of(Daemon& daemon, const std::string& name) {
  const auto text = "\n" + daemon.must({"metrics"});
  const auto place = text.find("\n" + name + " ");
  return place == std::string::npos ? 0 : std::stoll(text.substr(place + name.size() + 2));
}

// A line of /proc/PID/status, "VmRSS:".
inline std::int64_t resident_kib(Daemon& daemon, const std::string& what) {
  std::ifstream status("/proc/" + std::to_string(daemon.process().pid()) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(what)) return std::stoll(line.substr(what.size()));
  }
  return 0;
}

// What requests and answers took of the memory budget is given back once they have ended, however they did.
inline void check_memory(Daemon& daemon) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  const auto held = [&] { return metric_of(daemon, "crd_memory_bytes") + metric_of(daemon, "crd_unfinished_bytes"); };
  while (held() != 0) {
    if (std::chrono::steady_clock::now() >= until) {
      ADD_FAILURE() << held() << " bytes of memory are held by nobody";
      return;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

// A crd without a provider: what ends with it is held against its books all the same.
class BookedDaemon : public Daemon {
 public:
  using Daemon::Daemon;
  ~BookedDaemon() {
    at_end(*this, [this] { check_books(*this); });
  }
  BookedDaemon(const BookedDaemon&) = delete;
  BookedDaemon& operator=(const BookedDaemon&) = delete;

  // A check in a destructor: what it throws is a failure of the test. One that never got a store has nothing to check.
  template <class Check>
  static void at_end(Daemon& daemon, Check check) {
    if (!std::filesystem::exists(daemon.ledger())) return;
    try {
      // Where crd runs, everything queued is in the file then.
      if (daemon.crctl({"token", "list", "-q"}).exit == 0) check_memory(daemon);
      check();
    } catch (const std::exception& error) {
      ADD_FAILURE() << "at the end of the test: " << error.what();
    }
  }
};

class Gateway {
 public:
  explicit Gateway(DaemonOptions options = {}) : daemon(std::move(options)) {
    daemon.must({"channel", "create", "fake", "--kind", "openai", "--base-url", upstream.url(), "--models", "fake-*",
                 "--key-stdin", "--allow-private"},
                "sk-provider-1234\n");
    daemon.must({"channel", "create", "fake-messages", "--kind", "anthropic", "--base-url", upstream.url(), "--models",
                 "fake-*", "--key-stdin", "--allow-private"},
                "sk-provider-1234\n");
    for (std::size_t i = 0; i < 3; ++i) publish(fake_card()[i]);
  }

  // Every test's end: the provider's bill is within what is posted or held, and the balances are what their rows come
  // to.
  ~Gateway();
  Gateway(const Gateway&) = delete;
  Gateway& operator=(const Gateway&) = delete;
  // For a test whose ledger is not whole: it checks its own sums.
  void leave_end_unchecked() { check_at_end_ = false; }
  // For a test that kills crd: nothing is reserved for what crd asks by itself, which leaves no trace then.
  void may_lose_own_requests() { check_own_ = false; }
  // Another provider, whose bill counts too; it outlives this.
  void also_billed_by(FakeUpstream& provider) { providers_.push_back(&provider); }
  const std::vector<FakeUpstream*>& providers() const { return providers_; }

  // crd learns what the provider's card says. Of fake-a, fake-b and fake-full it knows: $1 a million model tokens in,
  // $2 out, which is 1,000 and 2,000 nano-dollars each.
  void publish(const FakePrice& price);
  void publish_whole_card() {
    for (const auto& price : fake_card()) publish(price);
  }
  // $1 in, $2 out as well.
  void set_price(const std::string& model) {
    set_price(model, {"--input", "1", "--output", "2", "--max-output", "4096"});
  }
  // The provider's price and crd's, at once: flags of `crctl price set`, of which the provider gets the rates it has.
  void set_price(const std::string& model, const std::vector<std::string>& flags);
  std::string token(const std::string& name, std::vector<std::string> flags = {}) {
    std::vector<std::string> args{"token", "create", name};
    args.insert(args.end(), flags.begin(), flags.end());
    auto key = daemon.must(args);
    while (!key.empty() && key.back() == '\n') key.pop_back();
    return key;
  }
  HttpAnswer post(const std::string& key, const Json& body, const std::string& path = "/v1/chat/completions",
                  const Headers& headers = {}) {
    return HttpClient(daemon.listener(), key).post(path, body.dump(), headers);
  }
  Json show(const std::string& token) { return Json::parse(daemon.must({"token", "show", token, "--json"})); }
  std::int64_t posted(const std::string& token) {
    flush();
    return std::stoll(daemon.sql_value(
        "SELECT b.posted FROM token_balance b JOIN token t ON t.id = b.token_id WHERE t.name = '" + token + "'"));
  }
  std::int64_t reserved(const std::string& token) {
    flush();
    return std::stoll(daemon.sql_value(
        "SELECT b.reserved FROM token_balance b JOIN token t ON t.id = b.token_id WHERE t.name = '" + token + "'"));
  }
  // Everything that was queued is in the file when an admin read has been answered.
  void flush() { daemon.must({"token", "list", "-q"}); }
  // The row of a request, as crctl shows it.
  Json request(const HttpAnswer& answer) {
    return Json::parse(daemon.must({"request", "show", answer.header("x-request-id"), "--json"}));
  }
  std::int64_t arrived() { return upstream.tally()["arrived"].get<std::int64_t>(); }

  FakeUpstream upstream;
  Daemon daemon;

 private:
  std::vector<FakeUpstream*> providers_{&upstream};
  bool check_at_end_ = true, check_own_ = true;
};

inline std::int64_t ledger_sum(Gateway& gateway, const std::string& column) {
  gateway.flush();
  return std::stoll(gateway.daemon.sql_value("SELECT coalesce(sum(" + column + "), 0) FROM token_balance"));
}

// What the gateway's provider charges for the requests since its last reset, in nano-dollars; crd's own are not in it.
std::int64_t witnessed_cost(Gateway& gateway);

// All that the providers charge against all that is posted and held; after a clean run they are the same.
enum class Run { clean, with_faults };
void check_witness(Gateway& gateway, Run run);

inline std::string error_code(const HttpAnswer& answer) {
  const Json body = Json::parse(answer.body, nullptr, false);
  if (!body.is_object() || !body.contains("error")) return "no error body: " + answer.body;
  const auto& code = body["error"]["code"];
  return code.is_string() ? code.get<std::string>() : "code is not text";
}

}  // namespace cr::test

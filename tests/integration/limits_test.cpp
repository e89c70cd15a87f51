// SPDX-License-Identifier: MIT
// Budgets and rates on the request path: what is refused, with which words and headers, and what the books say of it.
#include <sys/resource.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "integration/gateway.h"

namespace cr::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

const auto k_morning = std::chrono::sys_days(std::chrono::year(2030) / 3 / 4) + 8h;  // a Monday

DaemonOptions on_a_clock() {
  DaemonOptions options;
  options.clock = true;
  return options;
}

// Costs $0.0001 where its whole ceiling is used: 100,000 nano-dollars and what the input comes to.
Json request_of(int output) {
  return chat("fake-full", {{"max_tokens", output}});
}

std::string status_of(Gateway& gateway, const std::string& token) {
  return gateway.show(token).at("status");
}

TEST(Budgets, RefuseUntilTheirResetAndSayWhen) {
  Gateway gateway(on_a_clock());
  gateway.daemon.set_time(k_morning);
  const auto key = gateway.token("ci", {"--budget", "0.001/day", "--budget", "1/month", "--when-low", "refuse"});
  ASSERT_EQ(gateway.post(key, request_of(400)).status, 200);
  const auto arrived = gateway.arrived();
  const auto refused = gateway.post(key, request_of(400));
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(error_code(refused), "budget_exceeded");
  EXPECT_EQ(refused.header("retry-after"), std::to_string(16 * 3600)) << "to the next midnight";
  EXPECT_EQ(refused.header("x-should-retry"), "false");
  EXPECT_THAT(refused.body, HasSubstr("budget of this day"));
  EXPECT_THAT(refused.body, HasSubstr("2030-03-05T00:00:00Z"));
  EXPECT_EQ(gateway.arrived(), arrived);
  // The next day it passes again, on the same settings; the month has counted both.
  gateway.daemon.set_time(k_morning + 16h);
  EXPECT_EQ(gateway.post(key, request_of(400)).status, 200);
  const Json token = gateway.show("ci");
  EXPECT_EQ(token.at("budgets").at(1).at("used"), token.at("used"));
  EXPECT_NE(token.at("budgets").at(0).at("used"), token.at("used"));
  EXPECT_EQ(token.at("budgets").at(0).at("resets_at"), "2030-03-06T00:00:00Z");
  check_witness(gateway, Run::clean);
}

TEST(Budgets, StatusIsLimitedWithTheResetAndTheTokenSaysSoItself) {
  Gateway gateway(on_a_clock());
  gateway.daemon.set_time(k_morning);
  const auto key =
      gateway.token("ci", {"--budget", "0.0001/week", "--time-zone", "Europe/Berlin", "--when-low", "refuse"});
  ASSERT_EQ(gateway.post(key, chat("fake-a", {{"max_tokens", 16}})).status, 429);
  EXPECT_EQ(status_of(gateway, "ci"), "limited") << "what is left pays no request";
  gateway.daemon.must({"token", "edit", "ci", "--budget", "0/week"});
  const Json shown = gateway.show("ci");
  EXPECT_EQ(shown.at("status"), "limited");
  EXPECT_EQ(shown.at("limited_until"), "2030-03-10T23:00:00Z") << "Monday's midnight in Berlin";
  EXPECT_EQ(gateway.daemon.must({"token", "list", "--status", "limited", "-q"}), "ci\n");
  const auto self = Json::parse(HttpClient(gateway.daemon.port(), key).get("/v1/token").body);
  EXPECT_EQ(self.at("status"), "limited");
  EXPECT_EQ(self.at("budgets").at(0).at("resets_at"), "2030-03-10T23:00:00Z");
  EXPECT_EQ(self.at("budgets").at(0).at("remaining"), "0");
  EXPECT_EQ(gateway.daemon.crctl({"token", "check", "ci", "--model", "fake-a"}).exit, 14);
  EXPECT_THAT(gateway.daemon.crctl({"token", "check", "ci", "--model", "fake-a"}).out, HasSubstr("budget_exceeded"));
  gateway.daemon.must({"token", "edit", "ci", "--budget", "+1/week"});
  EXPECT_EQ(gateway.post(key, chat()).status, 200);
  check_witness(gateway, Run::clean);
}

TEST(Budgets, ResetAndTakenAway) {
  Gateway gateway(on_a_clock());
  gateway.daemon.set_time(k_morning);
  const auto key = gateway.token("ci", {"--budget", "0.001/day", "--when-low", "refuse"});
  ASSERT_EQ(gateway.post(key, request_of(400)).status, 200);
  ASSERT_EQ(gateway.post(key, request_of(400)).status, 429);
  const auto said = gateway.daemon.crctl({"token", "budget-reset", "ci", "--period", "day", "--reason", "a demo"});
  EXPECT_EQ(said.exit, 0) << said.err;
  EXPECT_THAT(said.err, HasSubstr("reset the day's budget of token 'ci'"));
  EXPECT_EQ(gateway.post(key, request_of(400)).status, 200);
  EXPECT_EQ(gateway.post(key, request_of(400)).status, 429);
  EXPECT_EQ(gateway.daemon.sql_value("SELECT reason FROM audit WHERE action = 'token.budget_reset'"), "a demo");
  EXPECT_EQ(gateway.daemon.crctl({"token", "budget-reset", "ci", "--period", "week"}).exit, 2);
  gateway.daemon.must({"token", "edit", "ci", "--budget", "none/day"});
  EXPECT_EQ(gateway.post(key, request_of(400)).status, 200);
  EXPECT_TRUE(gateway.show("ci").at("budgets").empty());
  gateway.daemon.must({"audit", "verify"});
  check_witness(gateway, Run::clean);
}

TEST(Budgets, SurviveARestartAndAKill) {
  Gateway gateway(on_a_clock());
  gateway.daemon.set_time(k_morning);
  const auto key = gateway.token("ci", {"--budget", "0.001/day", "--when-low", "refuse"});
  ASSERT_EQ(gateway.post(key, request_of(400)).status, 200);
  const Json before = gateway.show("ci").at("budgets");
  gateway.daemon.kill9();
  gateway.daemon.start();
  EXPECT_EQ(gateway.show("ci").at("budgets"), before);
  EXPECT_EQ(gateway.post(key, request_of(400)).status, 429);
  gateway.daemon.must({"audit", "verify"});
}

class Rates : public OverWire {};
INSTANTIATE_TEST_SUITE_P(Wires, Rates, testing::Values(Wire::plain, Wire::tls), wire_name);

TEST_P(Rates, RequestsAMinuteWithHeadersAndNoRow) {
  Gateway gateway(over(GetParam()));
  const auto key = gateway.token("ci", {"--rpm", "3", "--tpm", "100k"});
  for (int left = 2; left >= 0; --left) {
    const auto answer = gateway.post(key, chat());
    ASSERT_EQ(answer.status, 200) << answer.body;
    EXPECT_EQ(answer.header("x-ratelimit-limit-requests"), "3");
    EXPECT_EQ(answer.header("x-ratelimit-remaining-requests"), std::to_string(left));
    EXPECT_EQ(answer.header("x-ratelimit-limit-tokens"), "100000");
    EXPECT_FALSE(answer.header("x-ratelimit-reset-requests").empty());
  }
  gateway.flush();
  const auto rows = gateway.daemon.sql_value("SELECT count(*) FROM request");
  const auto refused = gateway.post(key, chat());
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(error_code(refused), "rate_limit_exceeded");
  EXPECT_EQ(refused.header("x-should-retry"), "") << "it may be tried again, later";
  const auto wait = std::stoi(refused.header("retry-after"));
  EXPECT_GE(wait, 1);
  EXPECT_LE(wait, 61);
  EXPECT_EQ(refused.header("x-ratelimit-remaining-requests"), "0");
  EXPECT_THAT(refused.body, HasSubstr("--rpm"));
  gateway.flush();
  EXPECT_EQ(gateway.daemon.sql_value("SELECT count(*) FROM request"), rows) << "a refusal by rate costs no row";
  EXPECT_EQ(gateway.arrived(), 3);
  // Raised, it passes at once.
  gateway.daemon.must({"token", "edit", "ci", "--rpm", "100"});
  EXPECT_EQ(gateway.post(key, chat()).status, 200);
  EXPECT_EQ(gateway.post(gateway.token("free"), chat()).header("x-ratelimit-limit-requests"), "");
  EXPECT_THAT(gateway.daemon.must({"metrics"}),
              HasSubstr("crd_requests_refused_total{code=\"rate_limit_exceeded\"} 1\n"));
  check_witness(gateway, Run::clean);
}

TEST_P(Rates, QuestionsAMinuteAreCountedApart) {
  Gateway gateway(over(GetParam()));
  const auto key = gateway.token("ci", {"--rpm", "2"});
  HttpClient client(gateway.daemon.listener(), key);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(client.get("/v1/token").status, 200);
    EXPECT_EQ(gateway.post(key, chat()).status, 200);
  }
  for (const auto* path : {"/v1/token", "/v1/models", "/v1/dashboard/billing/usage"}) {
    const auto refused = client.get(path);
    EXPECT_EQ(refused.status, 429) << path;
    EXPECT_EQ(error_code(refused), "rate_limit_exceeded");
    EXPECT_NE(refused.header("retry-after"), "");
  }
  EXPECT_EQ(gateway.post(key, chat()).status, 429);
  check_witness(gateway, Run::clean);
}

TEST_P(Rates, ModelTokensAMinute) {
  Gateway gateway(over(GetParam()));
  const auto key = gateway.token("ci", {"--tpm", "2000"});
  // Charged with its bound at first, then put right by what it used.
  const auto first = gateway.post(key, chat("fake-full", {{"max_tokens", 1500}}));
  ASSERT_EQ(first.status, 200);
  const auto refused = gateway.post(key, chat("fake-full", {{"max_tokens", 1500}}));
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(error_code(refused), "rate_limit_exceeded");
  EXPECT_THAT(refused.body, HasSubstr("--tpm"));
  EXPECT_EQ(gateway.post(key, chat("fake-a", {{"max_tokens", 16}})).status, 200) << "what fits passes";
  EXPECT_EQ(gateway.arrived(), 2);
  check_witness(gateway, Run::clean);
}

TEST_P(Rates, RequestsAtOnce) {
  Gateway gateway(over(GetParam()));
  const auto key = gateway.token("ci", {"--concurrency", "2"});
  gateway.upstream.close_gate();
  auto one = std::async(std::launch::async, [&] { return gateway.post(key, chat()).status; });
  auto two = std::async(std::launch::async, [&] { return gateway.post(key, chat()).status; });
  gateway.upstream.wait_for("held", 2);
  const auto refused = gateway.post(key, chat());
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(error_code(refused), "concurrency_limit_exceeded");
  EXPECT_EQ(refused.header("retry-after"), "1");
  gateway.upstream.open_gate();
  EXPECT_EQ(one.get(), 200);
  EXPECT_EQ(two.get(), 200);
  EXPECT_EQ(gateway.post(key, chat()).status, 200);
  EXPECT_EQ(gateway.arrived(), 3);
  check_witness(gateway, Run::clean);
}

// No descriptor is left to crd for as long as this lives. What crd is about to close is waited for: a connection of a
// crctl that has ended or a file that is being written would be room for a provider a moment later.
class NoDescriptors {
 public:
  explicit NoDescriptors(Daemon& daemon) : daemon_(daemon), pid_(daemon.process().pid()) {
    ::prlimit(pid_, RLIMIT_NOFILE, nullptr, &before_);
    bool passing = true;
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    // Under a limit nothing new is opened above it: once nothing passing is seen, the lowest free number stays.
    while (passing && std::chrono::steady_clock::now() < give_up) {
      lower(passing);
      lower(passing);
    }
    EXPECT_FALSE(passing) << "descriptors of crd's that should have been closed stay open";
  }
  ~NoDescriptors() { ::prlimit(pid_, RLIMIT_NOFILE, &before_, nullptr); }

 private:
  void lower(bool& passing) const {
    passing = false;
    const auto admin = admin_connections();
    std::set<rlim_t> open;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/" + std::to_string(pid_) + "/fd")) {
      open.insert(std::stoul(entry.path().filename()));
      std::error_code gone;
      const auto target = std::filesystem::read_symlink(entry.path(), gone).string();
      passing = passing || gone || admin.count(target) != 0 || target.find("state-head/") != std::string::npos;
    }
    rlimit none{0, before_.rlim_max};
    while (open.count(none.rlim_cur) != 0) ++none.rlim_cur;
    EXPECT_EQ(::prlimit(pid_, RLIMIT_NOFILE, &none, nullptr), 0);
  }
  // As /proc/PID/fd names them. Source: proc(5), /proc/net/unix: the state is the sixth column, 03 is connected.
  std::set<std::string> admin_connections() const {
    std::set<std::string> found;
    std::ifstream table("/proc/net/unix");
    for (std::string line; std::getline(table, line);) {
      std::istringstream columns(line);
      std::string slot, users, protocol, flags, type, state, inode, path;
      columns >> slot >> users >> protocol >> flags >> type >> state >> inode >> path;
      if (state == "03" && path == daemon_.socket()) found.insert("socket:[" + inode + "]");
    }
    return found;
  }

  Daemon& daemon_;
  pid_t pid_;
  rlimit before_{};
};

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

TEST(Descriptors, NoneLeftIsNoChannelsFaultAndKeepsNobodyOut) {
  DaemonOptions options;
  options.top_level = "workers = 1";
  Gateway gateway(options);
  HttpClient client(gateway.daemon.port(), gateway.token("t"));
  ASSERT_EQ(client.get("/v1/token").status, 200) << "its connection stays";
  {
    const NoDescriptors none(gateway.daemon);
    for (int i = 0; i < 6; ++i) {
      const auto answer = client.post("/v1/chat/completions", chat().dump());
      EXPECT_EQ(answer.status, 503) << answer.body;
      EXPECT_EQ(error_code(answer), "overloaded");
      EXPECT_EQ(answer.header("retry-after"), "1");
    }
    for (int i = 0; i < 3; ++i) RawClient(gateway.daemon.port()).wait_closed();
    EXPECT_EQ(gateway.daemon.crctl({"status"}).exit, 0) << "the admin socket has descriptors of its own";
  }
  EXPECT_EQ(gateway.arrived(), 0);
  EXPECT_EQ(gateway.reserved("t"), 0);
  EXPECT_EQ(client.post("/v1/chat/completions", chat().dump()).status, 200) << "the channel was not set aside";
  {
    const NoDescriptors none(gateway.daemon);
    gateway.daemon.must({"channel", "edit", "fake", "--note", "at another address now"});
    EXPECT_EQ(client.post("/v1/chat/completions", chat().dump()).status, 200) << "an idle connection made room";
  }
  const auto log = gateway.daemon.log();
  EXPECT_EQ(count_of(log, "no connection to a provider can be made"), 1U) << log;
  EXPECT_EQ(count_of(log, "accepting is paused"), 1U) << log;
  EXPECT_EQ(count_of(log, "channel cannot be reached"), 0U);
}

}  // namespace
}  // namespace cr::test

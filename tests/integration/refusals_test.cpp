// SPDX-License-Identifier: MIT
// Whoever is refused again and again: what it costs of rows and of the log, what is counted, and what others notice.
#include <atomic>
#include <chrono>
#include <map>
#include <regex>
#include <thread>

#include "integration/gateway.h"

namespace cr::test {
namespace {

using testing::HasSubstr;

constexpr int k_requests = 3000;
constexpr int k_connections = 3;

DaemonOptions at_most(const std::string& refusals_per_second) {
  DaemonOptions options;
  if (!refusals_per_second.empty()) options.tables = "[limits]\nrefusals_per_second = " + refusals_per_second + "\n";
  return options;
}

// The codes of as many requests on a few kept connections, by how often each came.
std::map<std::string, int> hammer(Gateway& gateway, const std::string& key, int requests = k_requests) {
  std::array<std::map<std::string, int>, k_connections> codes;
  std::vector<std::thread> clients;
  for (auto& its_codes : codes) {
    clients.emplace_back([&gateway, &its_codes, key, requests] {
      HttpClient client(gateway.daemon.listener(), key);
      for (int i = 0; i < requests / k_connections; ++i)
        ++its_codes[error_code(client.post("/v1/chat/completions", chat().dump()))];
    });
  }
  for (auto& client : clients) client.join();
  std::map<std::string, int> all;
  for (const auto& its_codes : codes) {
    for (const auto& [code, count] : its_codes) all[code] += count;
  }
  return all;
}

// What the log says of requests that ended with that code: a line each, and how many others there were.
struct Logged {
  int lines = 0, left_out = 0;
};
Logged logged(const std::string& log, const std::string& code) {
  Logged found;
  const std::regex left_out(code + "=([0-9]+)");
  std::istringstream lines(log);
  for (std::string line; std::getline(lines, line);) {
    std::smatch match;
    if (line.find("request failed") != std::string::npos && line.find("error=" + code) != std::string::npos) {
      ++found.lines;
    } else if (line.find("refusals were left out") != std::string::npos && std::regex_search(line, match, left_out)) {
      found.left_out += std::stoi(match[1]);
    }
  }
  return found;
}

std::int64_t usage_of(Gateway& gateway, const std::string& token, const std::string& member) {
  const auto report = Json::parse(gateway.daemon.must({"usage", "--by", "token", "--since", "1d", "--json"}));
  for (const auto& row : report.is_array() ? report : report.at("rows")) {
    if (row.at("key").at("token") == token) return row.at(member).get<std::int64_t>();
  }
  return 0;
}

std::int64_t refused_of(Gateway& gateway, const std::string& token, const std::string& code) {
  return gateway.show(token).at("refused").value(code, std::int64_t{0});
}

std::int64_t most_rows_a_minute(Gateway& gateway) {
  return std::stoll(
      gateway.daemon.sql_value("SELECT max(rows) FROM (SELECT count(*) AS rows FROM request WHERE error IS NOT NULL"
                               " GROUP BY token_id, error, started_at / 60000)"));
}

TEST(Refusals, LeaveTenRowsAMinuteAndAreAllCounted) {
  Gateway gateway(at_most("0"));
  const auto empty = gateway.token("empty", {"--quota", "0"});
  const auto codes = hammer(gateway, empty);
  EXPECT_EQ(codes, (std::map<std::string, int>{{"insufficient_quota", k_requests}}));
  for (const char* when : {"before", "after a restart"}) {
    SCOPED_TRACE(when);
    EXPECT_EQ(usage_of(gateway, "empty", "requests"), k_requests);
    EXPECT_EQ(usage_of(gateway, "empty", "errors"), k_requests);
    EXPECT_EQ(refused_of(gateway, "empty", "insufficient_quota"), k_requests);
    EXPECT_EQ(gateway.show("empty").at("refused").size(), 1U);
    EXPECT_LE(most_rows_a_minute(gateway), 10);
    gateway.daemon.must({"audit", "verify"});
    if (*when == 'a') break;
    EXPECT_EQ(metric_of(gateway.daemon, "crd_requests_refused_total{code=\"insufficient_quota\"}"), k_requests);
    EXPECT_EQ(gateway.daemon.stop(), 0);
    const auto said = logged(gateway.daemon.log(), "insufficient_quota");
    EXPECT_EQ(said.lines + said.left_out, k_requests) << "each has its line, or is counted in one";
    gateway.daemon.start();
  }
  EXPECT_THAT(gateway.daemon.must({"token", "show", "empty"}), HasSubstr("refused\t3000\n"));
  check_witness(gateway, Run::clean);
}

TEST(Refusals, ByTheHundredASecondShutTheirTokenOutAndNobodyElse) {
  Gateway gateway(at_most({}));
  const auto empty = gateway.token("empty", {"--quota", "0"});
  const auto paying = gateway.token("paying", {"--quota", "100"});
  std::atomic<bool> over{false};
  int paid = 0;
  std::thread other([&] {
    HttpClient client(gateway.daemon.listener(), paying);
    while (!over) {
      EXPECT_EQ(client.post("/v1/chat/completions", chat().dump()).status, 200);
      ++paid;
    }
  });
  const auto begun = std::chrono::steady_clock::now();
  const auto codes = hammer(gateway, empty);
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(std::chrono::steady_clock::now() - begun).count() + 1;
  over = true;
  other.join();
  std::int64_t counted = 0;
  for (const auto& [code, count] : codes) {
    EXPECT_TRUE(code == "insufficient_quota" || code == "too_many_refusals") << code;
    EXPECT_EQ(refused_of(gateway, "empty", code), count) << code;
    counted += count;
  }
  EXPECT_EQ(counted, k_requests);
  // Those that were let in before the last of a second was counted come on top.
  EXPECT_LE(codes.at("insufficient_quota"), seconds * (100 + k_connections));
  EXPECT_EQ(usage_of(gateway, "empty", "requests"), k_requests);
  EXPECT_EQ(usage_of(gateway, "paying", "requests"), paid);
  EXPECT_EQ(usage_of(gateway, "paying", "errors"), 0);
  EXPECT_LE(most_rows_a_minute(gateway), 10);
  EXPECT_EQ(gateway.daemon.sql_value("SELECT count(*) FROM request WHERE error = 'too_many_refusals'"), "0");
  gateway.daemon.must({"audit", "verify"});
  EXPECT_EQ(gateway.daemon.restart(), 0);
  EXPECT_EQ(usage_of(gateway, "empty", "requests"), k_requests);
  check_witness(gateway, Run::clean);
}

// A second refusal of a second is known by its head alone. What says 100 Continue was let in, in a second that had
// begun meanwhile, and is tried again.
TEST(Refusals, ByTooManyComeBeforeTheBody) {
  Gateway gateway(at_most("1"));
  const auto key = gateway.token("empty", {"--quota", "0"});
  HttpClient client(gateway.daemon.listener(), key);
  std::optional<RawHead> head;
  std::string body;
  for (int i = 0; i < 100 && !(head && head->status == 429); ++i) {
    EXPECT_EQ(client.post("/v1/chat/completions", chat().dump()).status, 429);
    RawClient raw(gateway.daemon.listener());
    ASSERT_TRUE(
        raw.send("POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer " + key +
                 "\r\ncontent-type: application/json\r\nexpect: 100-continue\r\ncontent-length: 1000000\r\n\r\n"));
    head = raw.read_head();
    ASSERT_TRUE(head);
    if (head->status == 429) body = raw.read_body(*head);
  }
  ASSERT_EQ(head->status, 429);
  EXPECT_EQ(head->header("retry-after"), "1");
  EXPECT_EQ(head->header("x-should-retry"), "") << "it may be tried again";
  const auto error = Json::parse(body).at("error");
  EXPECT_EQ(error.at("code"), "too_many_refusals");
  EXPECT_EQ(error.at("type"), "rate_limit_error");
  EXPECT_THAT(error.at("message").get<std::string>(), HasSubstr("'empty'"));
  check_witness(gateway, Run::clean);
}

TEST(Refusals, OfUnknownKeysLeaveABoundedLog) {
  Gateway gateway(at_most({}));
  const auto codes = hammer(gateway, "sk-cr-nobodys");
  EXPECT_EQ(codes, (std::map<std::string, int>{{"invalid_api_key", k_requests}}));
  EXPECT_EQ(metric_of(gateway.daemon, "crd_requests_refused_total{code=\"invalid_api_key\"}"), k_requests);
  gateway.flush();
  EXPECT_EQ(gateway.daemon.sql_value("SELECT count(*) FROM request"), "0");
  EXPECT_EQ(gateway.daemon.sql_value("SELECT sum(requests) FROM refused WHERE token_id = 0"),
            std::to_string(k_requests));
  gateway.daemon.must({"audit", "verify"});
  EXPECT_EQ(gateway.daemon.stop(), 0);
  const auto said = logged(gateway.daemon.log(), "invalid_api_key");
  EXPECT_EQ(said.lines + said.left_out, k_requests);
  EXPECT_GE(said.lines, 100);
}

// Whoever can connect can ask for what is not there: it has no row, but an operator finds it by its id.
TEST(Refusals, OfWrongPathsAndMethodsLeaveABoundedLog) {
  Gateway gateway(at_most({}));
  HttpClient client(gateway.daemon.listener());
  std::map<std::string, std::string> first;
  std::map<std::string, int> codes;
  for (int i = 0; i < 2 * k_requests; ++i) {
    const auto answer = i % 2 == 0 ? client.get("/v1/secret-path-" + std::to_string(i)) : client.get("/v1/embeddings");
    const auto code = error_code(answer);
    ++codes[code];
    first.emplace(code, answer.header("x-request-id"));
  }
  EXPECT_EQ(codes, (std::map<std::string, int>{{"method_not_allowed", k_requests}, {"unknown_endpoint", k_requests}}));
  for (const auto& [code, count] : codes)
    EXPECT_EQ(metric_of(gateway.daemon, "crd_requests_refused_total{code=\"" + code + "\"}"), count) << code;
  EXPECT_EQ(gateway.daemon.sql_value("SELECT count(*) FROM request"), "0");
  EXPECT_EQ(gateway.daemon.stop(), 0);
  const auto log = gateway.daemon.log();
  for (const auto& [code, count] : codes) {
    const auto said = logged(log, code);
    EXPECT_EQ(said.lines + said.left_out, count) << code << ": each has its line, or is counted in one";
    EXPECT_THAT(log, HasSubstr("request_id=" + first[code]));
  }
  EXPECT_THAT(log, testing::Not(HasSubstr("secret-path"))) << "a path can have anything in it";
}

// What crd answers by itself has no row, of whatever end.
TEST(Refusals, OfCrdsOwnAnswersAreToldAndCountAgainstTheirToken) {
  Gateway gateway(at_most({}));
  const auto key = gateway.token("asks", {});
  HttpClient client(gateway.daemon.listener(), key);
  std::map<std::string, int> codes;
  for (int i = 0; i < 1000; ++i) ++codes[error_code(client.get("/v1/models/none"))];
  EXPECT_EQ(codes["model_not_found"] + codes["too_many_refusals"], 1000);
  EXPECT_GE(codes["model_not_found"], 100);
  EXPECT_GT(codes["too_many_refusals"], 0);
  for (const auto& [code, count] : codes) {
    EXPECT_EQ(metric_of(gateway.daemon, "crd_requests_refused_total{code=\"" + code + "\"}"), count);
  }
  EXPECT_EQ(usage_of(gateway, "asks", "requests"), 0);
  EXPECT_EQ(gateway.daemon.sql_value("SELECT count(*) FROM request"), "0");
  EXPECT_EQ(gateway.daemon.stop(), 0);
  for (const auto& [code, count] : codes) {
    const auto said = logged(gateway.daemon.log(), code);
    EXPECT_EQ(said.lines + said.left_out, count) << code << ": each has its line, or is counted in one";
  }
  EXPECT_THAT(gateway.daemon.log(), HasSubstr("endpoint=model "));
}

TEST(Refusals, ByRateAreCountedOfTheirToken) {
  Gateway gateway(at_most({}));
  const auto key = gateway.token("slow", {"--rpm", "2"});
  HttpClient client(gateway.daemon.listener(), key);
  for (int i = 0; i < 300; ++i) client.post("/v1/chat/completions", chat().dump());
  EXPECT_EQ(refused_of(gateway, "slow", "rate_limit_exceeded"), 298)
      << "and no other code: what a rate refuses is cheap";
  EXPECT_EQ(usage_of(gateway, "slow", "requests"), 300);
  EXPECT_EQ(usage_of(gateway, "slow", "errors"), 298);
  EXPECT_EQ(gateway.daemon.sql_value("SELECT count(*) FROM request"), "2");
  gateway.daemon.must({"audit", "verify"});
  check_witness(gateway, Run::clean);
}

}  // namespace
}  // namespace cr::test

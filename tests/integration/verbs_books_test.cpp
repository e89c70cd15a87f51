// SPDX-License-Identifier: MIT
// crctl where the books are concerned: refunds, the audit and its verification, metrics, usage by calendar and zone.
#include <signal.h>

#include "integration/verbs.h"
#include "support/programs.h"

namespace cr::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

DaemonOptions on_a_clock() {
  DaemonOptions options;
  options.clock = true;
  options.env = {{"LC_ALL", "C"}};
  return options;
}

TEST(RequestRefund, GivesBackAndIsKept) {
  Gateway gateway;
  Daemon& daemon = gateway.daemon;
  const auto key = gateway.token("ci", {"--quota", "1", "--budget", "1/day"});
  const auto answer = gateway.post(key, chat());
  ASSERT_EQ(answer.status, 200);
  const auto id = answer.header("x-request-id");
  const auto cost = gateway.posted("ci");
  ASSERT_GT(cost, 2000);
  const auto dry = daemon.crctl({"request", "refund", id, "--amount", "0.000001", "--dry-run"});
  EXPECT_EQ(dry.exit, 0) << dry.err;
  EXPECT_THAT(dry.err, HasSubstr("would have refunded"));
  EXPECT_EQ(gateway.posted("ci"), cost);
  EXPECT_THAT(daemon.crctl({"request", "refund", id, "--amount", "0.000001", "--reason", "sorry"}).err,
              HasSubstr("refunded $0.000001 of " + id));
  EXPECT_EQ(gateway.posted("ci"), cost - 1000);
  expect_refusals(daemon,
                  {
                      {{"request", "refund", id, "--amount", "1"}, 2, "is more than the", ""},
                      {{"request", "refund", id, "--amount", "0"}, 2, "more than 0", ""},
                      {{"request", "refund", "req_00000000000000000000000000"}, 10, "no ended request", "retention"},
                      {{"request", "refund", "nonsense"}, 2, "not a request's id", "req_"},
                  });
  daemon.must({"request", "refund", id});
  EXPECT_EQ(gateway.posted("ci"), 0);
  const Json shown = gateway.show("ci");
  EXPECT_EQ(shown.at("left"), "1");
  EXPECT_EQ(shown.at("budgets").at(0).at("used"), "0");
  EXPECT_EQ(gateway.request(answer).at("refunded"), gateway.request(answer).at("cost"));
  EXPECT_EQ(daemon.crctl({"request", "refund", id}).exit, 2);
  EXPECT_EQ(daemon.sql_value("SELECT group_concat(reason) FROM audit WHERE action = 'request.refund'"), "sorry,");
  EXPECT_EQ(json_of(daemon, {"usage", "--by", "token"}).at("total").at("cost"), "0");
  daemon.must({"audit", "verify"});
}

TEST(RequestShow, MarksWhatNobodyCounted) {
  Gateway gateway;
  const auto key = gateway.token("ci", {"--quota", "1"});
  gateway.upstream.behave({{"usage", false}});
  const auto answer = gateway.post(key, chat());
  ASSERT_EQ(answer.status, 200);
  const auto id = answer.header("x-request-id");
  EXPECT_THAT(gateway.daemon.must({"request", "show", id, "-o", "table"}), HasSubstr("~$"));
  EXPECT_THAT(gateway.daemon.must({"request", "list", "-o", "table"}), HasSubstr("~$"));
  EXPECT_THAT(gateway.daemon.must({"usage", "-o", "table"}), HasSubstr("~$"));
  EXPECT_THAT(gateway.daemon.must({"metrics"}), HasSubstr("crd_requests_flagged_total{flag=\"estimated\"} 1\n"));
}

TEST(AuditVerbs, ListTailAndVerify) {
  BookedDaemon daemon;
  for (const auto* name : {"a", "b", "c"})
    daemon.must({"group", "create", name, "--reason", std::string("for ") + name});
  const auto listed = lines(daemon.must({"audit", "list", "--no-header", "--fields", "seq,action,object,reason"}));
  ASSERT_EQ(listed.size(), 3U);
  EXPECT_EQ(listed.back(), "3\tgroup.create\tgroup c\tfor c");
  EXPECT_EQ(daemon.must({"audit", "list", "--limit", "1", "-q"}), "3\n");
  EXPECT_EQ(daemon.must({"audit", "list", "--after", "1", "-q"}), "2\n3\n");
  EXPECT_EQ(daemon.must({"audit", "tail", "--limit", "2", "-q"}), "2\n3\n");

  Process tail({.argv = {crctl_program(), "--socket", daemon.socket(), "audit", "tail", "-f", "--limit", "1", "-q"},
                .env = {},
                .directory = {}});
  ASSERT_TRUE(tail.wait_for_line(Stream::out, "3"));
  daemon.must({"group", "delete", "a", "--yes"});
  EXPECT_TRUE(tail.wait_for_line(Stream::out, "4"));
  tail.signal(SIGINT);
  EXPECT_EQ(tail.wait(), 130);

  const auto verified = daemon.must({"audit", "verify"});
  EXPECT_THAT(verified, HasSubstr("the books agree"));
  EXPECT_THAT(verified, HasSubstr("4 audit entries, none changed or missing"));
  EXPECT_EQ(json_of(daemon, {"audit", "verify"}).at("audit_rows"), 4);
  run({.argv = {"sqlite3", daemon.ledger(), "UPDATE grp SET multiplier_millionths = 0 WHERE name = 'default'"},
       .env = {},
       .directory = {}});
  const auto changed = daemon.crctl({"audit", "verify"});
  EXPECT_EQ(changed.exit, 1);
  EXPECT_THAT(changed.err, AllOf(HasSubstr("settings were changed beside crd"), HasSubstr("groups"),
                                 HasSubstr("hint: "), HasSubstr("--accept-loss")));
  EXPECT_EQ(daemon.stop(), 0);
  run({.argv = {"sqlite3", daemon.ledger(), "UPDATE audit SET reason = 'x' WHERE seq = 2"},
       .env = {},
       .directory = {}});
  daemon.start();
  const auto found = daemon.crctl({"audit", "verify"});
  EXPECT_EQ(found.exit, 1);
  EXPECT_THAT(found.err, HasSubstr("audit row 2: it, or one before it, was changed or taken out"));
}

TEST(Metrics, AreReadByCrctlAndByAScraper) {
  Gateway gateway;
  const auto key = gateway.token("ci");
  ASSERT_EQ(gateway.post(key, chat()).status, 200);
  ASSERT_EQ(gateway.post("sk-cr-nobody", chat()).status, 401);
  const auto text = gateway.daemon.must({"metrics"});
  for (const auto* line :
       {"crd_requests_ended_total{ending=\"complete\"} 1\n", "crd_overrun_dollars_total 0\n",
        "crd_requests_refused_total{code=\"invalid_api_key\"} 1\n", "# TYPE crd_requests_running gauge\n"})
    EXPECT_THAT(text, HasSubstr(line));
  const auto scraped = HttpClient(gateway.daemon.socket()).get("/metrics");
  EXPECT_EQ(scraped.status, 200);
  EXPECT_THAT(scraped.header("content-type"), HasSubstr("text/plain; version=0.0.4"));
  EXPECT_THAT(scraped.body, HasSubstr("crd_requests_ended_total"));
  EXPECT_THAT(text, Not(HasSubstr(key)));
}

TEST(UsageByCalendar, InTheDaysOfAnyZone) {
  Gateway gateway(on_a_clock());
  gateway.leave_end_unchecked();  // its rows are pruned, and only their sums stay
  Daemon& daemon = gateway.daemon;
  const auto key = gateway.token("ci", {"--account", "default"});
  const auto sunday = std::chrono::sys_days(std::chrono::year(2030) / 3 / 31);  // Berlin's clocks go on
  for (const auto at : {sunday - 1h, sunday + 12h, sunday + 22h, sunday + 30h}) {
    daemon.set_time(at);
    ASSERT_EQ(gateway.post(key, chat()).status, 200);
  }
  daemon.set_time(sunday + 48h);
  const auto requests = [&](const Args& flags) {
    std::string text;
    const Json report = json_of(daemon, Args{"usage", "--since", "2030-03-01"} + flags);
    for (const auto& row : report.at("rows"))
      text += row.at("key").begin()->get<std::string>() + " " + row.at("requests").dump() + "\n";
    return text;
  };
  EXPECT_EQ(requests({"--by", "day"}), "2030-03-30 1\n2030-03-31 2\n2030-04-01 1\n");
  EXPECT_EQ(requests({"--by", "day", "--tz", "Europe/Berlin"}), "2030-03-31 2\n2030-04-01 2\n");
  EXPECT_EQ(requests({"--by", "day", "--tz", "Asia/Kathmandu"}), "2030-03-31 2\n2030-04-01 2\n");
  EXPECT_EQ(requests({"--by", "week"}), "2030-03-25 3\n2030-04-01 1\n");
  EXPECT_EQ(requests({"--by", "month"}), "2030-03 3\n2030-04 1\n");
  EXPECT_EQ(requests({"--by", "month", "--tz", "Europe/Berlin"}), "2030-03 2\n2030-04 2\n");
  EXPECT_EQ(json_of(daemon, {"token", "usage", "ci", "--since", "2030-03-01"}).at("total").at("requests"), 4);
  EXPECT_EQ(json_of(daemon, {"account", "usage", "default", "--since", "2030-03-01"}).at("total").at("requests"), 4);
  expect_refusals(daemon, {{{"usage", "--tz", "Mars/Olympus"}, 2, "Mars/Olympus", "Europe/Berlin"},
                           {{"token", "usage", "nobody"}, 10, "no token named 'nobody'", ""}});
  // The rows may go; the usage stays.
  EXPECT_EQ(daemon.stop(), 0);
  run({.argv = {"sqlite3", daemon.ledger(), "DELETE FROM request WHERE id < (SELECT max(id) FROM request)"},
       .env = {},
       .directory = {}});
  daemon.start();
  EXPECT_EQ(requests({"--by", "month"}), "2030-03 3\n2030-04 1\n");
}

TEST(TokenLimits, AreRefusedInWords) {
  BookedDaemon daemon;
  daemon.must({"token", "create", "t", "--budget", "5/day"});
  expect_refusals(
      daemon, {
                  {{"token", "create", "x", "--budget", "5"}, 2, "'5' is not a budget", "5/day"},
                  {{"token", "create", "x", "--budget", "5/year"}, 2, "'5/year' is not a budget", "50/month"},
                  {{"token", "create", "x", "--budget", "-5/day"}, 2, "amount", "dollars"},
                  {{"token", "create", "x", "--budget", "1/day,2/day"}, 2, "two budgets a day", "each period once"},
                  {{"token", "create", "x", "--rpm", "0"}, 2, "--rpm: '0' is not a rate", "unlimited"},
                  {{"token", "create", "x", "--tpm", "1.5"}, 2, "--tpm: '1.5' is not a rate", "12k"},
                  {{"token", "create", "x", "--time-zone", "Mars"}, 2, "no time zone named 'Mars'", "Europe/Berlin"},
                  {{"token", "edit", "t", "--budget", "-6/day"}, 2, "budget of a day", "unlimited"},
              });
  EXPECT_EQ(json_of(daemon, {"token", "show", "t"}).at("budgets").at(0).at("limit"), "5");
  EXPECT_THAT(daemon.must({"token", "edit", "t", "--budget", "+1/day", "--budget", "20/week", "--rpm", "60"}),
              HasSubstr("$6.00/day,$20.00/week"));
  daemon.must({"token", "create", "u", "--like", "t"});
  EXPECT_EQ(json_of(daemon, {"token", "show", "u"}).at("requests_per_minute"), 60);
  EXPECT_EQ(json_of(daemon, {"token", "show", "u"}).at("budgets").size(), 2U);
}

}  // namespace
}  // namespace cr::test

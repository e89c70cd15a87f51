// SPDX-License-Identifier: MIT
// crctl usage and request: the reports, held against what the requests were.
#include <signal.h>

#include "integration/verbs.h"
#include "support/programs.h"

namespace cr::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

// Four requests and a failed one on two days, each distinct by its cost; the clock stands at the end of the second day.
class Reports : public testing::Test {
 protected:
  Reports() : gateway(on_a_clock()), daemon(gateway.daemon) {
    daemon.must({"group", "create", "vip"});
    daemon.must({"account", "create", "acme"});
    daemon.must({"channel", "edit", "fake", "--group", "+vip"});
    const auto a = gateway.token("a");
    const auto b = gateway.token("b", {"--group", "vip", "--account", "acme"});
    const auto day = std::chrono::sys_days(std::chrono::year(2030) / 3 / 1);
    daemon.set_time(day + 10h + 30min);
    post(a, chat_of("fake-a", 20));
    post(a, chat_of("fake-a", 30));
    daemon.set_time(day + 11h + 30min);
    post(a, chat_of("fake-b", 40));
    gateway.upstream.behave({{"status", 500}, {"body", R"({"error":{"message":"no"}})"}});
    post(a, chat_of("fake-b", 50));
    daemon.set_time(day + 34h);
    post(b, chat_of("fake-a", 100));
    daemon.set_time(day + 47h);
    gateway.flush();
  }
  static DaemonOptions on_a_clock() {
    DaemonOptions options;
    options.clock = true;
    options.env = {{"LC_ALL", "C"}};  // bars in ASCII
    return options;
  }
  void post(const std::string& key, const Json& body) {
    const auto answer = gateway.post(key, body);
    ids.push_back(answer.header("x-request-id"));
    daemon.step(1ms);  // ids are in the order of their times
  }
  std::string usage(const Args& flags) {
    return daemon.must(Args{"usage", "--since", "2030-03-01", "--no-header"} + flags);
  }

  Gateway gateway;
  Daemon& daemon;
  std::vector<std::string> ids;
};

TEST_F(Reports, UsageByAnything) {
  // requests errors input cached output cost; a request of N output tokens costs 10,000 + 2,000 N nano-dollars.
  const std::string all_a = "4\t1\t30\t0\t90\t0.00021\n", b = "1\t0\t10\t0\t100\t0.00021\n";
  const std::vector<std::pair<Args, std::string>> table = {
      {{"--by", "day"}, "2030-03-01\t" + all_a + "2030-03-02\t" + b},
      {{"--by", "hour"},
       "2030-03-01T10:00:00Z\t2\t0\t20\t0\t50\t0.00012\n2030-03-01T11:00:00Z\t2\t1\t10\t0\t40\t0.00009\n"
       "2030-03-02T10:00:00Z\t" +
           b},
      {{"--by", "token"}, "a\t" + all_a + "b\t" + b},
      {{"--by", "model"}, "fake-a\t3\t0\t30\t0\t150\t0.00033\nfake-b\t2\t1\t10\t0\t40\t0.00009\n"},
      {{"--by", "channel"}, "fake\t5\t1\t40\t0\t190\t0.00042\n"},
      {{"--by", "group"}, "default\t" + all_a + "vip\t" + b},
      {{"--by", "account"}, "acme\t" + b + "default\t" + all_a},
      {{"--by", "account,model", "--model", "fake-a"},
       "acme\tfake-a\t" + b + "default\tfake-a\t2\t0\t20\t0\t50\t0.00012\n"},
      {{"--by", "token", "--token", "b"}, "b\t" + b},
      {{"--by", "token", "--account", "acme"}, "b\t" + b},
      {{"--by", "token", "--group", "default"}, "a\t" + all_a},
      {{"--by", "token", "--channel", "fake-messages"}, ""},
      {{"--by", "token", "--until", "2030-03-01T11:00:00Z"}, "a\t2\t0\t20\t0\t50\t0.00012\n"},
      {{"--by", "token", "--since", "14h"}, "b\t" + b},
      {{"--by", "model", "--top", "1"}, "fake-a\t3\t0\t30\t0\t150\t0.00033\n"},
      {{"--by", "model", "--fields", "cost,model"}, "0.00033\tfake-a\n0.00009\tfake-b\n"},
      {{"--by", "model", "--field", "requests"}, "3\n2\n"},
      {{"--by", "model", "-o", "name"}, "fake-a\nfake-b\n"},
  };
  for (const auto& [flags, expected] : table) EXPECT_EQ(usage(flags), expected) << flags.back();
  const Json report = json_of(daemon, {"usage", "--by", "token", "--since", "2030-03-01"});
  EXPECT_EQ(report.at("total").at("cost"), "0.00042");
  EXPECT_EQ(report.at("total").at("requests"), 5);
  EXPECT_EQ(report.at("rows").size(), 2U);
  EXPECT_EQ(json_of(daemon, {"usage", "--by", "day", "--fields", "day,cost", "--since", "2030-03-01"})[1],
            Json({{"day", "2030-03-02"}, {"cost", "0.00021"}}));
  check_witness(gateway, Run::clean);
}

TEST_F(Reports, UsageForEyesHasBarsAndATotal) {
  const auto table = lines(usage({"--by", "model", "-o", "table"}));
  ASSERT_EQ(table.size(), 3U);
  EXPECT_THAT(table[0], HasSubstr("################"));
  EXPECT_THAT(table[2], testing::MatchesRegex("TOTAL +5 +1 +40 +0 +190 +\\$0.00042"));
  EXPECT_THAT(usage({"--by", "model", "-o", "table", "--top", "1"}), HasSubstr("1 of 2 rows; TOTAL is of all\n"));
  EXPECT_THAT(daemon.must({"usage", "--since", "1m", "-o", "table"}), HasSubstr("no requests in this time\n"));
  EXPECT_EQ(lines(daemon.must({"usage", "--fields=help", "--by", "token"}))[0], "token");
}

TEST_F(Reports, WhatNamesNothingIsSaid) {
  expect_refusals(daemon,
                  {
                      {{"usage", "--by", "tokn"}, 2, "'tokn' is not one of token, model", "did you mean 'token'?"},
                      {{"usage", "--by", "day,day"}, 2, "--by names 'day' twice", ""},
                      {{"usage", "--by", ","}, 2, "--by names nothing", ""},
                      {{"usage", "--top", "0"}, 2, "--top must be 1 or more", ""},
                      {{"usage", "--since", "yesterday"}, 2, "neither a duration nor a date", "write 7d"},
                      {{"usage", "--since", "1h", "--until", "2h"}, 2, "until: before since", "since 2h, until 1h"},
                      {{"usage", "--fields", "csot"}, 2, "no field named 'csot'", "did you mean 'cost'?"},
                      {{"usage", "--dry-run"}, 2, "--dry-run means nothing here", ""},
                      {{"usage", "--token", "nobody"}, 10, "no token named 'nobody'", ""},
                      {{"request", "list", "--channel", "fak"}, 10, "no channel named 'fak'", "did you mean 'fake'?"},
                      {{"request", "list", "--limit", "0"}, 2, "0 is not a count of requests", ""},
                      {{"request", "list", "--errors", "--error", "x"}, 2, "cannot be given together", ""},
                      {{"request", "show", "req_1"}, 2, "not a request's id", "req_"},
                      {{"request", "show", "req_01J9ZK3QW8000000000000000A"}, 10, "no request with the id", "log"},
                  });
  EXPECT_EQ(daemon.crctl({"usage", "--group", "vpi"}).err, "there is no group named 'vpi': did you mean 'vip'?\n");
  EXPECT_EQ(daemon.crctl({"request", "list", "--channel", "fake-messages"}).err, "") << "it is there, and was not used";
}

TEST_F(Reports, RequestsNewestFirstAndFiltered) {
  const auto listed = [&](const Args& flags) { return lines(daemon.must(Args{"request", "list", "-q"} + flags)); };
  auto newest = ids;
  std::reverse(newest.begin(), newest.end());
  EXPECT_EQ(listed({}), newest);
  EXPECT_EQ(lines(daemon.must({"request", "tail", "-q"})), ids);
  EXPECT_EQ(lines(daemon.must({"request", "tail", "-q", "--limit", "2"})), (Args{ids[3], ids[4]}));
  const std::vector<std::pair<Args, Args>> table = {
      {{"--limit", "1"}, {ids[4]}},
      {{"--token", "b"}, {ids[4]}},
      {{"--account", "default", "--model", "fake-b"}, {ids[3], ids[2]}},
      {{"--errors"}, {ids[3]}},
      {{"--channel", "fake", "--since", "2030-03-02"}, {ids[4]}},
      {{"--until", "2030-03-01T11:00:00Z"}, {ids[1], ids[0]}},
      {{"--since", "14h"}, {ids[4]}},
  };
  for (const auto& [flags, expected] : table) EXPECT_EQ(listed(flags), expected) << flags[0];
  const auto error = field_of(daemon, "request", ids[3], "error");
  EXPECT_EQ(listed({"--error", error}), Args{ids[3]});
  const Json shown = json_of(daemon, {"request", "show", ids[4]});
  const Json expected = {{"token", "b"},         {"account", "acme"},  {"group", "vip"},
                         {"channel", "fake"},    {"model", "fake-a"},  {"status", 200},
                         {"cost", "0.00021"},    {"input_tokens", 10}, {"output_tokens", 100},
                         {"ending", "complete"}, {"error", ""},        {"source_ip", "127.0.0.1"}};
  for (const auto& [name, value] : expected.items()) EXPECT_EQ(shown.at(name), value) << name;
  const auto block = daemon.must({"request", "show", ids[4], "-o", "table"});
  EXPECT_THAT(block, HasSubstr("cost         $0.00021\n"));
}

// crctl that goes on until it is told to end.
Process following(Daemon& daemon, const Args& flags) {
  return Process({.argv = Args{crctl_program(), "--socket", daemon.socket(), "request", "tail", "-f"} + flags,
                  .env = {},
                  .directory = {}});
}

TEST(RequestTail, FollowsUntilCtrlC) {
  Gateway gateway;
  const auto key = gateway.token("t");
  const auto first = gateway.post(key, chat());
  gateway.flush();
  Process tail = following(gateway.daemon, {"--json"});
  const auto shown = tail.wait_for_line(Stream::out, first.header("x-request-id"));
  ASSERT_TRUE(shown) << tail.err();
  EXPECT_EQ(Json::parse(*shown).at("cost"), "0.00005");

  // A request is shown when it has ended, with its cost, and also if a later one ended before it.
  gateway.upstream.close_gate();
  RawClient slow(gateway.daemon.port());
  slow.send(raw_request("POST", "/v1/chat/completions", key, chat().dump()));
  gateway.upstream.wait_for("held", 1);
  gateway.daemon.must({"channel", "create", "echo", "--kind", "echo", "--models", "echo"});
  const auto quick = gateway.post(key, chat("echo"));
  ASSERT_EQ(quick.status, 200) << quick.body;
  ASSERT_TRUE(tail.wait_for_line(Stream::out, quick.header("x-request-id"))) << tail.err();
  gateway.upstream.open_gate();
  const auto head = slow.read_head();
  ASSERT_TRUE(head);
  const auto late = tail.wait_for_line(Stream::out, head->header("x-request-id"));
  ASSERT_TRUE(late) << tail.err();
  EXPECT_EQ(Json::parse(*late).at("ending"), "complete");
  EXPECT_EQ(Json::parse(*late).at("cost"), "0.00005");
  EXPECT_TRUE(tail.running());
  tail.signal(SIGINT);
  EXPECT_EQ(tail.wait(), 130);
  EXPECT_EQ(lines(tail.out()).size(), 3U) << "each of them once";
  EXPECT_EQ(tail.err(), "");
  check_witness(gateway, Run::clean);
}

TEST(RequestTail, FollowsWhatMatchesWithOneHeader) {
  Gateway gateway;
  const auto key = gateway.token("t");
  Process tail = following(gateway.daemon, {"--errors", "--fields", "id,status"});
  gateway.upstream.behave({{"status", 500}});
  const auto one = gateway.post(key, chat()), good = gateway.post(key, chat());
  ASSERT_TRUE(tail.wait_for_line(Stream::out, one.header("x-request-id"))) << tail.err();
  gateway.upstream.behave({{"status", 500}});
  const auto two = gateway.post(key, chat());
  ASSERT_TRUE(tail.wait_for_line(Stream::out, two.header("x-request-id"))) << tail.err();
  EXPECT_EQ(tail.out().find(good.header("x-request-id")), std::string::npos);
  gateway.daemon.stop();
  EXPECT_EQ(tail.wait(), 7) << "the daemon has gone";
  EXPECT_EQ(lines(tail.out()).size(), 3U);
  EXPECT_EQ(lines(tail.out())[0], "id\tstatus");
}

}  // namespace
}  // namespace cr::test

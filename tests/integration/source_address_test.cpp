// SPDX-License-Identifier: MIT
// Where a request comes from, and what an address list makes of it. Rows by the number of the fault they are about
// (E1 to E12); what needs no socket is in ip_set_test and caller_test too.
#include "integration/verbs.h"

namespace cr::test {
namespace {

using testing::HasSubstr;

const std::string k_client = "192.0.2.7";

DaemonOptions trusting(const std::string& proxies) {
  DaemonOptions options;
  options.top_level = "trusted_proxies = [" + proxies + "]";
  return options;
}

// One request on a connection of its own, so that fields may come twice.
int status_of(Daemon& daemon, const std::string& key, const std::string& fields) {
  RawClient client(daemon.port());
  client.send(raw_request("GET", "/v1/models", key, "", fields));
  const auto head = client.read_head();
  return head ? head->status : 0;
}

struct ForwardedRow {
  std::string number, allow, fields;
  int status;
};

void expect_rows(const std::string& proxies, const std::vector<ForwardedRow>& table) {
  BookedDaemon daemon(trusting(proxies));
  std::map<std::string, std::string> keys;  // by list
  for (const auto& row : table) {
    auto& key = keys[row.allow];
    if (key.empty()) {
      Args create{"token", "create", "t" + std::to_string(keys.size())};
      if (!row.allow.empty()) create.insert(create.end(), {"--allow-ip", row.allow});
      key = daemon.must(create);
      key.pop_back();
    }
    EXPECT_EQ(status_of(daemon, key, row.fields), row.status) << row.number << " " << row.allow << "\n" << row.fields;
  }
}

TEST(SourceAddress, E1_E3_E4_OfAPeerNobodyTrusts) {
  expect_rows("", {
                      {"E1", k_client, "X-Forwarded-For: 192.0.2.7\r\n", 403},
                      {"E1", "127.0.0.1", "X-Forwarded-For: 192.0.2.7\r\n", 200},
                      {"E3", k_client, "Forwarded: for=192.0.2.7\r\nX-Real-IP: 192.0.2.7\r\n", 403},
                      {"E4", "127.0.0.0/8", "", 200},
                      {"E4", "::ffff:127.0.0.0/104", "", 200},
                  });
  // The list is there, and this peer is not in it.
  expect_rows("\"10.0.0.0/8\"", {{"E1", k_client, "X-Forwarded-For: 192.0.2.7\r\n", 403}});
}

TEST(SourceAddress, E2_E3_E4_E5_E6_BehindATrustedProxy) {
  const std::string forwarded = "X-Forwarded-For: ";
  expect_rows(
      "\"127.0.0.1\", \"10.0.0.0/8\"",
      {
          {"E2", k_client, forwarded + "192.0.2.7\r\n", 200},
          {"E2", k_client, forwarded + "203.0.113.9, 192.0.2.7\r\n", 200},
          {"E2", k_client, forwarded + "192.0.2.7, 203.0.113.9\r\n", 403},  // what the client wrote itself
          {"E2", k_client, forwarded + "203.0.113.9, 192.0.2.7, 10.2.2.2, 10.1.1.1\r\n", 200},
          {"E2", k_client, forwarded + "192.0.2.7\r\n" + forwarded + "10.1.1.1\r\n", 200},
          {"E2", k_client, forwarded + "10.1.1.1\r\n" + forwarded + "192.0.2.7\r\n", 200},
          {"E2", k_client, forwarded + "192.0.2.7\r\n" + forwarded + "203.0.113.9\r\n", 403},
          {"E2", k_client, "", 403},
          {"E2", k_client, forwarded + "\r\n", 403},
          {"E2", k_client, forwarded + "192.0.2.7:4711\r\n", 200},  // as some proxies write it
          {"E2", "2001:db8::1", forwarded + "[2001:db8::1]:443\r\n", 200},
          // A hop that cannot be read leaves the source unknown: no address of a list is it, not the proxy's either.
          {"E2", k_client, forwarded + "192.0.2.7, unknown\r\n", 403},
          {"E2", "127.0.0.1", forwarded + "unknown\r\n", 403},
          {"E2", "127.0.0.1", forwarded + "192.0.2.7, _hidden\r\n", 403},
          {"E2", "10.1.1.1", forwarded + "garbage, 10.1.1.1\r\n", 403},
          {"E2", "", forwarded + "garbage\r\n", 200},
          {"E2", "127.0.0.1", forwarded + " , \r\n", 200},  // no hop at all
          {"E2", "127.0.0.1", "", 200},
          {"E2", "10.1.1.1", forwarded + "10.1.1.1\r\n", 200},  // all of them trusted: the farthest
          {"E3", k_client, "Forwarded: for=192.0.2.7\r\n", 403},
          {"E3", k_client, "X-Real-IP: 192.0.2.7\r\n", 403},
          {"E3", k_client, "CF-Connecting-IP: 192.0.2.7\r\n", 403},
          {"E3", k_client, "True-Client-IP: 192.0.2.7\r\nX-Client-IP: 192.0.2.7\r\n", 403},
          {"E4", "192.0.2.0/24", forwarded + "::ffff:192.0.2.7\r\n", 200},
          {"E4", "::ffff:192.0.2.0/120", forwarded + "192.0.2.7\r\n", 200},
          {"E4", k_client, forwarded + "192.0.2.7, ::ffff:10.1.1.1\r\n", 200},
          {"E4", "::192.0.2.7", forwarded + "192.0.2.7\r\n", 403},  // compatible is not mapped (RFC 4291, 2.5.5)
          {"E5", "fe80::1", forwarded + "fe80::1%eth0\r\n", 403},
          {"E6", "10.0.0.1", forwarded + "010.0.0.1\r\n", 403},
      });
}

TEST(SourceAddress, E2_AHopThatCannotBeReadIsSaidInTheRowAndOnceInTheLog) {
  Gateway gateway(trusting("\"127.0.0.1\""));
  HttpClient client(gateway.daemon.port());
  const Headers headers{{"authorization", "Bearer " + gateway.token("t")}, {"x-forwarded-for", "garbage"}};
  for (int i = 0; i < 3; ++i) EXPECT_EQ(client.post("/v1/chat/completions", chat().dump(), headers).status, 200);
  gateway.flush();
  EXPECT_EQ(gateway.daemon.sql_value("SELECT group_concat(DISTINCT source_ip) FROM request"), "unknown");
  const auto log = gateway.daemon.log();
  const auto at = log.find("X-Forwarded-For of a trusted proxy cannot be read");
  ASSERT_NE(at, std::string::npos) << log;
  EXPECT_EQ(log.find("X-Forwarded-For of a trusted proxy cannot be read", at + 1), std::string::npos);
  EXPECT_THAT(log.substr(at), HasSubstr("127.0.0.1"));
}

TEST(SourceAddress, E5_E6_E7_E8_EntriesThatAreRefusedLeaveTheListAsItWas) {
  BookedDaemon daemon;
  daemon.must({"token", "create", "t", "--allow-ip", "192.0.2.7"});
  struct Row {
    std::string number, list;
  };
  const std::vector<Row> table{
      {"E5", "fe80::1%eth0"},
      {"E5", "fe80::%1/64"},
      {"E6", "010.0.0.1"},
      {"E6", "0xa.1"},
      {"E6", "127.1"},
      {"E6", "2130706433"},
      {"E6", "1.2.3.04"},
      {"E7", ","},
      {"E7", " "},
      {"E7", " , ,"},
      {"E7", "0.0.0.0/0"},
      {"E7", "::/0"},
      {"E7", "::ffff:0:0/96"},
      {"E7", "128.0.0.0/1,0.0.0.0/1"},
      {"E8", "10.0.0.0/8,300.1.1.1"},
      {"E8", "300.1.1.1,10.0.0.0/8"},
      {"E8", "10.0.0.0/8,2001:db8::1/32"},
  };
  for (const auto& row : table) {
    for (const Args& args : {Args{"token", "edit", "t", "--allow-ip", row.list},
                             Args{"token", "create", "other", "--allow-ip", row.list}}) {
      const auto answer = daemon.crctl(args);
      EXPECT_NE(answer.exit, 0) << row.number << " " << row.list;
      EXPECT_THAT(answer.err, HasSubstr("error: ")) << row.number << " " << row.list;
    }
  }
  EXPECT_EQ(json_of(daemon, {"token", "show", "t"}).at("allow_ip"), Json({"192.0.2.7"}));
  EXPECT_EQ(daemon.must({"token", "list", "-q"}), "t\n");
}

TEST(SourceAddress, E9_AProxyHeaderNobodyAskedForIsNoRequest) {
  BookedDaemon daemon;
  const std::string v2("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0C\x7f\0\0\1\x7f\0\0\1\0\1\0\2", 28);
  for (const auto& bytes :
       {std::string("PROXY TCP4 192.0.2.7 192.0.2.1 1 2\r\n"), std::string("PROXY UNKNOWN\r\n"), v2}) {
    RawClient client(daemon.port());
    client.send(bytes + "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n");
    const auto head = client.read_head();
    ASSERT_TRUE(head);
    EXPECT_EQ(head->status, 400);
    client.read_body(*head);
    EXPECT_TRUE(client.wait_closed());
  }
}

TEST(SourceAddress, E10_ADualStackListenerKnowsItsPeersByTheirOwnAddresses) {
  DaemonOptions options;
  options.listen = "[\"[::]:0\"]";
  BookedDaemon daemon(options);
  auto v4 = daemon.must({"token", "create", "v4", "--allow-ip", "127.0.0.0/8"});
  auto v6 = daemon.must({"token", "create", "v6", "--allow-ip", "::1"});
  v4.pop_back();
  v6.pop_back();
  struct Row {
    std::string host, key, status;
  };
  for (const auto& row : std::vector<Row>{
           {"127.0.0.1", v4, "200"}, {"127.0.0.1", v6, "403"}, {"[::1]", v6, "200"}, {"[::1]", v4, "403"}}) {
    const auto answer =
        run({.argv = {"curl", "-sg", "-o", "/dev/null", "-w", "%{http_code}", "-H", "Authorization: Bearer " + row.key,
                      "http://" + row.host + ":" + std::to_string(daemon.port()) + "/v1/models"},
             .env = {{"no_proxy", "*"}},
             .directory = {}});
    EXPECT_EQ(answer.out, row.status) << row.host << answer.err;
  }
}

TEST(SourceAddress, E12_AListChangedUnderAKeptConnectionCountsFromTheNextRequest) {
  BookedDaemon daemon;
  auto key = daemon.must({"token", "create", "t"});
  key.pop_back();
  RawClient client(daemon.port());
  const auto ask = [&] {
    client.send(raw_request("GET", "/v1/models", key));
    const auto head = client.read_head();
    client.read_body(*head);
    return head->status;
  };
  EXPECT_EQ(ask(), 200);
  daemon.must({"token", "edit", "t", "--allow-ip", k_client});
  EXPECT_EQ(ask(), 403);
  daemon.must({"token", "edit", "t", "--allow-ip", "127.0.0.1"});
  EXPECT_EQ(ask(), 200);
}

}  // namespace
}  // namespace cr::test

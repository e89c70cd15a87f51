// SPDX-License-Identifier: MIT
// HTTP/1.1 as the public listener speaks it: keep-alive, pipelining, chunked bodies, Expect, deadlines, framing errors.
#include <csignal>

#include "integration/gateway.h"

namespace cr::test {
namespace {

using testing::HasSubstr;

std::string chunked(std::string_view body, std::size_t piece) {
  std::string out;
  for (std::size_t i = 0; i < body.size(); i += piece) {
    const auto part = body.substr(i, piece);
    char size[20];
    std::snprintf(size, sizeof size, "%zx\r\n", part.size());
    out.append(size).append(part).append("\r\n");
  }
  return out + "0\r\nx-trailer: dropped\r\n\r\n";
}

std::string head_of(const std::string& key, const std::string& extra) {
  return "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer " + key +
         "\r\ncontent-type: application/json\r\n" + extra + "\r\n";
}

class Http : public OverWire {};

TEST_P(Http, PipelinedRequestsAreAuthorisedEachAndAnsweredInOrder) {
  Gateway gateway(over(GetParam()));
  const auto good = gateway.token("good");
  const auto off = gateway.token("off", {"--disabled"});
  RawClient client(gateway.daemon.listener());
  const auto body = chat().dump();
  client.send(raw_request("POST", "/v1/chat/completions", good, body) +
              raw_request("POST", "/v1/chat/completions", off, body) + head_of(good, "transfer-encoding: chunked\r\n") +
              chunked(body, 7) + raw_request("GET", "/v1/token", good) +
              raw_request("POST", "/v1/chat/completions", good, body));
  for (const int status : {200, 401, 200, 200, 200}) {
    const auto head = client.read_head();
    ASSERT_TRUE(head);
    EXPECT_EQ(head->status, status);
    client.read_body(*head);
  }
  EXPECT_EQ(gateway.arrived(), 3);
  check_witness(gateway, Run::clean);
}

TEST_P(Http, ABodyInAnyPiecesIsTheSameBody) {
  Gateway gateway(over(GetParam()));
  const auto key = gateway.token("pieces");
  const auto whole = raw_request("POST", "/v1/chat/completions", key, chat().dump());
  for (const std::size_t cut :
       {std::size_t{1}, whole.find("\r\n\r\n") + 2, whole.find("\r\n\r\n") + 4, whole.size() - 1}) {
    RawClient client(gateway.daemon.listener());
    client.send(whole.substr(0, cut));
    client.send(whole.substr(cut));
    const auto head = client.read_head();
    ASSERT_TRUE(head) << cut;
    EXPECT_EQ(head->status, 200) << cut;
  }
}

TEST_P(Http, ALargeBodyPassesUnchanged) {
  Gateway gateway(over(GetParam()));
  const auto key = gateway.token("large");
  Json body = chat("fake-a", {{"user", std::string(3'000'000, 'u')}});
  const auto answer = gateway.post(key, body);
  EXPECT_EQ(answer.status, 200) << answer.body.substr(0, 200);
  RawClient client(gateway.daemon.listener());
  client.send(head_of(key, "transfer-encoding: chunked\r\n") + chunked(body.dump(), 100'000));
  const auto head = client.read_head();
  ASSERT_TRUE(head);
  EXPECT_EQ(head->status, 200);
}

TEST_P(Http, ContinueIsSaidOnlyAfterTheKeyIsKnown) {
  Gateway gateway(over(GetParam()));
  const auto key = gateway.token("careful");
  const auto body = chat().dump();
  const auto length = "content-length: " + std::to_string(body.size()) + "\r\nexpect: 100-continue\r\n";
  RawClient good(gateway.daemon.listener());
  good.send(head_of(key, length));
  const auto interim = good.read_head();
  ASSERT_TRUE(interim);
  EXPECT_EQ(interim->status, 100);
  good.send(body);
  EXPECT_EQ(good.read_head()->status, 200);
  RawClient bad(gateway.daemon.listener());
  bad.send(head_of("sk-cr-unknown", length));
  const auto refused = bad.read_head();
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->status, 401);
}

TEST_P(Http, FramingErrorsCloseAndReachNobody) {
  Gateway gateway(over(GetParam()));
  const auto key = gateway.token("framer");
  const std::string start =
      "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer " + key + "\r\n";
  const std::vector<std::pair<std::string, int>> rows{
      {start + "content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n", 400},
      {start + "content-length: 5\r\ncontent-length: 5\r\n\r\nhello", 400},
      {start + "content-length: +5\r\n\r\nhello", 400},
      {start + "x : y\r\n\r\n", 400},
      {start + "folded: a\r\n b\r\n\r\n", 400},
      {start + "x: y\n\r\n", 400},
      {start + "authorization: Bearer other\r\n\r\n", 400},
      {start + "expect: tea\r\n\r\n", 417},
      {"GET /v1/models HTTP/1.1\r\n\r\n", 400},
      {"GET /v1/models HTTP/9.9\r\nhost: x\r\n\r\n", 505},
      {"TRACE / HTTP/1.1\r\nhost: x\r\n\r\n", 405},
      {"GET /" + std::string(9000, 'a') + " HTTP/1.1\r\nhost: x\r\n\r\n", 414},
      {"GET / HTTP/1.1\r\nhost: x\r\nlong: " + std::string(20'000, 'a') + "\r\n\r\n", 431},
      {"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n", 400},
      {start + "transfer_encoding: chunked\r\ncontent-length: 5\r\n\r\nhello", 400},
      {"GET /v1/models/%00 HTTP/1.1\r\nhost: x\r\n\r\n", 400},
  };
  for (const auto& [bytes, status] : rows) {
    RawClient client(gateway.daemon.listener());
    client.send(bytes);
    const auto head = client.read_head();
    ASSERT_TRUE(head) << bytes.substr(0, 60);
    EXPECT_EQ(head->status, status) << bytes.substr(0, 200);
    client.read_body(*head);
    EXPECT_TRUE(client.wait_closed()) << bytes.substr(0, 200);
  }
  EXPECT_EQ(gateway.arrived(), 0);
  EXPECT_EQ(ledger_sum(gateway, "posted + reserved"), 0);
}

// Whatever it is a body of, it is no request: told as the errors of heads are, and no row.
TEST_P(Http, AMalformedChunkedBodyIsAFramingError) {
  Gateway gateway(over(GetParam()));
  const auto key = gateway.token("framer");
  const std::string start = " HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer " + key +
                            "\r\ntransfer-encoding: chunked\r\ncontent-type: ";
  for (const std::string& head :
       {"POST /v1/chat/completions" + start + "application/json\r\n\r\n",
        "POST /v1/chat/completions" + start + "application/json\r\ncontent-encoding: gzip\r\n\r\n",
        "POST /v1/audio/transcriptions" + start + "multipart/form-data; boundary=b\r\n\r\n"}) {
    for (const std::string& body : {std::string("zz\r\n"), std::string("-5\r\n"), std::string("2\r\n{}x\r\n"),
                                    std::string("2\n{}\n"), std::string("0\r\n\x01: x\r\n\r\n"),
                                    std::string("00000000000000002\r\n{}"), "2;" + std::string(300, 'a') + "\r\n"}) {
      SCOPED_TRACE(head + body);
      RawClient client(gateway.daemon.listener());
      client.send(head + body);
      const auto answer = client.read_head();
      ASSERT_TRUE(answer);
      EXPECT_EQ(answer->status, 400);
      EXPECT_THAT(client.read_body(*answer), testing::HasSubstr("\"code\":\"bad_request\""));
      EXPECT_TRUE(client.wait_closed());
    }
  }
  EXPECT_EQ(gateway.arrived(), 0);
  EXPECT_EQ(gateway.daemon.sql_value("SELECT count(*) FROM request"), "0");
}

TEST_P(Http, ABodyThatEndsEarlySendsNothing) {
  Gateway gateway(over(GetParam()));
  const auto key = gateway.token("short", {"--quota", "1"});
  {
    RawClient client(gateway.daemon.listener());
    client.send(head_of(key, "content-length: 500\r\n") + "{\"model\":");
    client.half_close();
    client.read_all();
  }
  EXPECT_EQ(gateway.arrived(), 0);
  EXPECT_EQ(gateway.reserved("short"), 0);
}

TEST_P(Http, SlowHeadsAndIdleConnectionsAreClosed) {
  DaemonOptions options;
  options.tables = "[limits]\nhead_timeout = \"300ms\"\nbody_timeout = \"300ms\"\nidle_timeout = \"300ms\"\n";
  Gateway gateway(over(GetParam(), options));
  const auto key = gateway.token("slow");
  RawClient silent(gateway.daemon.listener()), slow(gateway.daemon.listener()), idle(gateway.daemon.listener()),
      body(gateway.daemon.listener());
  slow.send("GET /v1/mod");
  idle.send(raw_request("GET", "/v1/token", key));
  const auto head = idle.read_head();
  ASSERT_TRUE(head);
  idle.read_body(*head);
  body.send(head_of(key, "content-length: 500\r\n") + "{");
  EXPECT_TRUE(silent.wait_closed());
  EXPECT_TRUE(slow.wait_closed());
  EXPECT_TRUE(idle.wait_closed());
  const auto late = body.read_head();
  ASSERT_TRUE(late);
  EXPECT_EQ(late->status, 408);
}

TEST_P(Http, AHalfClosedClientGetsItsAnswer) {
  DaemonOptions options;
  options.top_level = "client_half_close = \"wait\"";
  Gateway gateway(over(GetParam(), options));
  const auto key = gateway.token("half", {"--quota", "1"});
  gateway.upstream.close_gate();
  RawClient client(gateway.daemon.listener());
  client.send(raw_request("POST", "/v1/chat/completions", key, chat().dump()));
  client.half_close();
  gateway.upstream.wait_for("held", 1);
  gateway.upstream.open_gate();
  const auto head = client.read_head();
  ASSERT_TRUE(head);
  EXPECT_EQ(head->status, 200);
  check_witness(gateway, Run::clean);
}

TEST_P(Http, ConnectionsOverTheLimitAreTold) {
  DaemonOptions options;
  options.tables = "[limits]\nconnections_max = 2\nconnections_per_address_max = 2\n";
  Gateway gateway(over(GetParam(), options));
  RawClient one(gateway.daemon.listener()), two(gateway.daemon.listener());
  one.send(raw_request("GET", "/healthz", ""));
  two.send(raw_request("GET", "/healthz", ""));
  ASSERT_TRUE(one.read_head());
  ASSERT_TRUE(two.read_head());
  if (GetParam() == Wire::tls) {  // no word before a handshake, and no room for one
    EXPECT_THROW(RawClient(gateway.daemon.listener()), std::runtime_error);
  } else {
    RawClient three(gateway.daemon.listener());
    const auto head = three.read_head();
    ASSERT_TRUE(head);
    EXPECT_EQ(head->status, 503);
    EXPECT_EQ(head->header("retry-after"), "1");
    EXPECT_THAT(three.read_body(*head), HasSubstr("too many connections"));
    gateway.daemon.process().freeze();  // the request is there when the connection is taken
    RawClient four(gateway.daemon.listener());
    four.send(raw_request("HEAD", "/healthz", ""));
    gateway.daemon.process().signal(SIGCONT);
    const auto answer = four.read_all();
    EXPECT_THAT(answer, testing::StartsWith("HTTP/1.1 503 "));
    EXPECT_THAT(answer, testing::EndsWith("\r\n\r\n")) << "a HEAD is answered without a body";
  }
  gateway.daemon.must({"status"});  // the admin socket answers all the same
}

TEST_P(Http, NothingOfTheClientsHeadIsForwardedButWhatIsListed) {
  Gateway gateway(over(GetParam()));
  const auto key = gateway.token("quiet");
  const auto answer = gateway.post(
      key, chat(), "/v1/chat/completions",
      {{"cookie", "secret"}, {"x-forwarded-for", "1.2.3.4"}, {"openai-organization", "org"}, {"x-odd", "1"}});
  ASSERT_EQ(answer.status, 200);
  const auto seen = gateway.upstream.requests()[0];
  EXPECT_EQ(seen["authorization_end"], "1234");
  EXPECT_THAT(seen.dump(), testing::Not(HasSubstr(key)));
}

INSTANTIATE_TEST_SUITE_P(Wires, Http, testing::Values(Wire::plain, Wire::tls), wire_name);

}  // namespace
}  // namespace cr::test

// SPDX-License-Identifier: MIT
// TLS on the public listener: what is agreed on, renewed, refused and told. That HTTP and streams are the same over it
// is in http_test and stream_test; sslscan has the last word on the protocol.
#include <sys/stat.h>

#include <regex>

#include "integration/gateway.h"
#include "integration/pulse.h"
#include "support/programs.h"
#include "support/self_signed.h"
#include "support/temp_dir.h"

namespace cr::test {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

DaemonOptions with_tls(const std::string& tables = {}) {
  DaemonOptions options;
  options.tls = true;
  options.tables = tables;
  return options;
}

int count_of(const std::string& text, const std::string& part) {
  int count = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

// One request by `openssl s_client`, which can be told what to offer.
Finished s_client(const Daemon& daemon, std::vector<std::string> offer) {
  std::vector<std::string> argv{"openssl",
                                "s_client",
                                "-connect",
                                "127.0.0.1:" + std::to_string(daemon.port()),
                                "-CAfile",
                                daemon.dir() / "cert.pem",
                                "-verify_return_error"};
  argv.insert(argv.end(), offer.begin(), offer.end());
  return run({.argv = std::move(argv), .env = {}, .directory = {}}, "Q\n");
}

TEST(Tls, AgreesOnWhatIsSafeAndNothingElse) {
  for (const auto kind : {SelfSigned::Key::ecdsa, SelfSigned::Key::rsa}) {
    Daemon daemon(with_tls());
    const auto pair = SelfSigned::make(kind);
    write_file(daemon.dir() / "cert.pem", pair.cert);
    write_file(daemon.dir() / "key.pem", pair.key);
    daemon.must({"config", "reload"});
    struct Row {
      std::vector<std::string> offer;
      int exit;
      std::string said;
    };
    const std::vector<Row> table{
        {{"-tls1_3"}, 0, "New, TLSv1.3, Cipher is TLS_AES_256_GCM_SHA384"},
        {{"-tls1_3", "-ciphersuites", "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384"}, 0, "TLS_AES_256_GCM_SHA384"},
        {{"-tls1_2"}, 0, "GCM-SHA384"},
        {{"-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA"}, 1, "no peer certificate"},
        {{"-tls1_2", "-cipher", "AES128-GCM-SHA256"}, 1, "no peer certificate"},  // no forward secrecy
        {{"-alpn", "h2,http/1.1"}, 0, "ALPN protocol: http/1.1"},
        {{"-alpn", "h2"}, 1, "no peer certificate"},
        {{"-tls1_2", "-groups", "P-256"}, 0, "Secure Renegotiation IS supported"},
    };
    for (const auto& row : table) {
      const auto answer = s_client(daemon, row.offer);
      EXPECT_EQ(answer.exit, row.exit) << testing::PrintToString(row.offer) << answer.out << answer.err;
      EXPECT_THAT(answer.out, HasSubstr(row.said)) << testing::PrintToString(row.offer);
    }
  }
}

TEST(Tls, ARenegotiationIsRefused) {
  Daemon daemon(with_tls());
  const auto answer =
      run({.argv = {"openssl", "s_client", "-tls1_2", "-connect", "127.0.0.1:" + std::to_string(daemon.port())},
           .env = {},
           .directory = {}},
          "R\n");
  EXPECT_THAT(answer.out + answer.err, AllOf(HasSubstr("RENEGOTIATING"), HasSubstr("no renegotiation")));
}

TEST(Tls, StatusAndLogNameTheSchemeAndTheCertificate) {
  Daemon daemon(with_tls());
  const auto address = daemon.url();
  EXPECT_THAT(address, HasSubstr("https://"));
  EXPECT_EQ(Json::parse(daemon.must({"status", "--json"})).at("listen"), Json({address}));
  EXPECT_THAT(daemon.log(),
              AllOf(HasSubstr("listening address=" + address), HasSubstr("names=\"localhost, 127.0.0.1, ::1\"")));
}

TEST(Tls, AReloadTakesTheNewPairAndLeavesOpenConnectionsAlone) {
  Gateway gateway(with_tls());
  auto& daemon = gateway.daemon;
  const auto key = gateway.token("t", {"--quota", "1"});
  gateway.upstream.close_gate(1);
  RawClient open(daemon.listener());
  open.send(raw_request("POST", "/v1/chat/completions", key, chat("fake-a", {{"stream", true}}).dump()));
  const auto head = open.read_head();
  ASSERT_TRUE(head);
  ASSERT_TRUE(open.read_event(*head));

  const auto old = daemon.dir() / "old.pem";
  write_file(old, read_file(daemon.dir() / "cert.pem"));
  const auto renewed = SelfSigned::make();
  write_file(daemon.dir() / "cert.pem", renewed.cert);
  // Halfway through a renewal, cert and key are of two pairs: the old one stays, and the reload says why.
  const auto halfway = daemon.crctl({"config", "reload"});
  EXPECT_NE(halfway.exit, 0);
  EXPECT_THAT(halfway.err, AllOf(HasSubstr("key.pem"), HasSubstr("is not that of 'tls.cert'")));
  EXPECT_EQ(HttpClient(Listener{daemon.port(), old}).get("/healthz").status, 200);

  write_file(daemon.dir() / "key.pem", renewed.key);
  daemon.process().signal(SIGHUP);
  ASSERT_TRUE(daemon.process().wait_for_line(Stream::err, "configuration reloaded"));
  EXPECT_EQ(HttpClient(Listener{daemon.port(), old}).get("/healthz").status, 0) << "it does not trust the new one";
  EXPECT_EQ(HttpClient(daemon.listener()).get("/healthz").status, 200);

  gateway.upstream.open_gate();
  while (open.read_event(*head)) continue;
  EXPECT_TRUE(open.clean_end());
  open.send(raw_request("GET", "/v1/token", key));
  EXPECT_EQ(open.read_head()->status, 200) << "the open connection goes on under the old pair";
  check_witness(gateway, Run::clean);
}

TEST(Tls, OnAndOffIsForARestart) {
  Daemon daemon(with_tls());
  write_file(daemon.config_file(),
             std::regex_replace(read_file(daemon.config_file()), std::regex("cert = .*\nkey = .*"), ""));
  EXPECT_THAT(daemon.crctl({"config", "reload"}).err, HasSubstr("only a restart can change tls"));
  EXPECT_EQ(HttpClient(daemon.listener()).get("/healthz").status, 200);
}

struct BadPair {
  std::string cert, key;
  std::string said, hint;
};

TEST(Tls, APairThatCannotBeUsedIsNamedWithTheWayOut) {
  const auto good = SelfSigned::make();
  const auto other = SelfSigned::make();
  const auto weak = SelfSigned::make(SelfSigned::Key::weak_rsa);
  TempDir dir;
  write_file(dir / "plain.pem", good.key);
  run({.argv = {"openssl", "pkey", "-aes256", "-passout", "pass:x", "-in", dir / "plain.pem", "-out",
                dir / "locked.pem"},
       .env = {},
       .directory = {}});
  const std::vector<BadPair> table{
      {"", good.key, "no certificate in 'tls.cert'", "PEM"},
      {"nonsense", good.key, "no certificate in 'tls.cert'", "PEM"},
      {good.key, good.key, "no certificate in 'tls.cert'", "PEM"},
      {good.cert, good.cert, "no private key in 'tls.key'", "PRIVATE KEY"},
      {good.cert, other.key, "is not that of 'tls.cert'", "pair"},
      {good.cert, read_file(dir / "locked.pem"), "is encrypted", "openssl pkey"},
      {good.cert + good.cert.substr(0, good.cert.size() / 2), good.key, "is broken off", "again"},
      {weak.cert, weak.key, "cannot be used", "2048"},
      {std::string(2 << 20, 'x'), good.key, "over 1 MiB", ""},
  };
  auto options = with_tls();
  options.start = false;
  Daemon daemon(options);
  for (const auto& row : table) {
    write_file(daemon.dir() / "cert.pem", row.cert);
    write_file(daemon.dir() / "key.pem", row.key);
    const auto checked =
        run({.argv = {crd_program(), "--config", daemon.config_file(), "--check"}, .env = {}, .directory = {}});
    EXPECT_EQ(checked.exit, 6) << row.said;
    EXPECT_THAT(checked.err, AllOf(HasSubstr(row.said), HasSubstr(row.hint), HasSubstr(daemon.dir() / ""))) << row.said;
    EXPECT_THAT(checked.err, Not(HasSubstr(good.key.substr(60, 20)))) << "a secret is not shown";
  }
  ::unlink((daemon.dir() / "key.pem").c_str());
  EXPECT_THROW(daemon.start(), std::runtime_error);
}

TEST(Tls, WhatWorksButShouldNotStayIsWarnedOf) {
  auto options = with_tls();
  options.start = false;
  Daemon daemon(options);
  const auto expired = SelfSigned::make(SelfSigned::Key::ecdsa, -24h);
  write_file(daemon.dir() / "cert.pem", expired.cert);
  write_file(daemon.dir() / "key.pem", expired.key);
  ASSERT_EQ(::chmod((daemon.dir() / "key.pem").c_str(), 0644), 0);
  const auto checked =
      run({.argv = {crd_program(), "--config", daemon.config_file(), "--check"}, .env = {}, .directory = {}});
  EXPECT_EQ(checked.exit, 0);
  EXPECT_THAT(checked.err, AllOf(HasSubstr("expired at"), HasSubstr("can be read by every user: run chmod")));
  daemon.start();
  EXPECT_THAT(daemon.log_with("can be read by every user"),
              AllOf(HasSubstr("expired at"), HasSubstr("can be read by every user")));
  EXPECT_THAT(daemon.crctl({"config", "reload"}).err, HasSubstr("expired at"));
}

TEST(Tls, AHandshakeHasADeadlineAndCountsAsAConnection) {
  Gateway gateway(with_tls("[limits]\nhead_timeout = \"1s\"\nconnections_max = 2\nconnections_per_address_max = 2\n"));
  RawClient silent(gateway.daemon.port()), slow(gateway.daemon.port());
  slow.send(std::string_view("\x16\x03\x01\x02", 4));
  while (Json::parse(gateway.daemon.must({"status", "--json"})).at("connections") != 2) continue;
  EXPECT_TRUE(RawClient(gateway.daemon.port()).wait_closed()) << "over the limit";
  EXPECT_TRUE(silent.wait_closed());
  EXPECT_TRUE(slow.wait_closed());
  while (Json::parse(gateway.daemon.must({"status", "--json"})).at("connections") != 0) continue;
  EXPECT_EQ(HttpClient(gateway.daemon.listener()).get("/healthz").status, 200);
  // The third too, where so much time passed that it was let in after the others' deadline.
  EXPECT_THAT(metric_of(gateway.daemon, "crd_tls_handshakes_failed_total"), testing::AnyOf(2, 3));
}

// A24, and the other way round.
TEST(Tls, TheWrongProtocolIsClosedAndToldOnce) {
  Daemon plain, tls(with_tls());
  for (int i = 0; i < 3; ++i) {
    RawClient hello(plain.port());
    hello.send(std::string_view("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11));
    EXPECT_TRUE(hello.wait_closed());
    RawClient http(tls.port());
    http.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    EXPECT_THAT(http.read_all(), Not(HasSubstr("HTTP")));
  }
  for (auto* daemon : {&plain, &tls}) {
    ASSERT_TRUE(daemon->process().wait_for_line(Stream::err, " to a "));
    daemon->stop();  // its log is whole now
    EXPECT_EQ(count_of(daemon->log(), " to a "), 1);
  }
  EXPECT_THAT(plain.log_with("a client spoke TLS to a plain listener"),
              HasSubstr("a client spoke TLS to a plain listener"));
  EXPECT_THAT(tls.log_with("a client spoke no TLS to a TLS listener"),
              HasSubstr("a client spoke no TLS to a TLS listener"));
}

// HTTP/1.0 has nothing but the end of the connection to tell a whole stream from a cut one.
TEST(Tls, OnlyAWholeAnswerEndsWithACloseNotify) {
  Gateway gateway(with_tls());
  const auto key = gateway.token("t", {"--quota", "1"});
  const auto body = chat("fake-a", {{"stream", true}}).dump();
  for (const bool whole : {true, false}) {
    for (const std::string version : {"1.0", "1.1"}) {
      if (!whole) gateway.upstream.behave({{"cut_after", 3}});
      RawClient client(gateway.daemon.listener());
      client.send("POST /v1/chat/completions HTTP/" + version +
                  "\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer " + key +
                  "\r\ncontent-type: application/json\r\ncontent-length: " + std::to_string(body.size()) + "\r\n\r\n" +
                  body);
      EXPECT_THAT(client.read_all(), HasSubstr(whole ? "data: [DONE]" : "upstream_invalid"));
      EXPECT_EQ(client.close_notify(), whole) << version;
    }
  }
  RawClient idle(gateway.daemon.listener());
  idle.send(raw_request("GET", "/v1/token", key));
  const auto head = idle.read_head();
  ASSERT_TRUE(head);
  idle.read_body(*head);
  gateway.daemon.stop();
  EXPECT_TRUE(idle.wait_closed());
  EXPECT_TRUE(idle.close_notify()) << "between requests nothing is cut";
}

TEST(Tls, ASilentStreamGetsComments) {
  auto options = with_tls("[relay]\ncomment_interval = \"1s\"");
  options.top_level = "workers = 1";
  Gateway gateway(options);
  Pulse pulse(gateway);
  pulse.wait(2);
}

std::string attribute(const std::string& element, const std::string& name) {
  std::smatch found;
  return std::regex_search(element, found, std::regex(" " + name + "=\"([^\"]*)\"")) ? found[1].str() : std::string();
}

std::vector<std::string> elements(const std::string& xml, const std::string& name) {
  std::vector<std::string> found;
  const std::regex element("<" + name + " [^>]*>");
  for (auto at = std::sregex_iterator(xml.begin(), xml.end(), element); at != std::sregex_iterator(); ++at)
    found.push_back(at->str());
  return found;
}

TEST(Tls, AScannerFindsNothingWeak) {
  for (const auto kind : {SelfSigned::Key::ecdsa, SelfSigned::Key::rsa}) {
    Daemon daemon(with_tls());
    const auto pair = SelfSigned::make(kind);
    write_file(daemon.dir() / "cert.pem", pair.cert);
    write_file(daemon.dir() / "key.pem", pair.key);
    daemon.must({"config", "reload"});
    const auto scan = run({.argv = {"sslscan", "--no-colour", "--xml=" + (daemon.dir() / "scan.xml"),
                                    "127.0.0.1:" + std::to_string(daemon.port())},
                           .env = {},
                           .directory = {}});
    ASSERT_EQ(scan.exit, 0) << scan.out << scan.err;
    const auto xml = read_file(daemon.dir() / "scan.xml");
    std::map<std::string, std::string> protocols;
    for (const auto& protocol : elements(xml, "protocol"))
      protocols[attribute(protocol, "type") + attribute(protocol, "version")] = attribute(protocol, "enabled");
    EXPECT_EQ(protocols,
              (std::map<std::string, std::string>{
                  {"ssl2", "0"}, {"ssl3", "0"}, {"tls1.0", "0"}, {"tls1.1", "0"}, {"tls1.2", "1"}, {"tls1.3", "1"}}));
    const auto ciphers = elements(xml, "cipher");
    EXPECT_EQ(ciphers.size(), 6U) << xml;
    const std::regex safe(
        "TLS_(AES_(128|256)_GCM_SHA(256|384)|CHACHA20_POLY1305_SHA256)|"
        "ECDHE-(ECDSA|RSA)-(AES(128|256)-GCM-SHA(256|384)|CHACHA20-POLY1305)");
    for (const auto& cipher : ciphers) {
      EXPECT_GE(std::stoi(attribute(cipher, "bits")), 128) << cipher;
      EXPECT_TRUE(std::regex_match(attribute(cipher, "cipher"), safe)) << cipher;
    }
    const auto heartbleed = elements(xml, "heartbleed");
    EXPECT_FALSE(heartbleed.empty());
    for (const auto& version : heartbleed) EXPECT_EQ(attribute(version, "vulnerable"), "0") << version;
    const auto renegotiation = elements(xml, "renegotiation");
    ASSERT_EQ(renegotiation.size(), 1U) << xml;
    EXPECT_EQ(attribute(renegotiation[0], "supported"), "0");
    for (const auto& compression : elements(xml, "compression")) EXPECT_EQ(attribute(compression, "supported"), "0");
    EXPECT_THAT(scan.out, HasSubstr("Server supports TLS Fallback SCSV"));
  }
}

}  // namespace
}  // namespace cr::test

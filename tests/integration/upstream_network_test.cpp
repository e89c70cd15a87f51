// SPDX-License-Identifier: MIT
// What a channel can be told of the way to its provider: CAs and certificates of its own, a proxy, headers, and how
// long an answer may take.
#include <poll.h>

#include <filesystem>

#include "integration/network_gateway.h"

namespace cr::test {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string https(const TlsUpstream& upstream, const std::string& host = "127.0.0.1") {
  return "https://" + host + ":" + std::to_string(upstream.port()) + "/v1";
}

TEST(ChannelCertificates, AnAuthorityOfItsOwnIsTrustedAndTheUsualOnesAreNot) {
  NetworkGateway net;
  TlsUpstream upstream({.certificate = good_certificate()});
  net.channel(https(upstream), {"--allow-private", "--ca-file", net.ca_file});
  net.expect_answer();
  EXPECT_THAT(upstream.last_head(), HasSubstr("authorization: Bearer sk-provider-5678\r\n"));
  net.gateway.daemon.must({"channel", "edit", "net", "--ca-file", "none"});
  const auto seen = net.send();
  EXPECT_EQ(seen.error, "upstream_unreachable");
}

TEST(ChannelCertificates, AClientCertificateIsShownWhereItIsDemanded) {
  NetworkGateway net;
  TlsUpstream upstream({.certificate = good_certificate(), .client_authority = authority().cert_pem()});
  net.channel(https(upstream), {"--allow-private", "--ca-file", net.ca_file});
  EXPECT_NE(net.send().status, 200);
  EXPECT_EQ(upstream.bytes_seen(), 0U);
  const auto client = authority().issue({.common_name = "crd-client"});
  net.gateway.daemon.must({"channel", "edit", "net", "--client-cert", net.file("client.pem", client.cert_pem()),
                           "--client-key", net.file("client-key.pem", client.key_pem())});
  const auto seen = net.send();
  EXPECT_EQ(seen.status, 200) << net.gateway.daemon.log();
  EXPECT_EQ(upstream.client_name(), "crd-client");
}

TEST(ChannelCertificates, BadFilesAreNamedAndChangeNothing) {
  NetworkGateway net;
  auto& daemon = net.gateway.daemon;
  const auto client = authority().issue({.common_name = "crd-client"});
  const auto cert = net.file("client.pem", client.cert_pem());
  const auto other_key = net.file("other.pem", good_certificate().key_pem());
  const auto text = net.file("text.pem", "no certificate at all\n");
  net.channel("https://127.0.0.1:1/v1", {"--allow-private", "--ca-file", net.ca_file});
  const std::vector<std::pair<std::vector<std::string>, std::string>> table = {
      {{"--ca-file", "/nowhere/ca.pem"}, "CA file /nowhere/ca.pem: no such file"},
      {{"--ca-file", text}, "it holds no usable certificate"},
      {{"--ca-file", "/tmp"}, "not a regular file"},
      {{"--ca-file", "ca.pem"}, "not an absolute path"},
      {{"--client-cert", cert}, "go together"},
      {{"--client-cert", cert, "--client-key", text}, "client key " + text},
      {{"--client-cert", text, "--client-key", other_key}, "client certificate " + text},
      {{"--client-cert", cert, "--client-key", other_key}, "client key " + other_key},
  };
  for (const auto& [flags, words] : table) {
    std::vector<std::string> args{"channel", "edit", "net"};
    args.insert(args.end(), flags.begin(), flags.end());
    const auto done = daemon.crctl(args);
    EXPECT_EQ(done.exit, 2) << done.err;
    EXPECT_THAT(done.err, HasSubstr(words));
  }
  const auto shown = Json::parse(daemon.must({"channel", "show", "net", "--json"}));
  EXPECT_EQ(shown.at("rev"), 1);
  EXPECT_EQ(shown.at("ca_file"), net.ca_file);
  EXPECT_EQ(shown.at("client_cert"), "");
}

TEST(ChannelCertificates, RenewedFilesAreTakenOnReload) {
  NetworkGateway net;
  auto& daemon = net.gateway.daemon;
  TlsUpstream upstream({.certificate = good_certificate()});
  const auto another = Certificate::self_signed({.common_name = "another", .is_authority = true});
  const auto file = net.file("channel-ca.pem", another.cert_pem());
  net.channel(https(upstream), {"--allow-private", "--ca-file", file});
  net.expect_void(502, "upstream_unreachable");
  net.file("channel-ca.pem", authority().cert_pem());
  net.expect_void(502, "upstream_unreachable");
  daemon.must({"config", "reload"});
  net.expect_answer();
  // Gone bad: told, and what was read before stays.
  net.file("channel-ca.pem", "");
  const auto reloaded = daemon.crctl({"config", "reload"});
  EXPECT_NE(reloaded.exit, 0);
  EXPECT_THAT(reloaded.err + reloaded.out, HasSubstr("channel 'net': CA file " + file));
  net.expect_answer();
}

TEST(ChannelCertificates, FilesThatAreGoneAtTheStartLeaveTheOthersServing) {
  NetworkGateway net;
  auto& daemon = net.gateway.daemon;
  TlsUpstream upstream({.certificate = good_certificate()});
  net.channel(https(upstream), {"--allow-private", "--ca-file", net.ca_file});
  std::filesystem::remove(net.ca_file);
  daemon.restart();
  EXPECT_THAT(daemon.log_with("no such file"), HasSubstr("no such file"));
  net.expect_void(502, "upstream_unreachable");
  EXPECT_EQ(upstream.connections(), 0U);
  EXPECT_EQ(net.gateway.post(net.gateway.token("u"), chat("fake-a")).status, 200);
  net.file("ca.pem", authority().cert_pem());
  daemon.must({"config", "reload"});
  net.expect_answer();
}

TEST(ChannelProxy, LeadsToHttpsByTheProvidersNameAndToHttp) {
  NetworkGateway net;
  TlsUpstream upstream({.certificate = good_certificate()});
  const ConnectProxy proxy(upstream.port());
  // A public name that only the proxy can resolve, and a proxy with a private address.
  net.channel("https://provider.test/v1", {"--ca-file", net.ca_file, "--proxy", proxy.url()});
  net.expect_answer();
  EXPECT_THAT(proxy.heads().at(0),
              testing::StartsWith("CONNECT provider.test:443 HTTP/1.1\r\nhost: provider.test:443\r\n"));
  EXPECT_THAT(proxy.heads().at(0), Not(HasSubstr("sk-provider")));
  EXPECT_EQ(net.dns.asked("provider.test"), 0);

  TcpListener plain([](int fd) {
    read_request(fd);
    send_all(fd, plain_answer());
  });
  const ConnectProxy second(plain.port());
  net.gateway.daemon.must({"channel", "edit", "net", "--base-url", "http://plain.test/v1", "--proxy", second.url()});
  net.expect_answer();
  EXPECT_THAT(second.heads().at(0), testing::StartsWith("CONNECT plain.test:80 HTTP/1.1\r\n"));
}

TEST(ChannelProxy, AnotherNamesCertificateIsRefusedInTheTunnel) {
  NetworkGateway net;
  TlsUpstream upstream({.certificate = good_certificate()});
  const ConnectProxy proxy(upstream.port());
  net.channel("https://elsewhere.test/v1", {"--ca-file", net.ca_file, "--proxy", proxy.url()});
  net.expect_void(502, "upstream_unreachable");
  EXPECT_EQ(upstream.bytes_seen(), 0U);
}

struct ProxyCase {
  std::string name, answer;
  int status = 502;
  std::string error = "upstream_unreachable", reason;
};
void PrintTo(const ProxyCase& one, std::ostream* out) {
  *out << one.name;
}

class ChannelProxyFaults : public testing::TestWithParam<ProxyCase> {};

TEST_P(ChannelProxyFaults, AreToldAndCostNothing) {
  const auto& one = GetParam();
  NetworkGateway net;
  const ConnectProxy proxy(0, one.answer);
  net.channel("https://provider.test/v1", {"--proxy", proxy.url()});
  net.expect_void(one.status, one.error);
  EXPECT_EQ(proxy.heads().size(), 1U);
  EXPECT_THAT(net.gateway.daemon.log_with(one.reason), HasSubstr(one.reason));
}

std::string many_headers() {
  std::string head = "HTTP/1.1 200 OK\r\n";
  while (head.size() < (std::size_t{1} << 20)) head += "x-padding: " + std::string(100, 'x') + "\r\n";
  return head + "\r\n";
}

INSTANTIATE_TEST_SUITE_P(
    Cases, ChannelProxyFaults,
    testing::Values(ProxyCase{"wants_a_password",
                              "HTTP/1.1 407 Proxy Authentication Required\r\nproxy-authenticate: Basic\r\n\r\n", 502,
                              "upstream_unreachable", "the proxy demands a user name and password (407)"},
                    ProxyCase{"forbids", "HTTP/1.1 403 Forbidden\r\n\r\n", 502, "upstream_unreachable",
                              "the proxy refused the tunnel with status 403"},
                    ProxyCase{"garbage", "SSH-2.0-OpenSSH\r\n\r\n", 502, "upstream_unreachable",
                              "the proxy did not answer in HTTP"},
                    ProxyCase{"says_more", "HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", 502,
                              "upstream_unreachable", "the proxy sent more than its answer"},
                    ProxyCase{"hangs", "", 504, "upstream_timeout", "the proxy gave no connection"},
                    ProxyCase{"a_mebibyte_of_headers", many_headers(), 502, "upstream_unreachable", "the proxy "}),
    [](const auto& one) { return one.param.name; });

// What is accepted is what requests are sent by.
TEST(ChannelAddress, IsRefusedAtOnceOrWorks) {
  NetworkGateway net;
  auto& daemon = net.gateway.daemon;
  TlsUpstream upstream({.certificate = good_certificate()});
  const auto place = "https://127.0.0.1:" + std::to_string(upstream.port());
  net.channel(place + "/@team/v1", {"--allow-private", "--ca-file", net.ca_file});
  net.expect_answer();
  EXPECT_THAT(upstream.last_head(), HasSubstr("POST /@team/v1/chat/completions HTTP/1.1\r\n"));
  const std::vector<std::vector<std::string>> table = {
      {"--base-url", place + "/a\\v1", "its path has '\\' in it", "write / instead, or %5C"},
      {"--base-url", "https://[10.0.0.1]/v1", "not an IPv6 address", "write an IPv6 address like"},
      {"--proxy", "http://[10.0.0.1]:3128", "not an IPv6 address", "write it like http://proxy"}};
  for (const auto& row : table) {
    const auto edit = daemon.crctl({"channel", "edit", "net", row[0], row[1]});
    EXPECT_EQ(edit.exit, 2) << row[1];
    EXPECT_THAT(edit.err, HasSubstr(row[2]));
    EXPECT_THAT(edit.err, HasSubstr(row[3]));
    const auto create = daemon.crctl(
        {"channel", "create", "new", "--kind", "openai", "--models", "m", "--base-url", place, row[0], row[1]});
    EXPECT_EQ(create.exit, 2) << row[1];
  }
  net.expect_answer();
}

TEST(ChannelProxy, WhoseNameOrAddressFailsIsTold) {
  NetworkGateway net;
  net.channel("https://nowhere.test/v1");
  net.expect_void(502, "upstream_unreachable");
  EXPECT_THAT(net.gateway.daemon.log(), HasSubstr("the upstream's name does not resolve: "));
  net.gateway.daemon.must({"channel", "edit", "net", "--proxy", "http://nowhere.test:3128"});
  net.expect_void(502, "upstream_unreachable");
  EXPECT_THAT(net.gateway.daemon.log(), HasSubstr("the proxy's name does not resolve: "));
  net.gateway.daemon.must({"channel", "edit", "net", "--proxy", "http://127.0.0.1:1"});
  net.expect_void(502, "upstream_unreachable");
  EXPECT_THAT(net.gateway.daemon.log(), HasSubstr("the proxy cannot be reached: "));
}

TEST(ChannelProxy, IsNotAskedForAPrivateAddress) {
  NetworkGateway net;
  const ConnectProxy proxy(0, "HTTP/1.1 200 OK\r\n\r\n");
  net.channel("http://provider.test/v1", {"--proxy", proxy.url()});
  for (const auto* host : {"127.0.0.1", "169.254.169.254", "10.0.0.1", "[::1]", "[::ffff:10.0.0.1]", "127.1",
                           "2130706433", "0x7f000001", "localhost"}) {
    net.gateway.daemon.must({"channel", "edit", "net", "--base-url", std::string("http://") + host + "/v1"});
    net.expect_void(502, "upstream_unreachable");
    EXPECT_TRUE(proxy.heads().empty()) << host;
  }
}

TEST(ChannelHeaders, GoOutWithEachRequestInPlaceOfTheClients) {
  NetworkGateway net;
  std::mutex mutex;
  std::string head;
  TcpListener upstream([&](int fd) {
    auto came = read_request(fd);
    {
      const std::lock_guard lock(mutex);
      head = std::move(came);
    }
    send_all(fd, plain_answer());
  });
  net.channel("http://127.0.0.1:" + std::to_string(upstream.port()) + "/v1",
              {"--allow-private", "--header", "OpenAI-Organization: org-1", "--header", "openai-beta: mine"});
  const auto key = net.gateway.token("u");
  EXPECT_EQ(net.gateway.post(key, chat("net-a"), "/v1/chat/completions", {{"openai-beta", "theirs"}}).status, 200);
  {
    const std::lock_guard lock(mutex);
    EXPECT_THAT(head, HasSubstr("openai-organization: org-1\r\n"));
    EXPECT_THAT(head, HasSubstr("openai-beta: mine\r\n"));
    EXPECT_THAT(head, Not(HasSubstr("theirs")));
  }
  net.gateway.daemon.must({"channel", "edit", "net", "--header", "-openai-beta"});
  EXPECT_EQ(net.gateway.post(key, chat("net-a"), "/v1/chat/completions", {{"openai-beta", "theirs"}}).status, 200);
  const std::lock_guard lock(mutex);
  EXPECT_THAT(head, HasSubstr("openai-beta: theirs\r\n"));
}

// Events that never pause, and never end.
TEST(ChannelTimeoutTotal, EndsAnAnswerThatIsNeverSilent) {
  NetworkGateway net;
  TcpListener upstream([](int fd) {
    read_request(fd);
    send_all(fd, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n");
    // A thousand a second, until crd leaves.
    pollfd gone{fd, POLLRDHUP, 0};
    while (send_all(fd, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"word \"}}]}\n\n") &&
           ::poll(&gone, 1, 1) == 0)
      continue;
  });
  net.channel("http://127.0.0.1:" + std::to_string(upstream.port()) + "/v1",
              {"--allow-private", "--timeout-total", "1s"});
  const auto key = net.gateway.token("u", {"--quota", "5"});
  RawClient client(net.gateway.daemon.port());
  client.send(
      raw_request("POST", "/v1/chat/completions", key, chat("net-a", {{"stream", true}, {"max_tokens", 4000}}).dump()));
  const auto head = client.read_head();
  ASSERT_TRUE(head);
  EXPECT_EQ(head->status, 200);
  std::string last;
  while (const auto event = client.read_event(*head)) last = *event;
  EXPECT_FALSE(client.clean_end());
  EXPECT_THAT(last, HasSubstr("upstream_timeout"));
  EXPECT_GT(net.gateway.posted("u"), 0);
  EXPECT_EQ(net.gateway.reserved("u"), 0);
  EXPECT_EQ(net.gateway.daemon.sql_value("SELECT error FROM request"), "upstream_timeout");
}

TEST(ClientGoneMeanwhile, WhileTheProvidersNameIsLookedUp) {
  NetworkGateway net;
  auto& daemon = net.gateway.daemon;
  net.dns.set("silent.test", {.addresses = {}, .silent = true});
  net.channel("http://silent.test:1/v1", {"--timeout-connect", "60s"});
  const auto key = net.gateway.token("u", {"--quota", "1"});
  RawClient client(daemon.port());
  client.send(raw_request("POST", "/v1/chat/completions", key, chat("net-a", {{"max_tokens", 100}}).dump()));
  while (net.dns.asked("silent.test") == 0) std::this_thread::yield();
  EXPECT_GT(net.gateway.reserved("u"), 0);
  client.reset();
  while (net.gateway.reserved("u") != 0) continue;
  EXPECT_EQ(net.gateway.posted("u"), 0);
  const auto row = Json::parse(daemon.must({"request", "list", "--token", "u", "--json"})).at(0);
  EXPECT_EQ(row.at("ending"), "client_gone");
  EXPECT_EQ(row.at("cost"), "0");
  EXPECT_EQ(Json::parse(daemon.must({"status", "--json"})).at("requests_running"), 0);
  EXPECT_EQ(daemon.stop(), 0) << "a look-up under way holds up nobody";
}

}  // namespace
}  // namespace cr::test

// SPDX-License-Identifier: MIT
// What may be wrong on the way to a provider: its name, its address, its certificate. Each case by its client's answer
// and by the ledger: nothing was used, nothing stays held, and what was not trusted saw no byte of the request.
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "integration/network_gateway.h"

namespace cr::test {
namespace {

using testing::HasSubstr;

struct NameCase {
  std::string name, host;
  DnsRecords records;
  bool exists = true;
  int status = 502;
  std::string error = "upstream_unreachable", reason;
};
void PrintTo(const NameCase& one, std::ostream* out) {
  *out << one.name;
}

DnsRecords at(const std::string& address) {
  return {{address}, 60, false};
}

class UpstreamNameFaults : public testing::TestWithParam<NameCase> {};

TEST_P(UpstreamNameFaults, OfNoUseCostNothing) {
  const auto& one = GetParam();
  NetworkGateway net;
  if (one.exists) net.dns.set(one.host, one.records);
  net.channel("http://" + one.host + ":8080/v1");
  net.expect_void(one.status, one.error);
  EXPECT_THAT(net.gateway.daemon.log_with(one.reason), HasSubstr(one.reason));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, UpstreamNameFaults,
    testing::Values(
        NameCase{"F1_no_such_name", "nowhere.test", {}, false, 502, "upstream_unreachable", "does not resolve"},
        NameCase{"F1_no_address", "empty.test", {{}, 60, false}, true, 502, "upstream_unreachable", "does not resolve"},
        NameCase{
            "F2_silent_server", "slow.test", {{}, 60, true}, true, 504, "upstream_timeout", "not resolved in time"},
        NameCase{"F3_loopback", "a.test", at("127.0.0.1"), true, 502, "upstream_unreachable", "private address"},
        NameCase{"F3_loopback_v6", "a.test", at("::1"), true, 502, "upstream_unreachable", "private address"},
        NameCase{"F3_link_local", "a.test", at("169.254.7.7"), true, 502, "upstream_unreachable", "private address"},
        NameCase{"F3_metadata", "a.test", at("169.254.169.254"), true, 502, "upstream_unreachable", "private address"},
        NameCase{"F3_metadata_v6", "a.test", at("fd00:ec2::254"), true, 502, "upstream_unreachable", "private address"},
        NameCase{"F3_private", "a.test", at("10.1.2.3"), true, 502, "upstream_unreachable", "private address"},
        NameCase{"F3_mapped", "a.test", at("::ffff:127.0.0.1"), true, 502, "upstream_unreachable", "private address"},
        NameCase{"F3_6to4", "a.test", at("2002:7f00:1::"), true, 502, "upstream_unreachable", "private address"},
        NameCase{"F3_nat64", "a.test", at("64:ff9b::7f00:1"), true, 502, "upstream_unreachable", "private address"}),
    [](const auto& one) { return one.param.name; });

TEST(UpstreamNames, F2_OtherRequestsPassWhileAServerIsSilent) {
  NetworkGateway net;
  net.dns.set("slow.test", {{}, 60, true});
  net.channel("http://slow.test/v1", {"--allow-private"});
  net.gateway.daemon.must({"channel", "edit", "net", "--timeout-connect", "4s"});
  auto slow = std::async(std::launch::async, [&] { return net.send(); });
  while (net.dns.asked("slow.test") == 0) std::this_thread::yield();
  const auto other = net.gateway.token("u");
  EXPECT_EQ(net.gateway.post(other, chat("fake-a")).status, 200);
  EXPECT_EQ(slow.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  const auto seen = slow.get();
  EXPECT_EQ(seen.status, 504);
  EXPECT_EQ(seen.posted, 0);
  EXPECT_EQ(seen.reserved, 0);
}

TEST(UpstreamNames, AreRememberedAndAnswered) {
  NetworkGateway net;
  TcpListener upstream([](int fd) {
    read_request(fd);
    send_all(fd, plain_answer());
  });
  net.dns.set("provider.test", {{"127.0.0.1"}, 300, false});
  net.channel("http://provider.test:" + std::to_string(upstream.port()) + "/v1", {"--allow-private"});
  for (int i = 0; i < 4; ++i) net.expect_answer();
  EXPECT_EQ(net.dns.asked("provider.test"), 1);
}

TEST(UpstreamAddress, F4_Refused) {
  NetworkGateway net;
  net.channel("http://127.0.0.1:1/v1", {"--allow-private"});
  net.expect_void(502, "upstream_unreachable");
  EXPECT_THAT(net.gateway.daemon.log_with("cannot be reached: "), HasSubstr("cannot be reached: "));
}

TEST(UpstreamAddress, F5_BlackHole) {
  NetworkGateway net;
  // A queue for one that nobody takes from: once it is full, further connections are not answered.
  const int hole = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof name;
  ASSERT_EQ(::bind(hole, reinterpret_cast<sockaddr*>(&name), size), 0);
  ASSERT_EQ(::listen(hole, 0), 0);
  ASSERT_EQ(::getsockname(hole, reinterpret_cast<sockaddr*>(&name), &size), 0);
  std::vector<int> fillers;
  for (int i = 0; i < 8; ++i) {
    fillers.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    (void)::connect(fillers.back(), reinterpret_cast<sockaddr*>(&name), size);
  }
  net.channel("http://127.0.0.1:" + std::to_string(ntohs(name.sin_port)) + "/v1", {"--allow-private"});
  net.expect_void(504, "upstream_timeout");
  for (const int fd : fillers) ::close(fd);
  ::close(hole);
}

// A name with addresses of both families, at one of which nobody listens; and a literal address of either.
TEST(UpstreamAddress, EitherFamilyWillDo) {
  const std::string body = R"({"choices":[],"usage":{"prompt_tokens":10,"completion_tokens":20,"total_tokens":30}})";
  const auto answer = [&](int fd) {
    read_request(fd);
    send_all(fd, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
                     "\r\n\r\n" + body);
  };
  NetworkGateway net;
  net.dns.set("both.test", {.addresses = {"127.0.0.1", "::1"}});
  net.channel("http://both.test:1/v1", {"--allow-private"});
  for (const std::string address : {"127.0.0.1", "::1"}) {
    SCOPED_TRACE(address);
    const TcpListener provider(answer, address);
    const auto literal = address == "::1" ? "[::1]" : address;
    for (const auto& host : {std::string("both.test"), literal}) {
      net.gateway.daemon.must(
          {"channel", "edit", "net", "--base-url", "http://" + host + ":" + std::to_string(provider.port()) + "/v1"});
      net.expect_answer();
    }
  }
}

struct TlsCase {
  std::string name;
  std::function<TlsUpstreamOptions()> options;
  int status = 502;
  std::string error = "upstream_unreachable", reason = "certificate is not trusted";
  std::string host = "127.0.0.1";
};
void PrintTo(const TlsCase& one, std::ostream* out) {
  *out << one.name;
}

CertificateOptions for_names(std::vector<std::string> names) {
  return {.common_name = "provider", .names = std::move(names)};
}
TlsCase untrusted(const std::string& name, const std::function<Certificate()>& make,
                  const std::string& host = "127.0.0.1") {
  return {name,
          [make] { return TlsUpstreamOptions{.certificate = make()}; },
          502,
          "upstream_unreachable",
          "certificate is not trusted",
          host};
}

class UpstreamTlsFaults : public testing::TestWithParam<TlsCase> {};

TEST_P(UpstreamTlsFaults, IsRefusedBeforeAByteOfTheRequest) {
  const auto& one = GetParam();
  NetworkGateway net;
  net.dns.set("provider.test", at("127.0.0.1"));
  TlsUpstream upstream(one.options());
  net.channel("https://" + one.host + ":" + std::to_string(upstream.port()) + "/v1",
              {"--allow-private", "--ca-file", net.ca_file});
  net.expect_void(one.status, one.error);
  EXPECT_GE(upstream.connections(), 1U);
  EXPECT_EQ(upstream.bytes_seen(), 0U);
  EXPECT_THAT(net.gateway.daemon.log_with(one.reason), HasSubstr(one.reason));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, UpstreamTlsFaults,
    testing::Values(
        untrusted("F6_expired",
                  [] {
                    auto options = for_names({"IP:127.0.0.1"});
                    options.begins = std::chrono::hours(-48);
                    options.ends = std::chrono::hours(-24);
                    return authority().issue(options);
                  }),
        untrusted("F6_not_yet_valid",
                  [] {
                    auto options = for_names({"IP:127.0.0.1"});
                    options.begins = std::chrono::hours(24);
                    options.ends = std::chrono::hours(48);
                    return authority().issue(options);
                  }),
        untrusted("F6_self_signed", [] { return Certificate::self_signed(for_names({"IP:127.0.0.1"})); }),
        untrusted("F6_unknown_authority",
                  [] {
                    return Certificate::self_signed({.common_name = "another", .is_authority = true})
                        .issue(for_names({"IP:127.0.0.1"}));
                  }),
        untrusted(
            "F6_wrong_name", [] { return authority().issue(for_names({"DNS:other.test"})); }, "provider.test"),
        untrusted("F6_wrong_address", [] { return authority().issue(for_names({"IP:127.0.0.2"})); }),
        untrusted("F6_name_for_an_address", [] { return authority().issue(for_names({"DNS:provider.test"})); }),
        TlsCase{"F7_stall", [] { return TlsUpstreamOptions{.certificate = good_certificate(), .stalls = true}; }, 504,
                "upstream_timeout", "in time"},
        TlsCase{"F7_tls_1_0_only",
                [] { return TlsUpstreamOptions{.certificate = good_certificate(), .tls_1_0_only = true}; }, 502,
                "upstream_unreachable", "TLS handshake"}),
    [](const auto& one) { return one.param.name; });

TEST(UpstreamTls, F8_AnEndWithoutCloseNotifyIsACut) {
  NetworkGateway net;
  TlsUpstream upstream({.certificate = good_certificate(), .cuts_the_body = true});
  net.channel("https://127.0.0.1:" + std::to_string(upstream.port()) + "/v1",
              {"--allow-private", "--ca-file", net.ca_file});
  const auto seen = net.send();
  EXPECT_EQ(seen.status, 502);
  EXPECT_EQ(seen.error, "upstream_invalid");
  EXPECT_EQ(seen.ending, "upstream_cut");
  EXPECT_EQ(seen.flags, Json::array({"estimated"}));
  const auto bytes = static_cast<std::int64_t>(chat("net-a", {{"max_tokens", 100}}).dump().size());
  EXPECT_EQ(seen.posted, (bytes + 16 + 64) * 1000 + 100 * 2000) << "all it may have made, unseen";
  EXPECT_EQ(seen.reserved, 0);
}

}  // namespace
}  // namespace cr::test

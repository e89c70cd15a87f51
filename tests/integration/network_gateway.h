// SPDX-License-Identifier: MIT
// NetworkGateway: a crd whose channel `net` leads to a fake of the test's own making, names resolved by a fake DNS
// server; and what a request through it came to.
#pragma once

#include <fstream>

#include "integration/gateway.h"
#include "support/certificates.h"
#include "support/connect_proxy.h"
#include "support/dns_server.h"
#include "support/tls_upstream.h"

namespace cr::test {

// Made once: what the tests trust.
inline const Certificate& authority() {
  static const Certificate made = Certificate::self_signed({.common_name = "test authority", .is_authority = true});
  return made;
}

// For 127.0.0.1 and provider.test, by the authority above.
inline Certificate good_certificate() {
  return authority().issue({.common_name = "provider", .names = {"DNS:provider.test", "IP:127.0.0.1"}});
}

// What the client, the ledger and the log tell of one request.
struct Seen {
  int status = 0;
  std::string error, ending;
  std::int64_t posted = 0, reserved = 0;
  Json flags;
};

class NetworkGateway {
 public:
  explicit NetworkGateway(const DaemonOptions& more = {}) : gateway(options(dns, more)) {
    gateway.set_price("net-a");
    key_ = gateway.token("t", {"--quota", "1"});
    ca_file = file("ca.pem", authority().cert_pem());
  }

  std::string file(const std::string& name, const std::string& content) {
    auto path = gateway.daemon.dir() / name;
    std::ofstream(path) << content;
    return path;
  }

  // The channel `net`, connecting within a second.
  void channel(const std::string& base_url, std::vector<std::string> flags = {}) {
    std::vector<std::string> args{"channel",
                                  "create",
                                  "net",
                                  "--kind",
                                  "openai",
                                  "--models",
                                  "net-*",
                                  "--base-url",
                                  base_url,
                                  "--key-stdin",
                                  "--timeout-connect",
                                  "1s",
                                  "--timeout-first-byte",
                                  "2s"};
    args.insert(args.end(), flags.begin(), flags.end());
    gateway.daemon.must(args, "sk-provider-5678\n");
  }

  Seen send(const std::string& model = "net-a") {
    const auto answer = gateway.post(key_, chat(model, {{"max_tokens", 100}}));
    Seen seen;
    seen.status = answer.status;
    if (answer.status != 200) seen.error = error_code(answer);
    gateway.flush();
    const Json row = gateway.request(answer);
    seen.ending = row.at("ending");
    seen.flags = row.at("flags");
    seen.posted = gateway.posted("t");
    seen.reserved = gateway.reserved("t");
    return seen;
  }

  // A channel that cannot be reached: nothing was used, and the hold is free again.
  void expect_void(int status, const std::string& error) {
    const auto seen = send();
    EXPECT_EQ(seen.status, status);
    EXPECT_EQ(seen.error, error);
    EXPECT_EQ(seen.ending, "upstream_failed");
    EXPECT_EQ(seen.posted, 0);
    EXPECT_EQ(seen.reserved, 0);
  }
  // An answer of the fakes: 10 model tokens in and 20 out.
  void expect_answer() {
    const auto before = gateway.posted("t");
    const auto seen = send();
    EXPECT_EQ(seen.status, 200) << seen.error << "\n" << gateway.daemon.log();
    EXPECT_EQ(seen.ending, "complete");
    EXPECT_EQ(seen.posted - before, 10 * 1000 + 20 * 2000);
    EXPECT_EQ(seen.reserved, 0);
  }

  DnsServer dns;
  Gateway gateway;
  std::string ca_file;

 private:
  // What `more` has of [relay] goes on where this begins it.
  static DaemonOptions options(const DnsServer& dns, DaemonOptions more) {
    more.tables = "[relay]\ndns_servers = [\"" + dns.address() + "\"]\n" + more.tables;
    return more;
  }
  std::string key_;
};

}  // namespace cr::test

// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include "http/client/tunnel.h"

namespace cr::http::client {
namespace {

TEST(TunnelHost, WhatMeansAPrivateAddressIsRefused) {
  for (const auto* host :
       {"127.0.0.1", "10.1.2.3",   "192.168.0.1", "169.254.169.254", "100.64.0.1",       "0.0.0.0",
        "::1",       "fe80::1",    "fd00::1",     "::ffff:10.0.0.1", "2002:0a00:0001::", "64:ff9b::10.0.0.1",
        "127.1",     "2130706433", "0x7f.1",      "0x7f000001",      "017700000001",     "127.0.0.1.",
        "localhost", "LOCALHOST",  "a.localhost", "localhost."}) {
    const auto checked = check_tunnel_host(host, dns::PrivateAddresses::refuse);
    ASSERT_FALSE(checked) << host;
    EXPECT_EQ(checked.error().code, base::ErrorCode::forbidden);
    EXPECT_TRUE(check_tunnel_host(host, dns::PrivateAddresses::allow)) << host;
  }
  for (const auto* host : {"api.openai.com", "8.8.8.8", "2606:4700::1111", "64:ff9b::8.8.8.8", "1.example", "x0x1.test",
                           "localhost.example.com"})
    EXPECT_TRUE(check_tunnel_host(host, dns::PrivateAddresses::refuse)) << host;
}

TEST(Permitted, PrivateOnesAreTakenOutInEveryForm) {
  using Endpoint = asio::ip::tcp::endpoint;
  const auto at = [](const char* text) { return Endpoint(asio::ip::make_address(text), 443); };
  const auto left = dns::permitted({at("10.0.0.1"), at("8.8.8.8"), at("::ffff:127.0.0.1"), at("2002:7f00:1::"),
                                    at("64:ff9b::a00:1"), at("2606:4700::1111")},
                                   dns::PrivateAddresses::refuse);
  ASSERT_TRUE(left);
  EXPECT_EQ(*left, (std::vector<Endpoint>{at("8.8.8.8"), at("2606:4700::1111")}));
  EXPECT_FALSE(dns::permitted({at("::1")}, dns::PrivateAddresses::refuse));
  EXPECT_TRUE(dns::permitted({at("::1")}, dns::PrivateAddresses::allow));
}

}  // namespace
}  // namespace cr::http::client

// SPDX-License-Identifier: MIT
#include "base/address.h"

#include <gtest/gtest.h>

namespace cr::base {
namespace {

IpAddress address(std::string_view text) {
  return IpAddress::parse(text).value();
}

struct TextCase {
  std::string_view text, canonical;
};

TEST(IpAddress, parses_and_shows_canonically) {
  constexpr TextCase k_table[] = {
      {"1.2.3.4", "1.2.3.4"},
      {"0.0.0.0", "0.0.0.0"},
      {"255.255.255.255", "255.255.255.255"},
      {"::ffff:1.2.3.4", "1.2.3.4"},
      {"::FFFF:102:304", "1.2.3.4"},
      {"0:0:0:0:0:ffff:1.2.3.4", "1.2.3.4"},
      {"::", "::"},
      {"::1", "::1"},
      {"2001:DB8::1", "2001:db8::1"},
      {"2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1"},
      {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},  // one group alone is not shortened (RFC 5952 4.2.2)
      {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},           // the longest run
      {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},     // the first of equals
      {"fe80::1", "fe80::1"},
  };
  for (const auto& row : k_table) {
    const auto parsed = IpAddress::parse(row.text);
    ASSERT_TRUE(parsed) << row.text << ": " << parsed.error().message;
    EXPECT_EQ(parsed->to_string(), row.canonical);
    EXPECT_EQ(address(row.canonical), *parsed);
  }
  EXPECT_TRUE(address("::ffff:1.2.3.4").is_v4());
  EXPECT_TRUE(address("1.2.3.4").is_v4());
  EXPECT_FALSE(address("::1.2.3.4").is_v4());
  EXPECT_FALSE(address("::1").is_v4());
}

TEST(IpAddress, parse_refuses) {
  constexpr std::string_view k_table[] = {
      "",
      " ",
      "1.2.3",
      "1.2.3.4.5",
      "1.2.3.256",
      "1.2.3.-1",
      "01.2.3.4",
      "1.2.3.04",
      "1.2.3.010",
      "0x1.2.3.4",
      "0x01020304",
      "16909060",
      "1.2.772",
      "127.1",
      "1.2.3.4 ",
      " 1.2.3.4",
      "1.2.3.4\n",
      "1.2.3.4:80",
      "[::1]",
      "[::1]:80",
      "::1%lo",
      "fe80::1%eth0",
      "fe80::1%1",
      "1::2::3",
      ":::",
      "1:2:3:4:5:6:7",
      "1:2:3:4:5:6:7:8:9",
      "12345::",
      "g::",
      "::ffff:1.2.3.04",
      "::ffff:1.2.3",
      "localhost",
      "1.2.3.4/32",
      "::1/128",
      "１.2.3.4",
      "1,2,3,4",
      std::string_view("1.2.3.4\0", 8),
      std::string_view("1.2.3.4\0.5", 10),
      "0000:0000:0000:0000:0000:0000:0000:00000001",
      "::ffff:0x1.2.3.4",
  };
  for (const std::string_view text : k_table) {
    const auto parsed = IpAddress::parse(text);
    ASSERT_FALSE(parsed) << text << " gave " << parsed->to_string();
    EXPECT_EQ(parsed.error().code, ErrorCode::invalid);
  }
}

struct SpecialCase {
  std::string_view text;
  bool special;
};

TEST(IpAddress, is_special) {
  constexpr SpecialCase k_table[] = {
      {"0.0.0.0", true},
      {"0.255.255.255", true},
      {"1.0.0.0", false},
      {"9.255.255.255", false},
      {"10.0.0.0", true},
      {"10.255.255.255", true},
      {"11.0.0.0", false},
      {"100.63.255.255", false},
      {"100.64.0.0", true},
      {"100.127.255.255", true},
      {"100.128.0.0", false},
      {"126.255.255.255", false},
      {"127.0.0.1", true},
      {"127.255.255.255", true},
      {"128.0.0.0", false},
      {"169.253.255.255", false},
      {"169.254.169.254", true},
      {"169.255.0.0", false},
      {"172.15.255.255", false},
      {"172.16.0.0", true},
      {"172.31.255.255", true},
      {"172.32.0.0", false},
      {"192.0.0.8", true},
      {"192.0.1.0", false},
      {"192.0.2.1", true},
      {"192.88.99.1", true},
      {"192.167.255.255", false},
      {"192.168.0.1", true},
      {"192.169.0.0", false},
      {"198.17.255.255", false},
      {"198.18.0.0", true},
      {"198.19.255.255", true},
      {"198.20.0.0", false},
      {"198.51.100.7", true},
      {"203.0.113.7", true},
      {"223.255.255.255", false},
      {"224.0.0.1", true},
      {"239.255.255.255", true},
      {"240.0.0.0", true},
      {"255.255.255.255", true},
      {"8.8.8.8", false},
      {"::ffff:127.0.0.1", true},
      {"::ffff:8.8.8.8", false},
      {"::", true},
      {"::1", true},
      {"::127.0.0.1", true},
      {"2001:4860:4860::8888", false},
      {"2606:4700::1111", false},
      {"fc00::1", true},
      {"fdff::1", true},
      {"fe00::1", false},
      {"fe80::1", true},
      {"febf::1", true},
      {"fec0::1", true},
      {"ff02::1", true},
      {"2001:db8::1", true},
      {"2001::1", true},
      {"2002:7f00:1::", true},
      {"3fff::1", true},
      {"100::1", true},
      {"64:ff9b:1::1", true},
      {"64:ff9b::127.0.0.1", true},  // NAT64 is what it leads to
      {"64:ff9b::8.8.8.8", false},
  };
  for (const auto& row : k_table) EXPECT_EQ(address(row.text).is_special(), row.special) << row.text;
}

}  // namespace
}  // namespace cr::base

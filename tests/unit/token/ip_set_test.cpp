// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>

#include "token/scope.h"

namespace cr::token {
namespace {

using testing::HasSubstr;

IpAddress address(std::string_view text) {
  return IpAddress::parse(text).value();
}

struct SetCase {
  std::vector<std::string> entries;
  std::string_view inside, outside;  // blank-separated
};

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    if (end > 0) out.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

TEST(IpSet, contains) {
  const SetCase table[] = {
      {{"1.2.3.4"}, "1.2.3.4 ::ffff:1.2.3.4", "1.2.3.3 1.2.3.5 ::1.2.3.4 ::"},
      {{"10.0.0.0/8"}, "10.0.0.0 10.255.255.255 ::ffff:10.1.1.1", "9.255.255.255 11.0.0.0 ::a00:0"},
      {{"10.0.0.0/9"}, "10.127.255.255", "10.128.0.0"},
      {{"192.0.2.128/25"}, "192.0.2.128 192.0.2.255", "192.0.2.127 192.0.3.0"},
      {{"192.0.2.6/31"}, "192.0.2.6 192.0.2.7", "192.0.2.5 192.0.2.8"},
      {{"0.0.0.0/0"}, "0.0.0.0 255.255.255.255 ::ffff:1.1.1.1", "::1 2001:db8::1 ::fffe:ffff:ffff ::1:0:0:0"},
      {{"::/0"}, "::1 ffff::1 1.2.3.4", ""},
      {{"2001:db8::/32"}, "2001:db8:: 2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db7:ffff:: 2001:db9:: 1.2.3.4"},
      {{"2001:db8::/33"}, "2001:db8:7fff::1", "2001:db8:8000::"},
      {{"::1/128"}, "::1", ":: ::2"},
      {{"::ffff:10.0.0.0/104"}, "10.0.0.0 10.255.255.255", "11.0.0.0 ::a00:1"},
      {{"::ffff:1.2.3.4/128"}, "1.2.3.4", "1.2.3.5"},
      {{"::ffff:0:0/96"}, "0.0.0.0 255.255.255.255", "::1"},
      {{"10.0.0.0/8", "10.1.0.0/16", "10.0.0.0/8"}, "10.0.0.1 10.1.2.3 10.255.255.255", "11.0.0.0"},
      {{"10.1.0.0/16", "10.0.0.0/8"}, "10.2.0.1 10.1.2.3", "11.0.0.0"},
      {{"5.5.5.5", "3.3.3.3", "9.9.9.0/24", "2001:db8::/64", "1.1.1.1"},
       "1.1.1.1 3.3.3.3 5.5.5.5 9.9.9.200 2001:db8::7",
       "1.1.1.0 2.2.2.2 4.4.4.4 9.9.8.255 9.9.10.0 2001:db8:0:1::"},
  };
  for (const auto& row : table) {
    const auto set = IpSet::parse(row.entries);
    ASSERT_TRUE(set) << row.entries[0] << ": " << set.error().message;
    EXPECT_FALSE(set->unrestricted());
    for (const auto& text : words(row.inside))
      EXPECT_TRUE(set->contains(address(text))) << row.entries[0] << ' ' << text;
    for (const auto& text : words(row.outside))
      EXPECT_FALSE(set->contains(address(text))) << row.entries[0] << ' ' << text;
  }
}

struct ReachCase {
  std::vector<std::string> entries;
  bool ipv4, wide;
};

TEST(IpSet, says_how_much_it_holds) {
  const ReachCase table[] = {
      {{"0.0.0.0/0"}, true, true},
      {{"::/0"}, true, true},
      {{"::ffff:0:0/96"}, true, true},
      {{"::ffff:0.0.0.0/96"}, true, true},
      {{"::/1"}, true, true},
      {{"::/64"}, true, true},
      {{"0.0.0.0/0", "::/0"}, true, true},
      {{"128.0.0.0/1", "0.0.0.0/1"}, true, true},
      {{"0.0.0.0/2", "64.0.0.0/2", "128.0.0.0/1", "10.0.0.0/8"}, true, true},
      {{"::ffff:0:0/97", "128.0.0.0/1"}, true, true},
      {{"0.0.0.0/1", "128.0.0.0/2", "192.0.0.0/3", "224.0.0.0/4", "240.0.0.0/5"}, false, true},
      {{"0.0.0.1", "0.0.0.2/31", "0.0.0.4/30", "128.0.0.0/1"}, false, true},
      {{"10.0.0.0/7"}, false, true},
      {{"10.0.0.0/8", "11.0.0.0/8"}, false, true},
      {{"10.0.0.0/8", "12.0.0.0/8"}, false, false},
      {{"2000::/3"}, false, true},
      {{"2001::/16", "fd00::/16"}, false, false},
      {{"8000::/1"}, false, true},
      {{"0.0.0.0", "::"}, false, false},
  };
  for (const auto& row : table) {
    const auto set = IpSet::parse(row.entries).value();
    EXPECT_EQ(set.covers_ipv4(), row.ipv4) << row.entries.front();
    EXPECT_EQ(set.is_wide(), row.wide) << row.entries.front();
  }
  EXPECT_FALSE(IpSet().covers_ipv4());
  EXPECT_FALSE(IpSet().is_wide());
}

TEST(IpSet, by_default_everything) {
  const IpSet set;
  EXPECT_TRUE(set.unrestricted());
  EXPECT_TRUE(set.contains(address("1.2.3.4")));
  EXPECT_TRUE(set.contains(address("::")));
}

TEST(IpSet, agrees_with_a_plain_loop) {
  std::vector<std::string> entries;
  for (int i = 0; i < 256; i += 3) entries.push_back("10.0." + std::to_string(i) + ".0/24");
  for (int i = 1; i < 256; i += 7) entries.push_back("10.0." + std::to_string(i) + ".64/26");
  const IpSet set = IpSet::parse(entries).value();
  for (int i = 0; i < 256; ++i) {
    for (const int last : {0, 63, 64, 127, 128, 255}) {
      const bool in_quarter = i % 7 == 1 && last >= 64 && last < 128;
      const std::string text = "10.0." + std::to_string(i) + "." + std::to_string(last);
      EXPECT_EQ(set.contains(address(text)), i % 3 == 0 || in_quarter) << text;
    }
  }
}

// E11: 10,000 entries, every second /24 of 78 /16s. What is held is the two ends of each, and less where they meet.
TEST(IpSet, E11_is_exact_and_small_with_ten_thousand_entries) {
  std::vector<std::string> entries;
  for (int i = 0; i < 10'000; ++i)
    entries.push_back("20." + std::to_string(i / 128) + "." + std::to_string(i % 128 * 2) + ".0/24");
  const auto before = ::mallinfo2();
  const IpSet set = IpSet::parse(entries).value();
  const auto after = ::mallinfo2();
  EXPECT_LE(after.uordblks + after.hblkhd, before.uordblks + before.hblkhd + 10'000 * 4 * sizeof(IpAddress));
  for (int i = 0; i < 10'000; ++i) {
    const auto prefix = "20." + std::to_string(i / 128) + ".";
    const auto third = i % 128 * 2;
    EXPECT_TRUE(set.contains(address(prefix + std::to_string(third) + ".0"))) << i;
    EXPECT_TRUE(set.contains(address(prefix + std::to_string(third) + ".255"))) << i;
    EXPECT_FALSE(set.contains(address(prefix + std::to_string(third + 1) + ".0"))) << i;
  }
  EXPECT_FALSE(set.contains(address("19.255.255.255")));
  EXPECT_FALSE(set.contains(address("20.79.0.0")));
  EXPECT_EQ(set.heap_bytes(), 10'000 * 2 * sizeof(std::uint32_t));
  for (auto& entry : entries) entry = "::ffff:" + entry.substr(0, entry.find('/')) + "/120";
  EXPECT_EQ(IpSet::parse(entries)->heap_bytes(), set.heap_bytes()) << "written as IPv6, it is IPv4 all the same";
  for (std::size_t i = 0; i < entries.size(); ++i) entries[i] = "2001:db8:" + std::to_string(i % 10'000) + "::/64";
  EXPECT_EQ(IpSet::parse(entries)->heap_bytes(), 10'000 * 2 * sizeof(IpAddress));
}

struct RefusedEntry {
  std::string_view number;
  std::vector<std::string> entries;
};

TEST(IpSet, E5_to_E8_what_could_be_read_in_two_ways_is_refused_whole) {
  const RefusedEntry table[] = {
      {"E5", {"fe80::1%eth0"}},
      {"E5", {"fe80::%1/64"}},
      {"E6", {"010.0.0.1"}},
      {"E6", {"0xa.1"}},
      {"E6", {"127.1"}},
      {"E6", {"2130706433"}},
      {"E7", {}},
      {"E7", {""}},
      {"E7", {","}},
      {"E7", {" ", "\t"}},
      {"E8", {"10.0.0.0/8", "300.1.1.1"}},
  };
  for (const auto& row : table) {
    const auto set = IpSet::parse(row.entries);
    ASSERT_FALSE(set) << row.number;
    EXPECT_EQ(set.error().code, base::ErrorCode::invalid) << row.number;
    EXPECT_FALSE(set.error().hint.empty()) << row.number;
  }
}

TEST(IpSet, parse_refuses_and_names_the_entry) {
  const std::string table[] = {"",
                               " ",
                               "1.2.3",
                               "1.2.3.4/",
                               "1.2.3.4/33",
                               "1.2.3.4/-1",
                               "1.2.3.4/+8",
                               "1.2.3.4/08",
                               "1.2.3.4/8 ",
                               "1.2.3.4/0x8",
                               "1.2.3.0/24/8",
                               "/8",
                               "::1/129",
                               "::/1000",
                               "::1%lo/128",
                               "1.2.3.4 /32",
                               "*",
                               "1.2.3.*",
                               "1.2.3.4-9",
                               "example.org",
                               "10.0.0.0/255.0.0.0",
                               "1.2.3.4/",
                               "::ffff:1.2.3.4/129"};
  for (const std::string& entry : table) {
    const auto set = IpSet::parse({"192.0.2.1", entry});
    ASSERT_FALSE(set) << entry;
    EXPECT_EQ(set.error().code, base::ErrorCode::invalid);
    EXPECT_THAT(set.error().message, HasSubstr('"' + entry + '"'));
    EXPECT_FALSE(set.error().hint.empty());
  }
  EXPECT_EQ(IpSet::parse({}).error().code, base::ErrorCode::invalid);
}

struct HostBitsCase {
  std::string entry;
  std::string_view network;
};

TEST(IpSet, host_bits_are_refused_with_the_network_as_the_way_out) {
  const HostBitsCase table[] = {
      {"10.1.2.3/8", "10.0.0.0/8"},
      {"192.0.2.1/24", "192.0.2.0/24"},
      {"1.2.3.4/0", "0.0.0.0/0"},
      {"192.0.2.1/31", "192.0.2.0/31"},
      {"2001:db8::1/32", "2001:db8::/32"},
      {"2001:db8:8000::/32", "2001:db8::/32"},
      {"::1/0", "::/0"},
      {"::ffff:10.1.2.3/104", "10.0.0.0/8"},
      {"::ffff:10.0.0.0/64", "::/64"},
  };
  for (const auto& row : table) {
    const auto set = IpSet::parse({row.entry});
    ASSERT_FALSE(set) << row.entry;
    EXPECT_THAT(set.error().message, HasSubstr("host bits"));
    EXPECT_THAT(set.error().hint, HasSubstr("write " + std::string(row.network) + " for"));
    EXPECT_TRUE(IpSet::parse({std::string(row.network)})) << "the hint works";
  }
}

}  // namespace
}  // namespace cr::token

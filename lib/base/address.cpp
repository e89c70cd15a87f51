// SPDX-License-Identifier: MIT
#include "base/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <vector>

#include "base/text.h"

namespace cr::base {
namespace {

constexpr std::array<std::uint8_t, 12> k_v4_mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
constexpr std::array<std::uint8_t, 12> k_nat64{0, 0x64, 0xFF, 0x9B};  // 64:ff9b::/96, RFC 6052
constexpr std::size_t k_text_chars_max = 45;                          // INET6_ADDRSTRLEN without its NUL

// The same address with every bit from `prefix_bits` on set to `fill`.
IpAddress with_host_bits(IpAddress address, int prefix_bits, bool fill) {
  for (int i = 0; i < 16; ++i) {
    const int kept = std::clamp(prefix_bits - i * 8, 0, 8);
    const auto host = static_cast<std::uint8_t>(0xFF >> kept);
    std::uint8_t& byte = address.bytes[static_cast<std::size_t>(i)];
    byte = static_cast<std::uint8_t>(fill ? byte | host : byte & ~host);
  }
  return address;
}

struct Network {
  std::string_view first;
  int prefix_bits;  // of all 128
};

// IANA's special-purpose registries (RFC 6890 and its updates).
constexpr Network k_special[] = {
    {"0.0.0.0", 96 + 8},
    {"10.0.0.0", 96 + 8},
    {"100.64.0.0", 96 + 10},
    {"127.0.0.0", 96 + 8},
    {"169.254.0.0", 96 + 16},
    {"172.16.0.0", 96 + 12},
    {"192.0.0.0", 96 + 24},
    {"192.0.2.0", 96 + 24},
    {"192.88.99.0", 96 + 24},
    {"192.168.0.0", 96 + 16},
    {"198.18.0.0", 96 + 15},
    {"198.51.100.0", 96 + 24},
    {"203.0.113.0", 96 + 24},
    {"224.0.0.0", 96 + 4},
    {"240.0.0.0", 96 + 4},
    {"::", 96},
    {"64:ff9b:1::", 48},
    {"100::", 64},
    {"2001::", 23},
    {"2001:db8::", 32},
    {"2002::", 16},
    {"3fff::", 20},
    {"5f00::", 16},
    {"fc00::", 7},
    {"fe80::", 10},
    {"fec0::", 10},
    {"ff00::", 8},
};

struct ParsedNetwork {
  IpAddress first;
  int prefix_bits;
};

const std::vector<ParsedNetwork>& special_networks() {
  static const std::vector<ParsedNetwork> parsed = [] {
    std::vector<ParsedNetwork> networks;
    for (const Network& network : k_special) {
      networks.push_back({IpAddress::parse(network.first).value(), network.prefix_bits});
    }
    return networks;
  }();
  return parsed;
}

}  // namespace

Result<IpAddress> IpAddress::parse(std::string_view text) {
  const auto bad = [&](std::string_view why) {
    return fail(ErrorCode::invalid, "address \"" + escape_for_terminal(text.substr(0, 64)) + "\": " + std::string(why),
                "write 192.0.2.7 or 2001:db8::7");
  };
  if (text.empty()) return bad("it is empty");
  if (text.find('%') != std::string_view::npos) return bad("zone ids are not accepted");
  if (text.size() > k_text_chars_max || text.find('\0') != std::string_view::npos) return bad("not an IP address");
  const std::string terminated(text);
  IpAddress address;
  // inet_pton refuses octal, hex, short and integer forms; inet_aton and getaddrinfo would take them.
  if (inet_pton(AF_INET, terminated.c_str(), address.bytes.data() + k_v4_mapped.size()) == 1) {
    std::copy(k_v4_mapped.begin(), k_v4_mapped.end(), address.bytes.begin());
    return address;
  }
  if (inet_pton(AF_INET6, terminated.c_str(), address.bytes.data()) == 1) return address;
  return bad("not an IP address");
}

std::string IpAddress::to_string() const {
  char text[INET6_ADDRSTRLEN];
  // Cannot fail: the buffer fits the longest.
  if (!is_v4()) return inet_ntop(AF_INET6, bytes.data(), text, sizeof text);
  // By hand: every request's row carries one, and inet_ntop goes through printf.
  char* end = text;
  for (std::size_t i = k_v4_mapped.size(); i < bytes.size(); ++i) {
    if (i > k_v4_mapped.size()) *end++ = '.';
    end = std::to_chars(end, text + sizeof text, bytes[i]).ptr;
  }
  return {text, end};
}

bool IpAddress::is_v4() const {
  return std::equal(k_v4_mapped.begin(), k_v4_mapped.end(), bytes.begin());
}

bool IpAddress::is_special() const {
  IpAddress judged = *this;
  if (std::equal(k_nat64.begin(), k_nat64.end(), bytes.begin())) {
    std::copy(k_v4_mapped.begin(), k_v4_mapped.end(), judged.bytes.begin());
  }
  const auto& networks = special_networks();
  return std::any_of(networks.begin(), networks.end(), [&](const ParsedNetwork& network) {
    return judged.network_first(network.prefix_bits) == network.first;
  });
}

IpAddress IpAddress::network_first(int prefix_bits) const {
  return with_host_bits(*this, prefix_bits, false);
}
IpAddress IpAddress::network_last(int prefix_bits) const {
  return with_host_bits(*this, prefix_bits, true);
}

}  // namespace cr::base

// SPDX-License-Identifier: MIT
// The part of token/scope.h that knows addresses.
#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

#include "base/text.h"
#include "token/scope.h"

namespace cr::token {
namespace {

constexpr std::array<std::uint8_t, 12> k_v4_mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
constexpr int k_v4_offset_bits = 96;
constexpr std::size_t k_address_chars_max = 45;  // INET6_ADDRSTRLEN without its NUL

tl::unexpected<base::Error> bad(std::string_view what, std::string_view text, std::string_view why, std::string hint) {
  const std::string shown = base::escape_for_terminal(text.substr(0, 64));
  return base::fail(base::ErrorCode::invalid, std::string(what) + " \"" + shown + "\": " + std::string(why),
                    std::move(hint));
}

IpAddress v4_mapped(const std::uint8_t (&quad)[4]) {
  IpAddress address;
  std::copy(k_v4_mapped.begin(), k_v4_mapped.end(), address.bytes.begin());
  std::copy(std::begin(quad), std::end(quad), address.bytes.begin() + k_v4_mapped.size());
  return address;
}

// The same address with every bit from `prefix_bits` on set to `fill`.
IpAddress with_host_bits(const IpAddress& address, int prefix_bits, bool fill) {
  IpAddress result = address;
  for (int i = 0; i < 16; ++i) {
    const int kept = std::clamp(prefix_bits - i * 8, 0, 8);
    const auto host = static_cast<std::uint8_t>(0xFF >> kept);
    std::uint8_t& byte = result.bytes[static_cast<std::size_t>(i)];
    byte = static_cast<std::uint8_t>(fill ? byte | host : byte & ~host);
  }
  return result;
}

// Decimal without sign or leading zeros, 0 to `max`.
std::optional<int> parse_prefix_bits(std::string_view text, int max) {
  if (text.empty() || text.size() > 3 || (text.size() > 1 && text.front() == '0')) return std::nullopt;
  int bits = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bits);
  if (error != std::errc() || end != text.data() + text.size() || bits < 0 || bits > max) return std::nullopt;
  return bits;
}

const IpSet& special_addresses() {
  // IANA's special-purpose registries (RFC 6890 and its updates). 64:ff9b::/96 is judged by the address inside it.
  static const IpSet set =
      IpSet::parse({"0.0.0.0/8",     "10.0.0.0/8",      "100.64.0.0/10",  "127.0.0.0/8",    "169.254.0.0/16",
                    "172.16.0.0/12", "192.0.0.0/24",    "192.0.2.0/24",   "192.88.99.0/24", "192.168.0.0/16",
                    "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4",    "240.0.0.0/4",
                    "::/96",         "64:ff9b:1::/48",  "100::/64",       "2001::/23",      "2001:db8::/32",
                    "2002::/16",     "3fff::/20",       "5f00::/16",      "fc00::/7",       "fe80::/10",
                    "fec0::/10",     "ff00::/8"})
          .value();
  return set;
}

}  // namespace

base::Result<IpAddress> IpAddress::parse(std::string_view text) {
  const std::string hint = "write 192.0.2.7 or 2001:db8::7";
  if (text.empty()) return bad("address", text, "it is empty", hint);
  if (text.size() > k_address_chars_max) return bad("address", text, "too long", hint);
  if (text.find('%') != std::string_view::npos) return bad("address", text, "zone ids are not accepted", hint);
  if (text.find('\0') != std::string_view::npos) return bad("address", text, "not an IP address", hint);
  const std::string terminated(text);
  // inet_pton refuses octal, hex, short and integer forms; inet_aton and getaddrinfo would take them.
  std::uint8_t quad[4];
  if (inet_pton(AF_INET, terminated.c_str(), quad) == 1) return v4_mapped(quad);
  IpAddress address;
  if (inet_pton(AF_INET6, terminated.c_str(), address.bytes.data()) == 1) return address;
  return bad("address", text, "not an IP address", hint);
}

std::string IpAddress::to_string() const {
  char text[INET6_ADDRSTRLEN];
  const bool v4 = is_v4();
  const void* data = v4 ? bytes.data() + k_v4_mapped.size() : bytes.data();
  // Cannot fail: the family is known and the buffer fits the longest.
  return inet_ntop(v4 ? AF_INET : AF_INET6, data, text, sizeof text);
}

bool IpAddress::is_v4() const {
  return std::equal(k_v4_mapped.begin(), k_v4_mapped.end(), bytes.begin());
}

bool IpAddress::is_special() const {
  constexpr std::array<std::uint8_t, 12> k_nat64{0, 0x64, 0xFF, 0x9B};  // 64:ff9b::/96, RFC 6052
  if (std::equal(k_nat64.begin(), k_nat64.end(), bytes.begin())) {
    return v4_mapped({bytes[12], bytes[13], bytes[14], bytes[15]}).is_special();
  }
  return special_addresses().contains(*this);
}

base::Result<IpSet> IpSet::parse(const std::vector<std::string>& entries) {
  IpSet set;
  set.restricted_ = true;
  if (entries.empty()) {
    return base::fail(base::ErrorCode::invalid, "address list: it is empty",
                      "name at least one address, or remove the restriction");
  }
  for (const std::string& entry : entries) {
    const std::string_view text = entry;
    const std::size_t slash = text.find('/');
    const auto address = IpAddress::parse(text.substr(0, slash));
    if (!address)
      return bad("allowed address", text, "not an IP address or CIDR",
                 "write 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32");
    int prefix_bits = 128;
    if (slash != std::string_view::npos) {
      // "::ffff:10.0.0.0/104" is written as IPv6, so its prefix counts from the front of all 128 bits.
      const bool dotted = text.substr(0, slash).find(':') == std::string_view::npos;
      const auto bits = parse_prefix_bits(text.substr(slash + 1), dotted ? 32 : 128);
      if (!bits)
        return bad("allowed address", text, "the prefix length is wrong",
                   dotted ? "write /0 to /32" : "write /0 to /128");
      prefix_bits = dotted ? k_v4_offset_bits + *bits : *bits;
    }
    const IpAddress first = with_host_bits(*address, prefix_bits, false);
    if (first != *address) {
      const int shown_bits = first.is_v4() ? prefix_bits - k_v4_offset_bits : prefix_bits;
      return bad(
          "allowed address", text, "host bits are set",
          "write " + first.to_string() + '/' + std::to_string(shown_bits) + " for the network, or the address alone");
    }
    set.ranges_.push_back({first, with_host_bits(*address, prefix_bits, true)});
  }
  set.merge();
  return set;
}

void IpSet::merge() {
  std::sort(ranges_.begin(), ranges_.end(), [](const Range& a, const Range& b) { return a.first < b.first; });
  std::vector<Range> merged;
  for (const Range& range : ranges_) {
    if (!merged.empty() && range.first <= merged.back().last) {
      merged.back().last = std::max(merged.back().last, range.last);
    } else {
      merged.push_back(range);
    }
  }
  ranges_ = std::move(merged);
}

bool IpSet::contains(const IpAddress& address) const {
  if (!restricted_) return true;
  const auto after = std::upper_bound(ranges_.begin(), ranges_.end(), address,
                                      [](const IpAddress& left, const Range& right) { return left < right.first; });
  return after != ranges_.begin() && address <= std::prev(after)->last;
}

}  // namespace cr::token

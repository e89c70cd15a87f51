// SPDX-License-Identifier: MIT
// The part of token/scope.h that knows sets of addresses.
#include <algorithm>
#include <charconv>
#include <iterator>
#include <utility>

#include "base/text.h"
#include "token/scope.h"

namespace cr::token {
namespace {

constexpr int k_v4_offset_bits = 96;

tl::unexpected<base::Error> bad(std::string_view text, std::string_view why, std::string hint) {
  const std::string shown = base::escape_for_terminal(text.substr(0, 64));
  return base::fail(base::ErrorCode::invalid, "allowed address \"" + shown + "\": " + std::string(why),
                    std::move(hint));
}

// Decimal without sign or leading zeros, 0 to `max`.
std::optional<int> parse_prefix_bits(std::string_view text, int max) {
  if (text.empty() || text.size() > 3 || (text.size() > 1 && text.front() == '0')) return std::nullopt;
  int bits = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bits);
  if (error != std::errc() || end != text.data() + text.size() || bits < 0 || bits > max) return std::nullopt;
  return bits;
}

struct Network {
  IpAddress first, last;
};

base::Result<Network> parse_network(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) return bad(text, "not an IP address or CIDR", "write 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32");
  if (slash == std::string_view::npos) return Network{*address, *address};
  // "::ffff:10.0.0.0/104" is written as IPv6, so its prefix counts from the front of all 128 bits.
  const bool dotted = text.substr(0, slash).find(':') == std::string_view::npos;
  const auto bits = parse_prefix_bits(text.substr(slash + 1), dotted ? 32 : 128);
  if (!bits) return bad(text, "the prefix length is wrong", dotted ? "write /0 to /32" : "write /0 to /128");
  const int prefix_bits = dotted ? k_v4_offset_bits + *bits : *bits;
  const IpAddress first = address->network_first(prefix_bits);
  if (first != *address) {
    const int shown_bits = first.is_v4() ? prefix_bits - k_v4_offset_bits : prefix_bits;
    const std::string network = first.to_string() + '/' + std::to_string(shown_bits);
    return bad(text, "host bits are set", "write " + network + " for the network, or the address alone");
  }
  return Network{first, address->network_last(prefix_bits)};
}

}  // namespace

base::Result<IpSet> IpSet::parse(const std::vector<std::string>& entries) {
  if (entries.empty()) {
    return base::fail(base::ErrorCode::invalid, "address list: it is empty",
                      "name at least one address, or remove the restriction");
  }
  IpSet set;
  set.restricted_ = true;
  for (const std::string& entry : entries) {
    const auto network = parse_network(entry);
    if (!network) return tl::unexpected(network.error());
    set.ranges_.push_back({network->first, network->last});
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

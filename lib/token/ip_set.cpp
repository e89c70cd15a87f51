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
constexpr std::uint32_t k_v4_max = 0xFFFF'FFFF;

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

std::uint32_t v4_bits(const IpAddress& address) {
  std::uint32_t bits = 0;
  for (std::size_t i = 12; i < address.bytes.size(); ++i) bits = bits << 8 | address.bytes[i];
  return bits;
}

IpAddress v4_address(std::uint32_t bits) {
  IpAddress address;
  address.bytes[10] = address.bytes[11] = 0xFF;
  for (std::size_t i = address.bytes.size(); i-- > 12; bits >>= 8) address.bytes[i] = static_cast<std::uint8_t>(bits);
  return address;
}

// Whether nothing lies between the two, which need not overlap.
bool meets(std::uint32_t last, std::uint32_t first) {
  return first <= last || first - last == 1;
}
bool meets(const IpAddress& last, const IpAddress& first) {
  return first <= last;
}

// Sorted, without overlaps, and no larger than it must be.
template <class Ranges>
void merge(Ranges& ranges) {
  std::sort(ranges.begin(), ranges.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  Ranges merged;
  for (const auto& range : ranges) {
    if (!merged.empty() && meets(merged.back().last, range.first)) {
      merged.back().last = std::max(merged.back().last, range.last);
    } else {
      merged.push_back(range);
    }
  }
  merged.shrink_to_fit();
  ranges = std::move(merged);
}

template <class Ranges, class Address>
bool is_in(const Ranges& ranges, const Address& address) {
  const auto after = std::upper_bound(ranges.begin(), ranges.end(), address,
                                      [](const Address& left, const auto& right) { return left < right.first; });
  return after != ranges.begin() && address <= std::prev(after)->last;
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
    set.add(network->first, network->last);
  }
  merge(set.v4_);
  merge(set.v6_);
  return set;
}

void IpSet::add(const IpAddress& first, const IpAddress& last) {
  static const IpAddress k_v4_first = v4_address(0), k_v4_last = v4_address(k_v4_max);
  if (first.is_v4()) {
    v4_.push_back({v4_bits(first), v4_bits(last)});
    return;
  }
  v6_.push_back({first, last});
  if (first <= k_v4_first && k_v4_last <= last) v4_.push_back({0, k_v4_max});
}

bool IpSet::contains(const IpAddress& address) const {
  if (!restricted_) return true;
  return address.is_v4() ? is_in(v4_, v4_bits(address)) : is_in(v6_, address);
}

bool IpSet::covers_ipv4() const {
  return v4_.size() == 1 && v4_.front().first == 0 && v4_.front().last == k_v4_max;
}

bool IpSet::is_wide() const {
  constexpr std::uint32_t k_slash_8 = 0x00FF'FFFF;
  const auto is_wide_v4 = [](const Range<std::uint32_t>& range) { return range.last - range.first > k_slash_8; };
  const auto is_wide_v6 = [](const Range<IpAddress>& range) {
    return !std::equal(range.first.bytes.begin(), range.first.bytes.begin() + 2, range.last.bytes.begin());
  };
  return std::any_of(v4_.begin(), v4_.end(), is_wide_v4) || std::any_of(v6_.begin(), v6_.end(), is_wide_v6);
}

std::size_t IpSet::heap_bytes() const {
  return v4_.capacity() * sizeof(v4_.front()) + v6_.capacity() * sizeof(v6_.front());
}

}  // namespace cr::token

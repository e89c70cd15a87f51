// SPDX-License-Identifier: MIT
// IpAddress: an address as 16 bytes; IPv4 and IPv4-mapped IPv6 are the same thing here (::ffff:a.b.c.d). Plain value,
// any thread.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace cr::base {

struct IpAddress {
  std::array<std::uint8_t, 16> bytes{};
  // Strict dotted quad or RFC 4291 text; octal, hex, short and integer forms and zone ids are `invalid`.
  static Result<IpAddress> parse(std::string_view text);
  std::string to_string() const;  // v4 as dotted quad, v6 by RFC 5952
  bool is_v4() const;
  // Loopback, private, link-local, unique-local, multicast, unspecified, shared (100.64/10), documentation, tunnels to
  // v4: not the Internet. NAT64 (64:ff9b::/96) is judged by the v4 address in it.
  bool is_special() const;

  // The ends of the network that shares the first `prefix_bits` of all 128 (a v4 /n is 96 + n).
  IpAddress network_first(int prefix_bits) const;
  IpAddress network_last(int prefix_bits) const;
  // Whose it is, where addresses share something: a v4 address itself, of v6 its /64, for whoever has one there has
  // all.
  IpAddress holder() const { return is_v4() ? *this : network_first(64); }
  auto operator<=>(const IpAddress&) const = default;
};

}  // namespace cr::base

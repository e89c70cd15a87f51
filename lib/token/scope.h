// SPDX-License-Identifier: MIT
// Scope: what a token may do, and the verdict on one request. Pure: no I/O, no clock, no lock; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/clock.h"
#include "base/result.h"

namespace cr::token {

using base::IpAddress;

// Addresses and CIDRs, v4 and v6. Empty = unrestricted only when made so on purpose.
class IpSet {
 public:
  IpSet() = default;  // unrestricted
  // Each entry an address or CIDR without host bits. One bad entry, or a list that comes to nothing, is `invalid` and
  // the message names the entry. Sorted and merged: look-up is a binary search. "0.0.0.0/0" is all of IPv4; "::/0" is
  // everything, IPv4 too.
  static base::Result<IpSet> parse(const std::vector<std::string>& entries);
  bool unrestricted() const { return !restricted_; }
  bool contains(const IpAddress& address) const;  // true for everything if unrestricted
  // Of a set that restricts: all of IPv4, which is nearly every client; and more than one /8 of IPv4, or /16 of IPv6.
  bool covers_ipv4() const;
  bool is_wide() const;
  std::size_t heap_bytes() const;

 private:
  template <class Address>
  struct Range {
    Address first, last;
  };
  void add(const IpAddress& first, const IpAddress& last);
  bool restricted_ = false;
  // Long lists are kept by many tokens: an IPv4 range takes a quarter. One of IPv6 about all of IPv4 is in both.
  std::vector<Range<std::uint32_t>> v4_;
  std::vector<Range<IpAddress>> v6_;
};

// Model names and patterns ("gpt-4o", "gpt-*"). Byte-exact but for '*'.
class ModelSet {
 public:
  ModelSet() = default;  // unrestricted
  // An entry over 256 bytes, empty, or with control bytes is `invalid`. No entries = unrestricted.
  static base::Result<ModelSet> parse(const std::vector<std::string>& entries);
  bool unrestricted() const { return patterns_.empty(); }
  bool allows(std::string_view model) const;
  const std::vector<std::string>& patterns() const { return patterns_; }

 private:
  std::vector<std::string> patterns_;
};

enum class Switch { on, off };

// What the decision needs of a token and its account.
struct Scope {
  Switch token = Switch::on;
  Switch account = Switch::on;
  std::optional<base::Time> not_before;
  std::optional<base::Time> expires;  // valid while now < expires
  IpSet allow_ip;
  ModelSet models;
};

enum class Verdict {
  allowed,
  token_disabled,
  token_expired,
  token_not_yet_valid,
  account_disabled,
  ip_not_allowed,
  model_not_allowed
};

// In the order of the decision table: status, times, account, address.
Verdict admit(const Scope& scope, base::Time now, const IpAddress& source);
// After the body is read.
Verdict admit_model(const Scope& scope, std::string_view model);

}  // namespace cr::token

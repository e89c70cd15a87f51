// SPDX-License-Identifier: MIT
// Ids are types: a token's id cannot be passed for an account's. Row ids are 64-bit; a request's is 128-bit, made
// before its first write, so that every ledger operation is idempotent by id. Plain values, any thread.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace cr::base {

template <class Tag>
struct RowId {
  std::int64_t value = 0;  // 0 = none
  explicit operator bool() const { return value != 0; }
  auto operator<=>(const RowId&) const = default;
};
using TokenId = RowId<struct TokenTag>;
using KeyId = RowId<struct KeyTag>;
using AccountId = RowId<struct AccountTag>;
using GroupId = RowId<struct GroupTag>;
using ChannelId = RowId<struct ChannelTag>;

// 48 bits of wall milliseconds, then 80 random bits: sorts by time. Text: "req_" + 26 characters of Crockford's base32.
struct RequestId {
  std::array<std::uint8_t, 16> bytes{};

  static RequestId make(Time now);  // random part from a per-thread generator seeded by the kernel; not a secret
  static Result<RequestId> parse(std::string_view text);
  std::string to_string() const;
  Time time() const;
  auto operator<=>(const RequestId&) const = default;
};

}  // namespace cr::base

template <class Tag>
struct std::hash<cr::base::RowId<Tag>> {
  std::size_t operator()(cr::base::RowId<Tag> id) const noexcept { return std::hash<std::int64_t>()(id.value); }
};
template <>
struct std::hash<cr::base::RequestId> {
  std::size_t operator()(const cr::base::RequestId& id) const noexcept;
};

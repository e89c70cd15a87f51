// SPDX-License-Identifier: MIT
#include "base/id.h"

#include <gtest/gtest.h>

#include <thread>
#include <type_traits>
#include <unordered_set>
#include <vector>

namespace cr::base {
namespace {

static_assert(!std::is_convertible_v<TokenId, AccountId>);
static_assert(!std::is_convertible_v<TokenId, bool>);

RequestId id_with(std::uint8_t byte) {
  RequestId id;
  id.bytes.fill(byte);
  return id;
}

TEST(RequestId, text_form) {
  RequestId one;
  one.bytes[15] = 1;
  EXPECT_EQ(RequestId().to_string(), "req_00000000000000000000000000");
  EXPECT_EQ(one.to_string(), "req_00000000000000000000000001");
  EXPECT_EQ(id_with(0xFF).to_string(), "req_7zzzzzzzzzzzzzzzzzzzzzzzzz");
  // The vector of the ULID specification: 1469918176385 ms is 01ARYZ6S41.
  const RequestId made = RequestId::make(from_unix_ms(1469918176385));
  EXPECT_EQ(made.to_string().substr(0, 14), "req_01aryz6s41");
}

TEST(RequestId, reads_back) {
  for (int i = 0; i < 1000; ++i) {
    const RequestId id = RequestId::make(from_unix_ms(1769860800123 + i));
    const auto parsed = RequestId::parse(id.to_string());
    ASSERT_TRUE(parsed) << id.to_string();
    EXPECT_EQ(*parsed, id);
    EXPECT_EQ(to_unix_ms(parsed->time()), 1769860800123 + i);
  }
  EXPECT_EQ(RequestId::parse("req_01ARYZ6S41TSV4RRFFQ69G5FAV").value(),
            RequestId::parse("req_01aryz6s41tsv4rrffq69g5fav").value());
  EXPECT_EQ(RequestId::parse("req_7ZZZZZZZZZZZZZZZZZZZZZZZZZ").value(), id_with(0xFF));
}

TEST(RequestId, parse_refuses) {
  constexpr std::string_view k_table[] = {
      "",
      "req_",
      "01aryz6s41tsv4rrffq69g5fav",       // no prefix
      "REQ_01aryz6s41tsv4rrffq69g5fav",   // the prefix is lower case
      "req_01aryz6s41tsv4rrffq69g5fa",    // one short
      "req_01aryz6s41tsv4rrffq69g5favv",  // one long
      "req_81aryz6s41tsv4rrffq69g5fav",   // over 128 bits
      "req_zzzzzzzzzzzzzzzzzzzzzzzzzz",   // over 128 bits
      "req_01aryz6s41tsv4rrffq69g5fai",   // i, l, o, u are not digits
      "req_01aryz6s41tsv4rrffq69g5faL",
      "req_01aryz6s41tsv4rrffq69g5faO",
      "req_01aryz6s41tsv4rrffq69g5fau",
      "req_01aryz6s41tsv4rrffq69g5fa ",
      " req_01aryz6s41tsv4rrffq69g5fa",
      "req-01aryz6s41tsv4rrffq69g5fav",
      "req_01aryz6s41tsv4rrffq69g5fa\xC3",
  };
  for (const std::string_view text : k_table) {
    const auto parsed = RequestId::parse(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, ErrorCode::invalid);
  }
}

TEST(RequestId, sorts_by_time_also_as_text) {
  const RequestId early = RequestId::make(from_unix_ms(1000));
  const RequestId late = RequestId::make(from_unix_ms(1001));
  EXPECT_LT(early, late);
  EXPECT_LT(early.to_string(), late.to_string());
}

TEST(RequestId, odd_clocks_are_held_in_48_bits) {
  EXPECT_EQ(to_unix_ms(RequestId::make(from_unix_ms(-5)).time()), 0);
  const std::int64_t top = (std::int64_t{1} << 48) - 1;
  EXPECT_EQ(to_unix_ms(RequestId::make(from_unix_ms(top)).time()), top);
  EXPECT_EQ(to_unix_ms(RequestId::make(from_unix_ms(top + 1)).time()), top);
}

TEST(RequestId, threads_do_not_repeat_each_other) {
  constexpr std::size_t k_threads = 8;
  constexpr std::size_t k_each = 5000;
  std::vector<std::vector<RequestId>> made(k_threads);
  std::vector<std::thread> threads;
  for (auto& ids : made) {
    threads.emplace_back([&ids] {
      for (std::size_t i = 0; i < k_each; ++i) ids.push_back(RequestId::make(from_unix_ms(7)));
    });
  }
  for (auto& thread : threads) thread.join();
  std::unordered_set<RequestId> all;
  for (const auto& ids : made) all.insert(ids.begin(), ids.end());
  EXPECT_EQ(all.size(), k_threads * k_each);
}

TEST(RequestId, random_part_uses_all_its_bits) {
  RequestId seen_one;
  RequestId seen_zero = id_with(0xFF);
  for (int i = 0; i < 200; ++i) {
    const RequestId id = RequestId::make(from_unix_ms(7));
    for (std::size_t b = 0; b < 16; ++b) {
      seen_one.bytes[b] |= id.bytes[b];
      seen_zero.bytes[b] &= id.bytes[b];
    }
  }
  for (std::size_t b = 6; b < 16; ++b) {
    EXPECT_EQ(seen_one.bytes[b], 0xFF) << b;
    EXPECT_EQ(seen_zero.bytes[b], 0) << b;
  }
}

TEST(RowId, zero_is_none) {
  EXPECT_FALSE(TokenId{});
  EXPECT_TRUE(TokenId{1});
  EXPECT_EQ(std::hash<TokenId>()(TokenId{7}), std::hash<std::int64_t>()(7));
}

}  // namespace
}  // namespace cr::base

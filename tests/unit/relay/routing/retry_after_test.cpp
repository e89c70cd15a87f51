// SPDX-License-Identifier: MIT
#include "relay/routing/retry_after.h"

#include <gtest/gtest.h>

namespace cr::relay::routing {
namespace {

using namespace std::chrono_literals;

TEST(RetryAfter, SecondsOrADate) {
  const auto now = base::from_unix_ms(784'111'777'000);  // Sun, 06 Nov 1994 08:49:37 GMT
  EXPECT_EQ(parse_retry_after("20", now), 20s);
  EXPECT_EQ(parse_retry_after("0", now), 0s);
  EXPECT_EQ(parse_retry_after("99999999999999999999", now), 1h);
  EXPECT_EQ(parse_retry_after("86400", now), 1h);
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:49:47 GMT", now), 10s);
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:49:27 GMT", now), 0s);
  EXPECT_EQ(parse_retry_after("1.5", now), 1500ms);
  EXPECT_EQ(parse_retry_after("0.0004", now), 0s);
  for (const auto* text :
       {"", "-1", "soon", ".5", "5.", "1e3", "1.2.3", "20 ", "Sun, 06 Nov 1994 08:49:47 GMT and more"}) {
    EXPECT_FALSE(parse_retry_after(text, now).has_value()) << text;
  }
}

TEST(RetryAfter, WhateverOfTwoIsObeyedThePauseIsNotLonger) {
  const auto now = base::from_unix_ms(784'111'777'000);
  EXPECT_EQ(told_wait("2", "", now), 2s);
  EXPECT_EQ(told_wait({}, "250", now), 250ms);
  EXPECT_EQ(told_wait("1", "250", now), 250ms);
  EXPECT_EQ(told_wait("1", "1250.7", now), 1s);
  EXPECT_EQ(told_wait("soon", "1250", now), 1250ms);
  EXPECT_EQ(told_wait("0", "300", now), 300ms);
  EXPECT_EQ(told_wait("3", "0", now), 3s);
  EXPECT_EQ(told_wait("99999", "99999999999", now), 1h);
  for (const auto* nothing : {"", "0", "-1", "soon"}) EXPECT_FALSE(told_wait("0", nothing, now).has_value());
  EXPECT_FALSE(told_wait({}, "", now).has_value());
}

}  // namespace
}  // namespace cr::relay::routing

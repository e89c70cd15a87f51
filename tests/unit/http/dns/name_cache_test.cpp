// SPDX-License-Identifier: MIT
#include "http/dns/name_cache.h"

#include <gtest/gtest.h>

namespace cr::http::dns {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const base::SteadyTime k_now = base::SteadyTime(std::chrono::hours(1));

Addresses one() {
  return {asio::ip::make_address("192.0.2.1")};
}

struct TtlCase {
  seconds told, kept;
};

TEST(NameCache, KeepsAnswersForTheirTtlWithinLimits) {
  for (const auto& [told, kept] : {TtlCase{seconds(60), seconds(60)},
                                   {seconds(0), seconds(1)},
                                   {seconds(300), seconds(300)},
                                   {seconds(86'400), seconds(300)}}) {
    NameCache cache;
    cache.put("a", one(), told, k_now);
    ASSERT_NE(cache.find("a", k_now + kept - milliseconds(1)), nullptr) << told.count();
    EXPECT_EQ(cache.find("a", k_now + kept), nullptr) << told.count();
  }
}

TEST(NameCache, KeepsFailuresForAMoment) {
  NameCache cache;
  cache.put("a", base::fail(base::ErrorCode::upstream, "no such name"), seconds(300), k_now);
  const auto* known = cache.find("a", k_now + seconds(1));
  ASSERT_NE(known, nullptr);
  EXPECT_EQ(known->error().message, "no such name");
  EXPECT_EQ(cache.find("a", k_now + seconds(2)), nullptr);
}

TEST(NameCache, IsBoundedAndGivesUpTheExpiredFirst) {
  NameCache cache(3);
  cache.put("kept", one(), seconds(100), k_now);
  cache.put("old", one(), seconds(1), k_now);
  cache.put("older", one(), seconds(1), k_now);
  cache.put("new", one(), seconds(100), k_now + seconds(5));
  EXPECT_EQ(cache.size(), 2U);
  EXPECT_NE(cache.find("kept", k_now + seconds(5)), nullptr);
  for (int i = 0; i < 10; ++i) cache.put("n" + std::to_string(i), one(), seconds(100), k_now);
  EXPECT_EQ(cache.size(), 3U);
  EXPECT_NE(cache.find("n9", k_now), nullptr);
}

}  // namespace
}  // namespace cr::http::dns

// SPDX-License-Identifier: MIT
#include "relay/routing/recent_results.h"

#include <gtest/gtest.h>

#include <deque>
#include <random>

namespace cr::relay::routing {
namespace {

using namespace std::chrono_literals;
using Kind = RecentResults::Kind;

TEST(RecentResults, NothingIsKnownOfNone) {
  const RecentResults recent;
  const auto figures = recent.figures();
  EXPECT_EQ(figures.requests, 0U);
  EXPECT_FALSE(figures.p50_ms || figures.first_byte_p50_ms || figures.error_percent);
  EXPECT_FALSE(recent.fail_often(1, 1, base::SteadyTime(1h)));
}

TEST(RecentResults, TimesThatWereNotMeasuredDoNotCount) {
  RecentResults recent;
  recent.add({base::SteadyTime(1s), Kind::whole, 5, 100});
  recent.add({base::SteadyTime(2s), Kind::failed, {}, {}});
  recent.add({base::SteadyTime(3s), Kind::whole, {}, std::int64_t{1} << 40});
  const auto figures = recent.figures();
  EXPECT_EQ(figures.requests, 3U);
  EXPECT_EQ(figures.first_byte_p50_ms, 5);
  EXPECT_EQ(figures.p50_ms, std::numeric_limits<std::int32_t>::max());
  EXPECT_EQ(figures.error_percent, 34);
}

// The last ones, against all that were ever added.
TEST(RecentResults, AgreeWithAModel) {
  std::mt19937 random(3);
  RecentResults recent;
  std::deque<RecentResults::Result> all;
  base::SteadyTime now(1h);
  for (int i = 0; i < 2000; ++i) {
    now += std::chrono::milliseconds(random() % 1000);
    all.push_back({now,
                   static_cast<Kind>(random() % 3),
                   {},
                   random() % 4 == 0 ? std::nullopt : std::optional<std::int64_t>(random() % 500)});
    recent.add(all.back());
    if (all.size() > RecentResults::k_most) all.pop_front();
    std::vector<std::int64_t> durations;
    std::size_t errors = 0, lately = 0, failed = 0;
    for (const auto& one : all) {
      if (one.duration_ms) durations.push_back(*one.duration_ms);
      if (one.kind != Kind::whole) ++errors;
      if (now - one.at > 60s) continue;
      ++lately;
      if (one.kind == Kind::failed) ++failed;
    }
    std::sort(durations.begin(), durations.end());
    const auto figures = recent.figures();
    ASSERT_EQ(figures.requests, all.size());
    ASSERT_EQ(figures.p50_ms, durations.empty() ? std::nullopt : std::optional(durations[durations.size() / 2]));
    ASSERT_EQ(figures.error_percent, static_cast<int>((errors * 100 + all.size() - 1) / all.size()));
    ASSERT_EQ(recent.fail_often(10, 33, now), lately >= 10 && failed * 100 >= lately * 33);
  }
}

}  // namespace
}  // namespace cr::relay::routing

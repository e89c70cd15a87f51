// SPDX-License-Identifier: MIT
#include "base/memory_budget.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <random>
#include <thread>
#include <vector>

namespace cr::base {
namespace {

constexpr std::uint64_t k_kib = 1024;
constexpr std::uint64_t k_mib = 1024 * k_kib;
constexpr MemoryBudget::Limits k_limits{64 * k_mib, 8 * k_mib};

void nothing() {}

TEST(MemoryBudget, CountsByItsGrain) {
  MemoryBudget budget({64 * k_kib, 0}, {8 * k_kib, 4 * k_kib});
  MemoryCharge one(budget, 1), other(budget, 2);
  EXPECT_TRUE(one.grow_to(8 * k_kib));
  EXPECT_EQ(budget.used(), 0U);
  EXPECT_TRUE(one.grow_to(8 * k_kib + 1));
  EXPECT_EQ(budget.used(), 12 * k_kib);
  EXPECT_FALSE(one.grow_to(33 * k_kib)) << "a share is half";
  EXPECT_TRUE(other.grow_to(32 * k_kib));
  one.shrink_to(8 * k_kib);
  EXPECT_EQ(budget.used(), 32 * k_kib);
  EXPECT_TRUE(one.grow_to(32 * k_kib));
  one.shrink_to(0);
  other.shrink_to(0);
  EXPECT_EQ(budget.used(), 0U);
}

TEST(MemoryBudget, CountsWholeStepsAboveTheSmallest) {
  struct Row {
    std::uint64_t bytes, used;
  };
  for (const auto& row : std::vector<Row>{{0, 0},
                                          {1, 0},
                                          {64 * k_kib, 0},
                                          {64 * k_kib + 1, 128 * k_kib},
                                          {k_mib, k_mib},
                                          {k_mib + 1, k_mib + 64 * k_kib}}) {
    MemoryBudget budget(k_limits);
    {
      MemoryCharge charge(budget, 1);
      EXPECT_TRUE(charge.grow_to(row.bytes));
      EXPECT_EQ(budget.used(), row.used) << row.bytes;
    }
    EXPECT_EQ(budget.used(), 0) << row.bytes;
  }
}

TEST(MemoryBudget, RefusesAtTheShareAndAtTheWhole) {
  MemoryBudget budget(k_limits);
  MemoryCharge first(budget, 1), second(budget, 1), third(budget, 2), fourth(budget, 3);
  EXPECT_TRUE(first.grow_to(32 * k_mib)) << "half of all is one holder's";
  EXPECT_FALSE(second.grow_to(64 * k_kib + 1));
  EXPECT_TRUE(second.grow_to(64 * k_kib)) << "small ones pass always";
  EXPECT_FALSE(third.grow_to(25 * k_mib)) << "the reserve is for those that wait";
  EXPECT_TRUE(third.grow_to(24 * k_mib));
  EXPECT_FALSE(fourth.grow_to(k_mib));
  EXPECT_EQ(budget.refused(), 3);
  EXPECT_FALSE(third.grow_to(25 * k_mib));
  EXPECT_EQ(budget.used(), 56 * k_mib) << "a refused growth changes nothing";
  first.shrink_to(0);
  EXPECT_TRUE(fourth.grow_to(k_mib));
  EXPECT_TRUE(second.grow_to(20 * k_mib));
}

TEST(MemoryBudget, GivesBackInPart) {
  MemoryBudget budget(k_limits);
  MemoryCharge charge(budget, 1);
  ASSERT_TRUE(charge.grow_to(10 * k_mib));
  charge.shrink_to(3 * k_mib);
  EXPECT_EQ(budget.used(), 3 * k_mib);
  charge.shrink_to(5 * k_mib);
  EXPECT_EQ(budget.used(), 3 * k_mib) << "shrinking never grows";
  charge.shrink_to(1);
  EXPECT_EQ(budget.used(), 0);
  ASSERT_TRUE(charge.grow_to(2 * k_mib));
  EXPECT_EQ(budget.used(), 2 * k_mib);
}

TEST(MemoryBudget, OneThatWaitsPassesItsShareAndTheOthersFollowInTurn) {
  MemoryBudget budget(k_limits);
  auto first = std::make_unique<MemoryCharge>(budget, 1);
  MemoryCharge second(budget, 1), third(budget, 1);
  ASSERT_TRUE(first->grow_to(30 * k_mib));
  EXPECT_TRUE(first->grow_or_wait(36 * k_mib, nothing)) << "the first at the edge goes on";
  std::vector<int> woken;
  EXPECT_FALSE(second.grow_or_wait(k_mib, [&] { woken.push_back(2); }));
  EXPECT_FALSE(third.grow_or_wait(k_mib, [&] { woken.push_back(3); }));
  EXPECT_TRUE(first->grow_or_wait(38 * k_mib, nothing)) << "and on, as long as it holds the room";
  EXPECT_TRUE(woken.empty());
  first.reset();
  EXPECT_EQ(woken, (std::vector<int>{2, 3}));
  EXPECT_TRUE(second.stop_waiting());
  EXPECT_TRUE(third.stop_waiting());
  EXPECT_EQ(budget.used(), 2 * k_mib);
  EXPECT_EQ(budget.waited(), 2);
}

TEST(MemoryBudget, TheReserveIsOneChargesAtATime) {
  MemoryBudget budget(k_limits);
  std::deque<MemoryCharge> charges;
  for (std::uint64_t holder = 0; holder < 8; ++holder) {
    ASSERT_TRUE(charges.emplace_back(budget, holder).grow_to(7 * k_mib));
  }
  std::size_t woken = 0;
  EXPECT_TRUE(charges[0].grow_or_wait(15 * k_mib, nothing));
  for (std::size_t i = 1; i < charges.size(); ++i) EXPECT_FALSE(charges[i].grow_or_wait(15 * k_mib, [&] { ++woken; }));
  EXPECT_EQ(budget.used(), 64 * k_mib);
  charges[0].shrink_to(0);
  EXPECT_EQ(woken, 1) << "what is free suffices for one; the next takes the reserve";
  for (std::size_t i = 1; i < charges.size(); ++i) {
    EXPECT_TRUE(charges[i].stop_waiting());
    charges[i].shrink_to(0);
  }
  EXPECT_EQ(budget.used(), 0);
}

TEST(MemoryBudget, WhoGivesUpWaitingIsForgotten) {
  MemoryBudget budget(k_limits);
  MemoryCharge large(budget, 1), waiting(budget, 1), more(budget, 1);
  ASSERT_TRUE(large.grow_or_wait(40 * k_mib, nothing));
  bool woken = false;
  ASSERT_FALSE(waiting.grow_or_wait(k_mib, [&] { woken = true; }));
  EXPECT_FALSE(waiting.stop_waiting());
  large.shrink_to(0);
  EXPECT_FALSE(woken);
  EXPECT_EQ(budget.used(), 0);
  EXPECT_TRUE(waiting.grow_to(k_mib)) << "it can be used again";
}

TEST(MemoryBudget, OtherLimitsWakeWhoFitsThem) {
  MemoryBudget budget(k_limits);
  MemoryCharge large(budget, 1), waiting(budget, 1);
  ASSERT_TRUE(large.grow_or_wait(40 * k_mib, nothing));
  bool woken = false;
  ASSERT_FALSE(waiting.grow_or_wait(k_mib, [&] { woken = true; }));
  budget.use({128 * k_mib, 8 * k_mib});
  EXPECT_TRUE(woken);
  EXPECT_TRUE(waiting.stop_waiting());
  budget.use({16 * k_mib, 8 * k_mib});
  EXPECT_EQ(budget.used(), 41 * k_mib) << "what is held stays held";
  EXPECT_FALSE(waiting.grow_to(2 * k_mib));
}

TEST(MemoryBudget, TellsWhenMuchWasGivenBack) {
  MemoryBudget budget(k_limits);
  MemoryCharge charge(budget, 1);
  ASSERT_TRUE(charge.grow_to(31 * k_mib));
  charge.shrink_to(0);
  EXPECT_FALSE(budget.take_trim_due());
  ASSERT_TRUE(charge.grow_to(32 * k_mib));
  EXPECT_FALSE(budget.take_trim_due());
  charge.shrink_to(0);
  EXPECT_TRUE(budget.take_trim_due());
  EXPECT_FALSE(budget.take_trim_due());
}

// Random sequences against a model that only adds: sums, bounds, and that somebody can always go on.
TEST(MemoryBudget, RandomSequencesKeepTheSumsAndTheBounds) {
  constexpr std::uint64_t k_charge_max = 8 * k_mib;
  for (std::uint32_t seed = 1; seed <= 40; ++seed) {
    std::mt19937 random(seed);
    MemoryBudget budget(k_limits);
    struct One {
      std::unique_ptr<MemoryCharge> charge;
      std::uint64_t holder = 0, bytes = 0, wanted = 0;
      bool woken = false;
    };
    std::array<One, 24> all;
    for (std::size_t i = 0; i < all.size(); ++i) {
      all[i].holder = i % 3;
      all[i].charge = std::make_unique<MemoryCharge>(budget, all[i].holder);
    }
    const auto settle = [&](One& one) {
      if (one.charge->stop_waiting()) one.bytes = std::max(one.bytes, one.wanted);
      one.wanted = 0;
      one.woken = false;
    };
    const auto in_steps = [](std::uint64_t bytes) {
      return bytes <= 64 * k_kib ? 0 : (bytes + 64 * k_kib - 1) / (64 * k_kib) * (64 * k_kib);
    };
    for (int step = 0; step < 3000; ++step) {
      auto& one = all[random() % all.size()];
      if (one.wanted > 0 && !one.woken && random() % 4 != 0) continue;  // it waits on, mostly
      if (one.wanted > 0) settle(one);
      const auto to = std::min<std::uint64_t>(k_charge_max, one.bytes + random() % (2 * k_mib));
      switch (random() % 4) {
        case 0:
          one.charge = std::make_unique<MemoryCharge>(budget, one.holder);
          one.bytes = 0;
          break;
        case 1:
          if (one.charge->grow_to(to)) one.bytes = std::max(one.bytes, to);
          break;
        default:
          one.wanted = to;
          if (one.charge->grow_or_wait(to, [&one] { one.woken = true; })) {
            one.bytes = std::max(one.bytes, to);
            one.wanted = 0;
          }
      }
      std::uint64_t sum = 0;
      std::size_t waiting = 0;
      for (const auto& each : all) {
        sum += in_steps(each.woken ? std::max(each.bytes, each.wanted) : each.bytes);
        waiting += each.wanted > 0 && !each.woken ? 1 : 0;
      }
      ASSERT_EQ(budget.used(), sum) << "seed " << seed << ", step " << step;
      ASSERT_LE(sum, k_limits.total) << "seed " << seed << ", step " << step;
      ASSERT_LT(waiting, all.size()) << "seed " << seed << ", step " << step << ": nobody can go on";
    }
    for (auto& one : all) one.charge.reset();
    EXPECT_EQ(budget.used(), 0) << "seed " << seed;
  }
}

// Far more than fits, on several threads: all of them get what they want in the end, and no more than fits at once.
TEST(MemoryBudget, ThreadsThatWaitForEachOtherAllComeToAnEnd) {
  MemoryBudget budget(k_limits);
  std::atomic<bool> too_much{false};
  const auto work = [&](std::uint64_t holder) {
    for (int round = 0; round < 40; ++round) {
      struct Signal {
        std::mutex mutex;
        std::condition_variable changed;
        bool woken = false;
      } signal;
      MemoryCharge charge(budget, holder);
      for (std::uint64_t bytes = 0; bytes <= 8 * k_mib; bytes += 512 * k_kib) {
        const bool granted = charge.grow_or_wait(bytes, [&signal] {
          const std::lock_guard lock(signal.mutex);
          signal.woken = true;
          signal.changed.notify_one();
        });
        if (!granted) {
          std::unique_lock lock(signal.mutex);
          signal.changed.wait(lock, [&signal] { return signal.woken; });
          signal.woken = false;
          lock.unlock();
          if (!charge.stop_waiting()) too_much = true;
        }
        if (budget.used() > k_limits.total) too_much = true;
        std::this_thread::yield();
      }
    }
  };
  std::vector<std::thread> threads;
  for (std::uint64_t i = 0; i < 16; ++i) threads.emplace_back(work, i % 2);
  for (auto& thread : threads) thread.join();
  EXPECT_FALSE(too_much);
  EXPECT_EQ(budget.used(), 0);
}

}  // namespace
}  // namespace cr::base

// SPDX-License-Identifier: MIT
#include "relay/request/memory_wait.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <optional>
#include <thread>

namespace cr::relay::request {
namespace {

namespace asio = http::asio;
using base::MemoryBudget;
using base::MemoryCharge;

constexpr std::uint64_t k_mib = 1 << 20;
constexpr std::chrono::milliseconds k_never{3'600'000};

// A full budget, and a charge that waits for a mebibyte of it.
struct Waiting {
  MemoryBudget budget{{8 * k_mib, 0}};
  std::optional<MemoryCharge> first{std::in_place, budget, 1}, second{std::in_place, budget, 2};
  MemoryCharge charge{budget, 3};
  asio::io_context io;
  MemoryWait wait{io};
  std::optional<bool> grown;

  Waiting() {
    EXPECT_TRUE(first->grow_or_wait(4 * k_mib, [] {}));
    EXPECT_TRUE(second->grow_or_wait(5 * k_mib, [] {}));  // beyond all: it is the one that may
  }
  void begin(std::chrono::milliseconds timeout) {
    const auto run = [](Waiting& waiting, std::chrono::milliseconds most) -> http::Task<void> {
      waiting.grown = co_await waiting.wait.grow(waiting.charge, k_mib, most);
    };
    asio::co_spawn(io, run(*this, timeout), asio::detached);
  }
};

TEST(MemoryWait, EndsWhenAnotherThreadGivesBack) {
  Waiting waiting;
  waiting.begin(k_never);
  asio::post(waiting.io, [&] {
    EXPECT_FALSE(waiting.grown);
    std::thread([&] { waiting.second.reset(); }).join();
  });
  waiting.io.run();
  EXPECT_EQ(waiting.grown, true);
  EXPECT_EQ(waiting.budget.used(), 5 * k_mib);
}

TEST(MemoryWait, EndsAtItsDeadline) {
  Waiting waiting;
  waiting.begin(std::chrono::milliseconds(1));
  waiting.io.run();
  EXPECT_EQ(waiting.grown, false);
  waiting.first.reset();
  waiting.second.reset();
  EXPECT_EQ(waiting.budget.used(), 0) << "nothing is granted to who has left";
}

TEST(MemoryWait, IsCancelled) {
  Waiting waiting;
  waiting.wait.cancel();  // nothing to cancel yet
  waiting.begin(k_never);
  asio::post(waiting.io, [&] { waiting.wait.cancel(); });
  waiting.io.run();
  EXPECT_EQ(waiting.grown, false);
}

TEST(MemoryWait, IsNoWaitWhereThereIsRoom) {
  Waiting waiting;
  waiting.second.reset();
  waiting.begin(std::chrono::milliseconds(0));
  waiting.io.run();
  EXPECT_EQ(waiting.grown, true);
}

}  // namespace
}  // namespace cr::relay::request

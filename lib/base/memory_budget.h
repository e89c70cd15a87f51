// SPDX-License-Identifier: MIT
// MemoryBudget: the bytes of requests and answers that the process may hold at once, and each holder's share of them (a
// holder is a token). MemoryCharge: what one body takes of it; given back by its destructor. The budget is safe for any
// thread; a charge belongs to one thread, and must not outlive its budget.
//
// A body of at most the grain's small_bytes is not counted, so that small requests pass whatever the large ones take. A
// larger one is counted whole, rounded up to steps of step_bytes.
//
// Growing never waits by itself. A charge that can pause its sender waits instead of being refused: at the edge one
// waiting charge of each holder may pass the holder's share, and one of all may take the reserve, until memory is free
// again. So of any number of charges that wait for each other's memory one always goes on.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <unordered_map>

#include "base/mutex.h"

namespace cr::base {

class MemoryCharge;

class MemoryBudget {
 public:
  struct Grain {
    std::uint64_t small_bytes = std::uint64_t{64} * 1024;
    std::uint64_t step_bytes = std::uint64_t{64} * 1024;
  };

  struct Limits {
    std::uint64_t total = std::uint64_t{512} << 20;
    std::uint64_t reserve = std::uint64_t{16} << 20;  // part of the total; the largest charge that waits should fit
    std::uint64_t share() const { return total / 2; }
  };

  explicit MemoryBudget(Limits limits) : MemoryBudget(limits, Grain{}) {}
  MemoryBudget(Limits limits, Grain grain) : grain_(grain), limits_(limits) {}
  MemoryBudget(const MemoryBudget&) = delete;
  MemoryBudget& operator=(const MemoryBudget&) = delete;

  // Other limits from now on; what is held stays held.
  void use(Limits limits);
  std::uint64_t used() const { return used_now_.load(std::memory_order_relaxed); }
  std::uint64_t total() const;
  std::uint64_t small_bytes() const { return grain_.small_bytes; }
  std::uint64_t refused() const { return refused_.load(std::memory_order_relaxed); }  // charges, since the start
  std::uint64_t waited() const { return waited_.load(std::memory_order_relaxed); }
  // Whether so much was given back since the last time it was true that the allocator should return memory.
  bool take_trim_due();

 private:
  friend class MemoryCharge;
  struct Holder {
    std::uint64_t used = 0;
    MemoryCharge* over_share = nullptr;  // the one that may pass the share
  };
  enum class Edge { keep, pass };  // pass: by the roles described above
  bool take(MemoryCharge& charge, std::uint64_t bytes, Edge edge) CR_REQUIRES(mutex_);
  void give_back(MemoryCharge& charge, std::uint64_t bytes) CR_REQUIRES(mutex_);
  void drop_roles(Holder& holder) CR_REQUIRES(mutex_);
  std::uint64_t in_steps(std::uint64_t bytes) const;
  void wake_waiting() CR_REQUIRES(mutex_);

  const Grain grain_;
  mutable base::Mutex mutex_;
  Limits limits_ CR_GUARDED_BY(mutex_);
  std::uint64_t used_ CR_GUARDED_BY(mutex_) = 0;
  std::uint64_t peak_ CR_GUARDED_BY(mutex_) = 0;  // of used_, since the last trim
  std::unordered_map<std::uint64_t, Holder> holders_ CR_GUARDED_BY(mutex_);
  MemoryCharge* over_total_ CR_GUARDED_BY(mutex_) = nullptr;  // the one that may take the reserve
  std::deque<MemoryCharge*> waiting_ CR_GUARDED_BY(mutex_);   // the longest waiting first
  std::atomic<std::uint64_t> used_now_{0}, refused_{0}, waited_{0};
};

class MemoryCharge {
 public:
  MemoryCharge(MemoryBudget& budget, std::uint64_t holder)
      : budget_(budget), holder_(holder), covered_(budget.small_bytes()) {}
  ~MemoryCharge();
  MemoryCharge(const MemoryCharge&) = delete;
  MemoryCharge& operator=(const MemoryCharge&) = delete;

  // To at least `bytes`. False: there is no room, and nothing has changed.
  bool grow_to(std::uint64_t bytes) { return covers(bytes) || grow(bytes); }
  bool covers(std::uint64_t bytes) const { return bytes <= covered_; }
  void shrink_to(std::uint64_t bytes);

  // As grow_to(), for who can wait. False: it waits, and `wake` is called once it has been granted: by any thread,
  // under the budget's lock, so that it may do no more than post. Then, or when it has waited long enough, comes
  // stop_waiting(): whether it was granted.
  bool grow_or_wait(std::uint64_t bytes, std::function<void()> wake);
  bool stop_waiting();

 private:
  friend class MemoryBudget;
  bool grow(std::uint64_t bytes);

  MemoryBudget& budget_;
  const std::uint64_t holder_;
  std::uint64_t covered_;  // what grow_to() need not ask for
  // Under the budget's lock:
  std::uint64_t charged_ = 0;
  std::uint64_t wanted_ = 0;  // while it waits
  bool waits_ = false;
  std::function<void()> wake_;
};

}  // namespace cr::base

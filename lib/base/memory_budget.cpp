// SPDX-License-Identifier: MIT
#include "base/memory_budget.h"

#include <algorithm>
#include <utility>

namespace cr::base {

namespace {

// Below this the allocator keeps what was freed: it is about to be used again.
constexpr std::uint64_t k_trim_bytes = std::uint64_t{32} << 20;

}  // namespace

std::uint64_t MemoryBudget::in_steps(std::uint64_t bytes) const {
  if (bytes <= grain_.small_bytes) return 0;
  return (bytes + grain_.step_bytes - 1) / grain_.step_bytes * grain_.step_bytes;
}

void MemoryBudget::use(Limits limits) {
  const base::MutexLock lock(mutex_);
  limits_ = limits;
  wake_waiting();
}

std::uint64_t MemoryBudget::total() const {
  const base::MutexLock lock(mutex_);
  return limits_.total;
}

bool MemoryBudget::take_trim_due() {
  const base::MutexLock lock(mutex_);
  if (peak_ - used_ < k_trim_bytes) return false;
  peak_ = used_;
  return true;
}

// Whoever may take the reserve may pass its share too: a charge that waits for one of the two while it keeps the other
// from somebody would be a deadlock.
bool MemoryBudget::take(MemoryCharge& charge, std::uint64_t bytes, Edge edge) {
  const auto wanted = in_steps(bytes);
  if (wanted <= charge.charged_) return true;
  const auto more = wanted - charge.charged_;
  auto& holder = holders_[charge.holder_];
  const bool over_total = used_ + more > limits_.total - std::min(limits_.reserve, limits_.total);
  const bool over_share = holder.used + more > limits_.share();
  const auto is_or_may_be = [&](const MemoryCharge* role) {
    return role == &charge || (edge == Edge::pass && role == nullptr);
  };
  const bool has_reserve = over_total_ == &charge;
  const bool allowed = edge == Edge::pass ? has_reserve || ((!over_total || is_or_may_be(over_total_)) &&
                                                            (!over_share || is_or_may_be(holder.over_share)))
                                          : !over_total && !over_share;
  if (!allowed) {
    if (holder.used == 0) holders_.erase(charge.holder_);
    return false;
  }
  if (over_total) over_total_ = &charge;
  if (over_share && !has_reserve) holder.over_share = &charge;
  holder.used += more;
  used_ += more;
  peak_ = std::max(peak_, used_);
  charge.charged_ = wanted;
  used_now_.store(used_, std::memory_order_relaxed);
  return true;
}

void MemoryBudget::give_back(MemoryCharge& charge, std::uint64_t bytes) {
  if (charge.charged_ == 0) return;
  const auto kept = in_steps(bytes);
  if (kept >= charge.charged_) return;
  const auto less = charge.charged_ - kept;
  charge.charged_ = kept;
  used_ -= less;
  used_now_.store(used_, std::memory_order_relaxed);
  const auto place = holders_.find(charge.holder_);
  auto& holder = place->second;
  holder.used -= less;
  if (kept == 0 && over_total_ == &charge) over_total_ = nullptr;
  if (kept == 0 && holder.over_share == &charge) holder.over_share = nullptr;
  drop_roles(holder);
  if (holder.used == 0) holders_.erase(place);
  wake_waiting();
}

// Nothing is over its limit any more: whoever comes to the edge next may have the role.
void MemoryBudget::drop_roles(Holder& holder) {
  if (used_ <= limits_.total - std::min(limits_.reserve, limits_.total)) over_total_ = nullptr;
  if (holder.used <= limits_.share()) holder.over_share = nullptr;
}

void MemoryBudget::wake_waiting() {
  for (auto place = waiting_.begin(); place != waiting_.end();) {
    auto& charge = **place;
    if (!take(charge, charge.wanted_, Edge::pass)) {
      ++place;
      continue;
    }
    place = waiting_.erase(place);
    charge.waits_ = false;
    std::exchange(charge.wake_, nullptr)();
  }
}

MemoryCharge::~MemoryCharge() {
  (void)stop_waiting();
  if (covered_ > budget_.small_bytes()) shrink_to(0);
}

bool MemoryCharge::grow(std::uint64_t bytes) {
  const base::MutexLock lock(budget_.mutex_);
  if (!budget_.take(*this, bytes, MemoryBudget::Edge::keep)) {
    budget_.refused_.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  covered_ = charged_;
  return true;
}

bool MemoryCharge::grow_or_wait(std::uint64_t bytes, std::function<void()> wake) {
  if (bytes <= covered_) return true;
  const base::MutexLock lock(budget_.mutex_);
  if (budget_.take(*this, bytes, MemoryBudget::Edge::pass)) {
    covered_ = charged_;
    return true;
  }
  wanted_ = bytes;
  waits_ = true;
  wake_ = std::move(wake);
  budget_.waiting_.push_back(this);
  budget_.waited_.fetch_add(1, std::memory_order_relaxed);
  return false;
}

bool MemoryCharge::stop_waiting() {
  if (wanted_ == 0) return false;  // only this thread sets it
  const base::MutexLock lock(budget_.mutex_);
  wanted_ = 0;
  wake_ = nullptr;
  if (waits_) {
    waits_ = false;
    std::erase(budget_.waiting_, this);
    return false;
  }
  covered_ = std::max(charged_, budget_.small_bytes());
  return true;
}

void MemoryCharge::shrink_to(std::uint64_t bytes) {
  if (budget_.in_steps(bytes) >= covered_ || covered_ == budget_.small_bytes()) return;
  const base::MutexLock lock(budget_.mutex_);
  budget_.give_back(*this, bytes);
  covered_ = std::max(charged_, budget_.small_bytes());
}

}  // namespace cr::base

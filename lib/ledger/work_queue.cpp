// SPDX-License-Identifier: MIT
#include "ledger/work_queue.h"

#include <utility>

namespace cr::ledger {

// Notified under the mutex: the waiter frees the job as soon as it has the mutex again.
void AdminJob::finish() {
  const std::lock_guard lock(mutex_);
  finished_ = true;
  done_.notify_one();
}

base::Result<void> AdminJob::get() {
  std::unique_lock lock(mutex_);
  done_.wait(lock, [this] { return finished_; });
  return std::move(result);
}

bool WorkQueue::rouse() {
  return std::exchange(sleep_, Sleep::none) != Sleep::none;
}

template <class Put>
bool WorkQueue::push_urgent(Put put) {
  bool notify = false;
  {
    const std::lock_guard lock(mutex_);
    if (incoming_.stop || !put()) return false;
    notify = rouse();
  }
  if (notify) work_.notify_one();
  return true;
}

bool WorkQueue::push(ReserveOp& op) {
  return push_urgent([&] {
    if (reserves_ >= reserves_max_) return false;
    ++reserves_;
    incoming_.reserves.push(op);
    return true;
  });
}

bool WorkQueue::push(LookOp& op) {
  return push_urgent([&] {
    incoming_.looks.push(op);
    return true;
  });
}

bool WorkQueue::push(AdminJob& job) {
  return push_urgent([&] {
    incoming_.jobs.push_back(&job);
    return true;
  });
}

void WorkQueue::push(Settlement&& settlement) {
  bool notify = false;
  {
    const std::lock_guard lock(mutex_);
    incoming_.settlements.push_back(std::move(settlement));
    if (sleep_ == Sleep::until_work) notify = rouse();  // so that somebody watches the clock
  }
  if (notify) work_.notify_one();
}

void WorkQueue::stop() {
  {
    const std::lock_guard lock(mutex_);
    incoming_.stop = true;
    rouse();
  }
  work_.notify_one();
}

std::size_t WorkQueue::waiting() const {
  const std::lock_guard lock(mutex_);
  return reserves_;
}

WorkQueue::Woken WorkQueue::sleep(std::unique_lock<std::mutex>& lock, const Patience& patience) {
  constexpr auto k_never = base::SteadyTime::max();
  base::SteadyTime due = patience.retry_at ? *patience.retry_at : k_never;
  bool lively = patience.lively;
  while (!urgent()) {
    const bool settlements = patience.retry_at || !incoming_.settlements.empty();
    if (due == k_never && (settlements || lively)) due = base::steady_now() + settle_delay_;
    sleep_ = due != k_never ? Sleep::until_due : Sleep::until_work;
    auto status = std::cv_status::no_timeout;
    if (due != k_never) {
      status = work_.wait_until(lock, due);
    } else if (patience.idle_after) {
      status = work_.wait_for(lock, *patience.idle_after);
    } else {
      work_.wait(lock);
    }
    sleep_ = Sleep::none;
    if (status == std::cv_status::no_timeout || urgent()) continue;
    if (due == k_never) return Woken::idle;
    if (patience.retry_at || !incoming_.settlements.empty()) return Woken::settlements_due;
    due = k_never;
    lively = false;
  }
  return Woken::work;
}

WorkQueue::Woken WorkQueue::take(Batch& batch, const Patience& patience) {
  std::unique_lock lock(mutex_);
  const Woken woken = sleep(lock, patience);
  std::swap(batch, incoming_);
  incoming_.stop = batch.stop;
  reserves_ = 0;
  return woken;
}

}  // namespace cr::ledger

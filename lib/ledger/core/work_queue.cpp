// SPDX-License-Identifier: MIT
#include "ledger/core/work_queue.h"

#include <exception>
#include <utility>

#include "base/hide_keys.h"

namespace cr::ledger {

void AdminJob::run(Store& store) {
  {
    const base::MutexLock lock(mutex_);
    if (stage_ != Stage::waiting) {
      result = base::fail(base::ErrorCode::timeout, "change the store: who asked for it has left");
      return;
    }
    stage_ = Stage::running;
  }
  try {
    result = (*change_)(store);
  } catch (const std::exception& error) {
    thrown = base::hide_keys(error.what());
    result = base::fail(base::ErrorCode::internal, "change the store: the change threw an exception");
  }
  const base::MutexLock lock(mutex_);
  stage_ = Stage::ran;
  changed_.notify_one();
}

void AdminJob::finish() {
  const base::MutexLock lock(mutex_);
  if (stage_ != Stage::left) stage_ = Stage::finished;
  changed_.notify_one();
}

base::Result<void> AdminJob::wait(std::chrono::milliseconds patience) {
  const auto is_finished = [this]() CR_REQUIRES(mutex_) { return stage_ == Stage::finished; };
  base::MutexLock lock(mutex_);
  changed_.wait_for(lock.native(), patience, is_finished);
  if (stage_ == Stage::running) {  // a long one: its commit has as much time again
    changed_.wait(lock.native(), [this]() CR_REQUIRES(mutex_) { return stage_ != Stage::running; });
    changed_.wait_for(lock.native(), patience, is_finished);
  }
  if (stage_ == Stage::finished) return std::move(result);
  const bool ran = stage_ == Stage::ran;
  stage_ = Stage::left;
  auto error = not_answered(has_change() ? "change the store" : "flush the store");
  if (ran) error.message += "; the change may yet be made: look before it is made again";
  return tl::unexpected(std::move(error));
}

base::Error AdminJob::not_answered(std::string_view doing) {
  return {base::ErrorCode::timeout, std::string(doing) + ": the ledger thread does not answer",
          "look at the disk that holds the store"};
}

bool WorkQueue::rouse() {
  return std::exchange(sleep_, Sleep::none) != Sleep::none;
}

template <class Put>
bool WorkQueue::push_urgent(Put put) {
  bool notify = false;
  {
    const base::MutexLock lock(mutex_);
    if (incoming_.stop || !put()) return false;
    notify = rouse();
  }
  if (notify) work_.notify_one();
  return true;
}

bool WorkQueue::push(ReserveOp& op) {
  return push_urgent([&]() CR_REQUIRES(mutex_) {
    if (reserves_ + reserves_taken_ >= reserves_max_) return false;
    ++reserves_;
    incoming_.reserves.push(op);
    return true;
  });
}

bool WorkQueue::push(QueryOp& op) {
  return push_urgent([&]() CR_REQUIRES(mutex_) {
    incoming_.queries.push(op);
    return true;
  });
}

bool WorkQueue::push(std::shared_ptr<AdminJob> job) {
  return push_urgent([&]() CR_REQUIRES(mutex_) {
    incoming_.jobs.push_back(std::move(job));
    return true;
  });
}

void WorkQueue::push(Settlement&& settlement) {
  bool notify = false;
  backlog_.fetch_add(1, std::memory_order_relaxed);
  {
    const base::MutexLock lock(mutex_);
    incoming_.settlements.push_back(std::move(settlement));
    if (sleep_ == Sleep::until_work) notify = rouse();  // so that somebody watches the clock
  }
  if (notify) work_.notify_one();
}

void WorkQueue::stop() {
  {
    const base::MutexLock lock(mutex_);
    incoming_.stop = true;
    rouse();
  }
  work_.notify_one();
}

std::size_t WorkQueue::waiting() const {
  const base::MutexLock lock(mutex_);
  return reserves_ + reserves_taken_;
}

WorkQueue::Woken WorkQueue::sleep(base::MutexLock& lock, const Patience& patience) {
  constexpr auto k_never = base::SteadyTime::max();
  base::SteadyTime due = patience.retry_at ? *patience.retry_at : k_never;
  bool lively = patience.lively;
  while (!urgent()) {
    const bool settlements = patience.retry_at || !incoming_.settlements.empty();
    if (due == k_never && (settlements || lively)) due = base::steady_now() + settle_delay_;
    sleep_ = due != k_never ? Sleep::until_due : Sleep::until_work;
    auto status = std::cv_status::no_timeout;
    if (due != k_never) {
      status = work_.wait_until(lock.native(), due);
    } else if (patience.idle_after) {
      status = work_.wait_for(lock.native(), *patience.idle_after);
    } else {
      work_.wait(lock.native());
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
  base::MutexLock lock(mutex_);
  reserves_taken_ = 0;  // by the last call, and worked off
  const Woken woken = sleep(lock, patience);
  std::swap(batch, incoming_);
  incoming_.stop = batch.stop;
  reserves_taken_ = std::exchange(reserves_, 0);
  return woken;
}

}  // namespace cr::ledger

// SPDX-License-Identifier: MIT
#include "ledger/sqlite/head_keeper.h"

#include <utility>

#include "ledger/sqlite/store_head.h"

namespace cr::ledger {
namespace {

using base::Result;
using base::steady_now;
using std::chrono::milliseconds;

constexpr milliseconds k_retry{1000};
constexpr milliseconds k_old{10'000};

}  // namespace

HeadKeeper::HeadKeeper(std::string path, const token::Vault& vault, base::Log& log, Head first)
    : path_(std::move(path)),
      vault_(vault),
      log_(log),
      raised_at_(steady_now()),
      newest_(std::move(first)),
      thread_([this] { run(); }) {}

HeadKeeper::~HeadKeeper() {
  end();
}

void HeadKeeper::end() {
  if (!thread_.joinable()) return;
  {
    const base::MutexLock lock(mutex_);
    stop_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

Result<void> HeadKeeper::raise(SqlSession& sql, Beside beside, base::Time now) {
  raised_.reset();
  if (beside == Beside::requests && steady_now() < raised_at_ + k_period) return {};
  auto head = raise_head(sql, now, 0);
  if (!head) return tl::unexpected(head.error());
  raised_ = std::move(*head);
  return {};
}

void HeadKeeper::committed() {
  dirty_ = !raised_;
  if (!raised_) return;
  raised_at_ = steady_now();
  {
    const base::MutexLock lock(mutex_);
    raised_->keep(newest_);
    newest_ = std::move(*raised_);
    if (!unwritten_since_) unwritten_since_ = raised_at_;
    warn_if_old(behind());
  }
  raised_.reset();
  changed_.notify_one();
}

milliseconds HeadKeeper::behind() const {
  if (!unwritten_since_) return milliseconds(0);
  return std::chrono::duration_cast<milliseconds>(steady_now() - *unwritten_since_);
}

void HeadKeeper::warn_if_old(milliseconds behind) {
  if (behind < k_old || std::exchange(warned_, true)) return;
  log_.warning("the store's head is not written: a loss of the store would go unseen",
               {{"head", path_}, {"reason", trouble_.empty() ? "its disk does not answer" : trouble_}});
}

void HeadKeeper::run() {
  base::MutexLock lock(mutex_);
  for (;;) {
    changed_.wait(lock.native(), [this]() CR_REQUIRES(mutex_) { return stop_ || unwritten_since_; });
    if (!unwritten_since_) return;
    const bool last = stop_;
    const Head head = newest_;
    lock.unlock();
    const auto done = save_head(path_, head, vault_);
    lock.lock();
    trouble_ = done ? std::string() : done.error().message;
    if (done) {
      if (head == newest_) unwritten_since_.reset();
      if (std::exchange(warned_, false)) log_.info("the store's head is written again", {{"head", path_}});
    } else if (last) {
      log_.error("the store's last head is not written", {{"head", path_}, {"reason", trouble_}});
      return;
    } else {
      warn_if_old(behind());
      changed_.wait_for(lock.native(), k_retry, [this]() CR_REQUIRES(mutex_) { return stop_; });
    }
  }
}

Ledger::HeadState HeadKeeper::state() const {
  const base::MutexLock lock(mutex_);
  return {path_, behind(), trouble_};
}

Reports::Seen HeadKeeper::seen() const {
  const base::MutexLock lock(mutex_);
  return {newest_.audit_seq, newest_.audit_chain,   newest_.settings,
          newest_.newest,    newest_.pruned_before, newest_.overrun};
}

}  // namespace cr::ledger

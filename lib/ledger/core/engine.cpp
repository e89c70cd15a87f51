// SPDX-License-Identifier: MIT
#include "ledger/core/engine.h"

#include <condition_variable>
#include <utility>

#include "base/mutex.h"
#include "ledger/core/directory_builder.h"

namespace cr::ledger {

using base::ErrorCode;
using base::Result;

namespace {

// A query that an admin thread waits for. Kept alive by itself while the engine has it: who waits may leave first.
struct AwaitedQuery {
  QueryOp op;
  std::shared_ptr<AwaitedQuery> kept_by_engine;
  base::Mutex mutex;
  std::condition_variable changed;
  bool finished CR_GUARDED_BY(mutex) = false;

  static void finish_all(QueryOp* first) {
    for (QueryOp* op = first; op != nullptr;) {
      QueryOp* const next = op->next;
      auto& awaited = *static_cast<AwaitedQuery*>(op->waiter);
      const auto kept = std::move(awaited.kept_by_engine);
      const base::MutexLock lock(awaited.mutex);
      awaited.finished = true;
      awaited.changed.notify_all();
      op = next;
    }
  }
};

std::shared_ptr<const Directory> empty_directory() {
  return std::make_shared<const Directory>(std::make_shared<const Directory::Impl>());
}

}  // namespace

Engine::Engine(Setup setup)
    : setup_(std::move(setup)),
      queue_(setup_.options.queue_max, setup_.options.settle_delay),
      feed_(empty_directory()) {
  setup_.recipients.push_back({[](ReserveOp*, QueryOp* queries) { AwaitedQuery::finish_all(queries); }});
}

Ledger::Counters Engine::counters() const {
  Ledger::Counters counters = status_.counters();
  counters.waiting = queue_.waiting();
  counters.backlog = queue_.backlog();
  return counters;
}

Result<void> Engine::ask(const std::shared_ptr<AdminJob>& job, std::string_view doing) {
  // Where the engine has not answered for so long, one more would only wait as long in vain.
  if (status_.busy_for() > options().admin_timeout) return tl::unexpected(AdminJob::not_answered(doing));
  if (!queue_.push(job)) return base::fail(ErrorCode::unavailable, std::string(doing) + ": crd is stopping");
  return job->wait(options().admin_timeout);
}

Result<void> Engine::flush() {
  return ask(std::make_shared<AdminJob>(), "flush the store");
}

Result<BalanceQuery> Engine::balance(TokenId token) {
  constexpr std::string_view k_doing = "read the balances";
  const auto patience = options().admin_timeout;
  if (status_.busy_for() > patience) return tl::unexpected(AdminJob::not_answered(k_doing));
  const auto awaited = std::make_shared<AwaitedQuery>();
  awaited->op.query = BalanceQuery{token};
  awaited->op.recipient = static_cast<std::uint32_t>(setup_.recipients.size() - 1);
  awaited->op.waiter = awaited.get();
  awaited->kept_by_engine = awaited;
  if (!queue_.push(awaited->op)) {
    awaited->kept_by_engine.reset();
    return base::fail(ErrorCode::unavailable, std::string(k_doing) + ": crd is stopping");
  }
  base::MutexLock lock(awaited->mutex);
  if (!awaited->changed.wait_for(lock.native(), patience,
                                 [&]() CR_REQUIRES(awaited->mutex) { return awaited->finished; }))
    return tl::unexpected(AdminJob::not_answered(k_doing));
  if (!awaited->op.readable)
    return base::fail(ErrorCode::unavailable, std::string(k_doing) + ": the store cannot be read");
  return std::get<BalanceQuery>(std::move(awaited->op.query));
}

}  // namespace cr::ledger

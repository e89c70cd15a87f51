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

// A look-up that an admin thread waits for. Kept alive by itself while the engine has it: who waits may leave first.
struct AwaitedLook {
  LookOp op;
  std::shared_ptr<AwaitedLook> kept_by_engine;
  base::Mutex mutex;
  std::condition_variable changed;
  bool finished CR_GUARDED_BY(mutex) = false;

  static void finish_all(LookOp* first) {
    for (LookOp* op = first; op != nullptr;) {
      LookOp* const next = op->next;
      auto& look = *static_cast<AwaitedLook*>(op->waiter);
      const auto kept = std::move(look.kept_by_engine);
      const base::MutexLock lock(look.mutex);
      look.finished = true;
      look.changed.notify_all();
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
  setup_.lanes.push_back({[](ReserveOp*, LookOp* looks) { AwaitedLook::finish_all(looks); }});
}

Ledger::Counters Engine::counters() const {
  Ledger::Counters counters = status_.counters();
  counters.waiting = queue_.waiting();
  counters.backlog = queue_.backlog();
  return counters;
}

Result<void> Engine::ask(std::shared_ptr<AdminJob> job, std::string_view doing) {
  // Where the engine has not answered for so long, one more would only wait as long in vain.
  if (status_.busy_for() > options().admin_timeout) return tl::unexpected(AdminJob::not_answered(doing));
  if (!queue_.push(job)) return base::fail(ErrorCode::unavailable, std::string(doing) + ": crd is stopping");
  return job->wait(options().admin_timeout);
}

Result<void> Engine::flush() {
  return ask(std::make_shared<AdminJob>(), "flush the store");
}

Result<LookOp> Engine::look(TokenId token) {
  constexpr std::string_view k_doing = "read the balances";
  const auto patience = options().admin_timeout;
  if (status_.busy_for() > patience) return tl::unexpected(AdminJob::not_answered(k_doing));
  const auto look = std::make_shared<AwaitedLook>();
  look->op.token = token;
  look->op.lane = static_cast<std::uint32_t>(setup_.lanes.size() - 1);
  look->op.waiter = look.get();
  look->kept_by_engine = look;
  if (!queue_.push(look->op)) {
    look->kept_by_engine.reset();
    return base::fail(ErrorCode::unavailable, std::string(k_doing) + ": crd is stopping");
  }
  base::MutexLock lock(look->mutex);
  if (!look->changed.wait_for(lock.native(), patience, [&]() CR_REQUIRES(look->mutex) { return look->finished; }))
    return tl::unexpected(AdminJob::not_answered(k_doing));
  if (!look->op.readable)
    return base::fail(ErrorCode::unavailable, std::string(k_doing) + ": the store cannot be read");
  return std::move(look->op);
}

}  // namespace cr::ledger

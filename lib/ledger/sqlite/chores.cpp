// SPDX-License-Identifier: MIT
#include "ledger/sqlite/chores.h"

#include <algorithm>

namespace cr::ledger {
namespace {

using base::Result;
using base::steady_now;
using std::chrono::milliseconds;

constexpr milliseconds k_marks_period{1000};
// Rows pruned with one commit. Each lies on pages of its own, which the commit and the next checkpoint must write:
// beside reservations a few now and then, somewhat more than were added since (a store that is never idle would grow
// for good otherwise), but never so many that a reservation waits noticeably longer; the rest when nothing else is to
// do.
constexpr std::int64_t k_prune_rows_busy = 8;
constexpr std::int64_t k_prune_rows_busy_max = 16;
constexpr std::int64_t k_prune_rows_idle = 64;
constexpr milliseconds k_prune_pace_busy{100};
// Tokens and codes whose refusals are written with one commit: five rows or six each.
constexpr std::size_t k_refused_busy = 128;
constexpr std::size_t k_refused_idle = 1'024;
constexpr std::size_t k_refused_waited_for = RefusedCounts::k_entries_max + RefusedCounts::k_nobodys_most;

}  // namespace

Chores::Chores(sqlite::Database& db, Balances& balances, StoredResponses& responses, SettingsSum& settings,
               RefusedCounts& refused)
    : balances_(balances), pruning_(db, responses, settings), refused_(db, refused, balances.sums()) {}

Result<void> Chores::run(const Beside& beside) {
  const auto now = steady_now();
  marks_ = KeyUses::Marks::left;
  wrote_refused_ = false;
  if (auto done = balances_.fold_usage(beside.last ? Balances::Fold::now : Balances::Fold::if_due); !done) return done;
  if (auto done = write_refused(now, beside); !done) return done;
  if (auto done = prune(now, beside.requests); !done) return done;
  if (beside.requests && !beside.jobs && !beside.last && now < marks_due_) return {};
  marks_ = KeyUses::Marks::written;
  return balances_.keys().write();
}

Result<void> Chores::prune(base::SteadyTime now, bool beside_requests) {
  if (!pruning_.due(now) || (beside_requests && now < prune_busy_at_)) return {};
  prune_busy_at_ = now + k_prune_pace_busy;
  const std::int64_t busy = std::clamp(added_rows_ + added_rows_ / 4, k_prune_rows_busy, k_prune_rows_busy_max);
  added_rows_ = 0;
  return pruning_.step(now, beside_requests ? busy : k_prune_rows_idle, balances_.oldest_needed());
}

// A job is a report's as a rule, which is to tell of all that was refused before it.
Result<void> Chores::write_refused(base::SteadyTime now, const Beside& beside) {
  if (!beside.jobs && !beside.last && !refused_.due(now)) return {};
  const bool waited_for = beside.jobs || beside.last;
  wrote_refused_ = true;
  return refused_.write(waited_for ? k_refused_waited_for : beside.requests ? k_refused_busy : k_refused_idle);
}

void Chores::committed(std::uint64_t settlements) {
  added_rows_ += static_cast<std::int64_t>(settlements);
  if (wrote_refused_) refused_.committed(steady_now());
  pruning_.committed();
  if (marks_ == KeyUses::Marks::written) marks_due_ = steady_now() + k_marks_period;
}

}  // namespace cr::ledger

// SPDX-License-Identifier: MIT
#include "ledger/sqlite/pruning.h"

#include <algorithm>
#include <vector>

#include "base/id.h"
#include "ledger/core/refused_counts.h"
#include "ledger/sql/reports_state.h"

namespace cr::ledger {
namespace {

using base::Result;

constexpr std::chrono::seconds k_pause{10};  // after a step that found no more
// As long as OpenAI keeps a response (platform.openai.com/docs/guides/conversation-state).
constexpr std::chrono::hours k_responses_kept{24 * 30};
// What a clock may be ahead of where it was at the start, beside the time that passed.
constexpr std::chrono::hours k_step_followed{1};

}  // namespace

Pruning::Pruning(sqlite::Database& db, StoredResponses& responses, SettingsSum& settings)
    : sql_(db),
      responses_(responses),
      settings_(settings),
      wall_at_start_(base::wall_now()),
      steady_at_start_(base::steady_now()) {}

base::Time Pruning::today(base::SteadyTime now) const {
  const auto passed = std::chrono::duration_cast<std::chrono::milliseconds>(now - steady_at_start_);
  return std::min(base::wall_now(), wall_at_start_ + passed + k_step_followed);
}

bool Pruning::due(base::SteadyTime now) const {
  return more_ || look_again_.load() || now >= next_;
}

Result<void> Pruning::step(base::SteadyTime now, std::int64_t rows, base::Time summed_before) {
  look_again_.store(false);
  const std::chrono::milliseconds retention(retention_ms_.load());
  found_more_ = false;
  if (retention.count() > 0) {
    const auto more = prune_requests(std::min(today(now) - retention, summed_before), rows);
    if (!more) return tl::unexpected(more.error());
    found_more_ = *more;
  }
  if (found_more_) return {};
  const auto taken = responses_.prune(today(now) - k_responses_kept, rows);
  if (!taken) return tl::unexpected(taken.error());
  found_more_ = *taken == rows;
  if (!found_more_) next_ = now + k_pause;
  return {};
}

// True: there are more.
Result<bool> Pruning::prune_requests(base::Time before, std::int64_t rows) {
  const auto taken = take_rows(before, rows);
  if (!taken) return tl::unexpected(taken.error());
  if (*taken == rows) return true;
  // A store that has never lost a row says so: all of them can be checked.
  auto done = settings_.now().pruned_before == base::Time() ? Result<void>() : settings_.prune(sql_, before);
  // Periods of budgets that ended that long ago; one that still holds something stays.
  if (done) done = sql_.run("DELETE FROM budget_window WHERE ends_at < ?1 AND reserved = 0", before);
  if (done) {
    done =
        sql_.run("DELETE FROM own_request WHERE id IN (SELECT id FROM own_request WHERE id < ?1 ORDER BY id LIMIT ?2)",
                 Blob{first_id(before).bytes}, rows);
  }
  if (!done) return tl::unexpected(done.error());
  return prune_refused(before, rows);
}

// As rows of requests go: those without one are checked against them.
Result<bool> Pruning::prune_refused(base::Time before, std::int64_t rows) {
  const auto last =
      sql_.find_int("SELECT max(minute) FROM (SELECT minute FROM refused WHERE minute < ?1 ORDER BY minute LIMIT ?2)",
                    minute_of(before), rows);
  if (!last) return tl::unexpected(last.error());
  if (!*last) return false;
  auto done = sql_.run(
      "DELETE FROM refused WHERE (minute, token_id, code) IN (SELECT minute, token_id, code FROM refused"
      " WHERE minute < ?1 ORDER BY minute LIMIT ?2)",
      minute_of(before), rows);
  const auto taken = sql_.changes();
  if (done) done = settings_.prune(sql_, time_of_minute(**last + 1));
  if (!done) return tl::unexpected(done.error());
  return taken == rows;
}

Result<std::int64_t> Pruning::take_rows(base::Time before, std::int64_t rows) {
  std::vector<base::RequestId> ids;
  auto read = sql_.each_row(
      "SELECT id FROM request WHERE id < ?1 ORDER BY id LIMIT ?2",
      [&](const Row& row) -> Result<void> {
        base::RequestId id;
        const auto bytes = row.column_blob(0);
        std::copy_n(bytes.begin(), std::min(bytes.size(), id.bytes.size()), id.bytes.begin());
        ids.push_back(id);
        return {};
      },
      Blob{first_id(before).bytes}, rows);
  if (!read) return tl::unexpected(read.error());
  if (ids.empty()) return 0;
  for (const auto& id : ids) {
    if (auto done = sql_.run("DELETE FROM request WHERE id = ?1", Blob{id.bytes}); !done)
      return tl::unexpected(done.error());
  }
  // So far the rows are gone: what is checked against them must begin after it.
  auto noted = settings_.prune(sql_, ids.back().time());
  if (!noted) return tl::unexpected(noted.error());
  return static_cast<std::int64_t>(ids.size());
}

}  // namespace cr::ledger

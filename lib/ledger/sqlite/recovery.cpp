// SPDX-License-Identifier: MIT
#include "ledger/sqlite/recovery.h"

#include <string>

#include "base/clock.h"
#include "ledger/core/operations.h"
#include "ledger/sql/sql_session.h"

namespace cr::ledger {
namespace {

using base::Result;

// ?1: whether the processes of the last start had this one's kernel and network. A stream that was reserved for after
// the lock was taken there cannot be.
constexpr std::string_view k_find_open =
    "CREATE TEMP TABLE ended AS SELECT *, CASE WHEN ?1 AND unseen_at_once IS NOT NULL AND boot_ms <= ?2 THEN"
    " CAST(min(held, coalesce(cost, 0) + unseen_at_once + unseen_each_second * ((?2 - boot_ms + 999) / 1000))"
    " AS INTEGER) ELSE held END AS posted FROM reservation LEFT JOIN lost_attempt USING (id)";

constexpr std::string_view k_post_open =
    "INSERT INTO request (id, token_id, account_id, key_id, started_at, held, stream, model, group_name, endpoint,"
    " source_ip, channel_id, ending, flags, status, posted, overrun, input_tokens, cached_tokens, cache_write_tokens,"
    " output_tokens, duration_ms) SELECT id, token_id, account_id, key_id, started_at, held, stream, model, group_name,"
    " endpoint, source_ip, 0, ?1, ?2, 0, posted, 0, 0, 0, 0, 0, 0 FROM ended";

constexpr std::string_view k_move_tokens =
    "UPDATE token_balance SET posted = token_balance.posted + sums.posted, reserved = token_balance.reserved - "
    "sums.held FROM"
    " (SELECT token_id, sum(posted) AS posted, sum(held) AS held FROM ended GROUP BY token_id) AS sums"
    " WHERE sums.token_id = token_balance.token_id";

constexpr std::string_view k_move_accounts =
    "UPDATE account_balance SET posted = account_balance.posted + sums.posted, reserved = account_balance.reserved - "
    "sums.held FROM"
    " (SELECT account_id, sum(posted) AS posted, sum(held) AS held FROM ended GROUP BY account_id) AS sums"
    " WHERE sums.account_id = account_balance.account_id";

constexpr std::string_view k_move_budgets =
    "UPDATE budget_window SET posted = budget_window.posted + sums.posted, reserved = budget_window.reserved - "
    "sums.held FROM"
    " (SELECT budget.token_id, budget.period, budget.started_at, sum(ended.posted) AS posted, sum(ended.held) AS held"
    " FROM budget_window AS budget"
    " JOIN ended ON ended.token_id = budget.token_id AND ended.started_at >= budget.started_at"
    " AND ended.started_at < budget.ends_at GROUP BY 1, 2, 3) AS sums WHERE"
    " sums.token_id = budget_window.token_id AND sums.period = budget_window.period"
    " AND sums.started_at = budget_window.started_at";

// Whether the last start was in the same kernel and network, whose end closed its connections; and notes this one.
Result<bool> take_over(SqlSession& sql, const std::string& boot) {
  const auto last = sql.find_text("SELECT value FROM meta WHERE key = 'boot'");
  if (!last) return tl::unexpected(last.error());
  const bool same = *last && !boot.empty() && **last == boot;
  if (same) return true;
  auto done = sql.run(
      "INSERT INTO meta (key, value) VALUES ('boot', ?1) ON CONFLICT (key) DO UPDATE SET value = excluded.value", boot);
  if (!done) return tl::unexpected(done.error());
  return false;
}

}  // namespace

Result<std::int64_t> recover(sqlite::Database& db, const Restart& restart, const std::function<Result<void>()>& last) {
  SqlSession sql(db);
  auto transaction = sqlite::Transaction::begin(db);
  if (!transaction) return tl::unexpected(transaction.error());
  const auto same_boot = take_over(sql, restart.boot);
  if (!same_boot) return tl::unexpected(same_boot.error());
  Result<void> done = sql.run(k_find_open, std::int64_t{*same_boot}, restart.locked_boot_ms);
  if (done) done = sql.run(k_move_tokens);
  if (done) done = sql.run(k_move_accounts);
  if (done) done = sql.run(k_move_budgets);
  if (done) done = sql.run("INSERT INTO unsummed (ids) SELECT id FROM ended");
  // The row of a request ends its reservation: then the view shows nothing any more.
  if (done) done = sql.run(k_post_open, static_cast<std::int64_t>(Ending::in_doubt), std::int64_t{k_in_doubt});
  if (done) done = sql.run("DELETE FROM reservation_batch");
  if (done) done = sql.run("DELETE FROM lost_attempt");
  if (done) done = sql.run("DELETE FROM key WHERE not_after <= ?1", restart.now);
  if (!done) return tl::unexpected(done.error());
  const auto open = sql.find_int("SELECT count(*) FROM ended");
  if (!open) return tl::unexpected(open.error());
  done = sql.run("DROP TABLE ended");
  if (done) done = last();
  if (done) done = transaction->commit();
  if (!done) return tl::unexpected(done.error());
  return open->value_or(0);
}

}  // namespace cr::ledger

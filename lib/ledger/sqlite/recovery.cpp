// SPDX-License-Identifier: MIT
#include "ledger/sqlite/recovery.h"

#include <string>

#include "base/clock.h"
#include "ledger/core/operations.h"
#include "ledger/sql/sql_session.h"

namespace cr::ledger {
namespace {

using base::Result;

constexpr std::string_view k_post_open =
    "INSERT INTO request (id, token_id, account_id, key_id, started_at, held, stream, model, group_name, endpoint,"
    " source_ip, channel_id, ending, flags, status, posted, overrun, input_tokens, cached_tokens, cache_write_tokens,"
    " output_tokens, duration_ms) SELECT id, token_id, account_id, key_id, started_at, held, stream, model, group_name,"
    " endpoint, source_ip, 0, ?1, ?2, 0, held, 0, 0, 0, 0, 0, 0 FROM reservation";

constexpr std::string_view k_move_tokens =
    "UPDATE token_balance SET posted = posted + open.held, reserved = reserved - open.held FROM"
    " (SELECT token_id, sum(held) AS held FROM reservation GROUP BY token_id) AS open"
    " WHERE open.token_id = token_balance.token_id";

constexpr std::string_view k_move_accounts =
    "UPDATE account_balance SET posted = posted + open.held, reserved = reserved - open.held FROM"
    " (SELECT account_id, sum(held) AS held FROM reservation GROUP BY account_id) AS open"
    " WHERE open.account_id = account_balance.account_id";

constexpr std::string_view k_move_budgets =
    "UPDATE budget_window SET posted = posted + open.held, reserved = reserved - open.held FROM"
    " (SELECT budget.token_id, budget.period, budget.started_at, sum(reservation.held) AS held FROM budget_window AS "
    "budget"
    " JOIN reservation ON reservation.token_id = budget.token_id AND reservation.started_at >= budget.started_at"
    " AND reservation.started_at < budget.ends_at GROUP BY 1, 2, 3) AS open WHERE"
    " open.token_id = budget_window.token_id AND open.period = budget_window.period"
    " AND open.started_at = budget_window.started_at";

}  // namespace

Result<std::int64_t> recover(sqlite::Database& db, base::Time now) {
  SqlSession sql(db);
  auto transaction = sqlite::Transaction::begin(db);
  if (!transaction) return tl::unexpected(transaction.error());
  const auto open = sql.find_int("SELECT count(*) FROM reservation");
  if (!open) return tl::unexpected(open.error());
  Result<void> done = sql.run(k_move_tokens);
  if (done) done = sql.run(k_move_accounts);
  if (done) done = sql.run(k_move_budgets);
  if (done) done = sql.run("INSERT INTO unsummed (ids) SELECT id FROM reservation");
  // The row of a request ends its reservation: then the view shows nothing any more.
  if (done) done = sql.run(k_post_open, static_cast<std::int64_t>(Ending::in_doubt), std::int64_t{k_in_doubt});
  if (done) done = sql.run("DELETE FROM reservation_batch");
  if (done) done = sql.run("DELETE FROM key WHERE not_after <= ?1", now);
  if (done) done = transaction->commit();
  if (!done) return tl::unexpected(done.error());
  return open->value_or(0);
}

}  // namespace cr::ledger

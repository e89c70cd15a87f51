// SPDX-License-Identifier: MIT
#include <algorithm>
#include <nlohmann/json.hpp>

#include "ledger/core/refused_counts.h"
#include "ledger/sql/audit.h"
#include "ledger/sql/reports_state.h"
#include "ledger/sql/settings_check.h"
#include "ledger/sql/usage_pieces.h"

namespace cr::ledger {
namespace {

using base::ErrorCode;

Reports::AuditRow audit_row_of(const Row& row) {
  return {row.column_int(0),
          base::from_unix_ms(row.column_int(1)),
          row.column_int(2),
          row.column_int(3),
          row.column_int(4),
          std::string(row.column_text(5)),
          std::string(row.column_text(6)),
          std::string(row.column_text(7)),
          std::string(row.column_text(8))};
}

std::string money(const Row& row, int column) {
  return Credits::from_nano(row.column_int(column)).to_decimal();
}

// The two sides of a balance beside each other, and the sides of what its rows come to.
base::Error disagreement(const std::string& whose, const Row& row) {
  return {ErrorCode::corrupt,
          whose + ": posted " + money(row, 1) + ", its requests come to " + money(row, 3) + "; reserved " +
              money(row, 2) + ", its open reservations come to " + money(row, 4),
          {}};
}

// `holder` is token or account: what it has posted is what the usage and the rows not in it yet come to.
Result<void> check_sums(SqlSession& sql, const std::string& holder) {
  const std::string id = holder + "_id";
  const std::string text =
      "WITH summed AS (SELECT " + id +
      " AS holder, CAST(sum(posted) AS BIGINT) AS posted FROM usage_key CROSS JOIN usage"
      " WHERE key_id = id AND token_id <> 0 AND step = 2 GROUP BY 1),"
      " noted AS (SELECT " +
      id +
      " AS holder, CAST(sum(posted - refunded) AS BIGINT) AS posted FROM unsummed_request CROSS JOIN request"
      " WHERE request.id = request_id GROUP BY 1),"
      " open AS (SELECT " +
      id +
      " AS holder, CAST(sum(held) AS BIGINT) AS held FROM reservation GROUP BY 1),"
      " compared AS (SELECT " +
      holder +
      ".name AS name, balance.posted AS posted, balance.reserved AS reserved,"
      " coalesce(summed.posted, 0) + coalesce(noted.posted, 0) AS due, coalesce(open.held, 0) AS held FROM " +
      holder + "_balance AS balance JOIN " + holder + " ON " + holder + ".id = balance." + id +
      " LEFT JOIN summed ON summed.holder = balance." + id + " LEFT JOIN noted ON noted.holder = balance." + id +
      " LEFT JOIN open ON open.holder = balance." + id +
      ") SELECT name, posted, reserved, due, held FROM compared"
      " WHERE posted <> due OR reserved <> held OR posted < 0 OR reserved < 0 LIMIT 1";
  return sql.each_row(text, [&](const Row& row) -> Result<void> {
    return tl::unexpected(disagreement(holder + " '" + std::string(row.column_text(0)) + '\'', row));
  });
}

// Hours and days are the sums of their quarters, and those of all tokens the sums of each token's.
Result<void> check_steps(SqlSession& sql) {
  const std::string each_key =
      "SELECT key_id FROM usage GROUP BY key_id HAVING"
      " sum(CASE step WHEN 0 THEN posted ELSE 0 END) <> sum(CASE step WHEN 2 THEN posted ELSE 0 END) OR"
      " sum(CASE step WHEN 0 THEN requests ELSE 0 END) <> sum(CASE step WHEN 2 THEN requests ELSE 0 END) LIMIT 1";
  const std::string hours =
      "SELECT key_id FROM usage_key CROSS JOIN usage WHERE key_id = id AND token_id = 0 GROUP BY key_id HAVING"
      " sum(CASE step WHEN 1 THEN posted ELSE 0 END) <> sum(CASE step WHEN 2 THEN posted ELSE 0 END) LIMIT 1";
  const std::string together =
      "SELECT min(id) FROM usage_key CROSS JOIN usage WHERE key_id = id AND step = 2 GROUP BY account_id, channel_id,"
      " group_name, model HAVING sum(CASE token_id WHEN 0 THEN posted ELSE 0 END) <>"
      " sum(CASE token_id WHEN 0 THEN 0 ELSE posted END) OR sum(CASE token_id WHEN 0 THEN requests ELSE 0 END) <>"
      " sum(CASE token_id WHEN 0 THEN 0 ELSE requests END) LIMIT 1";
  for (const auto& text : {each_key, hours, together}) {
    const auto found = sql.find_int(text);
    if (!found) return tl::unexpected(found.error());
    if (*found) return base::fail(ErrorCode::corrupt, "the usage's sums disagree at key " + std::to_string(**found));
  }
  return {};
}

// From `since` on every row of a request is there, and the sums of those refused without one: a token's come to its
// usage.
Result<void> check_rows(SqlSession& sql, Time since) {
  constexpr std::string_view text =
      "WITH there AS (SELECT token_id, count(*) AS requests, CAST(sum(posted - refunded) AS BIGINT) AS posted"
      " FROM request WHERE started_at >= ?1 GROUP BY 1),"
      " noted AS (SELECT token_id, count(*) AS requests, CAST(sum(posted - refunded) AS BIGINT) AS posted"
      " FROM unsummed_request CROSS JOIN request WHERE request.id = request_id AND started_at >= ?1 GROUP BY 1),"
      " refusals AS (SELECT token_id, CAST(sum(without_row) AS BIGINT) AS requests FROM refused WHERE minute >= ?3"
      " GROUP BY 1),"
      " summed AS (SELECT token_id, CAST(sum(requests) AS BIGINT) AS requests, CAST(sum(posted) AS BIGINT) AS posted"
      " FROM usage_key CROSS JOIN usage WHERE key_id = id AND token_id <> 0 AND step = 2 AND at >= ?2 GROUP BY 1),"
      " compared AS (SELECT token.name AS name, coalesce(there.posted, 0) AS has,"
      " coalesce(summed.posted, 0) + coalesce(noted.posted, 0) AS due,"
      " coalesce(there.requests, 0) + coalesce(refusals.requests, 0) AS number,"
      " coalesce(summed.requests, 0) + coalesce(noted.requests, 0) AS counted"
      " FROM token LEFT JOIN there ON there.token_id = token.id LEFT JOIN noted ON noted.token_id = token.id"
      " LEFT JOIN summed ON summed.token_id = token.id LEFT JOIN refusals ON refusals.token_id = token.id)"
      " SELECT name, has, due, number, counted FROM compared WHERE has <> due OR number <> counted LIMIT 1";
  return sql.each_row(
      text,
      [&](const Row& row) -> Result<void> {
        const std::string whose = "token '" + std::string(row.column_text(0)) + "': its requests' rows ";
        if (row.column_int(1) != row.column_int(2))
          return base::fail(ErrorCode::corrupt, whose + "come to " + money(row, 1) + ", its usage to " + money(row, 2));
        return base::fail(ErrorCode::corrupt, whose + "and its refusals without one are " +
                                                  std::to_string(row.column_int(3)) + ", its usage counts " +
                                                  std::to_string(row.column_int(4)));
      },
      since, step_at(Step::day, since), minute_of(since));
}

// A budget's period: what was posted in it, and what is held since it began.
Result<void> check_budgets(SqlSession& sql) {
  constexpr std::string_view text =
      "WITH compared AS (SELECT token.name AS name, budget.posted AS posted, budget.reserved AS reserved,"
      " coalesce((SELECT CAST(sum(usage.posted) AS BIGINT) FROM usage_key JOIN usage ON usage.key_id = usage_key.id"
      "   WHERE usage_key.token_id = budget.token_id AND usage.step = 0 AND usage.at >= budget.started_at / 900000"
      "   AND usage.at < budget.ends_at / 900000), 0) +"
      " coalesce((SELECT CAST(sum(request.posted - request.refunded) AS BIGINT) FROM unsummed_request CROSS JOIN "
      "request"
      "   WHERE request.id = request_id AND request.token_id = budget.token_id"
      "   AND request.started_at >= budget.started_at AND request.started_at < budget.ends_at), 0) AS due,"
      " coalesce((SELECT CAST(sum(held) AS BIGINT) FROM reservation WHERE reservation.token_id = budget.token_id"
      "   AND reservation.started_at >= budget.started_at AND reservation.started_at < budget.ends_at), 0) AS held"
      " FROM budget_window AS budget JOIN token ON token.id = budget.token_id)"
      " SELECT name, posted, reserved, due, held FROM compared WHERE posted <> due OR reserved <> held LIMIT 1";
  return sql.each_row(text, [&](const Row& row) -> Result<void> {
    return tl::unexpected(disagreement("a budget of token '" + std::string(row.column_text(0)) + '\'', row));
  });
}

// That a request ends once is the key of its row; what could be wrong is the row its reservation lies in.
Result<void> check_batches(SqlSession& sql) {
  bool damaged = false;
  auto read = sql.each_row("SELECT ids, facts FROM reservation_batch", [&](const Row& row) -> Result<void> {
    const auto facts = nlohmann::json::parse(row.column_text(1), nullptr, false);
    damaged = damaged || !facts.is_array() || facts.size() * sizeof(RequestId::bytes) != row.column_blob(0).size();
    return {};
  });
  if (!read) return read;
  const auto twice = sql.find_int("SELECT 1 FROM reservation GROUP BY id HAVING count(*) > 1 LIMIT 1");
  if (!twice) return tl::unexpected(twice.error());
  if (!damaged && !*twice) return {};
  return base::fail(ErrorCode::corrupt, "the rows of open reservations are damaged");
}

// Of a budget nothing is given back without an entry; a token that was renamed since may have it under another name.
Result<void> check_resets(SqlSession& sql) {
  constexpr std::string_view text =
      "SELECT token.name FROM budget_window AS budget JOIN token ON token.id = budget.token_id WHERE forgiven > 0"
      " AND NOT EXISTS (SELECT 1 FROM audit WHERE object = 'token ' || token.name AND (action = 'token.budget_reset' OR"
      " (action = 'token.edit' AND detail LIKE '%\"name\":%'))) LIMIT 1";
  return sql.each_row(text, [&](const Row& row) -> Result<void> {
    return base::fail(ErrorCode::corrupt, "a budget of token '" + std::string(row.column_text(0)) +
                                              "' was given back, and the audit knows of no reset");
  });
}

// What becomes no less while a store is used.
Result<void> check_seen(Reports::Impl& impl) {
  const auto overrun = impl.sql.find_int("SELECT value FROM meta WHERE key = 'overrun'");
  if (!overrun) return tl::unexpected(overrun.error());
  if (const Credits now = Credits::from_nano(overrun->value_or(0)); now < impl.seen.overrun) {
    return base::fail(ErrorCode::corrupt, "the overrun is " + now.to_decimal() + ", and the store's head saw " +
                                              impl.seen.overrun.to_decimal());
  }
  std::string newest;
  auto read = impl.sql.each_row("SELECT max(id) FROM request", [&](const Row& row) -> Result<void> {
    newest = to_hex(row.column_blob(0));
    return {};
  });
  if (!read) return read;
  const auto pruned = impl.sql.find_int("SELECT value FROM meta WHERE key = 'pruned_before'");
  if (!pruned) return tl::unexpected(pruned.error());
  if (newest >= impl.seen.newest || is_pruned(impl.seen.newest, base::from_unix_ms(pruned->value_or(0)))) return {};
  return base::fail(ErrorCode::corrupt, "rows of the newest requests were taken out: the store's head saw others");
}

Result<void> check_homeless(SqlSession& sql, const std::string& table, const std::string& holder) {
  const auto found = sql.find_int("SELECT " + holder + "_id FROM " + table + " WHERE " + holder +
                                  "_id NOT IN (SELECT " + holder + "_id FROM " + holder + "_balance) LIMIT 1");
  if (!found) return tl::unexpected(found.error());
  if (!*found) return {};
  return base::fail(ErrorCode::corrupt, "a " + table + " belongs to the " + holder + " " + std::to_string(**found) +
                                            ", which is not there");
}

Result<void> check_chain(Reports::Impl& impl) {
  std::vector<std::uint8_t> previous;
  std::int64_t seq = 0;
  auto read = impl.sql.each_row(
      "SELECT seq, at, pid, uid, gid, action, object, detail, reason, chain FROM audit ORDER BY seq",
      [&](const Row& row) -> Result<void> {
        const Reports::AuditRow entry = audit_row_of(row);
        const token::Digest expected = audit_chain(impl.vault, previous, entry);
        const auto chain = row.column_blob(9);
        if (entry.seq != ++seq || !std::equal(chain.begin(), chain.end(), expected.begin(), expected.end())) {
          return base::fail(ErrorCode::corrupt, "audit row " + std::to_string(entry.seq) +
                                                    ": it, or one before it, was changed or taken out");
        }
        previous.assign(chain.begin(), chain.end());
        if (seq == impl.seen.audit_seq && to_hex(chain) != impl.seen.audit_chain) {
          return base::fail(ErrorCode::corrupt,
                            "audit row " + std::to_string(seq) + " is not the one that the store's head saw");
        }
        return {};
      });
  if (!read) return read;
  if (seq < impl.seen.audit_seq) {
    return base::fail(ErrorCode::corrupt, "audit: rows after " + std::to_string(seq) +
                                              " were taken out: the store's head saw " +
                                              std::to_string(impl.seen.audit_seq));
  }
  // Rows taken off the end leave a chain that fits, but not the number of the last one given.
  const auto last = impl.sql.find_int("SELECT value FROM meta WHERE key = 'audit_seq'");
  if (!last) return tl::unexpected(last.error());
  if (last->value_or(0) == seq) return {};
  return base::fail(ErrorCode::corrupt, "audit: rows after " + std::to_string(seq) + " were taken out");
}

}  // namespace

Result<std::vector<Reports::AuditRow>> Reports::audit(std::int64_t after_seq, std::size_t limit) {
  std::vector<AuditRow> rows;
  auto read = impl_.sql.each_row(
      "SELECT seq, at, pid, uid, gid, action, object, detail, reason FROM audit WHERE seq > ?1 ORDER BY seq LIMIT ?2",
      [&](const Row& row) -> Result<void> {
        rows.push_back(audit_row_of(row));
        return {};
      },
      after_seq, static_cast<std::int64_t>(limit));
  if (!read) return tl::unexpected(read.error());
  return rows;
}

Result<std::vector<Reports::AuditRow>> Reports::newest_audit(std::size_t limit) {
  const auto last = impl_.sql.find_int("SELECT max(seq) FROM audit");
  if (!last) return tl::unexpected(last.error());
  return audit(std::max<std::int64_t>(0, last->value_or(0) - static_cast<std::int64_t>(limit)), limit);
}

namespace {

// Rows are gone before this; a day more, for requests whose reservation came long after their id.
Result<Time> first_whole_day(SqlSession& sql) {
  const auto pruned = sql.find_int("SELECT value FROM meta WHERE key = 'pruned_before'");
  if (!pruned) return tl::unexpected(pruned.error());
  if (pruned->value_or(0) == 0) return Time();
  return time_of(Step::day, step_at(Step::day, base::from_unix_ms(**pruned)) + 2);
}

Result<Reports::Verified> count_all(SqlSession& sql) {
  Reports::Verified verified;
  auto read = sql.each_row(
      "SELECT (SELECT count(*) FROM request), (SELECT count(*) FROM reservation), (SELECT count(*) FROM token),"
      " (SELECT count(*) FROM account), (SELECT count(*) FROM audit), "
      " (SELECT CAST(sum(posted) AS BIGINT) FROM account_balance),"
      " (SELECT CAST(sum(reserved) AS BIGINT) FROM account_balance)",
      [&](const Row& row) -> Result<void> {
        verified.requests = row.column_int(0);
        verified.open = row.column_int(1);
        verified.tokens = row.column_int(2);
        verified.accounts = row.column_int(3);
        verified.audit_rows = row.column_int(4);
        verified.posted = Credits::from_nano(row.column_int(5));
        verified.reserved = Credits::from_nano(row.column_int(6));
        return {};
      });
  if (!read) return tl::unexpected(read.error());
  return verified;
}

}  // namespace

Result<Reports::Verified> Reports::verify() {
  const auto since = first_whole_day(impl_.sql);
  if (!since) return tl::unexpected(since.error());
  Result<void> checked;
  for (const std::string holder : {"token", "account"}) {
    if (checked) checked = check_sums(impl_.sql, holder);
    for (const std::string table : {"request", "reservation"}) {
      if (checked) checked = check_homeless(impl_.sql, table, holder);
    }
  }
  if (checked) checked = check_steps(impl_.sql);
  if (checked) checked = check_rows(impl_.sql, *since);
  if (checked) checked = check_budgets(impl_.sql);
  if (checked) checked = check_batches(impl_.sql);
  if (checked) checked = check_chain(impl_);
  if (checked) checked = check_settings(impl_);
  if (checked) checked = check_resets(impl_.sql);
  if (checked) checked = check_seen(impl_);
  if (!checked) return tl::unexpected(checked.error());
  auto verified = count_all(impl_.sql);
  if (verified && *since > Time()) verified->since = *since;
  return verified;
}

}  // namespace cr::ledger

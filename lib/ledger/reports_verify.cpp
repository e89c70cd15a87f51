// SPDX-License-Identifier: MIT
#include <algorithm>

#include "ledger/audit.h"
#include "ledger/reports_state.h"

namespace cr::ledger {
namespace {

using base::ErrorCode;
using sqlite::Statement;

Reports::AuditRow audit_row_of(const Statement& row) {
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

// `holder` is token or account.
Result<void> check_sums(StatementCache& sql, const std::string& holder) {
  const std::string id = holder + "_id";
  const std::string text =
      "SELECT " + holder + ".name, balance.posted, balance.reserved, coalesce(ended.posted, 0)," +
      " coalesce(open.held, 0) FROM " + holder + "_balance AS balance JOIN " + holder + " ON " + holder +
      ".id = balance." + id + " LEFT JOIN (SELECT " + id + ", sum(posted) AS posted FROM request GROUP BY " + id +
      ") AS ended ON ended." + id + " = balance." + id + " LEFT JOIN (SELECT " + id +
      ", sum(held) AS held FROM reservation GROUP BY " + id + ") AS open ON open." + id + " = balance." + id +
      " WHERE balance.posted <> coalesce(ended.posted, 0) OR balance.reserved <> coalesce(open.held, 0)" +
      " OR balance.posted < 0 OR balance.reserved < 0 LIMIT 1";
  return sql.each_row(text, [&](const Statement& row) -> Result<void> {
    const auto money = [&](int column) { return Credits::from_nano(row.column_int(column)).to_decimal(); };
    return base::fail(ErrorCode::corrupt, holder + " '" + std::string(row.column_text(0)) + "': posted " + money(1) +
                                              ", its requests come to " + money(3) + "; reserved " + money(2) +
                                              ", its open reservations come to " + money(4));
  });
}

Result<void> check_homeless(StatementCache& sql, const std::string& table, const std::string& holder) {
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
      [&](const Statement& row) -> Result<void> {
        const Reports::AuditRow entry = audit_row_of(row);
        const token::Digest expected = audit_chain(impl.vault, previous, entry);
        const auto chain = row.column_blob(9);
        if (entry.seq != ++seq || !std::equal(chain.begin(), chain.end(), expected.begin(), expected.end())) {
          return base::fail(ErrorCode::corrupt, "audit row " + std::to_string(entry.seq) +
                                                    ": it, or one before it, was changed or taken out");
        }
        previous.assign(chain.begin(), chain.end());
        return {};
      });
  if (!read) return read;
  // Rows taken off the end leave a chain that fits, but not the number of the last one given.
  const auto last = impl.sql.find_int("SELECT seq FROM sqlite_sequence WHERE name = 'audit'");
  if (!last) return tl::unexpected(last.error());
  if (last->value_or(0) == seq) return {};
  return base::fail(ErrorCode::corrupt, "audit: rows after " + std::to_string(seq) + " were taken out");
}

}  // namespace

Result<std::vector<Reports::AuditRow>> Reports::audit(std::int64_t after_seq, std::size_t limit) {
  std::vector<AuditRow> rows;
  auto read = impl_.sql.each_row(
      "SELECT seq, at, pid, uid, gid, action, object, detail, reason FROM audit WHERE seq > ?1 ORDER BY seq LIMIT ?2",
      [&](const Statement& row) -> Result<void> {
        rows.push_back(audit_row_of(row));
        return {};
      },
      after_seq, static_cast<std::int64_t>(limit));
  if (!read) return tl::unexpected(read.error());
  return rows;
}

Result<void> Reports::verify() {
  for (const std::string holder : {"token", "account"}) {
    if (auto checked = check_sums(impl_.sql, holder); !checked) return checked;
    for (const std::string table : {"request", "reservation"}) {
      if (auto checked = check_homeless(impl_.sql, table, holder); !checked) return checked;
    }
  }
  return check_chain(impl_);
}

}  // namespace cr::ledger

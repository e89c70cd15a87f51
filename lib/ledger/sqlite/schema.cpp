// SPDX-License-Identifier: MIT
#include "ledger/sqlite/schema.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstdio>

#include "ledger/core/shipped_prices.h"
#include "ledger/sql/rows.h"
#include "ledger/sql/sql_session.h"
#include "ledger/sql/store_state.h"
#include "ledger/sqlite/durable_file.h"
#include "ledger/sqlite/migration_10_sql.h"
#include "ledger/sqlite/migration_11_sql.h"
#include "ledger/sqlite/migration_2_sql.h"
#include "ledger/sqlite/migration_3_sql.h"
#include "ledger/sqlite/migration_4_sql.h"
#include "ledger/sqlite/migration_5_sql.h"
#include "ledger/sqlite/migration_6_sql.h"
#include "ledger/sqlite/migration_7_sql.h"
#include "ledger/sqlite/migration_8_sql.h"
#include "ledger/sqlite/migration_9_sql.h"
#include "ledger/sqlite/schema_sql.h"
#include "ledger/sqlite/settings_watch.h"

namespace cr::ledger {
namespace {

using base::ErrorCode;
using base::Result;

// Those that a decision hangs on are checked whole at each start.
constexpr std::string_view k_tables[] = {"meta",
                                         "account",
                                         "account_balance",
                                         "grp",
                                         "token",
                                         "token_balance",
                                         "key",
                                         "channel",
                                         "channel_key",
                                         "price",
                                         "price_generation",
                                         "audit",
                                         "sqlite_sequence",
                                         "lost_attempt",
                                         "own_request",
                                         "reservation_batch",
                                         "budget_window",
                                         "usage_key",
                                         "usage",
                                         "unsummed",
                                         "refused",
                                         "request",
                                         "response"};
// These may have millions of rows and are checked while small: of tokens and keys all rows are read next, and their
// order and values checked; the audit's chain is checked by its report.
constexpr std::string_view k_large_tables[] = {"token",   "token_balance", "key",     "audit",
                                               "request", "usage",         "refused", "response"};
constexpr std::int64_t k_small_file_bytes = 32 << 20;

Result<void> insert_defaults(SqlSession& sql, Time now) {
  if (auto done = sql.run("INSERT INTO grp (rev, name, multiplier_millionths, note, created_at) VALUES (1, 'default', "
                          "1000000, '', ?1)",
                          now);
      !done) {
    return done;
  }
  if (auto done =
          sql.run("INSERT INTO account (id, rev, name, enabled, quota, note, created_at) VALUES (1, 1, 'default', "
                  "1, NULL, '', ?1)",
                  now);
      !done) {
    return done;
  }
  return sql.run("INSERT INTO account_balance (account_id) VALUES (1)");
}

// Those of the list that no administrator has set otherwise: what was shipped before, or was not there.
Result<void> put_shipped_prices(SqlSession& sql, Time now, std::string_view list) {
  auto prices = shipped_prices(now, list);
  if (!prices) return tl::unexpected(prices.error());
  for (PriceRecord& price : *prices) {
    const auto own = sql.find_int("SELECT 1 FROM price WHERE model = ?1 AND source <> 'shipped' LIMIT 1",
                                  std::string_view(price.model));
    if (!own) return tl::unexpected(own.error());
    if (*own) continue;
    if (auto done = insert_price(sql, price); !done) return done;
  }
  return sql.run(
      "INSERT INTO meta (key, value) VALUES ('shipped_prices', ?1) ON CONFLICT (key) DO UPDATE SET value = "
      "excluded.value",
      shipped_prices_digest(list));
}

}  // namespace

std::span<const Migration> migrations() {
  static constexpr Migration k_steps[] = {{2, k_migration_2_sql},  {3, k_migration_3_sql}, {4, k_migration_4_sql},
                                          {5, k_migration_5_sql},  {6, k_migration_6_sql}, {7, k_migration_7_sql},
                                          {8, k_migration_8_sql},  {9, k_migration_9_sql}, {10, k_migration_10_sql},
                                          {11, k_migration_11_sql}};
  static_assert(std::end(k_steps)[-1].to == k_schema_version);
  return k_steps;
}

Result<void> create_schema(sqlite::Database& db, const token::Vault& vault, std::string_view price_list) {
  const Time now = base::wall_now();
  auto transaction = sqlite::Transaction::begin(db);
  if (!transaction) return tl::unexpected(transaction.error());
  if (auto done = db.execute(k_schema_sql); !done) return done;
  {
    SqlSession sql(db);
    if (auto done = insert_defaults(sql, now); !done) return done;
    if (auto done = put_shipped_prices(sql, now, price_list); !done) return done;
    const token::Digest fingerprint = vault.fingerprint();
    if (auto done = sql.run("INSERT INTO meta (key, value) VALUES ('vault_fingerprint', ?1)", Blob{fingerprint});
        !done) {
      return done;
    }
    if (auto done =
            sql.run("INSERT INTO meta (key, value) VALUES ('audit_seq', 0), ('overrun', 0), ('pruned_before', 0)");
        !done)
      return done;
  }
  if (auto begun = begin_settings_sum(db, vault); !begun) return begun;
  return transaction->commit();
}

Result<void> migrate(sqlite::Database& db, std::span<const Migration> steps, std::int64_t target,
                     const token::Vault* vault) {
  const auto version = db.query_int("PRAGMA user_version");
  if (!version) return tl::unexpected(version.error());
  if (*version >= target) return {};
  const std::string backup = db.path() + ".v" + std::to_string(*version) + ".bak";
  const std::string partial = backup + ".new";
  // A copy left by an attempt that did not get to its end is of the same version as what is copied now.
  std::remove(partial.c_str());
  SqlSession sql(db);
  if (auto copied = sql.run("VACUUM INTO ?1", std::string_view(partial)); !copied) return copied;
  if (chmod(partial.c_str(), 0600) != 0) {
    return base::fail(ErrorCode::unavailable, "migrate the store: cannot keep its copy " + backup,
                      "check that the folder is writable");
  }
  // Before anything is changed: a power cut in the middle must find the old store or the new one, and the copy.
  if (auto kept = rename_durably(partial, backup); !kept) return kept;
  auto transaction = sqlite::Transaction::begin(db);
  if (!transaction) return tl::unexpected(transaction.error());
  // A step may change the columns, and so the sum.
  const auto fit = vault == nullptr ? Result<bool>(false) : settings_fit(db, *vault, *version);
  if (!fit) return tl::unexpected(fit.error());
  for (const Migration& step : steps) {
    if (step.to <= *version || step.to > target) continue;
    if (auto done = db.execute(step.sql); !done) return done;
  }
  const std::string set_version = "PRAGMA user_version = " + std::to_string(target);
  if (auto done = db.execute(set_version.c_str()); !done) return done;
  if (*fit && vault != nullptr) {
    if (auto begun = begin_settings_sum(db, *vault); !begun) return begun;
  }
  return transaction->commit();
}

Result<void> refresh_shipped_prices(sqlite::Database& db, std::string_view price_list,
                                    const std::function<Result<void>()>& last) {
  SqlSession sql(db);
  const auto known = sql.find_int("SELECT value FROM meta WHERE key = 'shipped_prices'");
  if (!known) return tl::unexpected(known.error());
  if (*known == shipped_prices_digest(price_list)) return {};
  auto transaction = sqlite::Transaction::begin(db);
  if (!transaction) return tl::unexpected(transaction.error());
  if (auto done = put_shipped_prices(sql, base::wall_now(), price_list); !done) return done;
  if (auto done = last(); !done) return done;
  return transaction->commit();
}

Result<void> check_identity(sqlite::Database& db, std::int64_t target) {
  const auto id = db.query_int("PRAGMA application_id");
  if (!id) return tl::unexpected(id.error());
  if (*id != k_application_id) {
    return base::fail(ErrorCode::corrupt, "open store " + db.path() + ": it is a database, but not one of crd's",
                      "name another file, or move this one away");
  }
  const auto version = db.query_int("PRAGMA user_version");
  if (!version) return tl::unexpected(version.error());
  if (*version > target) {
    return base::fail(ErrorCode::invalid,
                      "open store " + db.path() + ": written by a newer crd: schema version " +
                          std::to_string(*version) + ", this one knows " + std::to_string(target),
                      "start the newer crd, or restore the backup made before its first start");
  }
  if (*version < 1) return base::fail(ErrorCode::corrupt, "open store " + db.path() + ": it has no schema version");
  return {};
}

Result<void> check_tables(sqlite::Database& db) {
  const auto corrupt = [&](const std::string& what) {
    return base::fail(ErrorCode::corrupt, "open store " + db.path() + ": " + what,
                      "keep the file for inspection and restore the newest backup in its place");
  };
  SqlSession sql(db);
  const auto pages = db.query_int("PRAGMA page_count");
  if (!pages) return tl::unexpected(pages.error());
  const bool is_large = *pages * 4096 > k_small_file_bytes;
  for (const std::string_view table : k_tables) {
    const auto there = sql.find_int("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1", table);
    if (!there) return tl::unexpected(there.error());
    if (!*there) return corrupt("its table '" + std::string(table) + "' is missing");
    if (is_large && std::ranges::find(k_large_tables, table) != std::end(k_large_tables)) continue;
    const auto found = sql.find_text("PRAGMA quick_check('" + std::string(table) + "')");
    if (!found) return tl::unexpected(found.error());
    if (*found != "ok")
      return corrupt("its table '" + std::string(table) + "' is damaged: " + found->value_or("unknown"));
  }
  return {};
}

Result<void> check_fingerprint(sqlite::Database& db, const token::Vault& vault) {
  SqlSession sql(db);
  const token::Digest expected = vault.fingerprint();
  bool same = false;
  auto read =
      sql.each_row("SELECT value FROM meta WHERE key = 'vault_fingerprint'", [&](const Row& row) -> Result<void> {
        same = std::ranges::equal(row.column_blob(0), expected);
        return {};
      });
  if (!read) return read;
  if (same) return {};
  return base::fail(ErrorCode::invalid,
                    "open store " + db.path() + ": master.key is not the one that this store was made with",
                    "put the right master.key back: without it no key of this store can be checked or opened");
}

}  // namespace cr::ledger

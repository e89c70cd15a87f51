// SPDX-License-Identifier: MIT
// Schema: the newest version of the store's tables, and the way from an older version to this one. At the start only.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "sqlite/database.h"
#include "token/key.h"

namespace cr::ledger {

inline constexpr std::int64_t k_application_id = 1129466948;  // "CRLD"
inline constexpr std::int64_t k_schema_version = 11;

// What brings a store of version `to - 1` to `to`. Numbered without gaps; user_version is set by migrate().
struct Migration {
  std::int64_t to = 0;
  const char* sql = nullptr;
};
std::span<const Migration> migrations();

// In an empty database: tables, group and account `default`, the shipped prices, the vault's fingerprint.
// `price_list`: as Ledger::Options.
base::Result<void> create_schema(sqlite::Database& db, const token::Vault& vault, std::string_view price_list = {});
// Runs all that is missing in one transaction, after a copy to "<path>.v<version>.bak". With a vault the sum of the
// settings is begun anew, unless their rows are not those of the sum that there is.
base::Result<void> migrate(sqlite::Database& db, std::span<const Migration> steps,
                           std::int64_t target = k_schema_version, const token::Vault* vault = nullptr);
// Where `price_list` is another than the store's: its prices that no administrator has set otherwise. `last` is done in
// the same transaction.
base::Result<void> refresh_shipped_prices(sqlite::Database& db, std::string_view price_list,
                                          const std::function<base::Result<void>()>& last);
// Ours, of this version, whole where it must be, made with this master key. Errors as Ledger::open.
base::Result<void> check_identity(sqlite::Database& db, std::int64_t target = k_schema_version);
base::Result<void> check_tables(sqlite::Database& db);
base::Result<void> check_fingerprint(sqlite::Database& db, const token::Vault& vault);

}  // namespace cr::ledger

// SPDX-License-Identifier: MIT
// SettingsWatch: the rows of settings as SettingsSum needs them, on one connection: a view of their codes, and triggers
// that tell of each that comes, goes or changes, whatever changes it. Both are temporary: nothing of them is in the
// file. The thread that has the connection.
#pragma once

#include "ledger/sql/settings_sum.h"
#include "sqlite/database.h"

namespace cr::ledger {

// The view. The vault must be where it is whenever the view is read; called again, it takes the place of the last one.
base::Result<void> show_settings_rows(sqlite::Database& db, const token::Vault& vault);
// The triggers, once the view is there. `sum` stays where it is as long as rows are changed.
base::Result<void> watch_settings(sqlite::Database& db, SettingsSum& sum);
// From the rows as they are, in a transaction of the caller's.
base::Result<void> begin_settings_sum(sqlite::Database& db, const token::Vault& vault);
// Whether the rows are those that the store's sum tells of; of none: whether that is so of a store of this version.
base::Result<bool> settings_fit(sqlite::Database& db, const token::Vault& vault, std::int64_t version);

}  // namespace cr::ledger

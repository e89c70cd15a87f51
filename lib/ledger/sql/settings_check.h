// SPDX-License-Identifier: MIT
// SettingsCheck: whether the rows of settings are those that crd wrote, and if not, which they are, as far as the audit
// tells. The thread of the report.
#pragma once

#include "ledger/sql/reports_state.h"

namespace cr::ledger {

// `corrupt`, naming the record and its member where that can be told. The audit's chain was checked before.
base::Result<void> check_settings(Reports::Impl& impl);

}  // namespace cr::ledger

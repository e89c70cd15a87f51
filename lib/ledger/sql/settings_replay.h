// SPDX-License-Identifier: MIT
// SettingsReplay: what the audit says that the settings are, held against their rows. For words, not for a verdict:
// that nothing was changed is SettingsSum's to say, and what no entry of the audit tells is not compared. The thread of
// the report; a part of the tokens at a time, so that what it holds is bounded.
#pragma once

#include <string>

#include "base/result.h"
#include "ledger/sql/sql_session.h"

namespace cr::ledger {

// "token 'ci': quota is "90", and the audit says "20"", a few of such; "" where the rows and the audit agree.
base::Result<std::string> find_changed_settings(SqlSession& sql);

}  // namespace cr::ledger

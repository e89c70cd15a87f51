// SPDX-License-Identifier: MIT
// Files that must be there after a power cut: their bytes, and their names. Blocking.
#pragma once

#include <string>

#include "base/result.h"

namespace cr::ledger {

// `unavailable`, naming the path.
base::Result<void> sync_file(const std::string& path);
base::Result<void> sync_folder_of(const std::string& path);
// Gives a file its name once its bytes are on the disk; returns once the name is, too. Replaces what has that name.
base::Result<void> rename_durably(const std::string& from, const std::string& to);

}  // namespace cr::ledger

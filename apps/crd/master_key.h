// SPDX-License-Identifier: MIT
// The master key: from the service manager's credentials, or a file of its own beside the store, made at the first
// start.
#pragma once

#include <string>

#include "base/result.h"
#include "base/secret.h"

namespace cr::crd {

// $CREDENTIALS_DIRECTORY/master.key if it is there (systemd LoadCredential), else state_dir/master.key, made 0600 if
// there is no store yet, and no head of one either. Errors name the file: missing beside a store, not 32 bytes,
// readable by others.
base::Result<base::Secret> load_master_key(const std::string& state_dir, const std::string& store_path,
                                           const std::string& head_path);

}  // namespace cr::crd

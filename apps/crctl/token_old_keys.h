// SPDX-License-Identifier: MIT
// Which tokens `token rotate --older-than` takes: those of a filter whose key was made before.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "admin/token_messages.h"
#include "base/result.h"
#include "crctl/context.h"

namespace cr::crctl {

struct OldKeyFilter {
  std::optional<std::string> group, account, tag, name;  // as those of `token list`
  bool all = false;                                      // said on purpose
  bool given() const { return group || account || tag || name || all; }
};

const admin::KeyInfo* current_key(const admin::Token& token);

// Whatever their status, but disabled ones: nobody uses their keys, and how many there are is noted. One that is
// rotating already is among them where its new key is that old too.
base::Result<std::vector<admin::Token>> tokens_with_old_keys(Context& context, const OldKeyFilter& filter,
                                                             std::chrono::milliseconds older_than);

}  // namespace cr::crctl

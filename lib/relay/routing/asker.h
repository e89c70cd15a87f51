// SPDX-License-Identifier: MIT
// Asker: whose request it is, for what is learned of a channel from it. A plain value, any thread.
#pragma once

#include "base/id.h"

namespace cr::relay::routing {

struct Asker {
  base::TokenId token{};      // none: crd asks by itself, or it does not matter who asks
  base::AccountId account{};  // the token's
  bool only_account = false;  // there is no other account on this site
};

}  // namespace cr::relay::routing

// SPDX-License-Identifier: MIT
// Messages about a token, as the ledger's store takes them. Pure, any thread.
#pragma once

#include <string_view>

#include "admin/messages.h"
#include "ledger/core/store.h"

namespace cr::server::admin {

// The message as a new token, but for what is taken from another one.
base::Result<ledger::NewToken> to_new_token(const cr::admin::TokenCreate& create);
// What the message does not give on purpose becomes as in `model`.
void fill_like(ledger::NewToken& token, const cr::admin::TokenCreate& create, const ledger::TokenRecord& model,
               std::string_view account);
base::Result<ledger::TokenPatch> to_patch(const cr::admin::TokenEdit& edit);

}  // namespace cr::server::admin

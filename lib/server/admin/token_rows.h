// SPDX-License-Identifier: MIT
// What the token routes share: a token's row as of now, and the answer that carries a key. Any thread.
#pragma once

#include <string>

#include "server/admin/routes.h"
#include "server/admin/token_view.h"

namespace cr::server::admin {

base::Result<ledger::TokenRow> find_token_row(ledger::Ledger& ledger, const std::string& name);

// What the smallest request of the token costs; 0: it has no limit, can send nothing that has a price, or nobody waits
// for the answer any more.
base::Credits least_cost(const RouteCall& call, const ledger::TokenRecord& token);

// The one answer with a key's text in it; all copies on the way are wiped.
AdminAnswer answer_with_key(cr::admin::Token token, base::Secret key, int status);

}  // namespace cr::server::admin

// SPDX-License-Identifier: MIT
// Messages of a change, as the ledger's store takes them. Pure, any thread.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "admin/messages.h"
#include "ledger/core/store.h"

namespace cr::server::admin {

using ListChange = std::function<base::Result<std::vector<std::string>>(const std::vector<std::string>&)>;
// From the old list to the new one. Taking away what is not there is `invalid`; adding what is there is nothing.
ListChange list_change(std::string member, cr::admin::ListEdit edit);

base::Result<base::Period> read_period(const std::string& member, const std::string& name);
ledger::QuotaChange quota_change(const cr::admin::QuotaEdit& edit);
token::Switch switch_of(bool on);
base::Result<ledger::WhenLow> read_when_low(std::string_view text);  // "" = clamp

// The message as a new token, but for what is taken from another one.
base::Result<ledger::NewToken> to_new_token(const cr::admin::TokenCreate& create);
// What the message does not give on purpose becomes as in `model`.
void fill_like(ledger::NewToken& token, const cr::admin::TokenCreate& create, const ledger::TokenRecord& model,
               std::string_view account);
base::Result<ledger::TokenPatch> to_patch(const cr::admin::TokenEdit& edit);

}  // namespace cr::server::admin

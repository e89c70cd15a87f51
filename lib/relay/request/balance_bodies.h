// SPDX-License-Identifier: MIT
// What a token's own key is told of its limits and of what it used, as JSON. Pure; any thread.
#pragma once

#include <string>

#include "ledger/core/operations.h"
#include "relay/request/caller.h"

namespace cr::relay::request {

// GET /v1/token. `least`: what its smallest request costs.
std::string token_body(const Caller& caller, const ledger::BalanceQuery& balance, base::Credits least);
// The shape of OpenAI's former /dashboard/billing/subscription, read by many clients to show a balance.
std::string subscription_body(const Caller& caller, const ledger::BalanceQuery& balance);
// And of /dashboard/billing/usage, whatever days it is asked for: the whole life of the token.
std::string usage_body(const ledger::BalanceQuery& balance);

}  // namespace cr::relay::request

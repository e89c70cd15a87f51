// SPDX-License-Identifier: MIT
// The audit's chain: each row's digest covers the row and the digest before it, so that a row changed, left out or put
// in between shows. Pure; any thread.
#pragma once

#include <span>
#include <string>

#include "ledger/core/reports.h"
#include "token/key.h"

namespace cr::ledger {

token::Digest audit_chain(const token::Vault& vault, std::span<const std::uint8_t> previous,
                          const Reports::AuditRow& row);
std::string to_hex(std::span<const std::uint8_t> bytes);  // how a head writes the end of it

}  // namespace cr::ledger

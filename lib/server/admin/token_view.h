// SPDX-License-Identifier: MIT
// A token as the admin API shows it, and its status in one word. Pure, any thread.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "admin/token_messages.h"
#include "ledger/core/reports.h"

namespace cr::server::admin {

struct TokenStatusFacts {
  bool deleted = false;
  token::Switch enabled = token::Switch::on;
  std::optional<base::Time> not_before, expires;
  ledger::Balance balance;
  bool rotating = false;  // an old key still works
  std::span<const ledger::BudgetUse> budgets{};
  base::Credits least{};  // that a request of it costs: with less left it can pay none
};
// The first that holds: deleted, disabled, expired, not_yet_valid, exhausted, limited, rotating, enabled. Valid while
// not_before <= now < expires.
std::string_view token_status(const TokenStatusFacts& facts, base::Time now);

struct TokenView {
  const ledger::TokenRecord& record;
  std::string_view account;
  ledger::Balance balance;
  std::span<const ledger::KeyRow> keys;  // current first; those past their grace are left out
  std::optional<base::Time> last_used_at;
  std::span<const ledger::BudgetUse> budgets{};
  const std::map<std::string, std::int64_t>* refused = nullptr;  // null: not asked for
  base::Credits least{};                                         // that a request of it costs
};
// When all budgets have begun anew that are used up, or have less than `least` left; none if none is.
std::optional<base::Time> limited_until(std::span<const ledger::BudgetUse> budgets, base::Credits least = {});
cr::admin::Token to_message(const TokenView& view, base::Time now);
cr::admin::Token to_message(const ledger::TokenRow& row, base::Credits least, base::Time now);

}  // namespace cr::server::admin

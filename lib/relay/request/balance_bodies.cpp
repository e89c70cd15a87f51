// SPDX-License-Identifier: MIT
#include "relay/request/balance_bodies.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "relay/request/least_costs.h"

namespace cr::relay::request {
namespace {

using Json = nlohmann::ordered_json;

// What clients take for "no limit": new-api's convention.
constexpr double k_unlimited_dollars = 100'000'000.0;

Json money(const std::optional<base::Credits>& credits) {
  return credits ? Json(credits->to_decimal()) : Json();
}
Json when(const std::optional<base::Time>& time) {
  return time ? Json(base::format_rfc3339(*time)) : Json();
}

// What the next request could hold: of its own quota, its account's and its budgets the least; none if there is no
// limit.
std::optional<base::Credits> remaining(const ledger::BalanceQuery& balance) {
  if (!balance.token_balance.quota && !balance.account_balance.quota && balance.budgets.empty()) return std::nullopt;
  auto least = std::min(balance.token_balance.available(), balance.account_balance.available());
  for (const auto& budget : balance.budgets) least = std::min(least, budget.available());
  return least;
}

// "exhausted" until somebody raises it, "limited" until the latest of the budgets that are used up begins anew: what is
// left does not pay the smallest request.
std::string_view status_of(const ledger::BalanceQuery& balance, base::Credits least) {
  if (pays_nothing(std::min(balance.token_balance.available(), balance.account_balance.available()), least))
    return "exhausted";
  const auto used_up = [&](const ledger::BudgetUse& budget) { return pays_nothing(budget.available(), least); };
  return std::any_of(balance.budgets.begin(), balance.budgets.end(), used_up) ? "limited" : "enabled";
}

Json budgets_json(const ledger::BalanceQuery& balance) {
  Json list = Json::array();
  for (const auto& budget : balance.budgets) {
    list.push_back({{"period", base::name_of(budget.period)},
                    {"limit", budget.limit.to_decimal()},
                    {"used", budget.used.to_decimal()},
                    {"reserved", budget.reserved.to_decimal()},
                    {"remaining", budget.available().to_decimal()},
                    {"resets_at", base::format_rfc3339(budget.span.end)}});
  }
  return list;
}

Json count(const std::optional<std::int64_t>& number) {
  return number ? Json(*number) : Json();
}

double dollars(base::Credits credits) {
  return static_cast<double>(credits.nano()) / 1e9;
}

}  // namespace

std::string token_body(const Caller& caller, const ledger::BalanceQuery& balance, base::Credits least) {
  const auto& token = *caller.token;
  const auto left = remaining(balance);
  Json body{{"object", "token"},
            {"name", token.name},
            {"status", status_of(balance, least)},
            {"quota", money(token.quota)},
            {"used", balance.token_balance.posted.to_decimal()},
            {"reserved", balance.token_balance.reserved.to_decimal()},
            {"remaining", money(left)},
            {"budgets", budgets_json(balance)},
            {"requests_per_minute", count(token.settings->rates.requests_per_minute)},
            {"tokens_per_minute", count(token.settings->rates.tokens_per_minute)},
            {"requests_at_once", count(token.settings->rates.requests_at_once)},
            {"expires_at", when(token.expires)},
            {"not_before", when(token.settings->not_before)},
            {"groups", token.settings->groups},
            {"models", token.settings->models},
            {"allow_ip", token.settings->allow_ip}};
  return body.dump();
}

std::string subscription_body(const Caller& caller, const ledger::BalanceQuery& balance) {
  const auto left = remaining(balance);
  const double limit =
      left ? dollars(*left + balance.token_balance.posted + balance.token_balance.reserved) : k_unlimited_dollars;
  const auto until = caller.token->expires ? base::to_unix_ms(*caller.token->expires) / 1000 : 0;
  return Json{{"object", "billing_subscription"}, {"has_payment_method", true},     {"soft_limit_usd", limit},
              {"hard_limit_usd", limit},          {"system_hard_limit_usd", limit}, {"access_until", until}}
      .dump();
}

std::string usage_body(const ledger::BalanceQuery& balance) {
  // In cents, over the token's whole life: what such clients subtract from the limit above.
  return Json{{"object", "list"},
              {"total_usage", dollars(balance.token_balance.posted + balance.token_balance.reserved) * 100.0}}
      .dump();
}

}  // namespace cr::relay::request

// SPDX-License-Identifier: MIT
// Exchange, rates: decided in memory before anything is read or reserved; what was charged by estimate is put right by
// what was used.
#include <algorithm>

#include "relay/request/exchange.h"

namespace cr::relay::request {

using dialect::Refusal;
using dialect::RefusalCode;

Refusal refusal_of(const routing::RateRefusal& refused, const ledger::TokenRecord& token) {
  const auto wait = std::max(std::chrono::seconds(1), std::chrono::ceil<std::chrono::seconds>(refused.retry_after));
  const auto named = "token '" + token.name + "'";
  const auto& rates = token.rates;
  switch (refused.limit) {
    case routing::RateRefusal::Limit::requests:
      return {RefusalCode::rate_limit_exceeded,
              named + " may send " + std::to_string(*rates.requests_per_minute) +
                  " requests a minute: wait, or raise it with 'crctl token edit --rpm'",
              {},
              wait};
    case routing::RateRefusal::Limit::tokens:
      return {RefusalCode::rate_limit_exceeded,
              named + " may use " + std::to_string(*rates.tokens_per_minute) +
                  " model tokens a minute: wait, or raise it with 'crctl token edit --tpm'",
              {},
              wait};
    case routing::RateRefusal::Limit::at_once:
      break;
  }
  return {RefusalCode::concurrency_limit_exceeded,
          named + " may have " + std::to_string(*rates.requests_at_once) +
              " requests running at once: wait, or raise it with 'crctl token edit --concurrency'",
          {},
          wait};
}

Exchange::MaybeRefusal Exchange::enter_rates() {
  const auto& token = *caller_.token;
  if (!token.rates.any()) return std::nullopt;
  const auto refused = lane_.shared().rates.enter(token.id, token.rates, base::steady_now());
  if (refused) return refusal_of(*refused, token);
  rates_.entered = true;
  return std::nullopt;
}

Exchange::MaybeRefusal Exchange::charge_rates() {
  const auto& token = *caller_.token;
  if (!token.rates.tokens_per_minute) return std::nullopt;
  const auto amount =
      priced().estimated_input() + scan_.output_bound.value_or(0) * std::max<std::int64_t>(1, scan_.choices);
  rates_.charged_at = base::steady_now();
  const auto refused = lane_.shared().rates.charge(token.id, token.rates, amount, rates_.charged_at);
  if (refused) return refusal_of(*refused, token);
  rates_.charged = amount;
  return std::nullopt;
}

void Exchange::correct_rates(std::int64_t used_tokens) {
  if (rates_.charged == 0) return;
  lane_.shared().rates.correct(caller_.token->id, used_tokens - rates_.charged, rates_.charged_at, base::steady_now());
  rates_.charged = 0;
}

void Exchange::leave_rates() {
  if (rates_.entered) lane_.shared().rates.leave(caller_.token->id, base::steady_now());
  rates_.entered = false;
}

std::optional<routing::RateStatus> Exchange::rate_status() const {
  if (!caller_.token || !caller_.token->rates.any()) return std::nullopt;
  return lane_.shared().rates.status(caller_.token->id, caller_.token->rates, base::steady_now());
}

}  // namespace cr::relay::request

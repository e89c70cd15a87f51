// SPDX-License-Identifier: MIT
// What a token's holder is told when its rates refuse a request.
#include <algorithm>

#include "relay/request/caller.h"

namespace cr::relay::request {

using dialect::Refusal;
using dialect::RefusalCode;

Refusal refusal_of(const routing::RateRefusal& refused, const ledger::TokenRecord& token) {
  const auto wait = std::max(std::chrono::seconds(1), std::chrono::ceil<std::chrono::seconds>(refused.retry_after));
  const auto named = "token '" + token.name + "'";
  const auto& rates = token.settings->rates;
  switch (refused.limit) {
    case routing::RateRefusal::Limit::requests:
      return {RefusalCode::rate_limit_exceeded,
              named + " may send " + std::to_string(*rates.requests_per_minute) +
                  " requests a minute: wait, or ask its administrator to raise it ('--rpm')",
              {},
              wait};
    case routing::RateRefusal::Limit::tokens:
      return {RefusalCode::rate_limit_exceeded,
              named + " may use " + std::to_string(*rates.tokens_per_minute) +
                  " model tokens a minute: wait, or ask its administrator to raise it ('--tpm')",
              {},
              wait};
    case routing::RateRefusal::Limit::at_once:
      break;
  }
  return {RefusalCode::concurrency_limit_exceeded,
          named + " may have " + std::to_string(*rates.requests_at_once) +
              " requests running at once: wait, or ask its administrator to raise it ('--concurrency')",
          {},
          wait};
}

Refusal too_many_refusals(std::int64_t a_second, const ledger::TokenRecord& token) {
  return {RefusalCode::too_many_refusals,
          std::to_string(a_second) + " requests of token '" + token.name +
              "' were refused in this second: wait until it is over, and do what those refusals say",
          {},
          dialect::k_retry_soon};
}

}  // namespace cr::relay::request

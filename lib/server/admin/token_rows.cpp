// SPDX-License-Identifier: MIT
#include "server/admin/token_rows.h"

#include "relay/request/caller.h"

namespace cr::server::admin {

using base::Result;
using ledger::Reports;

Result<ledger::TokenRow> find_token_row(ledger::Ledger& ledger, const std::string& name) {
  return read_ledger(ledger, [&](Reports& reports) { return reports.token(name); });
}

AdminAnswer answer_with_key(cr::admin::Token token, base::Secret key, int status) {
  cr::admin::TokenWithKey message{std::move(token), std::string(key.reveal())};
  auto answer = answer_with(message, message.token.rev, status);
  base::wipe(message.key);
  return answer;
}

base::Credits least_cost(const RouteCall& call, const ledger::TokenRecord& token) {
  const auto directory = call.api.ledger().directory().get();
  if (!relay::request::is_limited(token, directory->find_account(token.account).get())) return {};
  auto& kept = *call.api.hooks().least_costs;
  if (const auto known = kept.find(*directory, token, call.now)) return known->least.value_or(base::Credits());
  const auto listing =
      call.api.model_listings().find(directory, token.settings->groups, [&] { return call.request.is_abandoned(); });
  if (!listing) return {};
  relay::request::LeastCostSearch search(*directory, std::make_shared<const ledger::TokenRecord>(token), call.now);
  for (const auto& name : (*listing)->names()) search.look_at(name);
  kept.put(*directory, token, call.now, search.least());
  return search.least().value_or(base::Credits());
}

}  // namespace cr::server::admin

// SPDX-License-Identifier: MIT
// Route of `token check`: would a request pass? Asks the rules in the order of the request path, by its own functions.
#include "base/text.h"
#include "relay/request/caller.h"
#include "relay/routing/router.h"
#include "server/admin/routes.h"
#include "server/admin/token_rows.h"

namespace cr::server::admin {

namespace {

using base::Result;
using dialect::RefusalCode;

struct Asked {
  std::shared_ptr<const ledger::TokenRecord> token;
  std::shared_ptr<const ledger::AccountRecord> account;
  std::string model;
  std::optional<base::IpAddress> ip;
  std::optional<base::Credits> cost;
};

// What an operator would type to let it pass.
std::string setting_for(RefusalCode code, const Asked& asked) {
  const auto token = "crctl token edit " + asked.token->name;
  switch (code) {
    case RefusalCode::token_disabled:
      return "crctl token enable " + asked.token->name;
    case RefusalCode::token_expired:
      return token + " --expires 30d";
    case RefusalCode::token_not_yet_valid:
      return token + " --not-before none";
    case RefusalCode::account_disabled:
      return "crctl account enable " + asked.account->name;
    case RefusalCode::ip_not_allowed:
      return token + " --allow-ip +" + (asked.ip ? asked.ip->to_string() : "ADDRESS");
    case RefusalCode::model_not_allowed:
      return token + " --models '+" + asked.model + "'";
    case RefusalCode::model_not_found:
      return "crctl channel edit CHANNEL --models '+" + asked.model + "'";
    case RefusalCode::rate_limit_exceeded:
    case RefusalCode::unavailable:
    case RefusalCode::upstream_auth:
      return "crctl route explain --token " + asked.token->name + " --model '" + asked.model + "'";
    case RefusalCode::model_not_priced:
      return "crctl price set '" + asked.model + "' --input N --output N";
    default:
      return {};
  }
}

cr::admin::TokenVerdict refused(RefusalCode code, std::string reason, const Asked& asked) {
  cr::admin::TokenVerdict verdict;
  verdict.rule = dialect::row_of(code).name;
  verdict.reason = std::move(reason);
  verdict.setting = setting_for(code, asked);
  return verdict;
}

std::optional<cr::admin::TokenVerdict> check_rules(const Asked& asked, base::Time now) {
  auto record = *asked.token;
  if (!asked.ip) record.ip_set = {};  // no address asked about: its rule is not
  const auto verdict = relay::request::admit(record, *asked.account, now, asked.ip.value_or(base::IpAddress{}));
  if (verdict != token::Verdict::allowed) {
    const auto refusal = relay::request::refusal_of(verdict, record);
    return refused(refusal.code, refusal.message, asked);
  }
  if (!record.model_set.allows(asked.model)) {
    const auto refusal = relay::request::refusal_of(token::Verdict::model_not_allowed, record);
    return refused(refusal.code, refusal.message, asked);
  }
  return std::nullopt;
}

// By the router itself, whatever the endpoint: the channels that a request for this model could be sent to.
std::optional<cr::admin::TokenVerdict> check_route(const RouteCall& call, const Asked& asked,
                                                   const ledger::Directory& directory,
                                                   std::vector<std::string>& channels) {
  std::optional<relay::routing::Standing> closed;
  for (const auto endpoint : {dialect::Endpoint::chat_completions, dialect::Endpoint::messages}) {
    const auto routes = relay::routing::find_routes(directory, *asked.token, asked.model, endpoint,
                                                    *call.api.hooks().health, base::steady_now(), 0);
    if (routes.closed) closed = routes.closed;
    for (const auto& route : routes.tries) {
      if (std::find(channels.begin(), channels.end(), route.channel->name) == channels.end())
        channels.push_back(route.channel->name);
    }
  }
  if (channels.empty() && closed) {
    const auto refusal = relay::routing::closed_refusal(*closed);
    return refused(refusal.code, refusal.message, asked);
  }
  if (channels.empty()) {
    return refused(RefusalCode::model_not_found,
                   "no enabled channel of the groups of token '" + asked.token->name + "' serves this model", asked);
  }
  const bool limited =
      asked.token->quota.has_value() || asked.account->quota.has_value() || ledger::has_budget(*asked.token);
  if (!limited || directory.find_price(asked.model, call.now)) return std::nullopt;
  for (const auto& channel : directory.channels()) {
    // An alias may be priced by the name it stands for.
    const auto alias = channel->model_map.find(asked.model);
    if (channel->name == channels.front() && alias != channel->model_map.end() &&
        directory.find_price(alias->second, call.now)) {
      return std::nullopt;
    }
  }
  return refused(RefusalCode::model_not_priced,
                 "the model has no price, and token '" + asked.token->name + "' or its account has a quota or a budget",
                 asked);
}

std::optional<cr::admin::TokenVerdict> check_credit(const ledger::LookOp& balances, const Asked& asked) {
  const auto lacks = [&](const ledger::Balance& balance) {
    const auto left = balance.available();
    return balance.quota && (left == base::Credits() || (asked.cost && left < *asked.cost));
  };
  if (lacks(balances.token_balance)) {
    auto verdict = refused(
        RefusalCode::insufficient_quota,
        "token '" + asked.token->name + "' has " + balances.token_balance.available().to_display() + " left", asked);
    verdict.setting = "crctl token edit " + asked.token->name + " --quota +5";
    return verdict;
  }
  if (lacks(balances.account_balance)) {
    auto verdict = refused(
        RefusalCode::insufficient_quota,
        "account '" + asked.account->name + "' has " + balances.account_balance.available().to_display() + " left",
        asked);
    verdict.setting = "crctl account credit " + asked.account->name + " 5";
    return verdict;
  }
  for (const auto& budget : balances.budgets) {
    const auto left = budget.available();
    if (left > base::Credits() && (!asked.cost || left >= *asked.cost)) continue;
    const std::string period(base::name_of(budget.period));
    auto verdict =
        refused(RefusalCode::budget_exceeded,
                "token '" + asked.token->name + "' has " + left.to_display() + " left of its budget of this " + period +
                    ", which begins anew at " + base::format_rfc3339(budget.span.end),
                asked);
    verdict.setting = "crctl token edit " + asked.token->name + " --budget +5/" + period;
    return verdict;
  }
  return std::nullopt;
}

Result<Asked> read_question(const RouteCall& call, const ledger::Directory& directory) {
  const auto check = read_body<cr::admin::TokenCheck>(call);
  if (!check) return tl::unexpected(check.error());
  Asked asked{directory.find_token(call.name()), nullptr, check->model, std::nullopt, check->cost};
  if (check->cost && *check->cost < base::Credits()) {
    return base::fail(base::ErrorCode::invalid, "cost: expected 0 or more");
  }
  if (check->ip) {
    const auto address = base::IpAddress::parse(*check->ip);
    if (!address) return base::fail(base::ErrorCode::invalid, "ip: " + address.error().message, address.error().hint);
    asked.ip = *address;
  }
  if (asked.token) asked.account = directory.find_account(asked.token->account);
  if (asked.account) return asked;
  const auto row = find_token_row(call.api.ledger(), call.name());  // for its words: not found, and the nearest
  if (!row) return tl::unexpected(row.error());
  return base::fail(base::ErrorCode::unavailable, "token '" + call.name() + "' is changing just now", "try again");
}

}  // namespace

RouteResult check_token(RouteCall& call) {
  const auto directory = call.api.ledger().directory().get();
  const auto asked = read_question(call, *directory);
  if (!asked) return tl::unexpected(asked.error());
  if (auto verdict = check_rules(*asked, call.now)) return answer_with(*verdict);
  cr::admin::TokenVerdict allowed;
  if (auto verdict = check_route(call, *asked, *directory, allowed.channels)) return answer_with(*verdict);
  const auto balances = call.api.ledger().look(asked->token->id);
  if (!balances) return tl::unexpected(balances.error());
  if (auto verdict = check_credit(*balances, *asked)) return answer_with(*verdict);
  allowed.allowed = true;
  return answer_with(allowed);
}

}  // namespace cr::server::admin

// SPDX-License-Identifier: MIT
// Route of `token check`: would a request pass? Asked of the same Admission that requests pass.
#include "base/text.h"
#include "relay/request/admission.h"
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

cr::admin::TokenVerdict refused(const dialect::Refusal& refusal, const Asked& asked) {
  return refused(refusal.code, refusal.message, asked);
}

// What would let the token send more at once, or in a minute.
std::string setting_for_rates(RefusalCode code, const Asked& asked) {
  if (code == RefusalCode::too_many_refusals) return "crctl token show " + asked.token->name + " --fields refused";
  const auto token = "crctl token edit " + asked.token->name;
  if (code == RefusalCode::concurrency_limit_exceeded) return token + " --concurrency N";
  return token + (asked.token->settings->rates.requests_per_minute ? " --rpm N" : "") +
         (asked.token->settings->rates.tokens_per_minute ? " --tpm N" : "");
}

// Everything but the credit: the token's own rules, its rates, and some endpoint's routes and price. `channels` are
// those that would serve it, at whatever endpoint.
std::optional<cr::admin::TokenVerdict> check_call(relay::request::Admission& admission, const Asked& asked,
                                                  std::int64_t refusals_a_second, base::Time now,
                                                  std::vector<std::string>& channels) {
  const auto steady = base::steady_now();
  if (const auto refusal =
          admission.identify(relay::request::Caller{{}, asked.token, asked.account, {}}, asked.ip, now))
    return refused(*refusal, asked);
  if (const auto refusal = admission.look_at_rates(steady, refusals_a_second)) {
    auto verdict = refused(*refusal, asked);
    verdict.setting = setting_for_rates(refusal->code, asked);
    return verdict;
  }
  std::vector<const ledger::ChannelRecord*> serving;
  if (const auto refusal = admission.call_smallest(asked.model, now, steady, serving)) return refused(*refusal, asked);
  for (const auto* channel : serving) channels.push_back(channel->name);
  return std::nullopt;
}

// Whether what is left carries a request of that cost; without one, the smallest that there is.
std::optional<cr::admin::TokenVerdict> check_credit(const relay::request::Admission& admission,
                                                    const ledger::BalanceQuery& balances, const Asked& asked) {
  if (!admission.is_limited()) return std::nullopt;
  const auto carries = [&](base::Credits left) {
    return left > base::Credits() && (asked.cost ? left >= *asked.cost : admission.fits(left));
  };
  const auto lacks = [&](const ledger::Balance& balance) { return balance.quota && !carries(balance.available()); };
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
    if (carries(left)) continue;
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
  relay::request::Admission admission(*directory, *call.api.hooks().health, *call.api.hooks().rates);
  cr::admin::TokenVerdict allowed;
  if (const auto verdict =
          check_call(admission, *asked, call.api.hooks().refusals_per_second(), call.now, allowed.channels))
    return answer_with(*verdict);
  const auto balances = call.api.ledger().balance(asked->token->id);
  if (!balances) return tl::unexpected(balances.error());
  if (auto verdict = check_credit(admission, *balances, *asked)) return answer_with(*verdict);
  allowed.allowed = true;
  return answer_with(allowed);
}

}  // namespace cr::server::admin

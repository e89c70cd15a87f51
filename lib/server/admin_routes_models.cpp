// SPDX-License-Identifier: MIT
// Routes of names: models a token or a group can reach, and the names that completion offers.
#include "base/text.h"
#include "relay/router.h"
#include "server/admin_routes.h"

namespace cr::server {

namespace {

using base::ErrorCode;
using base::fail;
using base::Result;
using ledger::Reports;
using Names = std::vector<std::string>;

constexpr std::size_t k_names_max = 5000;

void add_channels(const ledger::Directory& directory, const ledger::TokenRecord& token, const std::string& model,
                  Names& names) {
  relay::HealthBook all_well;  // what is set aside for the moment is reachable all the same
  for (const auto endpoint : {openai::Endpoint::chat_completions, openai::Endpoint::messages}) {
    for (const auto& route : relay::find_routes(directory, token, model, endpoint, all_well, {}, 0).tries) {
      if (std::find(names.begin(), names.end(), route.channel->name) == names.end())
        names.push_back(route.channel->name);
    }
  }
}

// A request goes to the first of its token's groups that has a channel; without a token every group counts.
enum class Groups { first, every };

Names channels_for(const ledger::Directory& directory, const ledger::TokenRecord& token, const std::string& model,
                   Groups groups) {
  Names names;
  ledger::TokenRecord one;
  for (const auto& group : token.groups) {
    one.groups = {group};
    add_channels(directory, one, model, names);
    if (groups == Groups::first && !names.empty()) break;
  }
  return names;
}

template <class Row, class Name>
Result<Names> names_from(const Result<std::vector<Row>>& rows, Name name_of) {
  if (!rows) return tl::unexpected(rows.error());
  Names names;
  for (const auto& row : *rows) names.push_back(name_of(row));
  return names;
}

Result<Names> group_names(ledger::Ledger& ledger) {
  return names_from(read_ledger(ledger, [](Reports& reports) { return reports.groups(); }),
                    [](const ledger::GroupRow& row) { return row.group.name; });
}

Result<Names> account_names(ledger::Ledger& ledger) {
  return names_from(read_ledger(ledger, [](Reports& reports) { return reports.accounts(); }),
                    [](const ledger::AccountRow& row) { return row.account.name; });
}

Result<Names> token_names(ledger::Ledger& ledger) {
  ledger::TokenQuery query;
  query.limit = k_names_max;
  return names_from(read_ledger(ledger, [&](Reports& reports) { return reports.tokens(query); }),
                    [](const ledger::TokenRow& row) { return row.token.name; });
}

// A token that is nobody's, to ask what the groups can reach.
Result<ledger::TokenRecord> asking_token(const RouteCall& call, const ledger::Directory& directory) {
  const auto token = find_parameter(call.query, "token");
  const auto group = find_parameter(call.query, "group");
  if (token && group) return fail(ErrorCode::invalid, "token and group: give one of them");
  if (token) {
    if (const auto found = directory.find_token(*token)) return *found;
    const auto names = token_names(call.api.ledger());
    return tl::unexpected(not_found("token", *token, names.value_or(Names{})));
  }
  const auto groups = group_names(call.api.ledger());
  if (!groups) return tl::unexpected(groups.error());
  ledger::TokenRecord asking;
  asking.groups = *groups;
  if (!group) return asking;
  if (std::find(groups->begin(), groups->end(), *group) == groups->end()) {
    return tl::unexpected(not_found("group", *group, *groups));
  }
  asking.groups = {*group};
  return asking;
}

Result<Names> model_names(ledger::Ledger& ledger) {
  const auto groups = group_names(ledger);
  if (!groups) return groups;
  ledger::TokenRecord asking;
  asking.groups = *groups;
  const auto directory = ledger.directory().get();
  auto names = relay::reachable_models(*directory, asking);
  if (names.size() > k_names_max) names.resize(k_names_max);
  return names;
}

Result<Names> names_of(ledger::Ledger& ledger, const std::string& what) {
  if (what == "tokens") return token_names(ledger);
  if (what == "groups") return group_names(ledger);
  if (what == "accounts") return account_names(ledger);
  if (what == "models") return model_names(ledger);
  if (what != "channels") {
    const Names known{"tokens", "channels", "groups", "accounts", "models"};
    const auto close = base::nearest(what, known);
    return fail(ErrorCode::not_found, "no names of '" + base::escape_for_terminal(what.substr(0, 64)) + "'",
                close ? "did you mean '" + *close + "'?" : "tokens, channels, groups, accounts or models");
  }
  Names names;
  const auto directory = ledger.directory().get();
  for (const auto& channel : directory->channels()) names.push_back(channel->name);
  return names;
}

}  // namespace

RouteResult list_models(RouteCall& call) {
  const auto directory = call.api.ledger().directory().get();
  const auto token = asking_token(call, *directory);
  if (!token) return tl::unexpected(token.error());
  const auto groups = find_parameter(call.query, "token") ? Groups::first : Groups::every;
  std::vector<admin::ModelEntry> models;
  for (auto& model : relay::reachable_models(*directory, *token)) {
    auto channels = channels_for(*directory, *token, model, groups);
    models.push_back({std::move(model), std::move(channels)});
  }
  return answer_page(std::move(models), call.query);
}

RouteResult list_names(RouteCall& call) {
  auto names = names_of(call.api.ledger(), call.name());
  if (!names) return tl::unexpected(names.error());
  return answer_with(admin::Names{std::move(*names)});
}

}  // namespace cr::server

// SPDX-License-Identifier: MIT
// Routes of names: models a token or a group can reach, and the names that completion offers.
#include <algorithm>

#include "base/text.h"
#include "relay/routing/model_names.h"
#include "server/admin/model_listing.h"
#include "server/admin/routes.h"

namespace cr::server::admin {

namespace {

using base::ErrorCode;
using base::fail;
using base::Result;
using ledger::Reports;
using Names = std::vector<std::string>;

constexpr std::size_t k_names_max = 5000;

constexpr std::size_t k_steps_a_look = 10'000;     // before it is asked again whether anybody waits
constexpr std::size_t k_channels_a_page = 20'000;  // named for its models together: a longer page is cut, not refused

base::Result<std::shared_ptr<const ModelListing>> listing_for(const RouteCall& call,
                                                              const ledger::DirectorySnapshot& directory,
                                                              const ledger::TokenRecord& token) {
  return call.api.model_listings().find(directory, token.settings->groups, [&] { return call.request.is_abandoned(); });
}

// Of all that `token` reaches the names from the cursor on, one more than a page.
Result<Names> names_from_cursor(const RouteCall& call, const ModelListing& all, const ledger::TokenRecord& token,
                                const PageBounds& bounds) {
  const relay::routing::ModelFilter filter(token.settings->model_set);
  Names names;
  std::size_t skip = bounds.offset;
  std::size_t steps = 0;
  for (const auto& name : all.names()) {
    if (++steps % k_steps_a_look == 0 && call.request.is_abandoned()) return tl::unexpected(given_up());
    if (!filter.allows(name)) continue;
    if (skip > 0) {
      --skip;
      continue;
    }
    names.push_back(name);
    if (names.size() > bounds.limit) break;
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
  return read_ledger(ledger, [&](Reports& reports) { return reports.token_names(k_names_max); });
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
  asking.settings.edit().groups = *groups;
  if (!group) return asking;
  if (std::find(groups->begin(), groups->end(), *group) == groups->end()) {
    return tl::unexpected(not_found("group", *group, *groups));
  }
  asking.settings.edit().groups = {*group};
  return asking;
}

Result<Names> model_names(const RouteCall& call) {
  const auto groups = group_names(call.api.ledger());
  if (!groups) return tl::unexpected(groups.error());
  ledger::TokenRecord asking;
  asking.settings.edit().groups = *groups;
  const auto all = listing_for(call, call.api.ledger().directory().get(), asking);
  if (!all) return tl::unexpected(all.error());
  auto names = names_from_cursor(call, **all, asking, {0, k_names_max});
  if (names && names->size() > k_names_max) names->pop_back();
  return names;
}

Result<Names> names_of(const RouteCall& call, const std::string& what) {
  auto& ledger = call.api.ledger();
  if (what == "tokens") return token_names(ledger);
  if (what == "groups") return group_names(ledger);
  if (what == "accounts") return account_names(ledger);
  if (what == "models") return model_names(call);
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
  const auto groups = find_parameter(call.query, "token") ? ModelListing::Groups::first : ModelListing::Groups::every;
  const auto bounds = page_bounds(call.query);
  if (!bounds) return tl::unexpected(bounds.error());
  const auto all = listing_for(call, directory, *token);
  if (!all) return tl::unexpected(all.error());
  const auto names = names_from_cursor(call, **all, *token, *bounds);
  if (!names) return tl::unexpected(names.error());
  cr::admin::Page<cr::admin::ModelEntry> page;
  std::size_t channels = 0;
  for (const auto& name : *names) {
    if (page.items.size() == bounds->limit || channels > k_channels_a_page) {
      page.next = cursor_at(bounds->offset + page.items.size());
      break;
    }
    if (call.request.is_abandoned()) return tl::unexpected(given_up());
    page.items.push_back({name, (*all)->channels_for(name, groups)});
    channels += page.items.back().channels.size();
  }
  return answer_with(page);
}

RouteResult list_names(RouteCall& call) {
  auto names = names_of(call, call.name());
  if (!names) return tl::unexpected(names.error());
  return answer_with(cr::admin::Names{std::move(*names)});
}

}  // namespace cr::server::admin

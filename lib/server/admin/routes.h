// SPDX-License-Identifier: MIT
// The table of routes of the admin API, and what its functions have in hand. The functions stand in admin_routes_*.cpp
// by topic; each reads its message, asks the ledger and writes its message.
#pragma once

#include <algorithm>
#include <span>

#include "admin/changes.h"
#include "ledger/core/reports.h"
#include "server/admin/api.h"

namespace cr::server::admin {

using RouteResult = base::Result<AdminAnswer>;

struct RouteCall {
  AdminApi& api;
  const AdminRequest& request;
  std::vector<std::string> names;  // what stood in the pattern's braces, decoded
  AdminQuery query;                // without dry_run
  ledger::Ledger::DryRun dry_run = ledger::Ledger::DryRun::no;
  ledger::IfRev if_rev;
  base::Time now;

  const std::string& name() const { return names.front(); }
  bool is_dry_run() const { return dry_run == ledger::Ledger::DryRun::yes; }
  base::Result<void> write(const std::function<base::Result<void>(ledger::Store&)>& change) const {
    return api.ledger().write(change, dry_run);
  }
};

// `changes`: ?dry_run=true is known, a POST obeys Idempotency-Key, one line goes to the log.
enum class Effect { reads, changes };

struct Route {
  std::string_view method;
  std::string_view pattern;  // below /admin/v1: "/tokens/{name}/rotate"
  Effect effect;
  std::string_view parameters;  // of the query: "limit cursor"; "*" = the function checks them
  RouteResult (*run)(RouteCall&);
};

std::span<const Route> admin_routes();

// --- what the functions share ---
template <class T>
AdminAnswer answer_with(const T& message, std::optional<std::int64_t> rev = std::nullopt, int status = 200) {
  return {status, base::Secret(cr::admin::to_json(message)), rev};
}

inline constexpr int k_created = 201;

// The answer to an edit: the object and what that edit made of `before`, both as its transaction had them.
template <class T>
AdminAnswer answer_edited(const T& before, const T& after, std::optional<std::int64_t> rev = std::nullopt) {
  return answer_with(cr::admin::Edited<T>{after, cr::admin::changes_between(before, after)}, rev);
}

// What `query` makes of the reports, as of now.
template <class Query>
auto read_ledger(ledger::Ledger& ledger, const Query& query) -> decltype(query(std::declval<ledger::Reports&>())) {
  std::optional<decltype(query(std::declval<ledger::Reports&>()))> answer;
  auto done = ledger.read([&](ledger::Reports& reports) -> base::Result<void> {
    answer = query(reports);
    if (!*answer) return tl::unexpected(answer->error());
    return {};
  });
  if (!done) return tl::unexpected(done.error());
  return std::move(*answer);
}

// The body as a message; no body at all is {}.
template <class T>
base::Result<T> read_body(const RouteCall& call) {
  return cr::admin::from_json<T>(call.request.body.empty() ? std::string_view("{}") : call.request.body);
}

// The part of a list that ?limit and ?cursor ask for.
struct PageBounds {
  std::size_t offset = 0, limit = 200;
};
base::Result<PageBounds> page_bounds(const AdminQuery& query);
base::Result<PageBounds> page_bounds(const std::optional<std::string>& cursor, const std::optional<int>& limit);
std::string cursor_at(std::size_t offset);

template <class T>
RouteResult answer_page(std::vector<T> all, const AdminQuery& query) {
  const auto bounds = page_bounds(query);
  if (!bounds) return tl::unexpected(bounds.error());
  cr::admin::Page<T> page;
  const auto begin = std::min(bounds->offset, all.size());
  const auto end = begin + std::min(bounds->limit, all.size() - begin);
  for (auto at = begin; at < end; ++at) page.items.push_back(std::move(all[at]));
  if (end < all.size()) page.next = cursor_at(end);
  return answer_with(page);
}

std::optional<std::string> find_parameter(const AdminQuery& query, const std::string& name);

// "no channel named 'x'", with the nearest of `names`.
base::Error not_found(std::string_view what, std::string_view name, const std::vector<std::string>& names);

// --- tokens ---
RouteResult list_tokens(RouteCall& call);
RouteResult show_token(RouteCall& call);
RouteResult create_token(RouteCall& call);
RouteResult edit_token(RouteCall& call);
RouteResult delete_token(RouteCall& call);
RouteResult restore_token(RouteCall& call);
RouteResult reset_budgets(RouteCall& call);
RouteResult rotate_token(RouteCall& call);
RouteResult copy_token_key(RouteCall& call);
RouteResult revoke_new_key(RouteCall& call);
RouteResult check_token(RouteCall& call);
RouteResult verify_key(RouteCall& call);
// --- channels, models ---
RouteResult list_channels(RouteCall& call);
RouteResult show_channel(RouteCall& call);
RouteResult create_channel(RouteCall& call);
RouteResult edit_channel(RouteCall& call);
RouteResult delete_channel(RouteCall& call);
RouteResult set_channel_key(RouteCall& call);
RouteResult test_channel(RouteCall& call);
RouteResult list_models(RouteCall& call);
RouteResult explain_route(RouteCall& call);
// --- groups, accounts ---
RouteResult list_groups(RouteCall& call);
RouteResult show_group(RouteCall& call);
RouteResult create_group(RouteCall& call);
RouteResult edit_group(RouteCall& call);
RouteResult delete_group(RouteCall& call);
RouteResult list_accounts(RouteCall& call);
RouteResult show_account(RouteCall& call);
RouteResult create_account(RouteCall& call);
RouteResult edit_account(RouteCall& call);
RouteResult delete_account(RouteCall& call);
RouteResult credit_account(RouteCall& call);
// --- prices ---
RouteResult list_prices(RouteCall& call);
RouteResult show_price(RouteCall& call);
RouteResult set_price(RouteCall& call);
RouteResult unset_price(RouteCall& call);
RouteResult import_prices(RouteCall& call);
RouteResult quote_price(RouteCall& call);
// --- reports, the daemon ---
RouteResult show_status(RouteCall& call);
RouteResult show_version(RouteCall& call);
RouteResult show_metrics(RouteCall& call);
RouteResult list_names(RouteCall& call);
RouteResult report_usage(RouteCall& call);
RouteResult report_costs(RouteCall& call);
RouteResult list_requests(RouteCall& call);
RouteResult show_request(RouteCall& call);
RouteResult refund_request(RouteCall& call);
RouteResult list_audit(RouteCall& call);
RouteResult verify_audit(RouteCall& call);
RouteResult check_config(RouteCall& call);
RouteResult reload_config(RouteCall& call);

}  // namespace cr::server::admin

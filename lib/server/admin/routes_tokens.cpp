// SPDX-License-Identifier: MIT
// Routes of tokens: list, show, create, edit, delete, restore.
#include <charconv>

#include "admin/client.h"
#include "server/admin/edits.h"
#include "server/admin/field_values.h"
#include "server/admin/routes.h"
#include "server/admin/token_rows.h"

namespace cr::server::admin {

namespace {

using base::ErrorCode;
using base::fail;
using base::Result;
using ledger::Reports;
using ledger::Store;

ledger::TokenQuery to_query(const cr::admin::TokenFilter& filter, base::Time now) {
  using Sort = ledger::TokenQuery::Sort;
  static const std::map<std::string_view, Sort> sorts{{"name", Sort::name},           {"used", Sort::used},
                                                      {"left", Sort::left},           {"expires", Sort::expires},
                                                      {"last_used", Sort::last_used}, {"created", Sort::created}};
  ledger::TokenQuery query;
  query.name_glob = filter.name;
  query.group = filter.group;
  query.account = filter.account;
  if (filter.tag) {
    const auto equals = filter.tag->find('=');
    query.tag.emplace(filter.tag->substr(0, equals), std::nullopt);
    if (equals != std::string::npos) query.tag->second = filter.tag->substr(equals + 1);
  }
  if (filter.expiring_ms) query.expires_before = now + std::chrono::milliseconds(*filter.expiring_ms);
  if (filter.unused_ms) query.not_used_since = now - std::chrono::milliseconds(*filter.unused_ms);
  query.over_percent = filter.over_percent;
  query.deleted = filter.deleted || filter.status == "deleted";
  query.rotating = filter.rotating;
  std::string_view sort = filter.sort ? std::string_view(*filter.sort) : "name";
  query.descending = sort.starts_with('-');
  if (query.descending) sort.remove_prefix(1);
  if (const auto found = sorts.find(sort); found != sorts.end()) query.sort = found->second;
  return query;
}

// "k17:ci-runner", "k17:42": the row behind which a page begins.
std::string cursor_behind(const ledger::TokenPlace& place, ledger::TokenQuery::Sort sort) {
  const bool by_name = sort == ledger::TokenQuery::Sort::name;
  return "k" + std::to_string(place.id.value) + ":" + (by_name ? place.name : std::to_string(place.number));
}

Result<ledger::TokenPlace> place_of(std::string_view cursor, ledger::TokenQuery::Sort sort) {
  ledger::TokenPlace place;
  const auto read = [](std::string_view text, std::int64_t& number) {
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
    return !text.empty() && code == std::errc() && end == text.data() + text.size();
  };
  const auto colon = cursor.find(':');
  bool good =
      cursor.starts_with('k') && colon != std::string_view::npos && read(cursor.substr(1, colon - 1), place.id.value);
  if (good && sort == ledger::TokenQuery::Sort::name) {
    place.name = cursor.substr(colon + 1);
  } else if (good) {
    good = read(cursor.substr(colon + 1), place.number);
  }
  if (good) return place;
  return fail(ErrorCode::invalid, "cursor: not one this daemon gave out", "begin again without it");
}

// The status is computed, not stored: a filter by it reads on until the page is full.
Result<cr::admin::Page<cr::admin::Token>> read_page(Reports& reports, ledger::TokenQuery query,
                                                    const std::optional<std::string>& status, std::size_t limit,
                                                    const RouteCall& call) {
  cr::admin::Page<cr::admin::Token> page;
  page.items.reserve(limit);
  query.limit = limit + 1;  // one more tells whether there is another page
  for (;;) {
    const auto rows = reports.tokens(query);
    if (!rows) return tl::unexpected(rows.error());
    for (const auto& row : *rows) {
      auto token = to_message(row, least_cost(call, row.token), call.now);
      if (!status || token.status == *status) {
        if (page.items.size() == limit) {
          page.next = cursor_behind(*query.after, query.sort);
          return page;
        }
        page.items.push_back(std::move(token));
      }
      query.after = row.place;
    }
    if (rows->size() < query.limit) return page;
  }
}

// What happened to one token inside a transaction.
struct Outcome {
  std::shared_ptr<const ledger::TokenRecord> before, after;
  ledger::Balance balance;
  std::vector<ledger::BudgetUse> budgets_before, budgets;
};

cr::admin::Token message_of(const RouteCall& call, const ledger::TokenRecord& record, const ledger::Balance& balance,
                            const ledger::TokenRow* row, std::span<const ledger::BudgetUse> budgets) {
  const auto directory = call.api.ledger().directory().get();
  const auto account = directory->find_account(record.account);
  TokenView view{record, account ? std::string_view(account->name) : std::string_view(), balance, {}, {}, budgets};
  view.least = least_cost(call, record);
  if (row != nullptr) {
    view.keys = row->keys;
    view.last_used_at = row->last_used_at;
    view.refused = &row->refused;
  }
  return to_message(view, call.now);
}

Result<void> read_budgets(const Store& store, base::TokenId token, std::vector<ledger::BudgetUse>& budgets) {
  auto uses = store.budget_uses(token);
  if (!uses) return tl::unexpected(uses.error());
  budgets = std::move(*uses);
  return {};
}

}  // namespace

RouteResult list_tokens(RouteCall& call) {
  const auto filter = cr::admin::token_filter_from(call.query);
  if (!filter) return tl::unexpected(filter.error());
  auto query = to_query(*filter, call.now);
  if (filter->cursor) {
    auto place = place_of(*filter->cursor, query.sort);
    if (!place) return tl::unexpected(place.error());
    query.after = std::move(*place);
  }
  const auto limit = filter->limit ? static_cast<std::size_t>(*filter->limit) : PageBounds().limit;
  const auto page = read_ledger(
      call.api.ledger(), [&](Reports& reports) { return read_page(reports, query, filter->status, limit, call); });
  if (!page) return tl::unexpected(page.error());
  return answer_with(*page);
}

RouteResult show_token(RouteCall& call) {
  const auto row = find_token_row(call.api.ledger(), call.name());
  if (!row) return tl::unexpected(row.error());
  return answer_with(to_message(*row, least_cost(call, row->token), call.now), row->token.rev);
}

RouteResult create_token(RouteCall& call) {
  auto create = read_body<cr::admin::TokenCreate>(call);
  if (!create) return tl::unexpected(create.error());
  auto token = to_new_token(*create);
  if (create->key) base::wipe(*create->key);
  if (!token) return tl::unexpected(token.error());
  if (!create->like.empty()) {
    const auto model = find_token_row(call.api.ledger(), create->like);
    if (!model) return tl::unexpected(model.error());
    fill_like(*token, *create, model->token, model->account_name);
  }
  std::optional<ledger::IssuedKey> issued;
  std::vector<ledger::BudgetUse> budgets;
  auto done = call.write([&](Store& store) -> Result<void> {
    auto made = store.create_token(*token, call.request.actor);
    if (!made) return tl::unexpected(made.error());
    issued = std::move(*made);
    return read_budgets(store, issued->token->id, budgets);
  });
  if (!done) return tl::unexpected(done.error());
  const auto& record = *issued->token;
  std::optional<ledger::TokenRow> row;  // with its keys
  if (!call.is_dry_run()) {
    if (auto found = find_token_row(call.api.ledger(), record.name)) row = std::move(*found);
  }
  const ledger::Balance untouched{record.quota, {}, {}};
  return answer_with_key(message_of(call, record, untouched, row ? &*row : nullptr, budgets),
                         call.is_dry_run() ? base::Secret() : std::move(issued->key), k_created);
}

RouteResult edit_token(RouteCall& call) {
  const auto edit = read_body<cr::admin::TokenEdit>(call);
  if (!edit) return tl::unexpected(edit.error());
  const auto patch = to_patch(*edit);
  if (!patch) return tl::unexpected(patch.error());
  const auto row = find_token_row(call.api.ledger(), call.name());
  if (!row) return tl::unexpected(row.error());
  Outcome outcome;
  auto done = call.write([&](Store& store) -> Result<void> {
    outcome.before = store.find_token(call.name());
    if (outcome.before) {
      if (auto read = read_budgets(store, outcome.before->id, outcome.budgets_before); !read) return read;
    }
    auto after = store.edit_token(call.name(), *patch, call.if_rev, call.request.actor);
    if (!after) return tl::unexpected(after.error());
    outcome.after = std::move(*after);
    outcome.balance = store.find_balance(outcome.after->id).value_or(ledger::Balance{});
    return read_budgets(store, outcome.after->id, outcome.budgets);
  });
  if (!done) return tl::unexpected(done.error());
  outcome.balance.quota = outcome.after->quota;
  cr::admin::TokenEdited edited;
  edited.token = message_of(call, *outcome.after, outcome.balance, &*row, outcome.budgets);
  edited.changes =
      changes_between(message_of(call, *outcome.before, outcome.balance, &*row, outcome.budgets_before), edited.token);
  return answer_with(edited, edited.token.rev);
}

RouteResult delete_token(RouteCall& call) {
  auto row = find_token_row(call.api.ledger(), call.name());
  if (!row) return tl::unexpected(row.error());
  auto done =
      call.write([&](Store& store) { return store.delete_token(call.name(), call.if_rev, call.request.actor); });
  if (!done) return tl::unexpected(done.error());
  row->token.deleted_at = call.now;
  row->keys.clear();
  return answer_with(to_message(*row, least_cost(call, row->token), call.now));
}

RouteResult restore_token(RouteCall& call) {
  if (const auto body = read_body<cr::admin::Empty>(call); !body) return tl::unexpected(body.error());
  std::shared_ptr<const ledger::TokenRecord> restored;
  ledger::Balance balance;
  std::vector<ledger::BudgetUse> budgets;
  auto done = call.write([&](Store& store) -> Result<void> {
    auto record = store.restore_token(call.name(), call.request.actor);
    if (!record) return tl::unexpected(record.error());
    restored = std::move(*record);
    balance = store.find_balance(restored->id).value_or(ledger::Balance{restored->quota, {}, {}});
    return read_budgets(store, restored->id, budgets);
  });
  if (!done) return tl::unexpected(done.error());
  return answer_with(message_of(call, *restored, balance, nullptr, budgets), restored->rev);
}

RouteResult reset_budgets(RouteCall& call) {
  const auto reset = read_body<cr::admin::BudgetReset>(call);
  if (!reset) return tl::unexpected(reset.error());
  std::optional<base::Period> period;
  if (reset->period) {
    const auto read = read_period("period", *reset->period);
    if (!read) return tl::unexpected(read.error());
    period = *read;
  }
  auto row = find_token_row(call.api.ledger(), call.name());
  if (!row) return tl::unexpected(row.error());
  auto done = call.write([&](Store& store) -> Result<void> {
    if (auto given = store.reset_budgets(call.name(), period, call.request.actor); !given) return given;
    return read_budgets(store, row->token.id, row->budgets);
  });
  if (!done) return tl::unexpected(done.error());
  return answer_with(to_message(*row, least_cost(call, row->token), call.now), row->token.rev);
}

}  // namespace cr::server::admin

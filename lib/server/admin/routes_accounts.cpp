// SPDX-License-Identifier: MIT
// Routes of groups and accounts.
#include "admin/account_fields.h"
#include "ledger/core/account_fields.h"
#include "server/admin/field_values.h"
#include "server/admin/routes.h"

namespace cr::server::admin {

namespace {

using base::Result;
using ledger::AccountRow;
using ledger::GroupRow;
using ledger::Reports;
using ledger::Store;

// --- groups ---
cr::admin::Group to_message(const GroupRow& row) {
  cr::admin::Group group;
  show_fields<cr::admin::k_group_fields, ledger::k_group_fields>(group, row.group);
  group.channels = row.channels;
  group.tokens = row.tokens;
  return group;
}

Result<std::vector<GroupRow>> read_groups(const RouteCall& call) {
  return read_ledger(call.api.ledger(), [](Reports& reports) { return reports.groups(); });
}

Result<GroupRow> get_group(const RouteCall& call, const std::string& name) {
  return read_ledger(call.api.ledger(), [&](Reports& reports) { return reports.group(name); });
}

RouteResult answer_group(const RouteCall& call, const std::string& name, int status) {
  const auto row = get_group(call, name);
  if (!row) return tl::unexpected(row.error());
  return answer_with(to_message(*row), row->group.rev, status);
}

// --- accounts ---
cr::admin::Account to_message(const AccountRow& row) {
  const auto& record = row.account;
  cr::admin::Account account;
  show_fields<cr::admin::k_account_fields, ledger::k_account_fields>(account, record);
  account.used = row.posted;
  account.reserved = row.reserved;
  if (record.quota) account.left = ledger::Balance{record.quota, row.posted, row.reserved}.available();
  account.tokens = row.tokens;
  return account;
}

Result<std::vector<AccountRow>> read_accounts(const RouteCall& call) {
  return read_ledger(call.api.ledger(), [](Reports& reports) { return reports.accounts(); });
}

Result<AccountRow> get_account(const RouteCall& call, const std::string& name) {
  return read_ledger(call.api.ledger(), [&](Reports& reports) { return reports.account(name); });
}

RouteResult answer_account(const RouteCall& call, const std::string& name, int status) {
  const auto row = get_account(call, name);
  if (!row) return tl::unexpected(row.error());
  return answer_with(to_message(*row), row->account.rev, status);
}

// One edit of an account; the answer of a dry run shows what it would be.
RouteResult change_account(RouteCall& call, const ledger::AccountPatch& patch) {
  auto row = get_account(call, call.name());
  if (!row) return tl::unexpected(row.error());
  ledger::Edited<ledger::AccountRecord> edited;
  auto done = call.write([&](Store& store) -> Result<void> {
    auto both = store.edit_account(call.name(), patch, call.if_rev, call.request.actor);
    if (!both) return tl::unexpected(both.error());
    edited = std::move(*both);
    return {};
  });
  if (!done) return tl::unexpected(done.error());
  if (!call.is_dry_run()) row = get_account(call, call.name());
  if (!row) return tl::unexpected(row.error());
  row->account = *edited.before;
  const auto old = to_message(*row);
  row->account = *edited.after;
  if (call.is_dry_run()) row->account.rev = edited.before->rev;
  return answer_edited(old, to_message(*row), row->account.rev);
}

}  // namespace

RouteResult list_groups(RouteCall& call) {
  const auto rows = read_groups(call);
  if (!rows) return tl::unexpected(rows.error());
  std::vector<cr::admin::Group> groups;
  for (const auto& row : *rows) groups.push_back(to_message(row));
  return answer_page(std::move(groups), call.query);
}

RouteResult show_group(RouteCall& call) {
  return answer_group(call, call.name(), 200);
}

RouteResult create_group(RouteCall& call) {
  const auto create = read_body<cr::admin::GroupCreate>(call);
  if (!create) return tl::unexpected(create.error());
  GroupRow row;
  auto taken = take_created<cr::admin::k_group_fields, ledger::k_group_fields>(*create, row.group);
  if (!taken) return tl::unexpected(taken.error());
  row.group.created_at = call.now;
  auto done = call.write([&](Store& store) -> Result<void> {
    if (auto made = store.create_group(row.group, call.request.actor); !made) return tl::unexpected(made.error());
    return {};
  });
  if (!done) return tl::unexpected(done.error());
  if (call.is_dry_run()) return answer_with(to_message(row), std::nullopt, k_created);
  // Nobody belongs to it yet: no need to look through all tokens.
  const auto directory = call.api.ledger().directory().get();
  if (const auto made = directory->find_group(create->name)) row.group = *made;
  return answer_with(to_message(row), row.group.rev, k_created);
}

RouteResult edit_group(RouteCall& call) {
  const auto edit = read_body<cr::admin::GroupEdit>(call);
  if (!edit) return tl::unexpected(edit.error());
  ledger::GroupPatch patch;
  auto taken = take_edited<cr::admin::k_group_fields, ledger::k_group_fields>(*edit, patch);
  if (!taken) return tl::unexpected(taken.error());
  auto row = get_group(call, call.name());
  if (!row) return tl::unexpected(row.error());
  ledger::Edited<ledger::GroupRecord> edited;
  auto done = call.write([&](Store& store) -> Result<void> {
    auto both = store.edit_group(call.name(), patch, call.if_rev, call.request.actor);
    if (!both) return tl::unexpected(both.error());
    edited = std::move(*both);
    return {};
  });
  if (!done) return tl::unexpected(done.error());
  row->group = *edited.before;
  const auto old = to_message(*row);
  row->group = *edited.after;
  if (call.is_dry_run()) row->group.rev = edited.before->rev;
  return answer_edited(old, to_message(*row), row->group.rev);
}

RouteResult delete_group(RouteCall& call) {
  const auto row = get_group(call, call.name());
  if (!row) return tl::unexpected(row.error());
  auto done =
      call.write([&](Store& store) { return store.delete_group(call.name(), call.if_rev, call.request.actor); });
  if (!done) return tl::unexpected(done.error());
  return answer_with(to_message(*row));
}

RouteResult list_accounts(RouteCall& call) {
  const auto rows = read_accounts(call);
  if (!rows) return tl::unexpected(rows.error());
  std::vector<cr::admin::Account> accounts;
  for (const auto& row : *rows) accounts.push_back(to_message(row));
  return answer_page(std::move(accounts), call.query);
}

RouteResult show_account(RouteCall& call) {
  return answer_account(call, call.name(), 200);
}

RouteResult create_account(RouteCall& call) {
  const auto create = read_body<cr::admin::AccountCreate>(call);
  if (!create) return tl::unexpected(create.error());
  AccountRow row;
  auto taken = take_created<cr::admin::k_account_fields, ledger::k_account_fields>(*create, row.account);
  if (!taken) return tl::unexpected(taken.error());
  row.account.created_at = call.now;
  auto done = call.write([&](Store& store) -> Result<void> {
    if (auto made = store.create_account(row.account, call.request.actor); !made) return tl::unexpected(made.error());
    return {};
  });
  if (!done) return tl::unexpected(done.error());
  if (call.is_dry_run()) return answer_with(to_message(row), std::nullopt, k_created);
  return answer_account(call, create->name, k_created);
}

RouteResult edit_account(RouteCall& call) {
  const auto edit = read_body<cr::admin::AccountEdit>(call);
  if (!edit) return tl::unexpected(edit.error());
  ledger::AccountPatch patch;
  auto taken = take_edited<cr::admin::k_account_fields, ledger::k_account_fields>(*edit, patch);
  if (!taken) return tl::unexpected(taken.error());
  return change_account(call, patch);
}

RouteResult credit_account(RouteCall& call) {
  const auto credit = read_body<cr::admin::AccountCredit>(call);
  if (!credit) return tl::unexpected(credit.error());
  ledger::AccountPatch patch;
  patch.quota = ledger::QuotaChange{ledger::QuotaChange::Kind::delta, credit->amount};
  return change_account(call, patch);
}

RouteResult delete_account(RouteCall& call) {
  const auto row = get_account(call, call.name());
  if (!row) return tl::unexpected(row.error());
  auto done =
      call.write([&](Store& store) { return store.delete_account(call.name(), call.if_rev, call.request.actor); });
  if (!done) return tl::unexpected(done.error());
  return answer_with(to_message(*row));
}

}  // namespace cr::server::admin

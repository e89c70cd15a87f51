// SPDX-License-Identifier: MIT
#include "base/text.h"
#include "ledger/core/account_fields.h"
#include "ledger/sql/columns.h"
#include "ledger/sql/record_changes.h"
#include "ledger/sql/settings_json.h"
#include "ledger/sql/store_state.h"

namespace cr::ledger {
namespace {

using base::ErrorCode;
using base::fail;

}  // namespace

Result<AccountId> Store::create_account(const AccountRecord& wanted, const Actor& actor) {
  Result<void> done = base::check_name("account name", wanted.name);
  if (done) done = check_free(impl_.sql, "account", wanted.name);
  if (done) done = check_quota(wanted.quota);
  if (done) done = check_note(wanted.note);
  if (!done) return tl::unexpected(done.error());
  AccountRecord account = wanted;
  account.rev = 1;
  account.created_at = impl_.clock.now();
  const auto made = insert_record(impl_.sql, k_account_fields, "account", account);
  if (!made) return tl::unexpected(made.error());
  account.id = {*made};
  done = impl_.sql.run("INSERT INTO account_balance (account_id) VALUES (?1)", account.id);
  if (done) done = impl_.audit(actor, "account.create", "account " + account.name, audit_detail(nullptr, &account));
  if (!done) return tl::unexpected(done.error());
  impl_.holders.put(account, Holders::Presence::live);
  const AccountId id = account.id;
  impl_.directory.put_account(std::make_shared<const AccountRecord>(std::move(account)));
  return id;
}

Result<Edited<AccountRecord>> Store::edit_account(std::string_view name, const AccountPatch& patch, IfRev if_rev,
                                                  const Actor& actor) {
  const auto before = impl_.get_account(name);
  if (!before) return tl::unexpected(before.error());
  if (auto same = check_rev(if_rev, (*before)->rev, "account", name); !same) return tl::unexpected(same.error());
  AccountRecord account = **before;
  if (auto changed = change_record(k_account_fields, account, patch); !changed) return tl::unexpected(changed.error());
  if (auto checked = check_note(account.note); !checked) return tl::unexpected(checked.error());
  const AccountRecord& old = **before;
  if (same_settings(k_account_fields, account, old)) return Edited<AccountRecord>{*before, *before};
  ++account.rev;
  auto done = update_record(impl_.sql, k_account_fields, "account", account);
  if (done) done = impl_.audit(actor, "account.edit", "account " + account.name, audit_detail(&old, &account));
  if (!done) return tl::unexpected(done.error());
  impl_.holders.put(account, Holders::Presence::live);
  const auto after = std::make_shared<const AccountRecord>(std::move(account));
  impl_.directory.put_account(after);
  return Edited<AccountRecord>{*before, after};
}

Result<void> Store::delete_account(std::string_view name, IfRev if_rev, const Actor& actor) {
  const auto before = impl_.get_account(name);
  if (!before) return tl::unexpected(before.error());
  const AccountRecord& account = **before;
  if (auto same = check_rev(if_rev, account.rev, "account", name); !same) return same;
  if (account.name == "default") {
    return fail(ErrorCode::conflict, "account 'default': is the one that tokens without another belong to",
                "disable it instead: crctl account disable default");
  }
  const auto used = impl_.sql.find_text(
      "SELECT name FROM token WHERE account_id = ?1 AND deleted_at IS NULL ORDER BY name LIMIT 1", account.id);
  if (!used) return tl::unexpected(used.error());
  if (*used) {
    return fail(ErrorCode::conflict, "account '" + account.name + "': token '" + **used + "' belongs to it",
                "move its tokens to another account or delete them first");
  }
  // The row stays: what was posted to it is still reported, and reservations of deleted tokens still settle.
  auto done =
      impl_.sql.run("UPDATE account SET deleted_at = ?2, rev = rev + 1 WHERE id = ?1", account.id, impl_.clock.now());
  if (done) done = impl_.audit(actor, "account.delete", "account " + account.name, audit_detail(&account, nullptr));
  if (!done) return done;
  impl_.holders.put(account, Holders::Presence::deleted);
  impl_.directory.erase_account(account.id);
  return {};
}

}  // namespace cr::ledger

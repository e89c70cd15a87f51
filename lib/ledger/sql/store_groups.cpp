// SPDX-License-Identifier: MIT
#include <algorithm>

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

constexpr std::int64_t k_multiplier_max = 1000 * 1'000'000LL;

Result<void> check_group(const GroupRecord& group) {
  if (group.multiplier_millionths < 0 || group.multiplier_millionths > k_multiplier_max) {
    return fail(ErrorCode::invalid, "group '" + group.name + "': its multiplier must be from 0 to 1000");
  }
  return check_note(group.note);
}

}  // namespace

Result<GroupId> Store::create_group(const GroupRecord& wanted, const Actor& actor) {
  Result<void> done = base::check_name("group name", wanted.name);
  if (done) done = check_free(impl_.sql, "grp", wanted.name);
  if (done) done = check_group(wanted);
  if (!done) return tl::unexpected(done.error());
  GroupRecord group = wanted;
  group.rev = 1;
  group.created_at = impl_.clock.now();
  const auto made = insert_record(impl_.sql, k_group_fields, "grp", group);
  if (!made) return tl::unexpected(made.error());
  group.id = {*made};
  done = impl_.audit(actor, "group.create", "group " + group.name, audit_detail(nullptr, &group));
  if (!done) return tl::unexpected(done.error());
  const GroupId id = group.id;
  impl_.directory.put_group(std::make_shared<const GroupRecord>(std::move(group)));
  return id;
}

Result<Edited<GroupRecord>> Store::edit_group(std::string_view name, const GroupPatch& patch, IfRev if_rev,
                                              const Actor& actor) {
  const auto before = impl_.get_group(name);
  if (!before) return tl::unexpected(before.error());
  if (auto same = check_rev(if_rev, (*before)->rev, "group", name); !same) return tl::unexpected(same.error());
  GroupRecord group = **before;
  if (auto changed = change_record(k_group_fields, group, patch); !changed) return tl::unexpected(changed.error());
  if (auto checked = check_group(group); !checked) return tl::unexpected(checked.error());
  if (same_settings(k_group_fields, group, **before)) return Edited<GroupRecord>{*before, *before};
  ++group.rev;
  auto done = update_record(impl_.sql, k_group_fields, "grp", group);
  if (done) done = impl_.audit(actor, "group.edit", "group " + group.name, audit_detail(before->get(), &group));
  if (!done) return tl::unexpected(done.error());
  const auto after = std::make_shared<const GroupRecord>(std::move(group));
  impl_.directory.put_group(after);
  return Edited<GroupRecord>{*before, after};
}

Result<void> Store::delete_group(std::string_view name, IfRev if_rev, const Actor& actor) {
  const auto before = impl_.get_group(name);
  if (!before) return tl::unexpected(before.error());
  const GroupRecord& group = **before;
  if (auto same = check_rev(if_rev, group.rev, "group", name); !same) return same;
  if (group.name == "default") {
    return fail(ErrorCode::conflict, "group 'default': is the one that tokens and channels without another belong to");
  }
  const auto used =
      impl_.sql.find_text("SELECT name FROM token WHERE deleted_at IS NULL AND EXISTS (SELECT 1 FROM " +
                              each_of_json(impl_.sql.dialect(), JsonKind::list, "token.groups", "member") +
                              " WHERE member.value = ?1) ORDER BY name LIMIT 1",
                          group.name);
  if (!used) return tl::unexpected(used.error());
  if (*used) {
    return fail(ErrorCode::conflict, "group '" + group.name + "': token '" + **used + "' is in it",
                "take it out first");
  }
  if (const auto* members = impl_.directory.find_members(group.name)) {
    const auto& first = *std::min_element(members->begin(), members->end(),
                                          [](const auto& a, const auto& b) { return a->name < b->name; });
    return fail(ErrorCode::conflict, "group '" + group.name + "': channel '" + first->name + "' serves it",
                "take it out first");
  }
  auto done = impl_.sql.run("DELETE FROM grp WHERE id = ?1", group.id);
  if (done) done = impl_.audit(actor, "group.delete", "group " + group.name, audit_detail(&group, nullptr));
  if (!done) return done;
  impl_.directory.erase_group(group.name);
  return {};
}

}  // namespace cr::ledger

// SPDX-License-Identifier: MIT
#include "base/text.h"
#include "ledger/sql/store_state.h"

namespace cr::ledger {

using base::ErrorCode;
using base::fail;

namespace {

constexpr std::size_t k_note_bytes_max = 4096;
constexpr std::int64_t k_names_beside = 1000;

std::string in_quotes(std::string_view name) {
  return '\'' + base::escape_for_terminal(name) + '\'';
}

}  // namespace

base::Error no_such(std::string_view what, std::string_view name, const std::vector<std::string>& names) {
  const auto close = base::nearest(name, names);
  return {ErrorCode::not_found, "no " + std::string(what) + " named " + in_quotes(name),
          close ? "did you mean '" + *close + "'?" : std::string()};
}

base::Error no_such_row(SqlSession& sql, std::string_view table, std::string_view name, Among among) {
  std::vector<std::string> names;
  const auto take = [&](std::string_view where) {
    for (const std::string_view beside :
         {">= lower(?1) ORDER BY lower(name)", "< lower(?1) ORDER BY lower(name) DESC"}) {
      const std::string query = "SELECT name FROM " + std::string(table) + " WHERE " + std::string(where) +
                                "lower(name) " + std::string(beside) + " LIMIT ?2";
      // What cannot be read leaves out the hint, not the error.
      static_cast<void>(sql.each_row(
          query,
          [&](const Row& row) -> Result<void> {
            names.emplace_back(row.column_text(0));
            return {};
          },
          name, k_names_beside));
    }
  };
  const bool keeps_deleted = table != "grp";
  take(keeps_deleted ? "deleted_at IS NULL AND " : "");
  if (keeps_deleted && among == Among::all) take("deleted_at IS NOT NULL AND ");
  return no_such(table == "grp" ? "group" : table, name, names);
}

Result<void> check_rev(IfRev if_rev, std::int64_t rev, std::string_view what, std::string_view name) {
  if (!if_rev || *if_rev == rev) return {};
  return fail(ErrorCode::conflict,
              std::string(what) + ' ' + in_quotes(name) + ": has changed: its rev is " + std::to_string(rev) +
                  ", not " + std::to_string(*if_rev),
              "read it again, then decide");
}

Result<void> check_quota(const std::optional<Credits>& quota) {
  if (!quota || *quota >= Credits()) return {};
  return fail(ErrorCode::invalid, "quota " + quota->to_decimal() + ": is negative", "name 0 or more, or unlimited");
}

Result<std::optional<Credits>> changed_quota(const std::optional<Credits>& quota, const QuotaChange& change) {
  if (change.kind == QuotaChange::Kind::unlimited) return std::optional<Credits>();
  std::optional<Credits> changed = change.amount;
  if (change.kind == QuotaChange::Kind::delta) {
    if (!quota)
      return fail(ErrorCode::invalid, "quota: is unlimited, and nothing can be added to that", "set a quota first");
    changed = Credits::checked_add(*quota, change.amount);
    if (!changed)
      return fail(ErrorCode::invalid, "quota: " + quota->to_decimal() + " and that much more is over the limit");
  }
  if (auto checked = check_quota(changed); !checked) return tl::unexpected(checked.error());
  return changed;
}

Result<void> check_note(std::string_view note) {
  if (note.size() > k_note_bytes_max) return fail(ErrorCode::invalid, "note: over 4096 bytes");
  if (!base::is_valid_utf8(note)) return fail(ErrorCode::invalid, "note: is not UTF-8");
  return {};
}

Result<void> check_free(SqlSession& sql, std::string_view table, std::string_view name, std::int64_t except_id) {
  const bool keeps_deleted = table != "grp";
  const std::string query = "SELECT name FROM " + std::string(table) + " WHERE lower(name) = lower(?1) AND id <> ?2" +
                            (keeps_deleted ? " AND deleted_at IS NULL" : "");
  const auto taken = sql.find_text(query, name, except_id);
  if (!taken) return tl::unexpected(taken.error());
  if (!*taken) return {};
  const std::string what = table == "grp" ? "group" : std::string(table);
  std::string message = "a " + what + " named " + in_quotes(**taken) + " exists already";
  if (what == "account") message = "an" + message.substr(1);
  return fail(ErrorCode::conflict, std::move(message), "take another name, or edit that one");
}

Result<std::shared_ptr<const TokenRecord>> Store::Impl::get_token(std::string_view name) {
  if (auto token = directory.find_token(name)) return token;
  return tl::unexpected(no_such_row(sql, "token", name, Among::live));
}

Result<std::shared_ptr<const AccountRecord>> Store::Impl::get_account(std::string_view name) {
  if (auto account = directory.find_account(name)) return account;
  return tl::unexpected(no_such_row(sql, "account", name, Among::live));
}

Result<std::shared_ptr<const GroupRecord>> Store::Impl::get_group(std::string_view name) {
  if (const auto found = directory.groups->find(name); found != directory.groups->end()) return found->second;
  return tl::unexpected(no_such_row(sql, "grp", name, Among::live));
}

Result<std::shared_ptr<const ChannelRecord>> Store::Impl::get_channel(std::string_view name) {
  if (auto channel = directory.find_channel(name)) return channel;
  return tl::unexpected(no_such_row(sql, "channel", name, Among::live));
}

Result<void> Store::Impl::check_groups(const std::vector<std::string>& groups) {
  if (groups.empty()) return fail(ErrorCode::invalid, "groups: the list is empty", "name at least one group");
  for (const std::string& group : groups) {
    if (auto found = get_group(group); !found) return tl::unexpected(found.error());
  }
  return {};
}

std::string Store::Impl::account_name(AccountId id) const {
  const auto found = directory.accounts->find(id);
  return found == directory.accounts->end() ? "#" + std::to_string(id.value) : found->second->name;
}

}  // namespace cr::ledger

// SPDX-License-Identifier: MIT
#include "ledger/sql/settings_check.h"

#include "base/text.h"
#include "ledger/sql/settings_replay.h"
#include "ledger/sql/settings_sum.h"

namespace cr::ledger {
namespace {

using base::ErrorCode;

constexpr const char* k_way_out =
    "restore the newest backup; if the change was meant to be, start crd once with --accept-loss, which the audit says "
    "then";
constexpr std::string_view k_what_parts_are[] = {"accounts",       "channels", "keys of channels",      "groups",
                                                 "keys of tokens", "prices",   "generations of prices", "tokens"};
static_assert(std::size(k_what_parts_are) == k_settings_parts.size());

tl::unexpected<base::Error> changed(const std::string& message) {
  return base::fail(ErrorCode::corrupt, message, k_way_out);
}

Result<SettingsSeal> find_seal(Reports::Impl& impl) {
  const auto text = seal_text_of(impl.sql);
  if (!text) return tl::unexpected(text.error());
  if (!*text) return changed("the sum of the settings is missing");
  const auto seal = parse_seal(**text, impl.vault);
  if (!seal) return changed("the sum of the settings was altered, or made with another master key");
  const auto end = audit_end_of(impl.sql);
  if (!end) return tl::unexpected(end.error());
  if (seal->audit_seq != end->audit_seq || seal->audit_chain != end->audit_chain) {
    return changed("the sum of the settings is of entry " + std::to_string(seal->audit_seq) +
                   " of the audit, whose last one is " + std::to_string(end->audit_seq) + ": it was put back");
  }
  if (!impl.seen.settings.empty() && impl.seen.audit_seq == end->audit_seq && impl.seen.settings != code_of(**text)) {
    return changed("the sum of the settings is not the one that the store's head saw");
  }
  return *seal;
}

std::string time_text(std::int64_t ms) {
  return base::format_rfc3339(base::from_unix_ms(ms));
}

// "keys of tokens (1 more than crd wrote)"
std::string told(std::size_t part, std::int64_t more) {
  std::string text(k_what_parts_are[part]);
  if (more > 0) text += " (" + std::to_string(more) + " more than crd wrote)";
  if (more < 0) text += " (" + std::to_string(-more) + " fewer than crd wrote)";
  return text;
}

}  // namespace

Result<void> check_settings(Reports::Impl& impl) {
  const auto seal = find_seal(impl);
  if (!seal) return tl::unexpected(seal.error());
  const auto pruned = impl.sql.find_int("SELECT value FROM meta WHERE key = 'pruned_before'");
  if (!pruned) return tl::unexpected(pruned.error());
  if (const std::int64_t due = base::to_unix_ms(seal->state.pruned_before); pruned->value_or(0) != due) {
    return changed("requests were pruned before " + time_text(due) + ", and the store says before " +
                   time_text(pruned->value_or(0)) + ": it was changed beside crd");
  }
  const auto rows = sum_of_rows(impl.sql);
  if (!rows) return tl::unexpected(rows.error());
  std::string parts;
  for (std::size_t i = 0; i < rows->size(); ++i) {
    if ((*rows)[i] == seal->state.parts[i]) continue;
    parts += (parts.empty() ? "" : ", ") + told(i, (*rows)[i].rows - seal->state.parts[i].rows);
  }
  if (parts.empty()) return {};
  const auto records = find_changed_settings(impl.sql);
  if (!records) return tl::unexpected(records.error());
  return changed("settings were changed beside crd: " +
                 (records->empty() ? "which is not told by the audit" : *records) + "; among the " + parts);
}

}  // namespace cr::ledger

// SPDX-License-Identifier: MIT
#include "server/admin/edits.h"

#include <algorithm>

#include "base/text.h"
#include "ledger/core/token_fields.h"

namespace cr::server::admin {

namespace {

using base::ErrorCode;
using base::fail;
using base::Result;
using List = std::vector<std::string>;

bool has(const List& list, const std::string& item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

Result<List> changed_list(const std::string& member, const cr::admin::ListEdit& edit, const List& old_list) {
  List list = edit.set.value_or(old_list);
  for (const auto& item : edit.remove) {
    if (!has(list, item)) {
      const auto close = base::nearest(item, list);
      return fail(ErrorCode::invalid,
                  member + ": '" + base::escape_for_terminal(item.substr(0, 128)) + "' is not in the list",
                  close ? "did you mean '" + *close + "'?" : std::string());
    }
    std::erase(list, item);
  }
  for (const auto& item : edit.add) {
    if (!has(list, item)) list.push_back(item);
  }
  return list;
}

using ledger::NewToken;
using ledger::TokenRecord;

// Visits what `given` may name: each setting of a token that is not its name.
template <class Visit>
void each_takeable(const Visit& visit) {
  base::each_field(ledger::k_token_fields, [&](const auto& field) {
    if constexpr (ledger::FieldOf<decltype(field)>::is_wanted) {
      if (field.name != "name") visit(field);
    }
  });
}

Result<base::Zone> read_zone(const std::string& name) {
  auto zone = base::Zone::find(name.empty() ? std::string_view("UTC") : std::string_view(name));
  if (!zone) return fail(ErrorCode::invalid, "time_zone: " + zone.error().message, zone.error().hint);
  return zone;
}

Result<void> check_given(const List& given) {
  List known;
  each_takeable([&](const auto& field) { known.emplace_back(field.name); });
  for (const auto& member : given) {
    if (has(known, member)) continue;
    const auto close = base::nearest(member, known);
    return fail(ErrorCode::invalid,
                "given: '" + base::escape_for_terminal(member.substr(0, 64)) + "' is not a setting of a token",
                close ? "did you mean '" + *close + "'?" : std::string());
  }
  return {};
}

}  // namespace

Result<base::Period> read_period(const std::string& member, const std::string& name) {
  if (const auto period = base::period_from(name)) return *period;
  return fail(ErrorCode::invalid, member + ": '" + base::escape_for_terminal(name.substr(0, 64)) +
                                      "' is no period: expected day, week or month");
}

ListChange list_change(std::string member, cr::admin::ListEdit edit) {
  return [member = std::move(member), edit = std::move(edit)](const List& old_list) {
    return changed_list(member, edit, old_list);
  };
}

ledger::QuotaChange quota_change(const cr::admin::QuotaEdit& edit) {
  using Kind = ledger::QuotaChange::Kind;
  if (edit.unlimited) return {Kind::unlimited, {}};
  if (edit.delta) return {Kind::delta, *edit.delta};
  return {Kind::set, edit.set.value_or(base::Credits())};
}

token::Switch switch_of(bool on) {
  return on ? token::Switch::on : token::Switch::off;
}

Result<ledger::WhenLow> read_when_low(std::string_view text) {
  if (text.empty() || text == "clamp") return ledger::WhenLow::clamp;
  if (text == "refuse") return ledger::WhenLow::refuse;
  return fail(ErrorCode::invalid, "when_low: expected \"clamp\" or \"refuse\"");
}

Result<NewToken> to_new_token(const cr::admin::TokenCreate& create) {
  if (auto known = check_given(create.given); !known) return tl::unexpected(known.error());
  const auto when_low = read_when_low(create.when_low);
  if (!when_low) return tl::unexpected(when_low.error());
  const auto zone = read_zone(create.time_zone);
  if (!zone) return tl::unexpected(zone.error());
  NewToken token;
  token.name = create.name;
  if (!create.account.empty()) token.account = create.account;
  if (!create.groups.empty()) token.groups = create.groups;
  token.enabled = switch_of(create.enabled);
  token.not_before = create.not_before;
  token.expires = create.expires_at;
  token.expires_given = create.expires_at.has_value() || has(create.given, "expires_at");
  token.models = create.models;
  token.allow_ip = create.allow_ip;
  token.quota = create.quota;
  token.zone = *zone;
  token.rates = {create.requests_per_minute, create.tokens_per_minute, create.requests_at_once};
  for (const auto& [name, limit] : create.budgets) {
    const auto period = read_period("budgets", name);
    if (!period) return tl::unexpected(period.error());
    token.budgets[static_cast<std::size_t>(*period)] = limit;
  }
  token.when_low = *when_low;
  token.tags = create.tags;
  token.note = create.note;
  token.retrievable = create.retrievable;
  if (create.key) token.key = base::Secret(std::string_view(*create.key));
  return token;
}

void fill_like(NewToken& token, const cr::admin::TokenCreate& create, const TokenRecord& model,
               std::string_view account) {
  each_takeable([&](const auto& field) {
    using Wanted = typename ledger::FieldOf<decltype(field)>::Wanted;
    if (has(create.given, std::string(field.name))) return;
    if constexpr (std::is_same_v<std::remove_cvref_t<decltype(field.get(model))>, base::AccountId>) {
      Wanted::set(token, account);
    } else {
      Wanted::set(token, field.get(model));
    }
  });
  if (!has(create.given, "expires_at")) token.expires_given = true;
}

namespace {

Result<void> add_limits(const cr::admin::TokenEdit& edit, ledger::TokenPatch& patch) {
  patch.requests_per_minute = edit.requests_per_minute;
  patch.tokens_per_minute = edit.tokens_per_minute;
  patch.requests_at_once = edit.requests_at_once;
  if (edit.time_zone) {
    auto zone = read_zone(*edit.time_zone);
    if (!zone) return tl::unexpected(zone.error());
    patch.zone = *zone;
  }
  if (!edit.budgets) return {};
  for (const auto& [name, change] : *edit.budgets) {
    const auto period = read_period("budgets", name);
    if (!period) return tl::unexpected(period.error());
    patch.budgets[static_cast<std::size_t>(*period)] = quota_change(change);
  }
  return {};
}

}  // namespace

Result<ledger::TokenPatch> to_patch(const cr::admin::TokenEdit& edit) {
  ledger::TokenPatch patch;
  patch.name = edit.name;
  patch.account = edit.account;
  patch.note = edit.note;
  patch.not_before = edit.not_before;
  patch.expires = edit.expires_at;
  patch.tags = edit.tags;
  if (edit.enabled) patch.enabled = switch_of(*edit.enabled);
  if (edit.quota) patch.quota = quota_change(*edit.quota);
  if (auto limits = add_limits(edit, patch); !limits) return tl::unexpected(limits.error());
  if (edit.when_low) {
    const auto when_low = read_when_low(*edit.when_low);
    if (!when_low || edit.when_low->empty())
      return fail(ErrorCode::invalid, "when_low: expected \"clamp\" or \"refuse\"");
    patch.when_low = *when_low;
  }
  if (edit.models) patch.models = list_change("models", *edit.models);
  if (edit.allow_ip) patch.allow_ip = list_change("allow_ip", *edit.allow_ip);
  if (edit.groups) patch.groups = list_change("groups", *edit.groups);
  return patch;
}

}  // namespace cr::server::admin

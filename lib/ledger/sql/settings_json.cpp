// SPDX-License-Identifier: MIT
#include "ledger/sql/settings_json.h"
#include "billing/price_rules.h"

#include <nlohmann/json.hpp>
#include <optional>

#include "base/text.h"
#include "ledger/core/account_fields.h"
#include "ledger/core/channel_fields.h"
#include "ledger/core/price_fields.h"
#include "ledger/core/token_fields.h"

namespace cr::ledger {
namespace {

using base::ErrorCode;
using base::Result;
using nlohmann::json;

// Text from outside is checked for UTF-8 at the door of the admin socket; `replace` keeps a slip there from throwing
// here.
std::string dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

template <class T>
Result<T> parse(std::string_view text) {
  const json value = json::parse(text, nullptr, false);
  if (value.is_discarded() || !(std::is_same_v<T, TextMap> ? value.is_object() : value.is_array())) {
    return base::fail(ErrorCode::corrupt, "read the store: a list or map column is not JSON");
  }
  T result;
  for (const auto& [key, item] : value.items()) {
    if (!item.is_string()) return base::fail(ErrorCode::corrupt, "read the store: a list or map column holds no text");
    if constexpr (std::is_same_v<T, TextMap>) {
      result.emplace(key, item.template get<std::string>());
    } else {
      result.push_back(item.template get<std::string>());
    }
  }
  return result;
}

// A list of texts that need no escape, as nearly all are, without a tree of it. Null: it is something else.
std::optional<std::vector<std::string>> plain_list(std::string_view text) {
  const auto is_plain = [](char c) { return c >= ' ' && c <= '~' && c != '"' && c != '\\'; };
  std::vector<std::string> list;
  if (!text.starts_with('[')) return std::nullopt;
  for (std::size_t at = 1; at < text.size() && text[at] == '"';) {
    std::size_t end = ++at;
    while (end < text.size() && is_plain(text[end])) ++end;
    if (end == text.size() || text[end] != '"') return std::nullopt;
    list.emplace_back(text.substr(at, end - at));
    at = end + 1;
    if (text.substr(at) == "]") return list;
    if (at == text.size() || text[at++] != ',') return std::nullopt;
  }
  return std::nullopt;
}

// {"day":"5","month":"50"}
TextMap to_map(const BudgetLimits& budgets) {
  TextMap map;
  for (std::size_t i = 0; i < k_period_count; ++i) {
    if (budgets[i]) map.emplace(base::name_of(static_cast<base::Period>(i)), budgets[i]->to_decimal());
  }
  return map;
}

// --- a value in the audit; what is empty is null ---
json of(const std::string& text) {
  return text;
}
json of(bool value) {
  return value;
}
json of(std::int64_t count) {
  return count;
}
json of(Switch value) {
  return value == Switch::on;
}
json of(WhenLow value) {
  return value == WhenLow::clamp ? "clamp" : "refuse";
}
json of(ChannelKind kind) {
  return provider::name_of(kind);
}
json of(base::Rate rate) {
  return rate.nano_per_million;
}
json of(std::chrono::milliseconds span) {
  return span.count();
}
json of(Time time) {
  return base::format_rfc3339(time);
}
json of(Credits amount) {
  return amount.to_decimal();
}
json of(const base::Zone& zone) {
  return zone.name();
}
json of(const std::vector<std::string>& list) {
  return list;
}
json of(const TextMap& map) {
  return map;
}
json of(const BudgetLimits& budgets) {
  return to_map(budgets);
}
json of(const billing::PriceRules& rules) {
  return rules.empty() ? json(nullptr) : json::parse(billing::to_json(rules));
}
json of(const std::vector<token::KeyHint>& hints) {
  json keys = json::array();
  for (const token::KeyHint& hint : hints) keys.push_back(to_text(hint));
  return keys;
}
template <class T>
json of(const std::optional<T>& value) {
  return value ? of(*value) : json(nullptr);
}

// `account` is the name of the token's; other records have none.
template <class Record>
json settings(const Record& record, std::string_view account) {
  json all = json::object();
  base::each_field(fields_of(record), [&](const auto& field) {
    if constexpr (FieldOf<decltype(field)>::is_setting) {
      json& value = all[std::string(field.audit())];
      if constexpr (std::is_same_v<std::remove_cvref_t<decltype(field.get(record))>, AccountId>) {
        value = account;
      } else {
        value = of(field.get(record));
        if (value.is_null() && field.facts.none_is_unlimited) value = "unlimited";
      }
    }
  });
  return all;
}

std::string difference(const json& before, const json& after) {
  json changes = json::object();
  for (const auto& [name, value] : (after.is_null() ? before : after).items()) {
    if (before.is_null()) {
      changes[name] = {{"to", value}};
    } else if (after.is_null()) {
      changes[name] = {{"from", value}};
    } else if (before[name] != value) {
      changes[name] = {{"from", before[name]}, {"to", value}};
    }
  }
  return dump(changes);
}

template <class Record>
std::string difference_of(const Record* before, const Record* after, std::string_view account_before = {},
                          std::string_view account_after = {}) {
  return difference(before == nullptr ? json() : settings(*before, account_before),
                    after == nullptr ? json() : settings(*after, account_after));
}

}  // namespace

std::string json_of(const std::vector<std::string>& list) {
  return list.empty() ? "[]" : dump(json(list));
}
std::string json_of(const TextMap& map) {
  return map.empty() ? "{}" : dump(json(map));
}

Result<std::vector<std::string>> list_from_json(std::string_view text) {
  if (text == "[]") return std::vector<std::string>();
  if (auto list = plain_list(text)) return *std::move(list);
  return parse<std::vector<std::string>>(text);
}
Result<TextMap> map_from_json(std::string_view text) {
  if (text == "{}") return TextMap();
  return parse<TextMap>(text);
}

std::string json_of(const BudgetLimits& budgets) {
  return json_of(to_map(budgets));
}

Result<BudgetLimits> budgets_from_json(std::string_view text) {
  BudgetLimits budgets;
  const auto map = map_from_json(text);
  if (!map) return tl::unexpected(map.error());
  for (const auto& [name, amount] : *map) {
    const auto period = base::period_from(name);
    const auto limit = Credits::parse(amount);
    if (!period || !limit) return base::fail(ErrorCode::corrupt, "read the store: a budget is not one");
    budgets[static_cast<std::size_t>(*period)] = *limit;
  }
  return budgets;
}

std::string audit_detail(const TokenRecord* before, const TokenRecord* after, std::string_view account_before,
                         std::string_view account_after) {
  return difference_of(before, after, account_before, account_after);
}
std::string audit_detail(const TokenRecord& made, std::string_view account, std::int64_t key, std::string_view hint) {
  json all = settings(made, account);
  all["key"] = hint;
  all["key_id"] = key;
  return difference(json(), all);
}
std::string audit_detail(const AccountRecord* before, const AccountRecord* after) {
  return difference_of(before, after);
}
std::string audit_detail(const GroupRecord* before, const GroupRecord* after) {
  return difference_of(before, after);
}
std::string audit_detail(const ChannelRecord* before, const ChannelRecord* after) {
  return difference_of(before, after);
}
std::string audit_detail(const PriceRecord* before, const PriceRecord* after) {
  return difference_of(before, after);
}
std::string audit_detail(const TextMap& facts) {
  return json_of(facts);
}

}  // namespace cr::ledger

// SPDX-License-Identifier: MIT
#include "ledger/sql/settings_json.h"

#include <nlohmann/json.hpp>

#include "base/text.h"

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

json of(const std::optional<Time>& time) {
  return time ? json(base::format_rfc3339(*time)) : json(nullptr);
}
json of(const std::optional<Credits>& quota) {
  return quota ? json(quota->to_decimal()) : json("unlimited");
}
json of(const std::optional<std::int64_t>& count) {
  return count ? json(*count) : json("unlimited");
}
json of(Switch enabled) {
  return enabled == Switch::on;
}

// {"day":"5","month":"50"}
TextMap to_map(const BudgetLimits& budgets) {
  TextMap map;
  for (std::size_t i = 0; i < k_period_count; ++i) {
    if (budgets[i]) map.emplace(base::name_of(static_cast<base::Period>(i)), budgets[i]->to_decimal());
  }
  return map;
}

json settings(const TokenRecord& token, std::string_view account) {
  return {{"name", token.name},
          {"account", account},
          {"groups", token.groups},
          {"enabled", of(token.enabled)},
          {"not_before", of(token.not_before)},
          {"expires", of(token.expires)},
          {"models", token.models},
          {"allow_ip", token.allow_ip},
          {"quota", of(token.quota)},
          {"budgets", to_map(token.budgets)},
          {"time_zone", token.zone.name()},
          {"requests_per_minute", of(token.rates.requests_per_minute)},
          {"tokens_per_minute", of(token.rates.tokens_per_minute)},
          {"requests_at_once", of(token.rates.requests_at_once)},
          {"when_low", token.when_low == WhenLow::clamp ? "clamp" : "refuse"},
          {"tags", token.tags},
          {"note", token.note},
          {"retrievable", token.retrievable}};
}

json settings(const AccountRecord& account) {
  return {
      {"name", account.name}, {"enabled", of(account.enabled)}, {"quota", of(account.quota)}, {"note", account.note}};
}

json settings(const GroupRecord& group) {
  return {{"name", group.name}, {"multiplier_millionths", group.multiplier_millionths}, {"note", group.note}};
}

json settings(const ChannelRecord& channel) {
  json keys = json::array();
  for (const token::KeyHint& hint : channel.key_hints) keys.push_back(to_text(hint));
  return {{"name", channel.name},
          {"kind", name_of(channel.kind)},
          {"enabled", of(channel.enabled)},
          {"base_url", channel.base_url},
          {"models", channel.models},
          {"model_map", channel.model_map},
          {"groups", channel.groups},
          {"priority", channel.priority},
          {"weight", channel.weight},
          {"timeout_connect_ms", channel.timeout_connect.count()},
          {"timeout_first_byte_ms", channel.timeout_first_byte.count()},
          {"timeout_idle_ms", channel.timeout_idle.count()},
          {"timeout_total_ms", channel.timeout_total.count()},
          {"allow_private", channel.allow_private},
          {"bound_field", channel.bound_field},
          {"echo_delay_ms", channel.echo_delay.count()},
          {"headers", channel.headers},
          {"proxy", channel.proxy},
          {"ca_file", channel.ca_file},
          {"client_cert", channel.client_cert},
          {"client_key", channel.client_key},
          {"keys", std::move(keys)},
          {"note", channel.note}};
}

json settings(const PriceRecord& price) {
  const auto count = [](const std::optional<std::int64_t>& value) { return value ? json(*value) : json(nullptr); };
  return {{"model", price.model},
          {"input_nano_per_million", price.input},
          {"cached_input_nano_per_million", price.cached_input},
          {"cache_write_nano_per_million", price.cache_write},
          {"output_nano_per_million", price.output},
          {"per_request", price.per_request.to_decimal()},
          {"per_image", price.per_image.to_decimal()},
          {"per_character_nano_per_million", price.per_character},
          {"per_second", price.per_second.to_decimal()},
          {"max_output_tokens", count(price.max_output_tokens)},
          {"context_tokens", count(price.context_tokens)},
          {"source", price.source},
          {"effective_at", of(price.effective_at)}};
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
std::string difference_of(const Record* before, const Record* after) {
  return difference(before == nullptr ? json() : settings(*before), after == nullptr ? json() : settings(*after));
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
  return difference(before == nullptr ? json() : settings(*before, account_before),
                    after == nullptr ? json() : settings(*after, account_after));
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

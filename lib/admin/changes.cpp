// SPDX-License-Identifier: MIT
#include "admin/changes.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/credits.h"

namespace cr::admin {
namespace {

using OrderedJson = nlohmann::ordered_json;

constexpr std::array<std::string_view, 9> k_moving{"rev",    "used",       "reserved",  "left",      "tokens",
                                                   "health", "created_at", "spent_30d", "updated_at"};

std::string text_of(const OrderedJson& value) {
  if (value.is_string()) return value.get<std::string>();
  return value.is_null() ? std::string() : value.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
}

// Money as dollars, lists joined, nothing as "none".
std::string words(const std::string& name, const OrderedJson& value) {
  if (name == "quota") {
    if (value.is_null()) return "unlimited";
    const auto amount = base::Credits::parse(text_of(value));
    if (amount) return amount->to_display();
  }
  if (value.is_null()) return "none";
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  if (value.is_array() || value.is_object()) {
    std::string all;
    for (const auto& [key, item] : value.items()) {
      if (!all.empty()) all += ",";
      all += value.is_object() ? key + "=" + text_of(item) : text_of(item);
    }
    return all.empty() ? "none" : all;
  }
  const std::string text = text_of(value);
  return text.empty() ? "none" : text;
}

}  // namespace

std::vector<Change> changes_between(std::string_view before, std::string_view after) {
  const OrderedJson old_value = OrderedJson::parse(before, nullptr, false);
  const OrderedJson new_value = OrderedJson::parse(after, nullptr, false);
  std::vector<Change> changes;
  if (!old_value.is_object() || !new_value.is_object()) return changes;
  for (const auto& [name, value] : new_value.items()) {
    if (std::find(k_moving.begin(), k_moving.end(), name) != k_moving.end()) continue;
    const auto old_member = old_value.find(name);
    if (old_member != old_value.end() && *old_member == value) continue;
    changes.push_back({name, old_member == old_value.end() ? "none" : words(name, *old_member), words(name, value)});
  }
  return changes;
}

}  // namespace cr::admin

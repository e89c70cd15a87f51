// SPDX-License-Identifier: MIT
#include "crctl/rule_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

namespace cr::crctl {
namespace {

using Json = nlohmann::ordered_json;

std::string plain(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string condition_of(const Json& rule) {
  std::string words;
  if (rule.contains("input_over")) words = "input over " + plain(rule["input_over"]) + " tokens";
  if (!rule.contains("request") || !rule["request"].is_string()) return words;
  auto member = rule["request"].get<std::string>();
  if (member.starts_with('/')) member.erase(0, 1);
  words += (words.empty() ? "" : " and ") + member;
  if (rule.contains("is") && rule["is"].is_array()) {
    std::string values;
    for (const auto& value : rule["is"]) values += (values.empty() ? " " : "|") + plain(value);
    words += values;
  }
  return words;
}

// What the rule does; empty where it does nothing.
std::string effect_of(const Json& rule) {
  static constexpr std::array<std::string_view, 9> k_no_rates = {"input_over", "request", "answer", "is",    "factor",
                                                                 "tool",       "count",   "fee",    "brings"};
  std::string words;
  for (const auto& [name, value] : rule.items()) {
    if (std::ranges::find(k_no_rates, name) != k_no_rates.end()) continue;
    words += fmt::format("{}{} ${}", words.empty() ? "" : ", ", name, plain(value));
  }
  if (rule.contains("factor")) words += (words.empty() ? "x " : ", x ") + plain(rule["factor"]);
  return words;
}

std::string words_of(const Json& rule) {
  if (rule.contains("tool")) {
    const bool by_tokens = rule.contains("count") && plain(rule["count"]).ends_with("_tokens");
    return plain(rule["tool"]) + ": $" + (rule.contains("fee") ? plain(rule["fee"]) : "0") +
           (by_tokens ? " a token of it" : " a call");
  }
  const auto effect = effect_of(rule);
  if (effect.empty()) return {};
  const auto condition = condition_of(rule);
  return (condition.empty() ? "always" : condition) + ": " + effect;
}

}  // namespace

std::string rules_in_words(std::string_view json) {
  const auto rules = Json::parse(json, nullptr, false);
  if (!rules.is_array()) return std::string(json);
  std::string words;
  for (const auto& rule : rules) {
    const auto one = rule.is_object() ? words_of(rule) : std::string();
    if (!one.empty()) words += (words.empty() ? "" : "; ") + one;
  }
  return words;
}

}  // namespace cr::crctl

// SPDX-License-Identifier: MIT
#include "billing/held_rules.h"

#include <algorithm>

namespace cr::billing {
namespace {

// What of the member is known to be so: as the response tells it, or else as it was asked for.
std::string value_of(const PriceRule& rule, const Circumstances& circumstances) {
  if (circumstances.told != nullptr && !rule.answer.empty()) {
    const auto told = circumstances.told->text(rule.answer);
    if (std::ranges::find(rule.is, told) != rule.is.end()) return std::string(told);
  }
  return std::string(asked_value(rule.request, circumstances));
}

std::string words_of(const PriceRule& rule, const Circumstances& circumstances) {
  std::string words;
  if (rule.input_over) words = "input over " + std::to_string(*rule.input_over) + " tokens";
  if (!rule.request.empty()) {
    const auto member = rule.request.starts_with('/') ? rule.request.substr(1) : rule.request;
    words += (words.empty() ? "" : " and ") + member + " " + value_of(rule, circumstances);
  }
  if (words.empty()) words = "always";
  if (rule.factor) words += ", x " + rule.factor->to_decimal();
  return words;
}

}  // namespace

std::vector<std::string> held_rules(const Price& price, std::int64_t input_tokens, const Circumstances& circumstances) {
  std::vector<std::string> held;
  for (const PriceRule& rule : price.rules.list()) {
    if (rule.has_effect() && holds(rule, input_tokens, circumstances, false))
      held.push_back(words_of(rule, circumstances));
  }
  return held;
}

}  // namespace cr::billing

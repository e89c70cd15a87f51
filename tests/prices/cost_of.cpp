// SPDX-License-Identifier: MIT
// Costs of usages by the shipped list, for tests/prices/oracle.py: reads a JSON object a line, {"model", "usage":
// {...}, "told": {"/service_tier": "priority", "/output/web_search_call": 3}}, and writes its nano-dollars a line.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "billing/cost.h"
#include "ledger/core/shipped_prices.h"

namespace {

using cr::dialect::Told;
using cr::dialect::Usage;
using nlohmann::json;
using Prices = std::map<std::string, cr::ledger::PriceRecord, std::less<>>;

constexpr std::array<std::pair<std::string_view, std::int64_t Usage::*>, 14> k_members{{
    {"input_tokens", &Usage::input_tokens},
    {"cached_tokens", &Usage::cached_tokens},
    {"cache_write_tokens", &Usage::cache_write_tokens},
    {"output_tokens", &Usage::output_tokens},
    {"long_cache_write_tokens", &Usage::long_cache_write_tokens},
    {"audio_input_tokens", &Usage::audio_input_tokens},
    {"cached_audio_tokens", &Usage::cached_audio_tokens},
    {"audio_output_tokens", &Usage::audio_output_tokens},
    {"image_input_tokens", &Usage::image_input_tokens},
    {"cached_image_tokens", &Usage::cached_image_tokens},
    {"image_output_tokens", &Usage::image_output_tokens},
    {"images", &Usage::images},
    {"characters", &Usage::characters},
    {"audio_ms", &Usage::audio_ms},
}};

// An unknown member is an error of the test: it would be charged nothing.
Usage usage_of(const json& members) {
  Usage usage;
  for (const auto& [name, value] : members.items()) {
    const auto* const found =
        std::find_if(k_members.begin(), k_members.end(), [&name = name](const auto& row) { return row.first == name; });
    if (found == k_members.end()) throw std::runtime_error("unknown member of a usage: " + name);
    usage.*found->second = value.get<std::int64_t>();
  }
  return usage;
}

Told told_of(const json& members) {
  Told told;
  for (const auto& [pointer, value] : members.items()) {
    if (value.is_string()) {
      told.set_text(pointer, value.get_ref<const std::string&>());
    } else {
      told.set_count(pointer, value.get<std::int64_t>());
    }
  }
  return told;
}

std::int64_t cost_of(const json& question, const Prices& prices) {
  const auto price = prices.find(question.at("model").get_ref<const std::string&>());
  if (price == prices.end()) throw std::runtime_error("no price: " + question.at("model").dump());
  const Told told = told_of(question.at("told"));
  return cr::billing::cost(price->second, {}, usage_of(question.at("usage")), {.told = &told}).nano();
}

}  // namespace

int main() {
  try {
    const auto listed = cr::ledger::shipped_prices(cr::base::from_unix_ms(0));
    if (!listed) throw std::runtime_error(listed.error().message);
    Prices prices;
    for (const auto& price : *listed) prices.emplace(price.model, price);
    std::ios::sync_with_stdio(false);
    for (std::string line; std::getline(std::cin, line);) std::cout << cost_of(json::parse(line), prices) << '\n';
    return std::cout.flush() ? EXIT_SUCCESS : EXIT_FAILURE;
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << '\n';
    return EXIT_FAILURE;
  }
}

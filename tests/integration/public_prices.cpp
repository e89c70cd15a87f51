// SPDX-License-Identifier: MIT
#include "integration/public_prices.h"

#include <nlohmann/json.hpp>

namespace cr::test {
namespace {

using Json = nlohmann::json;

// A fixed point with so many digits behind it.
std::string decimal(std::int64_t value, std::size_t digits) {
  auto text = std::to_string(value);
  if (text.size() <= digits) text.insert(0, digits + 1 - text.size(), '0');
  return text.insert(text.size() - digits, ".");
}

Json length_rule(const FakePrice& price) {
  const auto longer = [&](std::int64_t rate) { return dollars(rate * price.long_input_factor / 1000); };
  return {{"input_over", price.long_over},
          {"input", longer(price.input)},
          {"cached_input", longer(price.cached)},
          {"cache_write", longer(price.written)},
          {"output", dollars(price.output * price.long_output_factor / 1000)}};
}

Json value_rule(const char* member, const char* answer, const char* value, std::int64_t factor) {
  Json rule = {{"request", member}, {"answer", answer}, {"is", Json::array({value})}};
  if (factor != 1000) rule["factor"] = decimal(factor, 3);
  return rule;
}

}  // namespace

std::string dollars(std::int64_t nano) {
  return decimal(nano, 9);
}

std::vector<std::string> flags_of(const FakePrice& price) {
  return {"--input",       dollars(price.input),   "--cached-input", dollars(price.cached),
          "--cache-write", dollars(price.written), "--output",       dollars(price.output)};
}

std::string rules_of(const FakePrice& price) {
  Json rules = Json::array();
  if (price.long_over > 0) rules.push_back(length_rule(price));
  rules.push_back(value_rule("/service_tier", "/service_tier", "priority", price.priority));
  rules.push_back(value_rule("/service_tier", "/service_tier", "flex", price.flex));
  rules.push_back(value_rule("/service_tier", "/service_tier", "default", 1000));
  rules.push_back(value_rule("/speed", "/usage/speed", "fast", price.fast));
  rules.push_back(value_rule("/speed", "/usage/speed", "standard", 1000));
  for (const char* count : {"/usage/server_tool_use/web_search_requests", "/output/web_search_call"}) {
    rules.push_back({{"tool", "web_search"},
                     {"count", count},
                     {"fee", dollars(price.search)},
                     {"most", k_most_searches},
                     {"brings", k_most_searches * k_found}});
  }
  return rules.dump();
}

}  // namespace cr::test

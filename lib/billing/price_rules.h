// SPDX-License-Identifier: MIT
// The rules of a price: other rates for long prompts and for members of the request that change the bill, and fees of
// tools that the provider runs. They are data: a rule names a member of the request and a place in the response by JSON
// pointers (RFC 6901), so that a provider's new member needs a line in a price list. Pure; any thread.
//
// As JSON (docs/prices.md):
//   {"input_over": 272000, "input": "5", "cached_input": "0.5", "output": "22.5"}
//   {"request": "/service_tier", "answer": "/service_tier", "is": ["flex"], "input_over": 272000, "input": "2.5"}
//   {"request": "/inference_geo", "answer": "/usage/inference_geo", "is": ["us"], "factor": "1.1"}
//   {"tool": "web_search", "count": "/usage/server_tool_use/web_search_requests", "fee": "0.01", "most": 10, "brings":
//   128000}
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "billing/cost.h"
#include "billing/price.h"
#include "json/tree.h"

namespace cr::billing {

// Rates that a rule puts in place of others.
struct RateChanges {
  std::optional<Rate> input, cached_input, cache_write, output;
  OtherRates other;
  bool operator==(const RateChanges&) const = default;
};

struct PriceRule {
  // When it holds: all that is given. A rule without effect names values that cost nothing more.
  std::optional<std::int64_t> input_over;  // model tokens of input, for the whole request
  std::string request;                     // "/service_tier", "header:anthropic-beta"; empty: no such condition
  std::string answer;                      // where the response confirms or corrects it; empty: nowhere
  std::vector<std::string> is;
  // What it does: rates in place of others, then a factor on all of them.
  RateChanges rates;
  std::optional<Multiplier> factor;
  // Or what a call of a tool costs that the provider runs.
  std::string tool;                    // how the type of the entry in `tools` begins; empty: the rule is none of a tool
  std::string count;                   // where the response counts the calls
  base::Credits fee;                   // each
  std::int64_t most = 0;               // calls, where the request does not bound them; of a count of tokens one call's
  std::optional<std::int64_t> brings;  // of input, in model tokens, all calls together at most; none: up to the context

  bool operator==(const PriceRule&) const = default;
  bool is_fee() const { return !tool.empty(); }
  bool has_effect() const { return is_fee() || factor || rates != RateChanges{}; }
};

// `list` is a JSON list of rules. Errors: `invalid`, naming the rule by its place and the member.
base::Result<PriceRules> parse_rules(const json::Json& list);
// From and to the text of such a list; an empty text has no rules, and no rules are an empty text.
base::Result<PriceRules> parse_rules(std::string_view text);
std::string to_json(const PriceRules& rules);
// Adds the list as a value.
void write_rules(json::JsonWriter& writer, const PriceRules& rules);

// The rates of one request once the rules are applied; each is there.
struct Rates {
  Rate input, cached_input, cache_write, cache_write_hour, output;
  Rate audio_input, cached_audio_input, audio_output;
  Rate image_input, cached_image_input, image_output;
  bool operator==(const Rates&) const = default;
};
// `confirmed`: of members that the response does not tell, what the request says is left out.
Rates rates_of(const Price& price, std::int64_t input_tokens, const Circumstances& circumstances,
               bool confirmed = false);
// The same with every rule of the price left out.
Rates base_rates(const Price& price);

// What the request says of the member at `pointer`; empty where it is left out on the way.
std::string_view sent_value(std::string_view pointer, const Circumstances& circumstances);

// What a request asks for by the member at `pointer`: what it says of it, or the channel's tier. Empty: nothing; "auto"
// is nothing.
std::string_view asked_value(std::string_view pointer, const Circumstances& circumstances);

// A member whose value the price's rules do not know, though they know the member: what it costs is not known.
struct UnknownValue {
  std::string member, value;
};
std::optional<UnknownValue> find_unknown_value(const Price& price, const Circumstances& circumstances);

// Whether a count that a response told is charged, or is one that costs nothing by itself.
bool is_priced_count(const Price& price, std::string_view pointer);

// How often a fee's tool can be called by the request: what the request bounds, else the rule's most. 0: it is not
// allowed to.
std::int64_t most_calls(const PriceRule& rule, const dialect::RequestScan& scan);

}  // namespace cr::billing

// SPDX-License-Identifier: MIT
#include "billing/price_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

#include "billing/held_rules.h"

namespace cr::billing {
namespace {

using base::Error;
using base::ErrorCode;
using json::Json;
using json::JsonWriter;

constexpr std::size_t k_rules_max = 256;
constexpr std::size_t k_values_max = 64;
constexpr std::size_t k_text_max = 256;
constexpr std::size_t k_bytes_max = std::size_t{64} * 1024;
constexpr std::int64_t k_count_max = 1'000'000'000'000;

struct NamedRate {
  std::string_view name;
  std::optional<Rate> RateChanges::*text;  // one of the four of text; else null
  std::optional<Rate> OtherRates::*other;
};
constexpr std::array<NamedRate, 11> k_rates{{
    {"input", &RateChanges::input, nullptr},
    {"cached_input", &RateChanges::cached_input, nullptr},
    {"cache_write", &RateChanges::cache_write, nullptr},
    {"cache_write_hour", nullptr, &OtherRates::cache_write_hour},
    {"output", &RateChanges::output, nullptr},
    {"audio_input", nullptr, &OtherRates::audio_input},
    {"cached_audio_input", nullptr, &OtherRates::cached_audio_input},
    {"audio_output", nullptr, &OtherRates::audio_output},
    {"image_input", nullptr, &OtherRates::image_input},
    {"cached_image_input", nullptr, &OtherRates::cached_image_input},
    {"image_output", nullptr, &OtherRates::image_output},
}};

// Members that change the bill at some provider, and their values that change nothing: for prices without rules of
// them.
struct BillingMember {
  std::string_view request;
  std::array<std::string_view, 4> neutral;
};
constexpr std::array<BillingMember, 3> k_billing_members{{
    {"/service_tier", {"default", "standard", "standard_only", "on_demand"}},
    {"/speed", {"standard"}},
    {"/inference_geo", {"global"}},
}};

auto& rate_in(auto& changes, const NamedRate& named) {
  return named.text != nullptr ? changes.*named.text : changes.other.*named.other;
}

const NamedRate* find_rate(std::string_view name) {
  const auto found = std::find_if(k_rates.begin(), k_rates.end(), [&](const auto& row) { return row.name == name; });
  return found == k_rates.end() ? nullptr : found;
}

base::Result<std::string_view> text_of(const Json& value) {
  if (value.kind != Json::Kind::text || value.text.empty() || value.text.size() > k_text_max)
    return base::fail(ErrorCode::invalid, fmt::format("not a text of 1 to {} bytes", k_text_max));
  return std::string_view(value.text);
}

base::Result<std::string> pointer_of(const Json& value) {
  const auto text = text_of(value);
  if (!text) return tl::unexpected(text.error());
  if (!text->starts_with('/') && !text->starts_with("header:"))
    return base::fail(ErrorCode::invalid, "not a JSON pointer, as \"/service_tier\"");
  return std::string(*text);
}

base::Result<std::int64_t> count_of(const Json& value, std::int64_t least) {
  if (value.kind != Json::Kind::integer || value.integer < least || value.integer > k_count_max)
    return base::fail(ErrorCode::invalid, fmt::format("not a whole number from {} on", least));
  return value.integer;
}

base::Result<std::vector<std::string>> values_of(const Json& list) {
  if (list.kind != Json::Kind::list || list.items.empty() || list.items.size() > k_values_max)
    return base::fail(ErrorCode::invalid, "not a list of values");
  std::vector<std::string> values;
  for (const Json& item : list.items) {
    const auto text = text_of(item);
    if (!text) return tl::unexpected(text.error());
    values.emplace_back(*text);
  }
  return values;
}

// Into `place`, or the Error.
template <class Place, class T>
base::Result<void> put(Place& place, base::Result<T>&& value) {
  if (!value) return tl::unexpected(std::move(value.error()));
  place = std::move(*value);
  return {};
}

base::Result<void> take_member(const json::JsonMember& member, PriceRule& rule) {
  const auto& [name, value] = member;
  if (name == "input_over") return put(rule.input_over, count_of(value, 1));
  if (name == "request") return put(rule.request, pointer_of(value));
  if (name == "answer") return put(rule.answer, pointer_of(value));
  if (name == "is") return put(rule.is, values_of(value));
  if (name == "most") return put(rule.most, count_of(value, 1));
  if (name == "brings") return put(rule.brings, count_of(value, 0));
  if (name == "count") return put(rule.count, pointer_of(value));
  const bool text = value.kind == Json::Kind::text;
  if (name == "tool") return put(rule.tool, text_of(value));
  const auto* rate = find_rate(name);
  if (rate == nullptr && name != "factor" && name != "fee") return base::fail(ErrorCode::invalid, "unknown member");
  if (!text) return base::fail(ErrorCode::invalid, "not a decimal in quotes");
  if (rate != nullptr) return put(rate_in(rule.rates, *rate), Rate::parse(value.text));
  if (name == "factor") return put(rule.factor, Multiplier::parse(value.text));
  return put(rule.fee, base::Credits::parse(value.text));
}

const char* fault_of(const PriceRule& rule) {
  const bool conditional = rule.input_over || !rule.request.empty();
  if (rule.request.empty() != rule.is.empty()) return "\"request\" and \"is\" come together";
  if (rule.request.empty() && !rule.answer.empty()) return "\"answer\" needs a \"request\"";
  if (rule.is_fee()) {
    if (conditional || rule.factor || rule.rates != RateChanges{}) return "a tool's rule has a fee and nothing else";
    if (rule.count.empty() || rule.most == 0) return "a tool's rule needs \"count\", \"fee\" and \"most\"";
    return nullptr;
  }
  if (!rule.count.empty() || rule.most != 0 || rule.brings || rule.fee != base::Credits())
    return "\"fee\" needs a \"tool\"";
  if (!conditional) return "it has no condition";
  return !rule.has_effect() && rule.request.empty() ? "it changes nothing" : nullptr;
}

Rate scaled(Rate rate, const Multiplier& factor) {
  constexpr __int128 k_million = 1'000'000;
  const __int128 product = static_cast<__int128>(rate.nano_per_million) * factor.millionths;
  const auto most = static_cast<__int128>(std::numeric_limits<std::int64_t>::max());
  return {static_cast<std::int64_t>(std::min((product + k_million - 1) / k_million, most))};
}

bool is_one_of(const std::vector<std::string>& values, std::string_view value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

std::string_view told_value(const PriceRule& rule, const Circumstances& circumstances) {
  if (circumstances.told == nullptr || rule.answer.empty()) return {};
  return circumstances.told->text(rule.answer);
}

}  // namespace

bool holds(const PriceRule& rule, std::int64_t input_tokens, const Circumstances& circumstances, bool confirmed) {
  if (rule.is_fee()) return false;
  if (rule.input_over && input_tokens <= *rule.input_over) return false;
  if (rule.request.empty()) return true;
  auto value = told_value(rule, circumstances);
  if (value.empty() && !confirmed) value = asked_value(rule.request, circumstances);
  return is_one_of(rule.is, value);
}

namespace {

// The base rates with the changes of a rule. What a provider has no rate for follows the input's.
struct Working {
  RateChanges now;

  void change(const RateChanges& by) {
    const auto old_input = now.input;
    for (const auto& named : k_rates) {
      const auto& changed = rate_in(by, named);
      if (changed) rate_in(now, named) = changed;
    }
    if (!by.input) return;
    if (!by.cached_input && now.cached_input == old_input) now.cached_input = by.input;
    if (!by.cache_write && now.cache_write == old_input) now.cache_write = by.input;
  }
  void scale(const Multiplier& factor) {
    for (const auto& named : k_rates) {
      auto& rate = rate_in(now, named);
      if (rate) rate = scaled(*rate, factor);
    }
  }
};

Rates finish(const RateChanges& now) {
  Rates rates;
  rates.input = *now.input;
  rates.cached_input = *now.cached_input;
  rates.cache_write = *now.cache_write;
  rates.output = *now.output;
  // At least twice the input's, as Anthropic has it (docs.claude.com/en/docs/build-with-claude/prompt-caching,
  // "Pricing"), where the price does not say.
  rates.cache_write_hour = now.other.cache_write_hour.value_or(
      Rate{std::max(rates.cache_write.nano_per_million, 2 * rates.input.nano_per_million)});
  rates.audio_input = now.other.audio_input.value_or(rates.input);
  rates.cached_audio_input = now.other.cached_audio_input.value_or(now.other.audio_input.value_or(rates.cached_input));
  rates.audio_output = now.other.audio_output.value_or(rates.output);
  rates.image_input = now.other.image_input.value_or(rates.input);
  rates.cached_image_input = now.other.cached_image_input.value_or(now.other.image_input.value_or(rates.cached_input));
  rates.image_output = now.other.image_output.value_or(rates.output);
  return rates;
}

Working begin(const Price& price) {
  return {{price.input, price.cached_input, price.cache_write, price.output, price.other}};
}

}  // namespace

// Refers to its own rules: it is neither moved nor copied.
struct PriceRules::Index : PriceRules::Lists {
  explicit Index(std::vector<PriceRule> given) : rules(std::move(given)) {
    const auto add = [](std::vector<std::string_view>& pointers, std::string_view pointer) {
      if (!pointer.empty() && std::ranges::find(pointers, pointer) == pointers.end()) pointers.push_back(pointer);
    };
    for (const PriceRule& rule : rules) {
      if (!rule.is_fee() && rule.has_effect()) of_rates.push_back(&rule);
      if (rule.input_over) steps.push_back(*rule.input_over);
      add(requests, rule.request);
      add(answers, rule.answer);
      add(counts, rule.count);
    }
    std::ranges::sort(steps);
    steps.erase(std::unique(steps.begin(), steps.end()), steps.end());
  }
  Index(const Index&) = delete;
  Index& operator=(const Index&) = delete;

  const std::vector<PriceRule> rules;
};

const PriceRules::Lists PriceRules::k_no_lists;

PriceRules::PriceRules(std::vector<PriceRule> rules) {
  if (!rules.empty()) index_ = std::make_shared<const Index>(std::move(rules));
}

const PriceRules::Lists& PriceRules::kept_lists() const {
  return *index_;
}

std::span<const PriceRule> PriceRules::list() const {
  return index_ ? std::span<const PriceRule>(index_->rules) : std::span<const PriceRule>();
}

bool PriceRules::operator==(const PriceRules& other) const {
  return index_ == other.index_ || std::ranges::equal(list(), other.list());
}

base::Result<PriceRules> parse_rules(const Json& list) {
  if (list.kind == Json::Kind::null) return PriceRules();
  if (list.kind != Json::Kind::list) return base::fail(ErrorCode::invalid, "rules: not a list");
  if (list.items.size() > k_rules_max)
    return base::fail(ErrorCode::invalid, fmt::format("rules: more than {}", k_rules_max));
  std::vector<PriceRule> rules;
  for (const Json& item : list.items) {
    const auto named = [&](std::string_view what) {
      return base::fail(ErrorCode::invalid, fmt::format("rules: number {}: {}", rules.size() + 1, what));
    };
    if (item.kind != Json::Kind::object) return named("not an object");
    PriceRule rule;
    for (const auto& member : item.members) {
      if (member.value.kind == Json::Kind::null) continue;
      if (auto taken = take_member(member, rule); !taken)
        return named(fmt::format("{}: {}", member.name, taken.error().message));
    }
    if (const char* fault = fault_of(rule); fault != nullptr) return named(fault);
    rules.push_back(std::move(rule));
  }
  return PriceRules(std::move(rules));
}

base::Result<PriceRules> parse_rules(std::string_view text) {
  if (text.empty()) return PriceRules();
  const auto list = json::parse_json(text, k_bytes_max);
  if (!list) return tl::unexpected(list.error());
  return parse_rules(*list);
}

void write_rules(JsonWriter& writer, const PriceRules& rules) {
  const auto text = [&writer](std::string_view name, std::string_view value) {
    if (value.empty()) return;
    writer.plain_name(name);
    writer.text(value);
  };
  writer.begin_list();
  for (const PriceRule& rule : rules.list()) {
    writer.begin_object();
    if (rule.input_over) {
      writer.plain_name("input_over");
      writer.integer(*rule.input_over);
    }
    text("request", rule.request);
    text("answer", rule.answer);
    if (!rule.is.empty()) {
      writer.plain_name("is");
      writer.begin_list();
      for (const auto& value : rule.is) writer.text(value);
      writer.end_list();
    }
    for (const auto& named : k_rates) {
      if (const auto& rate = rate_in(rule.rates, named)) text(named.name, rate->to_decimal());
    }
    if (rule.factor) text("factor", rule.factor->to_decimal());
    text("tool", rule.tool);
    text("count", rule.count);
    if (rule.is_fee()) {
      text("fee", rule.fee.to_decimal());
      writer.plain_name("most");
      writer.integer(rule.most);
    }
    if (rule.brings) {
      writer.plain_name("brings");
      writer.integer(*rule.brings);
    }
    writer.end_object();
  }
  writer.end_list();
}

std::string to_json(const PriceRules& rules) {
  if (rules.empty()) return {};
  JsonWriter writer;
  write_rules(writer, rules);
  return writer.take();
}

std::string_view sent_value(std::string_view pointer, const Circumstances& circumstances) {
  const auto& stripped = circumstances.stripped;
  const bool left_out = pointer.starts_with('/') && std::ranges::find(stripped, pointer.substr(1)) != stripped.end();
  return circumstances.scan == nullptr || left_out ? std::string_view() : circumstances.scan->member(pointer);
}

std::string_view asked_value(std::string_view pointer, const Circumstances& circumstances) {
  const auto value = sent_value(pointer, circumstances);
  if (pointer == "/service_tier" && (value.empty() || value == "auto")) return circumstances.service_tier;
  return value == "auto" ? std::string_view() : value;
}

Rates base_rates(const Price& price) {
  return finish(begin(price).now);
}

Rates rates_of(const Price& price, std::int64_t input_tokens, const Circumstances& circumstances, bool confirmed) {
  if (price.rules.of_rates().empty()) return base_rates(price);
  auto working = begin(price);
  for (const PriceRule* rule : price.rules.of_rates()) {
    if (!holds(*rule, input_tokens, circumstances, confirmed)) continue;
    working.change(rule->rates);
    if (rule->factor) working.scale(*rule->factor);
  }
  return finish(working.now);
}

std::optional<UnknownValue> find_unknown_value(const Price& price, const Circumstances& circumstances) {
  for (const auto& member : k_billing_members) {
    const auto value = asked_value(member.request, circumstances);
    if (value.empty() || std::ranges::find(price.rules.requests(), member.request) != price.rules.requests().end())
      continue;
    if (std::ranges::find(member.neutral, value) == member.neutral.end())
      return UnknownValue{std::string(member.request), std::string(value)};
  }
  for (const auto pointer : price.rules.requests()) {
    const auto value = asked_value(pointer, circumstances);
    if (value.empty()) continue;
    const bool known = std::ranges::any_of(price.rules.list(), [&](const PriceRule& rule) {
      return rule.request == pointer && is_one_of(rule.is, value);
    });
    if (!known) return UnknownValue{std::string(pointer), std::string(value)};
  }
  return std::nullopt;
}

// Counts that are parts of others or name no work: reasoning is part of the output, a cost is compared as a whole.
bool is_priced_count(const Price& price, std::string_view pointer) {
  static constexpr std::array<std::string_view, 12> k_free = {"/reasoning_tokens",
                                                              "/accepted_prediction_tokens",
                                                              "/rejected_prediction_tokens",
                                                              "/text_tokens",
                                                              "/total_tokens",
                                                              "/cost",
                                                              "/num_sources_used",
                                                              "/cached_tokens",
                                                              "/thinking_tokens",
                                                              "/total_time",
                                                              "/prompt_time",
                                                              "/completion_time"};
  const bool free = std::ranges::any_of(k_free, [&](std::string_view end) { return pointer.ends_with(end); });
  return free || pointer.starts_with("/usage/cost_details") || pointer.ends_with("_time") ||
         std::ranges::any_of(price.rules.list(), [&](const PriceRule& rule) { return rule.count == pointer; });
}

std::int64_t most_calls(const PriceRule& rule, const dialect::RequestScan& scan) {
  std::int64_t most = 0;
  // What is counted in tokens is `most` of them for each call.
  const bool by_tokens = rule.count.ends_with("_tokens");
  for (const auto& tool : scan.provider_tools) {
    if (!tool.type.starts_with(rule.tool)) continue;
    const auto calls = tool.max_uses ? tool.max_uses : scan.max_tool_calls;
    most += by_tokens ? rule.most * std::max<std::int64_t>(calls.value_or(1), 1) : calls.value_or(rule.most);
  }
  return most;
}

}  // namespace cr::billing

// SPDX-License-Identifier: MIT
#include "crctl/price_shapes.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <vector>

namespace cr::crctl {
namespace {

using base::ErrorCode;
using base::fail;
using base::Result;
using Json = nlohmann::json;

constexpr int k_token_shift = 6;  // dollars a token are dollars a million tokens times 10^6
constexpr std::size_t k_digits_max = 40;
constexpr int k_exponent_max = 20;

// A number or a decimal as text; null where it is neither.
std::string text_of(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  return value.is_number() ? value.dump() : std::string();
}

// `from` of an object into `to` of our entry, if it is a decimal.
void take(const Json& object, const char* from, Json& entry, const char* to, int shift = 0) {
  const auto found = object.find(from);
  if (found == object.end()) return;
  if (const auto decimal = plain_decimal(text_of(*found), shift)) entry[to] = *decimal;
}

void take_count(const Json& object, const char* from, Json& entry, const char* to) {
  const auto found = object.find(from);
  if (found != object.end() && found->is_number_integer() && found->get<std::int64_t>() > 0) entry[to] = *found;
}

void add(Json& entries, Json entry) {
  if (entry.contains("input") && entry.contains("output")) entries.push_back(std::move(entry));
}

// docs.litellm.ai/docs/provider_registration/add_model_pricing
Json from_litellm(const Json& list) {
  Json entries = Json::array();
  for (const auto& [model, row] : list.items()) {
    if (!row.is_object() || model == "sample_spec") continue;
    Json entry = {{"model", model}};
    take(row, "input_cost_per_token", entry, "input", k_token_shift);
    take(row, "output_cost_per_token", entry, "output", k_token_shift);
    take(row, "cache_read_input_token_cost", entry, "cached_input", k_token_shift);
    take(row, "cache_creation_input_token_cost", entry, "cache_write", k_token_shift);
    take(row, "cache_creation_input_token_cost_above_1hr", entry, "cache_write_hour", k_token_shift);
    take(row, "input_cost_per_audio_token", entry, "audio_input", k_token_shift);
    take(row, "output_cost_per_audio_token", entry, "audio_output", k_token_shift);
    take_count(row, "max_output_tokens", entry, "max_output_tokens");
    take_count(row, "max_input_tokens", entry, "context_tokens");
    add(entries, std::move(entry));
  }
  return entries;
}

// models.dev/api.json: dollars a million.
Json from_models_dev(const Json& list) {
  Json entries = Json::array();
  for (const auto& provider : list) {
    if (!provider.is_object() || !provider.contains("models")) continue;
    for (const auto& [model, row] : provider["models"].items()) {
      Json entry = {{"model", model}};
      if (const auto cost = row.find("cost"); cost != row.end() && cost->is_object()) {
        take(*cost, "input", entry, "input");
        take(*cost, "output", entry, "output");
        take(*cost, "cache_read", entry, "cached_input");
        take(*cost, "cache_write", entry, "cache_write");
      }
      if (const auto limit = row.find("limit"); limit != row.end() && limit->is_object()) {
        take_count(*limit, "context", entry, "context_tokens");
        take_count(*limit, "output", entry, "max_output_tokens");
      }
      add(entries, std::move(entry));
    }
  }
  return entries;
}

// openrouter.ai/docs/api-reference/list-available-models: dollars a token, as text.
Json from_openrouter(const Json& models) {
  Json entries = Json::array();
  for (const auto& row : models) {
    if (!row.is_object() || !row.contains("id") || !row["id"].is_string()) continue;
    Json entry = {{"model", row["id"]}};
    if (const auto pricing = row.find("pricing"); pricing != row.end() && pricing->is_object()) {
      take(*pricing, "prompt", entry, "input", k_token_shift);
      take(*pricing, "completion", entry, "output", k_token_shift);
      take(*pricing, "input_cache_read", entry, "cached_input", k_token_shift);
      take(*pricing, "input_cache_write", entry, "cache_write", k_token_shift);
      take(*pricing, "request", entry, "per_request");
    }
    take_count(row, "context_length", entry, "context_tokens");
    if (const auto top = row.find("top_provider"); top != row.end() && top->is_object())
      take_count(*top, "max_completion_tokens", entry, "max_output_tokens");
    add(entries, std::move(entry));
  }
  return entries;
}

template <class Holds>
bool any_member(const Json& object, const Holds& holds) {
  return object.is_object() && std::any_of(object.begin(), object.end(), holds);
}

// Fields of one line; a quoted one may hold commas, and two quotes for one (RFC 4180). Nothing: a quote is not closed.
std::optional<std::vector<std::string>> fields_of(std::string_view line) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (std::size_t at = 0; at < line.size(); ++at) {
    const char c = line[at];
    if (quoted && c == '"' && at + 1 < line.size() && line[at + 1] == '"') {
      fields.back() += line[++at];
    } else if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      fields.emplace_back();
    } else {
      fields.back() += c;
    }
  }
  if (quoted) return std::nullopt;
  return fields;
}

// Counts are numbers in our form, everything else is text.
Json value_of(const std::string& name, const std::string& text) {
  if (!name.ends_with("_tokens")) return text;
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  return error == std::errc() && end == text.data() + text.size() ? Json(count) : Json(text);
}

}  // namespace

std::optional<std::string> plain_decimal(std::string_view text, int shift) {
  int exponent = shift;
  if (const auto e = text.find_first_of("eE"); e != std::string_view::npos) {
    auto digits = text.substr(e + 1);
    if (digits.starts_with('+')) digits.remove_prefix(1);
    int value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc() || end != digits.data() + digits.size() || std::abs(value) > k_exponent_max)
      return std::nullopt;
    exponent += value;
    text = text.substr(0, e);
  }
  const auto point = text.find('.');
  std::string digits(text.substr(0, point));
  if (point != std::string_view::npos) digits += text.substr(point + 1);
  const bool plain = !digits.empty() && digits.size() <= k_digits_max && text.front() != '.' && text.back() != '.' &&
                     std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!plain) return std::nullopt;
  auto whole = static_cast<int>(point == std::string_view::npos ? text.size() : point) + exponent;
  if (whole <= 0) {
    digits.insert(0, static_cast<std::size_t>(1 - whole), '0');
    whole = 1;
  }
  if (static_cast<std::size_t>(whole) > digits.size())
    digits.append(static_cast<std::size_t>(whole) - digits.size(), '0');
  auto result = digits.substr(0, static_cast<std::size_t>(whole));
  result.erase(0, std::min(result.find_first_not_of('0'), result.size() - 1));
  auto fraction = digits.substr(static_cast<std::size_t>(whole));
  fraction.erase(fraction.find_last_not_of('0') + 1);
  return fraction.empty() ? result : result + "." + fraction;
}

Result<Json> entries_from_csv(std::string_view text) {
  Json entries = Json::array();
  std::vector<std::string> names;
  int number = 0;
  for (std::size_t from = 0; from < text.size();) {
    const auto end = std::min(text.find('\n', from), text.size());
    auto line = text.substr(from, end - from);
    from = end + 1;
    ++number;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) continue;
    auto fields = fields_of(line);
    if (!fields) return fail(ErrorCode::invalid, fmt::format("price list: line {}: a quote is not closed", number));
    if (names.empty()) {
      names = std::move(*fields);
      continue;
    }
    if (fields->size() != names.size()) {
      return fail(ErrorCode::invalid, fmt::format("price list: line {}: {} fields, and the first line names {}", number,
                                                  fields->size(), names.size()));
    }
    Json entry = Json::object();
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (!(*fields)[i].empty()) entry[names[i]] = value_of(names[i], (*fields)[i]);
    }
    entries.push_back(std::move(entry));
  }
  return entries;
}

Json entries_of_shape(const Json& list) {
  if (list.is_object() && list.contains("data") && list["data"].is_array()) return from_openrouter(list["data"]);
  const auto priced = [](const Json& row) {
    return row.is_object() && (row.contains("litellm_provider") || row.contains("input_cost_per_token"));
  };
  if (any_member(list, priced)) return from_litellm(list);
  const auto sold = [](const Json& row) {
    return row.is_object() && row.contains("models") && row["models"].is_object();
  };
  return any_member(list, sold) ? from_models_dev(list) : Json();
}

}  // namespace cr::crctl

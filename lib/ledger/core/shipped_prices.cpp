// SPDX-License-Identifier: MIT
#include "ledger/core/shipped_prices.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "billing/price_rules.h"
#include "ledger/core/prices_json.h"

namespace cr::ledger {
namespace {

using base::ErrorCode;
using base::Result;
using nlohmann::json;

tl::unexpected<base::Error> bad(const std::string& model, const std::string& what) {
  return base::fail(ErrorCode::invalid, "price of '" + model + "': " + what);
}

// Dollars a million are nano-dollars a million: the same digits. Dollars a piece are read the same way. Absent and null
// leave `place` as it is.
Result<void> take(const json& item, const char* field, const std::string& model, std::int64_t& place) {
  const auto found = item.find(field);
  if (found == item.end() || found->is_null()) return {};
  if (!found->is_string()) return bad(model, std::string(field) + " is not a decimal in quotes");
  const auto credits = Credits::parse(found->get_ref<const std::string&>());
  if (!credits) return bad(model, std::string(field) + ": " + credits.error().message);
  place = credits->nano();
  return {};
}
Result<void> take(const json& item, const char* field, const std::string& model, base::Rate& place) {
  return take(item, field, model, place.nano_per_million);
}
Result<void> take(const json& item, const char* field, const std::string& model, std::optional<base::Rate>& place) {
  const auto found = item.find(field);
  if (found == item.end() || found->is_null()) return {};
  return take(item, field, model, place.emplace());
}
Result<void> take(const json& item, const char* field, const std::string& model, Credits& place) {
  std::int64_t nano = 0;
  auto taken = take(item, field, model, nano);
  place = Credits::from_nano(nano);
  return taken;
}
Result<void> take(const json& item, const char* field, const std::string& model, std::optional<std::int64_t>& place) {
  const auto found = item.find(field);
  if (found == item.end() || found->is_null()) return {};
  if (!found->is_number_integer() || found->get<std::int64_t>() <= 0)
    return bad(model, std::string(field) + " is not a positive integer");
  place = found->get<std::int64_t>();
  return {};
}

Result<void> take_rules(const json& item, PriceRecord& price) {
  const auto rules = item.find("rules");
  if (rules == item.end()) return {};
  auto parsed = billing::parse_rules(rules->dump());
  if (!parsed) return bad(price.model, parsed.error().message);
  price.rules = std::move(*parsed);
  return {};
}

// Of the newest of a list's sources; empty where none tells its date.
std::string date_of(const json& list) {
  std::string found;
  if (!list.is_object() || !list.contains("sources")) return found;
  for (const auto& [name, source] : list["sources"].items()) {
    if (source.is_object() && source.contains("date") && source["date"].is_string())
      found = std::max(found, source["date"].get<std::string>());
  }
  return found;
}

Result<PriceRecord> price_of(const json& item, Time updated_at) {
  const auto name = item.is_object() ? item.find("model") : item.end();
  if (!item.is_object() || name == item.end() || !name->is_string()) {
    return base::fail(ErrorCode::invalid, "price list: an entry has no model");
  }
  PriceRecord price;
  price.model = name->get<std::string>();
  price.source = "shipped";
  price.updated_at = updated_at;
  Result<void> done;
  for (const char* needed : {"input", "output"}) {
    if (!item.contains(needed) || item[needed].is_null()) return bad(price.model, std::string(needed) + " is missing");
  }
  const auto read = [&](const char* field, auto& place) {
    if (done) done = take(item, field, price.model, place);
  };
  read("input", price.input);
  read("output", price.output);
  // A provider without rates for its cache charges it as input.
  price.cached_input = price.cache_write = price.input;
  read("cached_input", price.cached_input);
  read("cache_write", price.cache_write);
  read("cache_write_hour", price.other.cache_write_hour);
  read("audio_input", price.other.audio_input);
  read("cached_audio_input", price.other.cached_audio_input);
  read("audio_output", price.other.audio_output);
  read("image_input", price.other.image_input);
  read("cached_image_input", price.other.cached_image_input);
  read("image_output", price.other.image_output);
  read("per_request", price.per_request);
  read("per_image", price.per_image);
  read("per_character", price.per_character);
  read("per_second", price.per_second);
  read("context_tokens", price.context_tokens);
  read("max_output_tokens", price.max_output_tokens);
  read("default_output_tokens", price.default_output_tokens);
  read("image_tokens", price.image_tokens);
  read("output_image_tokens", price.output_image_tokens);
  read("thinking_tokens", price.thinking_tokens);
  price.thinks = item.value("thinks", false);
  if (done) done = take_rules(item, price);
  if (!done) return tl::unexpected(done.error());
  return price;
}

}  // namespace

Result<std::vector<PriceRecord>> prices_from_json(std::string_view text, Time now) {
  const json list = json::parse(text, nullptr, false);
  if (!list.is_object() || !list.contains("models") || !list["models"].is_array()) {
    return base::fail(ErrorCode::invalid, "price list: not a JSON object with an array 'models'");
  }
  std::vector<PriceRecord> prices;
  // A bill by one of them tells of which day the list was.
  const auto made = base::parse_time(date_of(list));
  const auto updated_at = made ? std::min(*made, now) : now;
  for (const json& item : list["models"]) {
    auto price = price_of(item, updated_at);
    if (!price) return tl::unexpected(price.error());
    prices.push_back(std::move(*price));
  }
  return prices;
}

// FNV-1a (isthe.com/chongo/tech/comp/fnv).
std::int64_t shipped_prices_digest(std::string_view list) {
  std::uint64_t digest = 0xcbf29ce484222325U;
  for (const char c : list.empty() ? k_prices_json : list) {
    digest = (digest ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  }
  return static_cast<std::int64_t>(digest);
}

const std::string& shipped_prices_date() {
  static const std::string newest = date_of(json::parse(k_prices_json, nullptr, false));
  return newest;
}

Result<std::vector<PriceRecord>> shipped_prices(Time now, std::string_view list) {
  return prices_from_json(list.empty() ? k_prices_json : list, now);
}

}  // namespace cr::ledger

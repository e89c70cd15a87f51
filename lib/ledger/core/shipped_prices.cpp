// SPDX-License-Identifier: MIT
#include "ledger/core/shipped_prices.h"

#include <nlohmann/json.hpp>

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
// give `otherwise`.
Result<std::int64_t> rate_of(const json& item, const char* field, const std::string& model,
                             std::optional<std::int64_t> otherwise) {
  const auto found = item.find(field);
  if (found == item.end() || found->is_null()) {
    if (otherwise) return *otherwise;
    return bad(model, std::string(field) + " is missing");
  }
  if (!found->is_string()) return bad(model, std::string(field) + " is not a decimal in quotes");
  const auto credits = Credits::parse(found->get_ref<const std::string&>());
  if (!credits) return bad(model, std::string(field) + ": " + credits.error().message);
  return credits->nano();
}

Result<std::optional<std::int64_t>> count_of(const json& item, const char* field, const std::string& model) {
  const auto found = item.find(field);
  if (found == item.end() || found->is_null()) return std::optional<std::int64_t>();
  if (!found->is_number_integer() || found->get<std::int64_t>() <= 0) {
    return bad(model, std::string(field) + " is not a positive integer");
  }
  return std::optional(found->get<std::int64_t>());
}

Result<PriceRecord> price_of(const json& item, Time now) {
  const auto name = item.is_object() ? item.find("model") : item.end();
  if (!item.is_object() || name == item.end() || !name->is_string()) {
    return base::fail(ErrorCode::invalid, "price list: an entry has no model");
  }
  PriceRecord price;
  price.model = name->get<std::string>();
  price.source = "shipped";
  price.updated_at = now;
  const auto input = rate_of(item, "input", price.model, std::nullopt);
  const auto output = rate_of(item, "output", price.model, std::nullopt);
  const auto per_image = rate_of(item, "per_image", price.model, 0);
  const auto per_character = rate_of(item, "per_character", price.model, 0);
  const auto per_second = rate_of(item, "per_second", price.model, 0);
  if (!input) return tl::unexpected(input.error());
  if (!output) return tl::unexpected(output.error());
  price.input = {*input};
  price.output = {*output};
  const auto cached = rate_of(item, "cached_input", price.model, *input);
  const auto cache_write = rate_of(item, "cache_write", price.model, *input);
  const auto per_request = rate_of(item, "per_request", price.model, 0);
  const auto context = count_of(item, "context_tokens", price.model);
  const auto output_max = count_of(item, "max_output_tokens", price.model);
  for (const auto* rate : {&cached, &cache_write, &per_request, &per_image, &per_character, &per_second}) {
    if (!*rate) return tl::unexpected(rate->error());
  }
  if (!context) return tl::unexpected(context.error());
  if (!output_max) return tl::unexpected(output_max.error());
  price.cached_input = {*cached};
  price.cache_write = {*cache_write};
  price.per_request = Credits::from_nano(*per_request);
  price.per_image = Credits::from_nano(*per_image);
  price.per_character = {*per_character};
  price.per_second = Credits::from_nano(*per_second);
  price.context_tokens = *context;
  price.max_output_tokens = *output_max;
  return price;
}

}  // namespace

Result<std::vector<PriceRecord>> prices_from_json(std::string_view text, Time now) {
  const json list = json::parse(text, nullptr, false);
  if (!list.is_object() || !list.contains("models") || !list["models"].is_array()) {
    return base::fail(ErrorCode::invalid, "price list: not a JSON object with an array 'models'");
  }
  std::vector<PriceRecord> prices;
  for (const json& item : list["models"]) {
    auto price = price_of(item, now);
    if (!price) return tl::unexpected(price.error());
    prices.push_back(std::move(*price));
  }
  return prices;
}

Result<std::vector<PriceRecord>> shipped_prices(Time now) {
  return prices_from_json(k_prices_json, now);
}

}  // namespace cr::ledger

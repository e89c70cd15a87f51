// SPDX-License-Identifier: MIT
// price import.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "crctl/fetch.h"
#include "crctl/flags.h"
#include "crctl/price.h"
#include "crctl/prompt.h"

namespace cr::crctl {
namespace {

using base::ErrorCode;
using base::fail;
using base::Result;
using Json = nlohmann::json;

tl::unexpected<base::Error> refuse(std::size_t index, const std::string& why) {
  return fail(ErrorCode::invalid, fmt::format("price list: entry {}: {}", index + 1, why),
              R"(an entry is {"model":"m","input":"0.15","output":"0.60"}, with dollars as text)");
}

// A number would have lost digits before we saw it, so money must be text.
Result<std::optional<std::string>> text_member(const Json& entry, const char* name, std::size_t index) {
  const auto found = entry.find(name);
  if (found == entry.end() || found->is_null()) return std::optional<std::string>();
  if (!found->is_string()) return refuse(index, fmt::format("\"{}\" is not text", name));
  return std::optional<std::string>(found->get<std::string>());
}

Result<std::optional<std::int64_t>> count_member(const Json& entry, const char* name, std::size_t index) {
  const auto found = entry.find(name);
  if (found == entry.end() || found->is_null()) return std::optional<std::int64_t>();
  if (!found->is_number_integer()) return refuse(index, fmt::format("\"{}\" is not a whole number", name));
  return std::optional<std::int64_t>(found->get<std::int64_t>());
}

// Of brackets and braces outside of texts. Held before parsing: each level costs a hundred times its byte.
bool is_too_deep(std::string_view json) {
  constexpr std::size_t k_levels_max = 16;
  std::size_t open = 0;
  bool in_text = false;
  for (std::size_t at = 0; at < json.size(); ++at) {
    const char c = json[at];
    if (c == '"') in_text = !in_text;
    if (in_text) {
      if (c == '\\') ++at;
      continue;
    }
    if ((c == '[' || c == '{') && ++open > k_levels_max) return true;
    if ((c == ']' || c == '}') && open > 0) --open;
  }
  return false;
}

Result<admin::PriceSet> parse_entry(const Json& entry, std::size_t index) {
  if (!entry.is_object()) return refuse(index, "it is not an object");
  admin::PriceSet price;
  auto model = text_member(entry, "model", index);
  if (!model) return tl::unexpected(model.error());
  if (!*model) return refuse(index, "\"model\" is missing");
  price.model = **model;
  for (const auto& [name, target] :
       {std::pair{"input", &price.input}, std::pair{"output", &price.output},
        std::pair{"cached_input", &price.cached_input}, std::pair{"cache_write", &price.cache_write},
        std::pair{"per_request", &price.per_request}, std::pair{"per_image", &price.per_image},
        std::pair{"per_character", &price.per_character}, std::pair{"per_second", &price.per_second}}) {
    auto text = text_member(entry, name, index);
    if (!text) return tl::unexpected(text.error());
    *target = *text;
  }
  const bool by_units = price.per_image || price.per_character || price.per_second;
  for (const auto& [name, text] : {std::pair{"input", &price.input}, std::pair{"output", &price.output}}) {
    if (!*text && !by_units && !price.per_request) return refuse(index, fmt::format("\"{}\" is missing", name));
  }
  for (const auto& [name, target] :
       {std::pair{"max_output_tokens", &price.max_output_tokens}, std::pair{"context_tokens", &price.context_tokens}}) {
    auto count = count_member(entry, name, index);
    if (!count) return tl::unexpected(count.error());
    *target = *count;
  }
  auto effective = text_member(entry, "effective_at", index);
  if (!effective) return tl::unexpected(effective.error());
  if (*effective) {
    auto time = base::parse_time(**effective);
    if (!time) return refuse(index, time.error().message);
    price.effective_at = *time;
  }
  return price;
}

Result<Exit> run_import(Context& context, const std::string& file) {
  auto text = read_text(file);
  if (!text) return tl::unexpected(text.error());
  auto list = parse_price_list(*text);
  if (!list) return tl::unexpected(list.error());
  std::string raw;
  auto imported = context.client().send<admin::Imported>("POST", "/prices/import", *list, context.call_options(), &raw);
  if (!imported) return tl::unexpected(imported.error());
  return print_done(context, fmt::format("{}imported {} prices", context.would(), imported->imported), raw);
}

}  // namespace

Result<admin::PriceImport> parse_price_list(std::string_view json) {
  if (is_too_deep(json)) return fail(ErrorCode::invalid, "price list: nested deeper than 16 levels");
  const Json value = Json::parse(json, nullptr, false);
  if (value.is_discarded()) return fail(ErrorCode::invalid, "price list: it is not JSON");
  const Json* entries = &value;
  for (const char* member : {"models", "prices"}) {
    if (value.is_object() && value.contains(member)) entries = &value[member];
  }
  if (!entries->is_array()) {
    return fail(ErrorCode::invalid, "price list: there is no array of prices",
                R"(give an array, or an object with the array in "models")");
  }
  admin::PriceImport list;
  for (std::size_t i = 0; i < entries->size(); ++i) {
    auto price = parse_entry((*entries)[i], i);
    if (!price) return tl::unexpected(price.error());
    list.prices.push_back(*std::move(price));
  }
  if (list.prices.empty()) return fail(ErrorCode::invalid, "price list: it is empty");
  return list;
}

void add_price_import(Commands& commands, CLI::App& price) {
  auto file = std::make_shared<std::string>();
  CLI::App& verb =
      commands.verb(price,
                    {"import",
                     "Set many prices from a JSON file; all of them or none.",
                     {"crctl price import prices.json", "crctl price import - < prices.json"},
                     R"(The file is an array of {"model","input","output",...} or an object with it in "models".)"},
                    Effect::adds, [file](Context& context) { return run_import(context, *file); });
  add_name(verb, "FILE", "FILE", "The file; - is stdin.", *file);
}

}  // namespace cr::crctl

// SPDX-License-Identifier: MIT
// price import.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>

#include "admin/price_fields.h"
#include "base/rate.h"
#include "base/text.h"
#include "crctl/fetch.h"
#include "crctl/flags.h"
#include "crctl/json_text.h"
#include "crctl/price.h"
#include "crctl/price_shapes.h"
#include "crctl/prompt.h"

namespace cr::crctl {
namespace {

using base::ErrorCode;
using base::fail;
using base::Result;
using Json = nlohmann::json;

tl::unexpected<base::Error> refuse(std::size_t index, const std::string& why) {
  return fail(ErrorCode::invalid, fmt::format("price list: entry {}: {}", index + 1, why),
              R"(an entry is {"model":"m","input":"0.15","output":"0.60"}, in dollars a million model tokens)");
}

// --- a member of an entry as its field's type says; null is as good as none ---
// Money as text, or as a number by its shortest digits.
Result<void> read_member(const Json& value, std::string_view name, std::size_t index, std::string& member) {
  if (value.is_number()) {
    const auto decimal = plain_decimal(value.dump());
    if (!decimal) return refuse(index, fmt::format("\"{}\" is no amount of dollars", name));
    member = *decimal;
    return {};
  }
  if (!value.is_string()) return refuse(index, fmt::format("\"{}\" is neither text nor a number", name));
  member = value.get<std::string>();
  return {};
}

Result<void> read_member(const Json& value, std::string_view name, std::size_t index, std::int64_t& member) {
  if (!value.is_number_integer()) return refuse(index, fmt::format("\"{}\" is not a whole number", name));
  member = value.get<std::int64_t>();
  return {};
}

Result<void> read_member(const Json& value, std::string_view name, std::size_t index, bool& member) {
  if (!value.is_boolean()) return refuse(index, fmt::format("\"{}\" is not true or false", name));
  member = value.get<bool>();
  return {};
}

Result<void> read_member(const Json& value, std::string_view name, std::size_t index, admin::JsonText& member) {
  if (!value.is_array()) return refuse(index, fmt::format("\"{}\" is not a list", name));
  member.text = value.dump();
  return {};
}

Result<void> read_member(const Json& value, std::string_view name, std::size_t index, base::Time& member) {
  std::string text;
  if (auto read = read_member(value, name, index, text); !read) return read;
  const auto time = base::parse_time(text);
  if (!time) return refuse(index, time.error().message);
  member = *time;
  return {};
}

template <class T>
Result<void> read_member(const Json& value, std::string_view name, std::size_t index, std::optional<T>& member) {
  return read_member(value, name, index, member.emplace());
}

// Of our own form; what says nothing about the price is passed over.
Result<void> check_names(const Json& entry, std::size_t index) {
  static constexpr std::array<std::string_view, 7> k_said = {"provider",   "source",     "sources", "note",
                                                             "updated_at", "generation", "changes"};
  for (const auto& item : entry.items()) {
    const std::string& name = item.key();
    bool known = std::find(k_said.begin(), k_said.end(), name) != k_said.end();
    base::each_field(admin::k_price_fields, [&](const auto& row) { known |= row.name == name; });
    if (!known) return refuse(index, fmt::format("\"{}\" is no member of a price", base::escape_for_terminal(name)));
  }
  return {};
}

// Dollars a token where dollars a million are meant: no model is sold for less than that.
Result<void> check_unit(const admin::PriceSet& price, std::size_t index) {
  constexpr base::Rate k_least{500'000};  // $0.0005 a million
  for (const auto& [name, text] : {std::pair{"input", &price.input}, std::pair{"output", &price.output}}) {
    const auto rate = *text ? base::Rate::parse(**text) : base::Result<base::Rate>(base::Rate{});
    if (rate && *rate > base::Rate{} && *rate < k_least)
      return refuse(index, fmt::format("\"{}\": {} can only be dollars a token: give dollars a million", name, **text));
  }
  return {};
}

Result<admin::PriceSet> parse_entry(const Json& entry, std::size_t index) {
  if (!entry.is_object()) return refuse(index, "it is not an object");
  if (auto known = check_names(entry, index); !known) return tl::unexpected(known.error());
  admin::PriceSet price;
  auto read = base::try_each_field(admin::k_price_fields, [&](const auto& row) -> Result<void> {
    if constexpr (std::remove_cvref_t<decltype(row)>::is_given) {
      const auto found = entry.find(row.name);
      if (found != entry.end() && !found->is_null()) return read_member(*found, row.name, index, price.*row.given);
    }
    return {};
  });
  if (!read) return tl::unexpected(read.error());
  const auto model = entry.find("model");
  if (model == entry.end() || model->is_null()) return refuse(index, "\"model\" is missing");
  const bool by_units = price.per_image || price.per_character || price.per_second;
  for (const auto& [name, text] : {std::pair{"input", &price.input}, std::pair{"output", &price.output}}) {
    if (!*text && !by_units && !price.per_request) return refuse(index, fmt::format("\"{}\" is missing", name));
  }
  if (auto unit = check_unit(price, index); !unit) return tl::unexpected(unit.error());
  return price;
}

Result<Exit> run_import(Context& context, const std::string& file) {
  auto text = read_text(file);
  if (!text) return tl::unexpected(text.error());
  auto list = parse_price_list(*text);
  if (!list) return tl::unexpected(list.error());
  std::string raw;
  auto imported = context.client().send<admin::Edited<admin::Imported>>("POST", "/prices/import", *list,
                                                                        context.call_options(), &raw);
  if (!imported) return tl::unexpected(imported.error());
  context.output.note(fmt::format("{}imported {} prices", context.would(), imported->imported));
  auto printed = context.output.changes(imported->changes, raw);
  if (!printed) return tl::unexpected(printed.error());
  return Exit::done;
}

}  // namespace

namespace {

bool looks_like_csv(std::string_view text) {
  const auto first = text.substr(0, text.find('\n'));
  const auto start = first.find_first_not_of(" \t\r");
  return start != std::string_view::npos && first[start] != '{' && first[start] != '[' &&
         first.find("model") != std::string_view::npos && first.find(',') != std::string_view::npos;
}

// Two rows for one model of one time: which of them is meant, nobody knows.
Result<void> check_twice(const admin::PriceImport& list) {
  std::set<std::pair<std::string, std::optional<base::Time>>> seen;
  for (const auto& price : list.prices) {
    if (!seen.emplace(price.model, price.effective_at).second)
      return refuse(static_cast<std::size_t>(&price - list.prices.data()),
                    fmt::format("'{}' is there twice", base::escape_for_terminal(price.model)));
  }
  return {};
}

}  // namespace

Result<admin::PriceImport> parse_price_list(std::string_view text) {
  Json value;
  if (looks_like_csv(text)) {
    auto rows = entries_from_csv(text);
    if (!rows) return tl::unexpected(rows.error());
    value = std::move(*rows);
  } else {
    if (is_too_deep(text)) return fail(ErrorCode::invalid, "price list: nested deeper than 16 levels");
    value = Json::parse(text, nullptr, false);
    if (value.is_discarded()) return fail(ErrorCode::invalid, "price list: it is neither JSON nor CSV");
    if (auto entries = entries_of_shape(value); !entries.is_null()) value = std::move(entries);
  }
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
  if (auto once = check_twice(list); !once) return tl::unexpected(once.error());
  return list;
}

void add_price_import(Commands& commands, CLI::App& price) {
  auto file = std::make_shared<std::string>();
  CLI::App& verb = commands.verb(
      price,
      {"import",
       "Set many prices from a file; all of them or none. -n shows what would change.",
       {"crctl price import prices.json -n", "crctl price import - < prices.csv"},
       R"(JSON: an array of {"model","input","output",...} or an object with it in "models"; CSV with such )"
       "names in its first line; or the list of LiteLLM, models.dev or OpenRouter as it is."},
      Effect::adds, [file](Context& context) { return run_import(context, *file); });
  add_name(verb, "FILE", "FILE", "The file; - is stdin.", *file);
}

}  // namespace cr::crctl

// SPDX-License-Identifier: MIT
// Routes of prices.
#include <algorithm>

#include "admin/price_fields.h"
#include "base/decimal.h"
#include "base/text.h"
#include "billing/price.h"
#include "ledger/core/price_fields.h"
#include "relay/request/price_terms.h"
#include "server/admin/field_values.h"
#include "server/admin/routes.h"

namespace cr::server::admin {

namespace {

using base::ErrorCode;
using base::fail;
using base::Result;
using billing::Rate;
using ledger::PriceRecord;
using ledger::Reports;
using ledger::Store;

constexpr std::size_t k_import_max = 20'000;
constexpr std::int64_t k_tokens_max = 1'000'000'000'000;

cr::admin::Price to_message(const PriceRecord& record) {
  cr::admin::Price price;
  show_fields<cr::admin::k_price_fields, ledger::k_price_fields>(price, record);
  return price;
}

Result<std::vector<PriceRecord>> read_prices(const RouteCall& call, const std::string& glob) {
  return read_ledger(call.api.ledger(), [&](Reports& reports) { return reports.prices(glob); });
}

base::Error no_price(const ledger::Directory& directory, const std::string& model) {
  auto error = not_found("price for a model", model, directory.priced_models());
  if (error.hint.empty())
    error.hint = "set one: crctl price set '" + base::escape_for_terminal(model.substr(0, 128)) + "' ...";
  return error;
}

// The one that holds now; if all begin later, the one that begins first.
Result<PriceRecord> get_price(const RouteCall& call, const std::string& model) {
  const auto directory = call.api.ledger().directory().get();
  if (const auto price = directory->find_price(model, call.now); price && price->model == model) return *price;
  const auto rows = read_prices(call, "*");
  if (!rows) return tl::unexpected(rows.error());
  const PriceRecord* first = nullptr;
  for (const auto& row : *rows) {
    if (row.model == model && (first == nullptr || row.effective_at < first->effective_at)) first = &row;
  }
  if (first == nullptr) return tl::unexpected(no_price(*directory, model));
  return *first;
}

// Tokens may go unpriced only where something else is charged for: else a slip would make a model free.
Result<void> check_charged(const cr::admin::PriceSet& set, const PriceRecord& record) {
  const bool by_units = std::max({record.per_request, record.per_image, record.per_second}) > base::Credits();
  if (by_units || record.per_character > Rate()) return {};
  for (const auto& [member, text] : {std::pair{"input", &set.input}, std::pair{"output", &set.output}}) {
    if (!*text) return fail(ErrorCode::invalid, std::string(member) + ": missing");
  }
  return {};
}

Result<void> check_tokens(std::string_view member, const std::optional<std::int64_t>& tokens, std::int64_t low) {
  if (!tokens || (*tokens >= low && *tokens <= k_tokens_max)) return {};
  return fail(ErrorCode::invalid, std::string(member) + ": expected a whole number from " + std::to_string(low) +
                                      " to " + std::to_string(k_tokens_max));
}

Result<PriceRecord> to_record(const cr::admin::PriceSet& set, base::Time now) {
  PriceRecord record;
  auto done = take_created<cr::admin::k_price_fields, ledger::k_price_fields>(set, record);
  // Without a rate of its own, cached input costs what input costs.
  if (!set.cached_input) record.cached_input = record.input;
  if (!set.cache_write) record.cache_write = record.input;
  if (done) done = check_charged(set, record);
  if (done) done = check_tokens("max_output_tokens", set.max_output_tokens, 1);
  if (done) done = check_tokens("context_tokens", set.context_tokens, 1);
  if (!done) return tl::unexpected(done.error());
  record.source = "set";
  record.updated_at = now;
  return record;
}

// Of many prices: each field with its model before it, "gpt-4o input".
void add_changes(const PriceRecord& before, const PriceRecord& after, std::vector<cr::admin::Change>& changes) {
  for (auto& change : cr::admin::changes_between(to_message(before), to_message(after))) {
    change.field = after.model + " " + change.field;
    changes.push_back(std::move(change));
  }
}

std::string term(std::string_view what, std::int64_t tokens, Rate rate) {
  billing::Price price;
  price.input = rate;
  dialect::Usage usage;
  usage.input_tokens = tokens;
  return std::to_string(tokens) + " " + std::string(what) + " tokens x $" + rate.to_decimal() +
         " a million = " + billing::cost(price, {}, usage).to_display();
}

std::vector<std::string> unit_terms(const PriceRecord& price, const dialect::Usage& usage) {
  const auto sum = [](const billing::Price& of, const dialect::Usage& used) {
    return billing::cost(of, {}, used).to_display();
  };
  std::vector<std::string> lines;
  billing::Price only;
  dialect::Usage used;
  if (usage.images != 0) {
    only.per_image = price.per_image;
    used.images = usage.images;
    lines.push_back(std::to_string(usage.images) + " images x " + price.per_image.to_display() + " = " +
                    sum(only, used));
  }
  if (usage.characters != 0) {
    only = {};
    only.per_character = price.per_character;
    used.characters = usage.characters;
    lines.push_back(std::to_string(usage.characters) + " characters x $" + only.per_character.to_decimal() +
                    " a million = " + sum(only, used));
  }
  if (usage.audio_ms != 0) {
    only = {};
    only.per_second = price.per_second;
    used.audio_ms = usage.audio_ms;
    lines.push_back(base::format_fixed(usage.audio_ms, 3) + " seconds x " + price.per_second.to_display() + " = " +
                    sum(only, used));
  }
  return lines;
}

std::vector<std::string> arithmetic_of(const PriceRecord& price, const dialect::Usage& usage,
                                       billing::Multiplier multiplier, base::Credits cost) {
  std::vector<std::string> lines;
  const auto plain = usage.input_tokens - usage.cached_tokens;
  const auto others = unit_terms(price, usage);
  const bool with_tokens = others.empty() || usage.input_tokens != 0 || usage.output_tokens != 0;
  if (with_tokens) lines.push_back(term("input", plain, price.input));
  if (usage.cached_tokens != 0) lines.push_back(term("cached input", usage.cached_tokens, price.cached_input));
  if (with_tokens) lines.push_back(term("output", usage.output_tokens, price.output));
  lines.insert(lines.end(), others.begin(), others.end());
  if (price.per_request != base::Credits()) lines.push_back("per request = " + price.per_request.to_display());
  if (multiplier.millionths != billing::Multiplier{}.millionths)
    lines.push_back("group multiplier x " + multiplier.to_decimal());
  lines.push_back("total, rounded up to a nano-dollar = " + cost.to_display());
  return lines;
}

Result<dialect::Usage> to_usage(const cr::admin::PriceQuote& quote) {
  for (const auto& done :
       {check_tokens("input_tokens", quote.input_tokens, 0), check_tokens("cached_tokens", quote.cached_tokens, 0),
        check_tokens("output_tokens", quote.output_tokens, 0), check_tokens("images", quote.images, 0),
        check_tokens("characters", quote.characters, 0), check_tokens("audio_ms", quote.audio_ms, 0)}) {
    if (!done) return tl::unexpected(done.error());
  }
  if (quote.cached_tokens > quote.input_tokens) {
    return fail(ErrorCode::invalid, "cached_tokens: they are a part of input_tokens and cannot be more");
  }
  dialect::Usage usage;
  usage.input_tokens = quote.input_tokens;
  usage.cached_tokens = quote.cached_tokens;
  usage.output_tokens = quote.output_tokens;
  usage.images = quote.images;
  usage.characters = quote.characters;
  usage.audio_ms = quote.audio_ms;
  return usage;
}

}  // namespace

RouteResult list_prices(RouteCall& call) {
  const auto rows = read_prices(call, find_parameter(call.query, "match").value_or("*"));
  if (!rows) return tl::unexpected(rows.error());
  std::vector<cr::admin::Price> prices;
  for (const auto& row : *rows) prices.push_back(to_message(row));
  return answer_page(std::move(prices), call.query);
}

RouteResult show_price(RouteCall& call) {
  const auto price = get_price(call, call.name());
  if (!price) return tl::unexpected(price.error());
  return answer_with(to_message(*price));
}

RouteResult set_price(RouteCall& call) {
  auto set = read_body<cr::admin::PriceSet>(call);
  if (!set) return tl::unexpected(set.error());
  if (!set->model.empty() && set->model != call.name()) {
    return fail(ErrorCode::invalid, "model: differs from the one in the address", "leave it out of the body");
  }
  set->model = call.name();
  const auto record = to_record(*set, call.now);
  if (!record) return tl::unexpected(record.error());
  ledger::Edited<PriceRecord> edited;
  auto done = call.write([&](Store& store) -> Result<void> {
    auto both = store.set_price(*record, call.request.actor);
    if (!both) return tl::unexpected(both.error());
    edited = std::move(*both);
    return {};
  });
  if (!done) return tl::unexpected(done.error());
  const auto price = to_message(*record);
  return answer_edited(edited.before ? to_message(*edited.before) : price, price);
}

RouteResult unset_price(RouteCall& call) {
  const auto directory = call.api.ledger().directory().get();
  std::vector<std::shared_ptr<const PriceRecord>> unset;
  auto done = call.write([&](Store& store) -> Result<void> {
    auto gone = store.unset_price(call.name(), call.request.actor);
    if (!gone) return tl::unexpected(gone.error());
    unset = std::move(*gone);
    return {};
  });
  if (!done) {
    return tl::unexpected(done.error().code == ErrorCode::not_found ? no_price(*directory, call.name()) : done.error());
  }
  // The one that held until now; if all would have begun later, the one that would have begun first.
  auto held = unset.front();
  for (const auto& one : unset) {
    if (!one->effective_at || *one->effective_at <= call.now) held = one;
  }
  const auto gone = to_message(*held);
  return answer_with(cr::admin::Edited<cr::admin::Price>{gone, cr::admin::changes_to_nothing(gone)});
}

RouteResult import_prices(RouteCall& call) {
  const auto import = read_body<cr::admin::PriceImport>(call);
  if (!import) return tl::unexpected(import.error());
  if (import->prices.size() > k_import_max) {
    return fail(ErrorCode::invalid, "prices: at most " + std::to_string(k_import_max) + " at once");
  }
  std::vector<PriceRecord> records;
  for (const auto& set : import->prices) {
    const auto at = "prices[" + std::to_string(records.size()) + "]";
    if (set.model.empty()) return fail(ErrorCode::invalid, at + ".model: missing");
    auto record = to_record(set, call.now);
    if (!record) return fail(ErrorCode::invalid, at + "." + record.error().message, record.error().hint);
    records.push_back(std::move(*record));
  }
  cr::admin::Edited<cr::admin::Imported> imported;
  imported.imported = static_cast<std::int64_t>(records.size());
  auto done = call.write([&](Store& store) -> Result<void> {
    imported.changes.clear();
    for (const auto& record : records) {
      const auto one = store.set_price(record, call.request.actor);
      if (!one) return tl::unexpected(one.error());
      if (one->before) add_changes(*one->before, *one->after, imported.changes);
    }
    return {};
  });
  if (!done) return tl::unexpected(done.error());
  return answer_with(imported);
}

RouteResult quote_price(RouteCall& call) {
  const auto quote = read_body<cr::admin::PriceQuote>(call);
  if (!quote) return tl::unexpected(quote.error());
  const auto usage = to_usage(*quote);
  if (!usage) return tl::unexpected(usage.error());
  const auto directory = call.api.ledger().directory().get();
  const auto price = directory->find_price(quote->model, call.now);
  if (!price) return tl::unexpected(no_price(*directory, quote->model));
  billing::Multiplier multiplier;
  if (quote->group) {
    const auto group = directory->find_group(*quote->group);
    if (!group) return tl::unexpected(not_found("group", *quote->group, {}));
    multiplier.millionths = group->multiplier_millionths;
  }
  cr::admin::PriceQuoted quoted;
  quoted.price = to_message(*price);
  quoted.multiplier = multiplier.to_decimal();
  quoted.cost = billing::cost(relay::request::to_price(*price), multiplier, *usage);
  quoted.lines = arithmetic_of(*price, *usage, multiplier, quoted.cost);
  return answer_with(quoted);
}

}  // namespace cr::server::admin

// SPDX-License-Identifier: MIT
// Routes of prices.
#include <algorithm>

#include "admin/price_fields.h"
#include "base/decimal.h"
#include "base/text.h"
#include "billing/held_rules.h"
#include "billing/price_rules.h"
#include "billing/reservation.h"
#include "ledger/core/price_fields.h"
#include "server/admin/bill.h"
#include "server/admin/field_values.h"
#include "server/admin/price_loss.h"
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

// What is named replaces, the rest stays as the price of that time has it.
Result<PriceRecord> to_record(const cr::admin::PriceSet& set, const ledger::Directory& directory, base::Time now) {
  const auto before = directory.find_price(set.model, set.effective_at.value_or(now));
  const bool is_new = !before || before->model != set.model;
  PriceRecord record;
  if (!is_new) record = *before;
  const auto old_input = record.input;
  record.effective_at.reset();
  auto done = take_created<cr::admin::k_price_fields, ledger::k_price_fields>(set, record);
  // Without a rate of its own, cached input costs what input costs.
  if (!set.cached_input && (is_new || record.cached_input == old_input)) record.cached_input = record.input;
  if (!set.cache_write && (is_new || record.cache_write == old_input)) record.cache_write = record.input;
  if (done && is_new) done = check_charged(set, record);
  for (const auto& [member, tokens] :
       {std::pair{"max_output_tokens", &set.max_output_tokens}, std::pair{"context_tokens", &set.context_tokens},
        std::pair{"default_output_tokens", &set.default_output_tokens}, std::pair{"image_tokens", &set.image_tokens},
        std::pair{"output_image_tokens", &set.output_image_tokens},
        std::pair{"thinking_tokens", &set.thinking_tokens}}) {
    if (done) done = check_tokens(member, *tokens, 1);
  }
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

Result<dialect::Usage> to_usage(const cr::admin::PriceQuote& quote) {
  struct Count {
    const char* member;
    std::int64_t cr::admin::PriceQuote::*given;
    std::int64_t dialect::Usage::*used;
  };
  static constexpr Count k_counts[] = {
      {"input_tokens", &cr::admin::PriceQuote::input_tokens, &dialect::Usage::input_tokens},
      {"cached_tokens", &cr::admin::PriceQuote::cached_tokens, &dialect::Usage::cached_tokens},
      {"cache_write_tokens", &cr::admin::PriceQuote::cache_write_tokens, &dialect::Usage::cache_write_tokens},
      {"output_tokens", &cr::admin::PriceQuote::output_tokens, &dialect::Usage::output_tokens},
      {"audio_input_tokens", &cr::admin::PriceQuote::audio_input_tokens, &dialect::Usage::audio_input_tokens},
      {"audio_output_tokens", &cr::admin::PriceQuote::audio_output_tokens, &dialect::Usage::audio_output_tokens},
      {"image_input_tokens", &cr::admin::PriceQuote::image_input_tokens, &dialect::Usage::image_input_tokens},
      {"image_output_tokens", &cr::admin::PriceQuote::image_output_tokens, &dialect::Usage::image_output_tokens},
      {"long_cache_write_tokens", &cr::admin::PriceQuote::long_cache_write_tokens,
       &dialect::Usage::long_cache_write_tokens},
      {"cached_audio_tokens", &cr::admin::PriceQuote::cached_audio_tokens, &dialect::Usage::cached_audio_tokens},
      {"cached_image_tokens", &cr::admin::PriceQuote::cached_image_tokens, &dialect::Usage::cached_image_tokens},
      {"images", &cr::admin::PriceQuote::images, &dialect::Usage::images},
      {"characters", &cr::admin::PriceQuote::characters, &dialect::Usage::characters},
      {"audio_ms", &cr::admin::PriceQuote::audio_ms, &dialect::Usage::audio_ms}};
  dialect::Usage usage;
  for (const auto& count : k_counts) {
    if (auto done = check_tokens(count.member, quote.*count.given, 0); !done) return tl::unexpected(done.error());
    usage.*count.used = quote.*count.given;
  }
  if (auto done = check_tokens("searches", quote.searches, 0); !done) return tl::unexpected(done.error());
  if (usage.cached_tokens + usage.cache_write_tokens > usage.input_tokens) {
    return fail(ErrorCode::invalid,
                "cached_tokens, cache_write_tokens: they are parts of input_tokens and cannot be more");
  }
  if (usage.long_cache_write_tokens > usage.cache_write_tokens) {
    return fail(ErrorCode::invalid,
                "long_cache_write_tokens: they are a part of cache_write_tokens and cannot be more");
  }
  if (usage.cached_audio_tokens + usage.cached_image_tokens > usage.cached_tokens ||
      usage.cached_audio_tokens > usage.audio_input_tokens || usage.cached_image_tokens > usage.image_input_tokens) {
    return fail(ErrorCode::invalid,
                "cached_audio_tokens, cached_image_tokens: they are parts of cached_tokens and of the input that is "
                "sound or pictures, and cannot be more");
  }
  if (usage.audio_output_tokens + usage.image_output_tokens > usage.output_tokens) {
    return fail(ErrorCode::invalid,
                "audio_output_tokens, image_output_tokens: they are parts of output_tokens and cannot be more");
  }
  return usage;
}

// What a response of that tier with so many searches would tell.
Result<dialect::Told> to_told(const cr::admin::PriceQuote& quote, const PriceRecord& price) {
  dialect::Told told;
  bool known = false, searches = false;
  for (const auto& rule : price.rules.list()) {
    if (quote.tier && rule.request == "/service_tier" && !rule.answer.empty()) {
      told.set_text(rule.answer, *quote.tier);
      known |= std::ranges::find(rule.is, *quote.tier) != rule.is.end();
    }
    if (rule.is_fee() && rule.tool.starts_with("web_search") && !searches) {
      told.set_count(rule.count, quote.searches);
      searches = true;
    }
  }
  if (quote.tier && !known) return fail(ErrorCode::invalid, "tier: the price of this model has no rule for it");
  if (quote.searches > 0 && !searches)
    return fail(ErrorCode::invalid, "searches: the price of this model has no fee for them");
  return told;
}

// What a limited token's request would reserve that may come to just that.
base::Credits reserved_for(const PriceRecord& price, billing::Multiplier multiplier, const dialect::Usage& usage,
                           const cr::admin::PriceQuote& quote) {
  billing::RequestTerms terms;
  terms.text_tokens = usage.input_tokens;
  terms.client_bound = usage.output_tokens;
  dialect::RequestScan scan;
  if (quote.tier) scan.members.emplace_back("/service_tier", *quote.tier);
  if (quote.searches > 0) scan.provider_tools.push_back({"web_search", quote.searches});
  const auto ceiling = billing::RouteCeiling::of(price, multiplier, terms, {.scan = &scan}, 0);
  return ceiling ? ceiling->amount(usage.output_tokens) : base::Credits();
}

// The tokens that are stopped, by their names: those that are told, and whether there are, or may be, more.
Result<void> find_stopped(const RouteCall& call, const PriceLoss& loss, cr::admin::PriceUnset& unset) {
  constexpr std::size_t k_named_max = 20, k_page = 1000, k_pages_max = 100;
  if (loss.is_none()) return {};
  ledger::TokenQuery query;
  query.limit = k_page;
  for (std::size_t page = 0; page < k_pages_max; ++page) {
    const auto rows = read_ledger(call.api.ledger(), [&](Reports& reports) { return reports.tokens(query); });
    if (!rows) return tl::unexpected(rows.error());
    for (const auto& row : *rows) {
      if (!loss.stops(row.token)) continue;
      unset.stops_more = unset.stops.size() == k_named_max;
      if (unset.stops_more) return {};
      unset.stops.push_back(row.token.name);
    }
    if (rows->size() < k_page) return {};
    query.after = rows->back().place;
  }
  unset.stops_more = true;
  return {};
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
  const auto directory = call.api.ledger().directory().get();
  const auto record = to_record(*set, *directory, call.now);
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
  cr::admin::Edited<cr::admin::PriceUnset> answer;
  static_cast<cr::admin::Price&>(answer) = gone;
  answer.changes = cr::admin::changes_to_nothing(gone);
  answer.scheduled = std::count_if(unset.begin(), unset.end(),
                                   [&](const auto& one) { return one->effective_at && *one->effective_at > call.now; });
  // By the directory as it was: its channels and accounts are the same.
  if (auto found = find_stopped(call, PriceLoss(*directory, gone.model, call.now), answer); !found)
    return tl::unexpected(found.error());
  return answer_with(answer);
}

RouteResult import_prices(RouteCall& call) {
  const auto import = read_body<cr::admin::PriceImport>(call);
  if (!import) return tl::unexpected(import.error());
  if (import->prices.size() > k_import_max) {
    return fail(ErrorCode::invalid, "prices: at most " + std::to_string(k_import_max) + " at once");
  }
  std::vector<PriceRecord> records;
  const auto directory = call.api.ledger().directory().get();
  for (const auto& set : import->prices) {
    const auto at = "prices[" + std::to_string(records.size()) + "]";
    if (set.model.empty()) return fail(ErrorCode::invalid, at + ".model: missing");
    auto record = to_record(set, *directory, call.now);
    if (!record) return fail(ErrorCode::invalid, at + "." + record.error().message, record.error().hint);
    records.push_back(std::move(*record));
  }
  cr::admin::Edited<cr::admin::Imported> imported;
  imported.imported = static_cast<std::int64_t>(records.size());
  auto done = call.write([&](Store& store) -> Result<void> {
    imported.changes.clear();
    const auto edits = store.import_prices(records, call.request.actor);
    if (!edits) return tl::unexpected(edits.error());
    for (const auto& one : *edits) {
      if (one.before) add_changes(*one.before, *one.after, imported.changes);
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
  const auto told = to_told(*quote, *price);
  if (!told) return tl::unexpected(told.error());
  const billing::Circumstances circumstances{.told = &*told};
  quoted.cost = billing::cost(*price, multiplier, *usage, circumstances);
  quoted.reserved = reserved_for(*price, multiplier, *usage, *quote);
  quoted.bill = bill_of(*price, *usage, circumstances);
  quoted.rules = billing::held_rules(*price, usage->input_tokens, circumstances);
  quoted.lines = text_of(quoted.bill, quoted.rules, multiplier, quoted.cost);
  return answer_with(quoted);
}

}  // namespace cr::server::admin

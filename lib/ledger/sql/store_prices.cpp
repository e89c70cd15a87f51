// SPDX-License-Identifier: MIT
#include "base/text.h"
#include "json/text.h"
#include "ledger/core/price_fields.h"
#include "ledger/sql/columns.h"
#include "ledger/sql/settings_json.h"
#include "ledger/sql/store_state.h"

namespace cr::ledger {
namespace {

using base::ErrorCode;
using base::fail;

constexpr std::int64_t k_rate_max = 1'000'000LL * 1'000'000'000LL;  // a million dollars a million

Result<void> check_price(const PriceRecord& price) {
  const auto invalid = [&](const char* what) {
    return fail(ErrorCode::invalid, "price of '" + base::escape_for_terminal(price.model) + "': " + what);
  };
  // The rule for a model's name; a pattern would match no request.
  if (auto checked = token::ModelSet::parse({price.model}); !checked) return tl::unexpected(checked.error());
  if (price.model.find('*') != std::string::npos) return invalid("a price is of one model, not of a pattern");
  for (const base::Rate rate :
       {price.input, price.cached_input, price.cache_write, price.output, price.per_character,
        price.other.cache_write_hour.value_or(base::Rate{}), price.other.audio_input.value_or(base::Rate{}),
        price.other.cached_audio_input.value_or(base::Rate{}), price.other.audio_output.value_or(base::Rate{}),
        price.other.image_input.value_or(base::Rate{}), price.other.cached_image_input.value_or(base::Rate{}),
        price.other.image_output.value_or(base::Rate{})}) {
    if (rate.nano_per_million < 0 || rate.nano_per_million > k_rate_max)
      return invalid("a rate must be from 0 to 1000000 dollars a million");
  }
  for (const Credits each : {price.per_request, price.per_image, price.per_second}) {
    if (each < Credits() || each.nano() > k_rate_max) {
      return invalid("the price of a request, an image or a second must be from 0 to 1000000 dollars");
    }
  }
  for (const auto& count : {price.max_output_tokens, price.context_tokens, price.default_output_tokens,
                            price.image_tokens, price.output_image_tokens, price.thinking_tokens}) {
    if (count && *count <= 0) return invalid("a number of tokens must be over 0");
  }
  if (price.effective_at && base::to_unix_ms(*price.effective_at) <= 0) return invalid("its date is before 1970");
  return {};
}

}  // namespace

// What is kept of it for good, and its number.
Result<std::int64_t> insert_generation(SqlSession& sql, const PriceRecord& price) {
  static const std::string text =
      insert_text("price_generation", columns_in(k_price_fields, "generation")) + " RETURNING id";
  Parameters parameters;
  add_parameters(parameters, k_price_fields, price, "generation");
  return sql.insert_with(text, parameters.values());
}

Result<void> insert_price(SqlSession& sql, PriceRecord& price) {
  const auto generation = insert_generation(sql, price);
  if (!generation) return tl::unexpected(generation.error());
  price.generation = *generation;
  static const std::string text = insert_text("price", columns_in(k_price_fields)) +
                                  " ON CONFLICT (model, effective_at) DO UPDATE SET " +
                                  excluded_list(columns_in(k_price_fields), {"model", "effective_at"});
  Parameters parameters;
  add_parameters(parameters, k_price_fields, price);
  return sql.run_with(text, parameters.values());
}

namespace {

// Without its row of the audit.
Result<Edited<PriceRecord>> put_price(Store::Impl& store, const PriceRecord& wanted) {
  if (auto checked = check_price(wanted); !checked) return tl::unexpected(checked.error());
  PriceRecord price = wanted;
  if (price.source.empty()) price.source = "set";
  price.updated_at = store.clock.now();
  std::shared_ptr<const PriceRecord> before;
  if (const auto found = store.directory.prices->find(price.model); found != store.directory.prices->end()) {
    for (const auto& old : found->second) {
      if (old->effective_at == price.effective_at) before = old;
    }
  }
  if (before && same_settings(k_price_fields, *before, price)) return Edited<PriceRecord>{before, before};
  if (auto done = insert_price(store.sql, price); !done) return tl::unexpected(done.error());
  const auto after = std::make_shared<const PriceRecord>(std::move(price));
  store.directory.put_price(after);
  return Edited<PriceRecord>{before, after};
}

// {"prices":2,"changed":1,"new":1,"models":{"m":{"output":{"from":"1","to":"2"}},...}}; of what is more than fits, how
// many models were left out.
std::string import_detail(const std::vector<Edited<PriceRecord>>& edits) {
  constexpr std::size_t k_bytes_max = std::size_t{256} * 1024;
  std::size_t changed = 0, fresh = 0, left_out = 0;
  std::string models;
  for (const auto& [before, after] : edits) {
    if (before == after) continue;
    ++(before ? changed : fresh);
    if (models.size() >= k_bytes_max) {
      ++left_out;
      continue;
    }
    models += models.empty() ? "" : ",";
    json::append_json_string(models, after->model);
    models += ":" + audit_detail(before.get(), after.get());
  }
  std::string detail = "{\"prices\":" + std::to_string(edits.size()) + ",\"changed\":" + std::to_string(changed) +
                       ",\"new\":" + std::to_string(fresh);
  if (left_out > 0) detail += ",\"left_out\":" + std::to_string(left_out);
  return detail + ",\"models\":{" + models + "}}";
}

}  // namespace

Result<Edited<PriceRecord>> Store::set_price(const PriceRecord& wanted, const Actor& actor) {
  auto edit = put_price(impl_, wanted);
  if (!edit || edit->before == edit->after) return edit;
  auto done =
      impl_.audit(actor, "price.set", "price " + wanted.model, audit_detail(edit->before.get(), edit->after.get()));
  if (!done) return tl::unexpected(done.error());
  return edit;
}

Result<std::vector<Edited<PriceRecord>>> Store::import_prices(const std::vector<PriceRecord>& prices,
                                                              const Actor& actor) {
  std::vector<Edited<PriceRecord>> edits;
  edits.reserve(prices.size());
  bool any = false;
  for (const auto& wanted : prices) {
    auto edit = put_price(impl_, wanted);
    if (!edit) return tl::unexpected(edit.error());
    any |= edit->before != edit->after;
    edits.push_back(std::move(*edit));
  }
  if (!any) return edits;
  auto done = impl_.audit(actor, "price.import", "prices", import_detail(edits));
  if (!done) return tl::unexpected(done.error());
  return edits;
}

Result<std::vector<std::shared_ptr<const PriceRecord>>> Store::unset_price(std::string_view model, const Actor& actor) {
  const auto found = impl_.directory.prices->find(model);
  if (found == impl_.directory.prices->end()) {
    std::vector<std::string> models;
    for (const auto& [priced, prices] : *impl_.directory.prices) models.push_back(priced);
    base::Error error = no_such("price", model, models);
    error.message = "no price for the model '" + base::escape_for_terminal(model) + "'";
    return tl::unexpected(std::move(error));
  }
  const std::string name = found->first;
  std::vector<std::shared_ptr<const PriceRecord>> gone(found->second.rbegin(), found->second.rend());
  const auto before = found->second.front();
  auto done = impl_.sql.run("DELETE FROM price WHERE model = ?1", model);
  if (done) done = impl_.audit(actor, "price.unset", "price " + name, audit_detail(before.get(), nullptr));
  if (!done) return tl::unexpected(done.error());
  impl_.directory.erase_prices(name);
  return gone;
}

}  // namespace cr::ledger

// SPDX-License-Identifier: MIT
#include "admin/messages.h"

#include "admin/account_fields.h"
#include "admin/fields.h"
#include "admin/price_fields.h"
#include "base/hide_keys.h"

namespace cr::admin {

void fields(auto& v, message_of<Group> auto& m) {
  record_fields(v, m, k_group_fields);
}

void fields(auto& v, message_of<GroupCreate> auto& m) {
  create_fields(v, m, k_group_fields);
}

void fields(auto& v, message_of<GroupEdit> auto& m) {
  edit_fields(v, m, k_group_fields);
}

void fields(auto& v, message_of<Account> auto& m) {
  record_fields(v, m, k_account_fields);
}

void fields(auto& v, message_of<AccountCreate> auto& m) {
  create_fields(v, m, k_account_fields);
}

void fields(auto& v, message_of<AccountEdit> auto& m) {
  edit_fields(v, m, k_account_fields);
}

void fields(auto& v, message_of<AccountCredit> auto& m) {
  v.required("amount", m.amount);
}

void fields(auto& v, message_of<Price> auto& m) {
  record_fields(v, m, k_price_fields);
}

void fields(auto& v, message_of<PriceUnset> auto& m) {
  record_fields(v, m, k_price_fields);
  v("scheduled", m.scheduled);
  v("stops", m.stops);
  v("stops_more", m.stops_more);
}

void fields(auto& v, message_of<PriceSet> auto& m) {
  create_fields(v, m, k_price_fields);
}

void fields(auto& v, message_of<PriceImport> auto& m) {
  v.required("prices", m.prices);
}

void fields(auto& v, message_of<PriceQuote> auto& m) {
  v.required("model", m.model);
  v("input_tokens", m.input_tokens);
  v("cached_tokens", m.cached_tokens);
  v("output_tokens", m.output_tokens);
  v("images", m.images);
  v("characters", m.characters);
  v("audio_ms", m.audio_ms);
  v("cache_write_tokens", m.cache_write_tokens);
  v("audio_input_tokens", m.audio_input_tokens);
  v("audio_output_tokens", m.audio_output_tokens);
  v("image_input_tokens", m.image_input_tokens);
  v("image_output_tokens", m.image_output_tokens);
  v("long_cache_write_tokens", m.long_cache_write_tokens);
  v("cached_audio_tokens", m.cached_audio_tokens);
  v("cached_image_tokens", m.cached_image_tokens);
  v("searches", m.searches);
  v("tier", m.tier);
  v("group", m.group);
}

void fields(auto& v, message_of<PriceQuoted> auto& m) {
  v("price", m.price);
  v("multiplier", m.multiplier);
  v("cost", m.cost);
  v("reserved", m.reserved);
  v("bill", m.bill);
  v("lines", m.lines);
  v("rules", m.rules);
}

void fields(auto& v, message_of<Imported> auto& m) {
  v("imported", m.imported);
}

CR_ADMIN_ANSWER(Group)
CR_ADMIN_ANSWER(Page<Group>)
CR_ADMIN_ANSWER(Edited<Group>)
CR_ADMIN_ANSWER(Account)
CR_ADMIN_ANSWER(Page<Account>)
CR_ADMIN_ANSWER(Edited<Account>)
CR_ADMIN_ANSWER(Price)
CR_ADMIN_ANSWER(Page<Price>)
CR_ADMIN_ANSWER(Edited<Price>)
CR_ADMIN_ANSWER(PriceUnset)
CR_ADMIN_ANSWER(Edited<PriceUnset>)
CR_ADMIN_ANSWER(PriceQuoted)
CR_ADMIN_ANSWER(Imported)
CR_ADMIN_ANSWER(Edited<Imported>)
CR_ADMIN_REQUEST(GroupCreate)
CR_ADMIN_REQUEST(GroupEdit)
CR_ADMIN_REQUEST(AccountCreate)
CR_ADMIN_REQUEST(AccountEdit)
CR_ADMIN_REQUEST(AccountCredit)
CR_ADMIN_REQUEST(PriceSet)
CR_ADMIN_REQUEST(PriceImport)
CR_ADMIN_REQUEST(PriceQuote)

// --- errors ---
namespace {
std::string_view code_for(int status) {
  switch (status) {
    case 400:
      return "invalid";
    case 403:
      return "forbidden";
    case 404:
      return "not_found";
    case 409:
    case 412:
      return "conflict";
    case 413:
      return "invalid";
    case 429:
      return "exhausted";
    case 502:
      return "upstream";
    case 503:
      return "unavailable";
    case 504:
      return "timeout";
    default:
      return "internal";
  }
}

std::string text_of(const Json& object, std::string_view name) {
  const auto* member = object.find(name);
  return member != nullptr && member->kind == Json::Kind::text ? member->text : std::string();
}
}  // namespace

std::string error_json(const base::Error& error, std::string_view request_id) {
  JsonWriter out;
  Writer writer(out);
  out.begin_object();
  out.name("error");
  out.begin_object();
  writer("code", std::string(name_of(error.code)));
  // Whatever was sent in a name's place may have been a key.
  writer("message", base::hide_keys(error.message));
  writer("hint", base::hide_keys(error.hint));
  writer("request_id", std::string(request_id));
  out.end_object();
  out.end_object();
  return out.take();
}

base::Error error_from_json(std::string_view json, int status) {
  const auto tree = parse_json(json, k_answer_bytes_max);
  const auto* body = tree && tree->kind == Json::Kind::object ? tree->find("error") : nullptr;
  if (body == nullptr || body->kind != Json::Kind::object) {
    return {base::error_code_from(code_for(status)), "the daemon answered with status " + std::to_string(status), {}};
  }
  return {base::error_code_from(text_of(*body, "code")), text_of(*body, "message"), text_of(*body, "hint")};
}

}  // namespace cr::admin

// SPDX-License-Identifier: MIT
// All messages of the admin socket; here accounts, groups and prices, the page, and the way to JSON and back.
// See token_messages.h.
#pragma once

#include "admin/channel_messages.h"
#include "admin/report_messages.h"
#include "admin/token_messages.h"

namespace cr::admin {

// --- groups, accounts ---
struct Group {
  std::int64_t id = 0;
  std::int64_t rev = 0;
  std::string name;
  std::string multiplier;  // "1.5"
  std::string note;
  std::vector<std::string> channels;
  std::int64_t tokens = 0;
  Time created_at;
};
struct GroupCreate {
  std::string name;
  std::string multiplier = "1";
  std::string note;
};
struct GroupEdit {
  std::optional<std::string> multiplier;
  std::optional<std::string> note;
};

struct Account {
  std::int64_t id = 0;
  std::int64_t rev = 0;
  std::string name;
  bool enabled = true;
  Quota quota;
  Credits used, reserved;
  Quota left;
  std::int64_t tokens = 0;
  std::string note;
  Time created_at;
};
struct AccountCreate {
  std::string name;
  Quota quota;
  std::string note;
};
struct AccountEdit {
  std::optional<bool> enabled;
  std::optional<QuotaEdit> quota;
  std::optional<std::string> note;
};
struct AccountCredit {
  Credits amount;  // added to the quota; negative takes away
};

// --- prices ---
// A value that is JSON and passed on as it is; empty: null.
struct JsonText {
  std::string text;
  bool empty() const { return text.empty(); }
  bool operator==(const JsonText&) const = default;
};

// Dollars a million model tokens of what is charged otherwise than text; absent = as text.
struct OtherRates {
  std::optional<std::string> cache_write_hour{}, audio_input{}, cached_audio_input{}, audio_output{};
  std::optional<std::string> image_input{}, cached_image_input{}, image_output{};
};
struct Price : OtherRates {
  std::string model;
  std::string input, cached_input, cache_write, output;  // dollars a million model tokens
  std::string per_request;                               // dollars
  std::string per_image, per_second;                     // dollars
  std::string per_character;                             // dollars a million Unicode characters
  std::optional<std::int64_t> max_output_tokens, context_tokens;
  std::string source;                // "shipped" or "set"
  std::optional<Time> effective_at;  // from when it holds; absent = now
  Time updated_at;
  std::optional<std::int64_t> default_output_tokens{};
  std::optional<std::int64_t> image_tokens{}, output_image_tokens{};  // the most of one image, read and made
  bool thinks = false;                                                // the model thinks unasked, within its bound
  std::optional<std::int64_t> thinking_tokens{};                      // the most that it thinks beyond its bound
  JsonText rules{};                                                   // a list of rules (docs/prices.md)
  std::int64_t generation = 0;  // tells it from the prices before it; of a request it stays when the price changes
};
// What is absent stays as it is; of a model without a price it is 0, nothing, or as text. "none" takes a rate away that
// a price need not have.
struct PriceSet : OtherRates {
  std::string model;
  std::optional<std::string> input, output;  // needed of a new price, unless something else is charged for
  std::optional<std::string> cached_input, cache_write, per_request, per_image, per_character, per_second;
  std::optional<std::int64_t> max_output_tokens, context_tokens;
  std::optional<Time> effective_at;
  std::optional<std::int64_t> default_output_tokens{}, image_tokens{}, output_image_tokens{}, thinking_tokens{};
  std::optional<bool> thinks{};
  std::optional<JsonText> rules{};
};
struct PriceImport {
  std::vector<PriceSet> prices;
};
// A price that is gone, or would be (a dry run), and whom that stops.
struct PriceUnset : Price {
  std::int64_t scheduled = 0;      // prices of the model that had not begun yet; gone, too
  std::vector<std::string> stops;  // limited tokens that cannot call the model any more: the first of them
  bool stops_more = false;         // there are, or may be, more of them
};
struct PriceQuote {
  std::string model;
  std::int64_t input_tokens = 0, cached_tokens = 0, output_tokens = 0;
  std::int64_t images = 0, characters = 0, audio_ms = 0;
  std::optional<std::string> group;
  std::int64_t cache_write_tokens = 0, audio_input_tokens = 0, audio_output_tokens = 0;
  std::int64_t image_input_tokens = 0, image_output_tokens = 0;
  std::int64_t long_cache_write_tokens = 0;                       // of those written to the cache, for an hour
  std::int64_t cached_audio_tokens = 0, cached_image_tokens = 0;  // of those cached
  std::int64_t searches = 0;          // calls of the price's first tool with a fee whose name begins with "web_search"
  std::optional<std::string> tier{};  // what the response says of service_tier
};
struct PriceQuoted {
  Price price;
  std::string multiplier;
  Credits cost;
  std::vector<std::string> lines;    // the bill as text
  Credits reserved{};                // what a limited token's request of that size, bounded by its output, reserves
  std::vector<BillLine> bill{};      // their dollars sum to the cost, before the multiplier and the rounding
  std::vector<std::string> rules{};  // of the price that the rates were made by, in words
};

// --- small ones ---
struct Empty {};  // {}: a POST that needs no words
using CopyRequest = Empty;
struct Version {
  std::string version;
  std::string api;  // "v1"
};
struct Names {
  std::vector<std::string> names;
};
struct Imported {
  std::int64_t imported = 0;
};

template <class T>
struct Page {
  std::vector<T> items;
  std::optional<std::string> next;  // the cursor; null at the end
};

// Error body of the admin API: {"error":{"code","message","hint","request_id"}}.

// --- JSON ---
// to_json
// writes every field; from_json is for T listed in messages.cpp (explicit instantiations), `invalid` names the member.
template <class T>
std::string to_json(const T& message);
template <class T>
base::Result<T> from_json(std::string_view json);

std::string error_json(const base::Error& error, std::string_view request_id);
base::Error error_from_json(std::string_view json, int status);

}  // namespace cr::admin

// SPDX-License-Identifier: MIT
#include "relay/request/credentials.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace cr::relay::request {

namespace {

constexpr std::string_view k_scheme = "bearer";
constexpr std::array<std::string_view, 3> k_key_fields{"x-api-key", "api-key", "x-goog-api-key"};
// What programs send for a variable that was never set.
constexpr std::array<std::string_view, 6> k_unset{"undefined", "null", "none", "nil", "your_api_key", "your-api-key"};
constexpr std::array<std::string_view, 7> k_quotes{"\"",           "'",           "`", "\xE2\x80\x9C", "\xE2\x80\x9D",
                                                   "\xE2\x80\x98", "\xE2\x80\x99"};

bool begins_with_scheme(std::string_view text) {
  if (text.size() < k_scheme.size() || !base::equals_ignoring_case(text.substr(0, k_scheme.size()), k_scheme))
    return false;
  return text.size() == k_scheme.size() || text[k_scheme.size()] == ' ';
}

std::string_view behind_scheme(std::string_view text) {
  text.remove_prefix(k_scheme.size());
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  return text;
}

std::string mistake_in(std::string_view key) {
  const auto is_quoted = [key](std::string_view quote) { return key.starts_with(quote) || key.ends_with(quote); };
  if (std::any_of(k_quotes.begin(), k_quotes.end(), is_quoted)) return "the API key is in quotes: send it without them";
  const auto is_it = [key](std::string_view word) { return base::equals_ignoring_case(key, word); };
  if (key.starts_with('$') || key.starts_with('{') || key.starts_with('<') || key.starts_with('%') ||
      std::any_of(k_unset.begin(), k_unset.end(), is_it))
    return "the API key is the name of a variable, or a placeholder, that was not replaced by the key";
  if (key.find(',') != std::string_view::npos) return "the API key has a comma in it: send one key";
  if (key.find_first_of(" \t") != std::string_view::npos) return "the API key has a blank in it: send one key";
  return {};
}

bool may_be_key(std::string_view text) {
  return text.find_first_of(" \t,") == std::string_view::npos;
}

Offer read_authorization(std::string_view value) {
  if (!begins_with_scheme(value)) {
    if (!may_be_key(value)) return {{}, "the Authorization header is not 'Bearer KEY'"};
    auto mistake = mistake_in(value);
    if (mistake.empty()) mistake = "the Authorization header has no 'Bearer' before the key";
    return {{}, std::move(mistake)};
  }
  const auto key = behind_scheme(value);
  if (begins_with_scheme(key))
    return {{}, "the Authorization header says 'Bearer' twice: write it once before the key"};
  return {may_be_key(key) ? key : std::string_view(), mistake_in(key)};
}

Offer read_key_field(const http::message::Field& field) {
  if (begins_with_scheme(field.value)) {
    return {{}, "the header " + base::to_lower_ascii(field.name) + " says 'Bearer': send the key alone in it"};
  }
  return {may_be_key(field.value) ? field.value : std::string_view(), mistake_in(field.value)};
}

bool is_nothing(std::string_view value) {
  return value.empty() || (begins_with_scheme(value) && behind_scheme(value).empty());
}

}  // namespace

std::vector<Offer> read_offers(const http::message::RequestHead& head) {
  std::vector<Offer> offers;
  const auto read = [&](std::string_view name, auto reader) {
    for (const auto& field : head.fields) {
      if (!base::equals_ignoring_case(field.name, name) || is_nothing(field.value)) continue;
      if (offers.size() <= k_offers_max) offers.push_back(reader(field));
    }
  };
  read("authorization", [](const http::message::Field& field) { return read_authorization(field.value); });
  for (const auto name : k_key_fields) read(name, read_key_field);
  return offers;
}

}  // namespace cr::relay::request

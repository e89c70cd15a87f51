// SPDX-License-Identifier: MIT
#include "relay/request/credentials.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace cr::relay::request {

namespace {

constexpr std::string_view k_scheme = "bearer";
constexpr std::string_view k_authorization = "authorization";
constexpr std::array<std::string_view, 4> k_fields{k_authorization, "x-api-key", "api-key", "x-goog-api-key"};
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
  return std::none_of(text.begin(), text.end(), [](char c) { return c == ' ' || c == '\t' || c == ','; });
}

bool is_authorization(const http::message::Field& field) {
  return base::equals_ignoring_case(field.name, k_authorization);
}

std::string mistake_in_authorization(std::string_view value) {
  if (begins_with_scheme(value)) {
    const auto key = behind_scheme(value);
    if (begins_with_scheme(key)) return "the Authorization header says 'Bearer' twice: write it once before the key";
    return mistake_in(key);
  }
  if (!may_be_key(value)) return "the Authorization header is not 'Bearer KEY'";
  auto mistake = mistake_in(value);
  return mistake.empty() ? "the Authorization header has no 'Bearer' before the key" : mistake;
}

std::string_view key_in(const http::message::Field& field) {
  std::string_view key = field.value;
  if (is_authorization(field)) {
    if (!begins_with_scheme(key)) return {};
    key = behind_scheme(key);
  }
  return begins_with_scheme(key) || !may_be_key(key) ? std::string_view() : key;
}

bool is_nothing(std::string_view value) {
  return value.empty() || (begins_with_scheme(value) && behind_scheme(value).empty());
}

}  // namespace

void Offers::add(const Offer& offer) {
  if (size_ < offers_.size()) offers_[size_++] = offer;
}

std::string Offer::mistake() const {
  if (is_authorization(*field)) return mistake_in_authorization(field->value);
  if (begins_with_scheme(field->value))
    return "the header " + base::to_lower_ascii(field->name) + " says 'Bearer': send the key alone in it";
  return mistake_in(field->value);
}

bool Offer::contradicts(const Offer& other) const {
  return field->value != other.field->value && base::equals_ignoring_case(field->name, other.field->name);
}

Offers read_offers(const http::message::RequestHead& head) {
  Offers offers;
  for (const auto name : k_fields) {
    for (const auto& field : head.fields) {
      if (field.name.size() != name.size() || !base::equals_ignoring_case(field.name, name)) continue;
      if (!is_nothing(field.value)) offers.add({key_in(field), &field});
    }
  }
  return offers;
}

}  // namespace cr::relay::request

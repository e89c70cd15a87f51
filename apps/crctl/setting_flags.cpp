// SPDX-License-Identifier: MIT
#include "crctl/setting_flags.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "crctl/prompt.h"
#include "crctl/values.h"

namespace cr::crctl {
namespace {

using admin::Typed;
using base::Result;

// Moves what was parsed into its place.
template <class From, class To>
Result<void> take(Result<From> parsed, To& value) {
  if (!parsed) return tl::unexpected(parsed.error());
  value = *std::move(parsed);
  return {};
}

using HeaderEdit = std::map<std::string, std::optional<std::string>>;

// "Name: value" sets a header; "-Name", in an edit, removes it.
Result<HeaderEdit> parse_headers(const Texts& texts) {
  HeaderEdit headers;
  for (const auto& text : texts) {
    const auto colon = text.find(':');
    if (colon == std::string::npos && text.size() > 1 && text.front() == '-') {
      headers[base::to_lower_ascii(std::string_view(text).substr(1))] = std::nullopt;
      continue;
    }
    const auto name = std::string_view(text).substr(0, colon);
    if (colon == std::string::npos || name.empty() || name.front() == '-') {
      // Not repeated: what was meant as its value may be a key.
      return base::fail(base::ErrorCode::invalid, "--header: a header has a name, a colon and a value",
                        "write 'Name: value'; -Name removes one");
    }
    const auto first = std::min(text.find_first_not_of(' ', colon + 1), text.size());
    const auto value = text.substr(first, text.find_last_not_of(' ') + 1 - first);
    const auto [place, added] = headers.emplace(base::to_lower_ascii(name), value);
    if (!added) return base::fail(base::ErrorCode::invalid, "--header: '" + place->first + "' is there twice");
  }
  return headers;
}

Result<std::map<std::string, std::string>> new_headers(const Texts& texts) {
  auto edit = parse_headers(texts);
  if (!edit) return tl::unexpected(edit.error());
  std::map<std::string, std::string> headers;
  for (auto& [name, value] : *edit) {
    if (!value) return base::fail(base::ErrorCode::invalid, "--header: there is no '" + name + "' to remove yet");
    headers[name] = *std::move(value);
  }
  return headers;
}

}  // namespace

void add_setting_flag(CLI::App& app, const admin::FieldFacts& facts, std::string_view help, TypedSetting& typed) {
  const std::string flag(facts.flag), metavar(facts.metavar), about(help);
  switch (facts.typed) {
    case Typed::none:
      break;
    case Typed::list:
    case Typed::pairs:
    case Typed::headers:
    case Typed::budgets:
      add_texts(app, flag, metavar, about, typed.texts);
      break;
    case Typed::count:
      add_number(app, flag, metavar, about, typed.number);
      break;
    case Typed::duration:
      add_duration(app, flag, metavar, about, typed.duration);
      break;
    case Typed::choice:
      add_choice(app, flag, metavar, about, typed.text);
      break;
    case Typed::text:
    case Typed::text_or_none:
    case Typed::quota:
    case Typed::rate:
    case Typed::model_tokens:
    case Typed::moment:
    case Typed::future_moment:
      add_text(app, flag, metavar, about, typed.text);
      break;
  }
}

Result<void> read_setting(const ReadAs& as, const TypedSetting& typed, std::string& value) {
  value = as.facts.typed == Typed::text_or_none && *typed.text == "none" ? std::string() : *typed.text;
  return {};
}

Result<void> read_setting(const ReadAs&, const TypedSetting& typed, bool& value) {
  value = *typed.text == "yes";
  return {};
}

Result<void> read_setting(const ReadAs&, const TypedSetting& typed, admin::JsonText& value) {
  value.text = "[]";
  if (typed.text == "none") return {};
  auto text = read_text(*typed.text);
  if (!text) return tl::unexpected(text.error());
  if (!nlohmann::json::accept(*text))
    return base::fail(base::ErrorCode::invalid, "the rules are not JSON", "write a list, as docs/prices.md shows it");
  value.text = std::move(*text);
  return {};
}

Result<void> read_setting(const ReadAs&, const TypedSetting& typed, std::int64_t& value) {
  value = typed.duration ? typed.duration->count() : *typed.number;
  return {};
}

Result<void> read_setting(const ReadAs& as, const TypedSetting& typed, std::optional<std::int64_t>& value) {
  if (as.facts.typed == Typed::rate) return take(parse_rate(as.facts.flag, *typed.text), value);
  if (as.facts.typed == Typed::model_tokens) return take(parse_token_count(*typed.text), value);
  return read_setting(as, typed, value.emplace());
}

Result<void> read_setting(const ReadAs& as, const TypedSetting& typed, std::optional<base::Time>& value) {
  if (as.facts.typed == Typed::future_moment) return take(parse_expiry(*typed.text, as.now), value);
  return take(base::parse_when(*typed.text, as.now), value);
}

Result<void> read_setting(const ReadAs&, const TypedSetting& typed, admin::Quota& value) {
  return take(parse_quota(*typed.text), value);
}

Result<void> read_setting(const ReadAs&, const TypedSetting& typed, admin::QuotaEdit& value) {
  return take(parse_quota_edit(*typed.text), value);
}

Result<void> read_setting(const ReadAs& as, const TypedSetting& typed, std::vector<std::string>& value) {
  return take(parse_list(as.facts.flag, *typed.texts), value);
}

Result<void> read_setting(const ReadAs& as, const TypedSetting& typed, admin::ListEdit& value) {
  return take(parse_list_edit(as.facts.flag, *typed.texts), value);
}

Result<void> read_setting(const ReadAs& as, const TypedSetting& typed, std::map<std::string, std::string>& value) {
  if (as.facts.typed == Typed::headers) return take(new_headers(*typed.texts), value);
  return take(parse_pairs(as.facts.flag, *typed.texts), value);
}

Result<void> read_setting(const ReadAs& as, const TypedSetting& typed,
                          std::map<std::string, std::optional<std::string>>& value) {
  if (as.facts.typed == Typed::headers) return take(parse_headers(*typed.texts), value);
  return take(parse_pairs_edit(as.facts.flag, *typed.texts), value);
}

Result<void> read_setting(const ReadAs& as, const TypedSetting& typed, std::map<std::string, base::Credits>& value) {
  return take(parse_budgets(as.facts.flag, *typed.texts), value);
}

Result<void> read_setting(const ReadAs& as, const TypedSetting& typed, std::map<std::string, admin::QuotaEdit>& value) {
  return take(parse_budgets_edit(as.facts.flag, *typed.texts), value);
}

}  // namespace cr::crctl

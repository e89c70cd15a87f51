// SPDX-License-Identifier: MIT
#include "crctl/json_text.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "crctl/json_layout.h"

namespace cr::crctl {
namespace {

using Json = nlohmann::ordered_json;

Json parsed(std::string_view json) {
  return Json::parse(json, nullptr, false);
}

std::string text_of(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  return value.is_null() ? std::string() : value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

const Json* member_of(const Json& value, const std::string& name) {
  if (value.is_object()) {
    const auto found = value.find(name);
    return found == value.end() ? nullptr : &*found;
  }
  const bool number = !name.empty() && name.size() < 6 &&
                      std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!value.is_array() || !number) return nullptr;
  const auto index = static_cast<std::size_t>(std::stoul(name));
  return index < value.size() ? &value[index] : nullptr;
}

// How deep a text of JSON is nested where it has been read up to: brackets and braces outside of texts.
class Nesting {
 public:
  // True where `c` ends a value that nothing encloses.
  bool pass(char c) {
    if (escaped_) {
      escaped_ = false;
      return false;
    }
    if (c == '"') in_text_ = !in_text_;
    if (in_text_) {
      escaped_ = c == '\\';
      return false;
    }
    if (c == '[' || c == '{') ++levels_;
    if ((c != ']' && c != '}') || levels_ == 0) return false;
    return --levels_ == 0;
  }
  std::size_t levels() const { return levels_; }

 private:
  std::size_t levels_ = 0;
  bool in_text_ = false, escaped_ = false;
};

const Json* at_path(const Json& value, std::string_view path) {
  const Json* at = &value;
  for (const auto& name : base::split_list(path, '.')) {
    at = member_of(*at, name);
    if (at == nullptr) return nullptr;
  }
  return at;
}

}  // namespace

// A page of a list has a thousand objects: they are cut out of its text, and not made into trees and text again.
std::vector<std::string> array_items(std::string_view json, std::string_view member) {
  std::vector<std::string> items;
  JsonCutter cutter(json);
  if (!member.empty() && !cutter.enter_member(member)) return items;
  if (!cutter.enter('[')) return items;
  while (const auto item = cutter.next_value()) items.push_back(one_line(*item));
  return items;
}

std::vector<std::string> string_items(std::string_view json, std::string_view member) {
  const Json value = parsed(json);
  std::vector<std::string> items;
  const Json* array = member_of(value, std::string(member));
  if (array == nullptr || !array->is_array()) return items;
  for (const auto& item : *array) {
    if (item.is_string()) items.push_back(item.get<std::string>());
  }
  return items;
}

std::string member_json(std::string_view json, std::string_view path) {
  const Json value = parsed(json);
  const Json* found = at_path(value, path);
  return found == nullptr ? std::string() : found->dump();
}

std::vector<std::string> member_names(std::string_view json) {
  const Json value = parsed(json);
  std::vector<std::string> names;
  if (!value.is_object()) return names;
  for (const auto& [name, member] : value.items()) names.push_back(name);
  return names;
}

std::optional<std::string> member_text(std::string_view json, std::string_view path) {
  const Json value = parsed(json);
  const Json* found = at_path(value, path);
  return found == nullptr ? std::nullopt : std::optional(text_of(*found));
}

std::string with_member(std::string_view json, std::string_view member, std::string_view text) {
  Json value = parsed(json);
  if (!value.is_object()) value = Json::object();
  value[std::string(member)] = text;
  return value.dump();
}

std::string only_members(std::string_view json, std::span<const std::string> members) {
  const Json value = parsed(json);
  Json only = Json::object();
  for (const auto& name : members) {
    const Json* found = member_of(value, name);
    only[name] = found == nullptr ? Json() : *found;
  }
  return only.dump();
}

std::string object_of(std::span<const std::pair<std::string, std::string>> members) {
  Json object = Json::object();
  for (const auto& [name, value] : members) object[name] = parsed(value);
  return object.dump();
}

std::string indented(std::string_view json, int depth) {
  return laid_out(json, depth);
}

std::string one_line(std::string_view json) {
  return without_blanks(json);
}

std::string json_string(std::string_view text) {
  return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

bool is_too_deep(std::string_view json) {
  constexpr std::size_t k_levels_max = 16;
  Nesting nesting;
  return std::ranges::any_of(json, [&](char c) {
    nesting.pass(c);
    return nesting.levels() > k_levels_max;
  });
}

std::vector<std::string_view> json_values(std::string_view text) {
  constexpr std::string_view k_blanks = " \t\r\n";
  std::vector<std::string_view> values;
  Nesting nesting;
  auto start = text.find_first_not_of(k_blanks);
  for (auto at = start; at < text.size(); ++at) {
    if (!nesting.pass(text[at])) continue;
    values.push_back(text.substr(start, at + 1 - start));
    start = text.find_first_not_of(k_blanks, at + 1);
    if (start == std::string_view::npos) return values;
    at = start - 1;
  }
  if (start < text.size()) values.push_back(text.substr(start));
  return values;
}

}  // namespace cr::crctl

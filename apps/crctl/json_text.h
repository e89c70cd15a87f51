// SPDX-License-Identifier: MIT
// What crctl does with JSON text as such: the daemon's answers are shown as they came, members it does not know
// included. Pure functions, any thread. A text that is not JSON gives empty answers: the typed client has refused it
// before.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cr::crctl {

std::vector<std::string> array_items(std::string_view json, std::string_view member);   // each item as JSON
std::vector<std::string> string_items(std::string_view json, std::string_view member);  // of an array of strings
std::vector<std::string> member_names(std::string_view json);
// A path may go into objects and arrays: "keys.0.first".
std::string member_json(std::string_view json, std::string_view path);                 // JSON, or ""
std::optional<std::string> member_text(std::string_view json, std::string_view path);  // a scalar without quotes

std::string with_member(std::string_view json, std::string_view member, std::string_view text);
std::string only_members(std::string_view json, std::span<const std::string> members);  // in the order of `members`
// {"name":value,...}, each value JSON already.
std::string object_of(std::span<const std::pair<std::string, std::string>> members);
// As many steps of two blanks in as `depth` says; its first line is not.
std::string indented(std::string_view json, int depth = 0);
// More brackets and braces open at once than 16. Asked before parsing what comes from outside: each level costs a
// hundred times its byte.
bool is_too_deep(std::string_view json);
// The values that stand one after the other in a text, each as it is there; what is no whole value is one of them, too.
std::vector<std::string_view> json_values(std::string_view text);
std::string one_line(std::string_view json);
std::string json_string(std::string_view text);  // as a JSON string, invalid UTF-8 replaced

}  // namespace cr::crctl

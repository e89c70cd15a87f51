// SPDX-License-Identifier: MIT
// What of the SQL in this folder differs by the engine behind it; all else is one text for both. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

namespace cr::ledger {

enum class Dialect { sqlite, postgresql };

// The text as PostgreSQL takes it: ?1 becomes $1, a bare ? the number after the largest so far (as SQLite counts). What
// stands in a literal, in a quoted name or in a comment stays.
std::string numbered_for_postgresql(std::string_view sql);

// The condition that `column` matches a pattern of '*' and '?', which `place` ("?", "?2") stands for: the pattern as
// glob_pattern() writes it.
std::string glob(Dialect dialect, std::string_view column, std::string_view place);
// Every other character stands for itself.
std::string glob_pattern(Dialect dialect, std::string_view pattern);

// A table for FROM of what a column of JSON holds, named `alias`: column `value` of a list of texts, columns `key` and
// `value` of a map of texts.
enum class JsonKind { list, map };
std::string each_of_json(Dialect dialect, JsonKind kind, std::string_view column, std::string_view alias);

}  // namespace cr::ledger

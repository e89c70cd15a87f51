// SPDX-License-Identifier: MIT
// The SQL of ledger/sql is one text for SQLite and PostgreSQL, and what stands above the engine names none.
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>

#include "architecture/source_tree.h"

namespace cr::architecture {
namespace {

// The literals of one line of C++; comments and includes have none.
std::vector<std::string> literals_of(std::string_view line) {
  std::vector<std::string> literals;
  if (line.find_first_not_of(" #") != std::string_view::npos && line.find("#include") != std::string_view::npos)
    return literals;
  for (std::size_t at = 0; at < line.size(); ++at) {
    if (line.substr(at).starts_with("//")) break;
    if (line[at] == '\'' && at + 2 < line.size()) {  // a character
      at = line.find('\'', at + (line[at + 1] == '\\' ? 3 : 2));
      if (at == std::string_view::npos) break;
    } else if (line[at] == '"') {
      std::string literal;
      for (++at; at < line.size() && line[at] != '"'; ++at) {
        if (line[at] == '\\') ++at;
        if (at < line.size()) literal += line[at];
      }
      literals.push_back(std::move(literal));
    }
  }
  return literals;
}

struct Word {
  std::string_view word, instead;
};
constexpr Word k_only_sqlite[] = {
    {"GLOB", "glob() of sql_text.h"},
    {"json_", "each_of_json() of sql_text.h"},
    {"->>", "each_of_json() of sql_text.h"},
    {"sqlite_", "a row of meta"},
    {"PRAGMA", "ledger/sqlite"},
    {"OR REPLACE", "ON CONFLICT (...) DO UPDATE"},
    {"OR IGNORE", "ON CONFLICT (...) DO NOTHING"},
    {"ON CONFLICT DO UPDATE", "ON CONFLICT (...) DO UPDATE"},
    {"NOCASE", "lower(name)"},
    {"rowid", "RETURNING id"},
    {"ROWID", "a key"},
    {"ifnull(", "coalesce("},
    {"zeroblob", "a parameter"},
    {"INDEXED BY", "an index that is found"},
    {"BEGIN IMMEDIATE", "ledger/sqlite"},
    {"strftime", "Unix milliseconds"},
    {"group_concat", "a row each"},
    {"total(", "CAST(sum(...) AS BIGINT)"},
};

// Whether max(...) or min(...) at `at` has two arguments: then it is SQLite's function of a row, not of a group.
bool has_two_arguments(std::string_view sql, std::size_t at) {
  int depth = 0;
  for (; at < sql.size(); ++at) {
    if (sql[at] == '(') ++depth;
    if (sql[at] == ')' && --depth == 0) return false;
    if (sql[at] == ',' && depth == 1) return true;
  }
  return false;
}

std::optional<std::string> fault_of(std::string_view sql) {
  for (const Word& each : k_only_sqlite) {
    if (sql.find(each.word) != std::string_view::npos) {
      return '\'' + std::string(each.word) + "' is SQLite's alone: write " + std::string(each.instead);
    }
  }
  for (const std::string_view function : {"max(", "min("}) {
    const std::size_t found = sql.find(function);
    if (found != std::string_view::npos && has_two_arguments(sql, found)) return "of two numbers: write CASE";
  }
  const std::size_t cross = sql.find("CROSS JOIN ");
  if (cross != std::string_view::npos) {
    const std::string_view joined = sql.substr(cross + 11);
    const std::size_t name = joined.find(' ');
    if (name != std::string_view::npos && joined.substr(name).starts_with(" ON "))
      return "a CROSS JOIN has its condition in WHERE";
  }
  // A sum that is read; one that is compared with another may be of any type.
  for (std::size_t at = sql.find("sum("); at != std::string_view::npos; at = sql.find("sum(", at + 1)) {
    const bool cast = at >= 5 && sql.substr(at - 5, 5) == "CAST(";
    const bool compared = sql.substr(at).starts_with("sum(CASE ");
    if (!cast && !compared) return "a sum is CAST(sum(...) AS BIGINT)";
    const bool condition = sql.substr(at + 4).find(" OR ") < sql.substr(at + 4).find(')') && !compared &&
                           !sql.substr(at + 4).starts_with("CASE");
    if (condition) return "the sum of a condition is the sum of a CASE";
  }
  return std::nullopt;
}

TEST(Sql, is_what_both_engines_know) {
  std::size_t seen = 0;
  for (const SourceFile& file : read_tree({"lib/ledger/sql"})) {
    if (!file.is_cpp() || file.path.ends_with("/sql_text.cpp")) continue;
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      for (const std::string& literal : literals_of(file.lines[i])) {
        ++seen;
        if (const auto fault = fault_of(literal)) ADD_FAILURE() << at(file, i + 1) << ": " << *fault;
      }
    }
  }
  EXPECT_GT(seen, 300U) << "literals are not recognised any more";
}

TEST(Sql, names_of_the_engine_stay_below_the_session) {
  std::size_t seen = 0;
  for (const SourceFile& file : read_tree({"lib/ledger/core", "lib/ledger/sql"})) {
    if (!file.is_cpp() || file.path.find("/sql_session.") != std::string::npos) continue;
    ++seen;
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      const std::string& line = file.lines[i];
      EXPECT_TRUE(line.find("sqlite::") == std::string::npos || line.find("Dialect::") != std::string::npos)
          << at(file, i + 1) << ": use SqlSession";
    }
  }
  EXPECT_GT(seen, 40U) << "the tree was not found under " << CR_SOURCE_DIR;
}

TEST(Sql, the_checker_sees) {
  for (const std::string_view sql :
       {"SELECT 1 WHERE a GLOB ?1", "FROM json_each(t.a)", "INSERT OR REPLACE INTO t", "max(0, a - b)",
        "SELECT max(coalesce(a, 0), b)", "SELECT sum(a) FROM t", "CAST(sum(a > 0 OR b) AS BIGINT)",
        "FROM a CROSS JOIN b ON x = y", "name COLLATE NOCASE", "SELECT seq FROM sqlite_sequence"}) {
    EXPECT_TRUE(fault_of(sql)) << sql;
  }
  for (const std::string_view sql :
       {"SELECT max(seq) FROM audit", "CAST(sum(a) AS BIGINT)", "HAVING sum(CASE a WHEN 0 THEN b ELSE 0 END) <> 1",
        "FROM a CROSS JOIN b WHERE x = y", "lower(name) = lower(?1)", "min(id), max(at)"}) {
    EXPECT_FALSE(fault_of(sql)) << sql;
  }
  EXPECT_EQ(literals_of(R"(  run("a \"b\"", '"', "c");  // "d")"), (std::vector<std::string>{"a \"b\"", "c"}));
  EXPECT_TRUE(literals_of("#include \"sqlite/database.h\"").empty());
}

}  // namespace
}  // namespace cr::architecture

// SPDX-License-Identifier: MIT
#include "ledger/sql/sql_text.h"

#include <gtest/gtest.h>

#include "unit/ledger/ledger_fixture.h"

namespace cr::ledger {
namespace {

TEST(SqlText, parameters_are_numbered_as_postgresql_numbers_them) {
  const struct {
    std::string_view sql, expected;
  } table[] = {
      {"", ""},
      {"SELECT 1", "SELECT 1"},
      {"SELECT a FROM t WHERE b = ?1 AND c = ?12", "SELECT a FROM t WHERE b = $1 AND c = $12"},
      {"INSERT INTO t (a) VALUES (?1) ON CONFLICT (a) DO UPDATE SET a = ?1",
       "INSERT INTO t (a) VALUES ($1) ON CONFLICT (a) DO UPDATE SET a = $1"},
      {"a = ? AND b IN (?,?)", "a = $1 AND b IN ($2,$3)"},
      {"a = ?2 AND b = ? AND c = ?1 AND d = ?", "a = $2 AND b = $3 AND c = $1 AND d = $4"},
      {"a = '?1' AND b = ?1", "a = '?1' AND b = $1"},
      {"a = 'it''s ?' AND b = ?", "a = 'it''s ?' AND b = $1"},
      {"a = '' AND b = ?", "a = '' AND b = $1"},
      {"\"what?\" = ?1 AND \"a\"\"?\" = ?2", "\"what?\" = $1 AND \"a\"\"?\" = $2"},
      {"a = '\"' AND b = ? AND c = '\"'", "a = '\"' AND b = $1 AND c = '\"'"},
      {"a -- what? 'no\n = ?1", "a -- what? 'no\n = $1"},
      {"a /* ?1 ' */ = ?1", "a /* ?1 ' */ = $1"},
      {"a - ? / ?", "a - $1 / $2"},
      {"a = '?", "a = '?"},
      {"/* ?", "/* ?"},
      {"?", "$1"},
  };
  for (const auto& row : table) EXPECT_EQ(numbered_for_postgresql(row.sql), row.expected) << row.sql;
}

TEST(SqlText, glob_is_each_engines_own) {
  EXPECT_EQ(glob(Dialect::sqlite, "model", "?1"), "model GLOB ?1");
  EXPECT_EQ(glob(Dialect::postgresql, "model", "?1"), "model LIKE ?1");
  const struct {
    std::string_view pattern, sqlite, postgresql;
  } table[] = {
      {"", "", ""},
      {"gpt-*", "gpt-*", "gpt-%"},
      {"a?c", "a?c", "a_c"},
      {"[a]", "[[]a]", "[a]"},
      {"50%_\\", "50%_\\", "50\\%\\_\\\\"},
  };
  for (const auto& row : table) {
    EXPECT_EQ(glob_pattern(Dialect::sqlite, row.pattern), row.sqlite) << row.pattern;
    EXPECT_EQ(glob_pattern(Dialect::postgresql, row.pattern), row.postgresql) << row.pattern;
  }
}

TEST(SqlText, glob_finds_what_the_pattern_says) {
  auto db = sqlite::Database::open(":memory:", {});
  ASSERT_TRUE(db);
  const auto matches = [&](std::string_view text, std::string_view pattern) {
    auto statement = sqlite::Statement::prepare(*db, "SELECT " + glob(Dialect::sqlite, "?1", "?2"));
    statement->bind(1, text).bind(2, glob_pattern(Dialect::sqlite, pattern));
    EXPECT_TRUE(*statement->step());
    return statement->column_int(0) == 1;
  };
  EXPECT_TRUE(matches("gpt-4o", "gpt-*"));
  EXPECT_TRUE(matches("a[1]", "a[1]"));
  EXPECT_FALSE(matches("a1", "a[1]"));
  EXPECT_TRUE(matches("abc", "a?c"));
  EXPECT_FALSE(matches("ABC", "a?c"));
}

TEST(SqlText, each_of_json_is_a_table_of_its_values) {
  EXPECT_EQ(each_of_json(Dialect::sqlite, JsonKind::list, "token.groups", "member"),
            "json_each(token.groups) AS member");
  EXPECT_EQ(each_of_json(Dialect::postgresql, JsonKind::list, "token.groups", "member"),
            "jsonb_array_elements_text(token.groups::jsonb) AS member(value)");
  EXPECT_EQ(each_of_json(Dialect::postgresql, JsonKind::map, "token.tags", "tag"),
            "jsonb_each_text(token.tags::jsonb) AS tag(key, value)");
}

}  // namespace
}  // namespace cr::ledger

// SPDX-License-Identifier: MIT
#include "ledger/sql/sql_session.h"

#include "unit/ledger/ledger_fixture.h"

namespace cr::ledger {
namespace {

class SqlSessionTest : public testing::Test {
 protected:
  SqlSessionTest() {
    EXPECT_TRUE(db_.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, number INTEGER, name TEXT UNIQUE, bytes BLOB)"));
  }
  base::Result<std::int64_t> add(std::optional<std::int64_t> number, std::string_view name) {
    return sql_.insert("INSERT INTO t (number, name) VALUES (?1, ?2) RETURNING id", number, name);
  }

  sqlite::Database db_ = std::move(*sqlite::Database::open(":memory:", {}));
  SqlSession sql_{db_};
};

TEST_F(SqlSessionTest, values_come_back_as_they_were_given) {
  const std::vector<std::uint8_t> bytes{0, 1, 255};
  const auto time = base::from_unix_ms(1'767'571'200'123);
  ASSERT_TRUE(sql_.run("INSERT INTO t (id, number, name, bytes) VALUES (?1, ?2, ?3, ?4)", TokenId{7}, time, "a'b",
                       Blob{bytes}));
  ASSERT_TRUE(sql_.run("INSERT INTO t (id, number, name, bytes) VALUES (?1, ?2, ?3, ?4)", dollars(2),
                       std::optional<Time>(), std::string(), std::optional<Blob>(Blob{})));
  std::vector<std::string> seen;
  ASSERT_TRUE(sql_.each_row("SELECT id, number, name, bytes FROM t ORDER BY id", [&](const Row& row) -> Result<void> {
    seen.push_back(std::to_string(row.column_int(0)) + '|' + std::to_string(row.column_optional_int(1).value_or(-1)) +
                   '|' + row.column_optional_text(2).value_or("none") + '|' +
                   std::to_string(row.column_blob(3).size()) + (row.column_is_null(3) ? " null" : ""));
    return {};
  }));
  EXPECT_EQ(seen, (std::vector<std::string>{"7|1767571200123|a'b|3", "2000000000|-1||0"}));
}

TEST_F(SqlSessionTest, find_tells_a_row_from_none_and_from_null) {
  ASSERT_TRUE(add(5, "five"));
  ASSERT_TRUE(add({}, "null"));
  EXPECT_EQ(sql_.find_int("SELECT number FROM t WHERE name = ?1", "five").value(), 5);
  EXPECT_EQ(sql_.find_int("SELECT number FROM t WHERE name = ?1", "null").value(), std::nullopt);
  EXPECT_EQ(sql_.find_int("SELECT number FROM t WHERE name = ?1", "six").value(), std::nullopt);
  EXPECT_EQ(sql_.find_text("SELECT name FROM t WHERE number = ?1", std::int64_t{5}).value(), "five");
  EXPECT_EQ(sql_.find_text("SELECT name FROM t WHERE number = ?1", std::int64_t{6}).value(), std::nullopt);
  EXPECT_TRUE(db_.execute("DROP TABLE t")) << "nothing is left in the middle of its rows";
}

TEST_F(SqlSessionTest, insert_tells_the_id_it_gave) {
  EXPECT_EQ(add(1, "a").value(), 1);
  EXPECT_EQ(add(1, "b").value(), 2);
  EXPECT_EQ(add(1, "a").error().code, base::ErrorCode::conflict);
  EXPECT_EQ(sql_.insert("INSERT INTO t (name) VALUES (?1) ON CONFLICT DO NOTHING RETURNING id", "a").error().code,
            base::ErrorCode::internal)
      << "no row was made";
  EXPECT_EQ(add(1, "c").value(), 3) << "a failure leaves the statement usable";
}

TEST_F(SqlSessionTest, each_row_ends_at_its_first_error_and_leaves_no_statement_open) {
  for (const char* name : {"a", "b", "c"}) ASSERT_TRUE(add(1, name));
  int seen = 0;
  const auto read = sql_.each_row("SELECT name FROM t ORDER BY id", [&](const Row& row) -> Result<void> {
    ++seen;
    if (row.column_text(0) == "b") return base::fail(base::ErrorCode::corrupt, "no b");
    return {};
  });
  EXPECT_EQ(read.error().message, "no b");
  EXPECT_EQ(seen, 2);
  EXPECT_TRUE(db_.execute("DROP TABLE t"));
}

TEST_F(SqlSessionTest, changes_are_those_of_the_last_run) {
  for (const char* name : {"a", "b", "c"}) ASSERT_TRUE(add(1, name));
  ASSERT_TRUE(sql_.run("UPDATE t SET number = 2 WHERE name < ?1", "c"));
  EXPECT_EQ(sql_.changes(), 2);
}

TEST_F(SqlSessionTest, fault_in_the_text_is_told_each_time) {
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(sql_.run("INSERT INTO nowhere VALUES (1)").error().code, base::ErrorCode::internal);
  }
}

TEST_F(SqlSessionTest, another_owner_goes_on_with_it) {
  ASSERT_TRUE(add(1, "a"));
  SqlSession moved = std::move(sql_);
  EXPECT_EQ(moved.find_int("SELECT count(*) FROM t").value(), 1);
}

}  // namespace
}  // namespace cr::ledger

// SPDX-License-Identifier: MIT
#include "sqlite/database.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <system_error>
#include <vector>

namespace cr::sqlite {
namespace {

using base::ErrorCode;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class DatabaseTest : public testing::Test {
 protected:
  DatabaseTest() {
    char pattern[] = "/tmp/cr-sqlite-XXXXXX";
    const char* made = mkdtemp(pattern);
    if (made == nullptr) throw std::system_error(errno, std::generic_category(), "mkdtemp");
    folder_ = made;
  }
  ~DatabaseTest() override {
    std::error_code ignored;  // a folder left in /tmp fails no test
    std::filesystem::remove_all(folder_, ignored);
  }
  std::string path(std::string_view name = "test.db") const { return folder_ / name; }

  Database open(const Database::Options& options = {}) const {
    auto db = Database::open(path(), options);
    if (!db) throw std::runtime_error(db.error().message);
    return std::move(*db);
  }
  static void must(const base::Result<void>& result) { ASSERT_TRUE(result) << result.error().message; }

  std::filesystem::path folder_;
};

TEST_F(DatabaseTest, keeps_rows_over_a_reopening) {
  {
    Database db = open();
    must(db.execute("CREATE TABLE t(a INTEGER, b TEXT); INSERT INTO t VALUES (1, 'x'), (2, 'y')"));
    EXPECT_EQ(db.changes(), 2);
    EXPECT_EQ(db.last_insert_rowid(), 2);
    EXPECT_EQ(db.path(), path());
  }
  Database db = open({.mode = OpenMode::read_only});
  EXPECT_EQ(db.query_int("SELECT count(*) FROM t").value(), 2);
}

TEST_F(DatabaseTest, open_modes) {
  const auto missing = Database::open(path(), {.mode = OpenMode::read_write});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::unavailable);
  EXPECT_THAT(missing.error().message, HasSubstr(path()));
  EXPECT_FALSE(missing.error().hint.empty());
  EXPECT_FALSE(std::filesystem::exists(path()));
  EXPECT_FALSE(Database::open(path(), {.mode = OpenMode::read_only}));

  must(open().execute("CREATE TABLE t(a)"));
  Database reader = open({.mode = OpenMode::read_only});
  const auto written = reader.execute("INSERT INTO t VALUES (1)");
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ErrorCode::unavailable);
  must(open({.mode = OpenMode::read_write}).execute("INSERT INTO t VALUES (1)"));
}

TEST_F(DatabaseTest, open_refuses) {
  EXPECT_EQ(Database::open("", {}).error().code, ErrorCode::invalid);
  EXPECT_EQ(Database::open(std::string("a\0b", 3), {}).error().code, ErrorCode::invalid);
  EXPECT_EQ(Database::open(path("no/such/folder.db"), {}).error().code, ErrorCode::unavailable);
  EXPECT_EQ(Database::open(folder_, {}).error().code, ErrorCode::unavailable);
  EXPECT_FALSE(Database::open(path(), {.vfs = "no-such-vfs"}));
}

TEST_F(DatabaseTest, a_file_that_is_no_database_is_corrupt_at_once) {
  std::ofstream(path()) << std::string(8192, 'x');
  const auto db = Database::open(path(), {});
  ASSERT_FALSE(db);
  EXPECT_EQ(db.error().code, ErrorCode::corrupt);
  EXPECT_THAT(db.error().message, HasSubstr(path()));
  EXPECT_THAT(db.error().hint, HasSubstr("backup"));
}

TEST_F(DatabaseTest, a_damaged_page_is_corrupt_and_the_file_is_named) {
  {
    Database db = open();
    must(db.execute("CREATE TABLE t(a TEXT)"));
    auto insert = Statement::prepare(db, "INSERT INTO t VALUES (?)");
    ASSERT_TRUE(insert);
    for (int i = 0; i < 100; ++i) must(insert->bind(1, std::string(1000, 'r')).run());
  }
  {
    // Page 1 holds the schema; all after it is the table.
    std::fstream file(path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(4096);
    file << std::string(std::filesystem::file_size(path()) - 4096, '\x5A');
  }
  Database db = open();
  const auto read = db.query_int("SELECT sum(length(a)) FROM t");
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, ErrorCode::corrupt);
  EXPECT_THAT(read.error().message, HasSubstr(path()));
}

TEST_F(DatabaseTest, binds_and_reads_every_kind) {
  Database db = open();
  must(db.execute("CREATE TABLE t(i, txt, b, n, oi, ot, empty_text, empty_blob)"));
  auto insert = Statement::prepare(db, "INSERT INTO t VALUES (?,?,?,?,?,?,?,?)");
  ASSERT_TRUE(insert);
  const std::vector<std::uint8_t> blob = {0, 1, 0xFF};
  const std::string text("with\0nul", 8);
  insert->bind(1, std::numeric_limits<std::int64_t>::min()).bind(2, text).bind_blob(3, blob).bind_null(4);
  insert->bind(5, std::optional<std::int64_t>(7)).bind(6, std::optional<std::string>("maybe"));
  insert->bind(7, std::string_view()).bind_blob(8, {});
  must(insert->run());
  insert->bind(1, 5).bind(2, "literal").bind(5, std::optional<std::int64_t>()).bind(6, std::optional<std::string>());
  must(insert->run());

  auto select = Statement::prepare(db, "SELECT * FROM t ORDER BY rowid");
  ASSERT_TRUE(select);
  ASSERT_TRUE(select->step().value());
  EXPECT_EQ(select->column_int(0), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(select->column_text(1), text);
  const auto read = select->column_blob(2);
  EXPECT_EQ(std::vector<std::uint8_t>(read.begin(), read.end()), blob);
  EXPECT_TRUE(select->column_is_null(3));
  EXPECT_EQ(select->column_optional_int(4), 7);
  EXPECT_EQ(select->column_optional_text(5), "maybe");
  EXPECT_FALSE(select->column_is_null(6)) << "an empty text is not NULL";
  EXPECT_EQ(select->column_text(6), "");
  EXPECT_FALSE(select->column_is_null(7)) << "an empty blob is not NULL";
  EXPECT_TRUE(select->column_blob(7).empty());

  ASSERT_TRUE(select->step().value());
  EXPECT_EQ(select->column_int(0), 5);
  EXPECT_EQ(select->column_text(1), "literal");
  EXPECT_EQ(select->column_optional_int(4), std::nullopt);
  EXPECT_EQ(select->column_optional_text(5), std::nullopt);
  EXPECT_TRUE(select->column_is_null(6)) << "run() clears the bindings";
  EXPECT_TRUE(select->column_blob(2).empty());
  EXPECT_FALSE(select->step().value());
}

TEST_F(DatabaseTest, a_bad_bind_shows_at_the_step) {
  Database db = open();
  must(db.execute("CREATE TABLE t(a)"));
  auto insert = Statement::prepare(db, "INSERT INTO t VALUES (?)");
  ASSERT_TRUE(insert);
  const auto out_of_range = insert->bind(2, 1).run();
  ASSERT_FALSE(out_of_range);
  EXPECT_EQ(out_of_range.error().code, ErrorCode::internal);
  EXPECT_THAT(out_of_range.error().message, HasSubstr("bind"));
  must(insert->bind(1, 1).run());  // and does not stick
  EXPECT_EQ(db.query_int("SELECT count(*) FROM t").value(), 1);
}

TEST_F(DatabaseTest, prepare_refuses) {
  Database db = open();
  for (const std::string_view sql :
       {"", ";", "-- only words", "SELEKT 1", "SELECT 1; SELECT 2", "SELECT * FROM nowhere"}) {
    const auto prepared = Statement::prepare(db, sql);
    ASSERT_FALSE(prepared) << sql;
    EXPECT_EQ(prepared.error().code, ErrorCode::internal) << sql;
  }
  EXPECT_TRUE(Statement::prepare(db, "SELECT 1 ; \n"));
  Statement never;
  EXPECT_FALSE(never.step());
}

TEST_F(DatabaseTest, query_int_wants_a_row) {
  Database db = open();
  EXPECT_EQ(db.query_int("SELECT 42").value(), 42);
  EXPECT_EQ(db.query_int("SELECT 1 WHERE 0").error().code, ErrorCode::not_found);
}

TEST_F(DatabaseTest, a_broken_constraint_is_a_conflict_without_its_value) {
  Database db = open();
  must(db.execute("CREATE TABLE t(name TEXT UNIQUE)"));
  auto insert = Statement::prepare(db, "INSERT INTO t VALUES (?)");
  ASSERT_TRUE(insert);
  must(insert->bind(1, "the-value").run());
  const auto again = insert->bind(1, "the-value").run();
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::conflict);
  EXPECT_THAT(again.error().message, AllOf(HasSubstr("t.name"), Not(HasSubstr("the-value"))));
  must(insert->bind(1, "other").run());  // the statement lives on
  EXPECT_EQ(db.query_int("SELECT count(*) FROM t").value(), 2);
}

TEST_F(DatabaseTest, extended_error_tells_the_kind) {
  Database db = open();
  must(db.execute("CREATE TABLE t(a NOT NULL)"));
  EXPECT_FALSE(db.execute("INSERT INTO t VALUES (NULL)"));
  EXPECT_EQ(db.extended_error(), SQLITE_CONSTRAINT_NOTNULL);
}

TEST_F(DatabaseTest, a_locked_database_is_unavailable) {
  Database holder = open();
  auto held = Transaction::begin(holder);
  ASSERT_TRUE(held);
  Database other = open({.busy_timeout_ms = 0});
  const auto begun = Transaction::begin(other);
  ASSERT_FALSE(begun);
  EXPECT_EQ(begun.error().code, ErrorCode::unavailable);
  EXPECT_FALSE(begun.error().hint.empty());
}

TEST_F(DatabaseTest, a_full_database_is_unavailable_and_rolls_back) {
  Database db = open();
  must(db.execute("CREATE TABLE t(a); PRAGMA max_page_count = 3"));
  {
    auto work = Transaction::begin(db);
    ASSERT_TRUE(work);
    const auto written = db.execute("INSERT INTO t VALUES (randomblob(100000))");
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().code, ErrorCode::unavailable);
    EXPECT_THAT(written.error().hint, HasSubstr("free space"));
  }
  EXPECT_FALSE(db.in_transaction());
  EXPECT_EQ(db.query_int("SELECT count(*) FROM t").value(), 0);
}

TEST_F(DatabaseTest, transaction_commits_once) {
  Database db = open();
  must(db.execute("CREATE TABLE t(a)"));
  auto work = Transaction::begin(db);
  ASSERT_TRUE(work);
  EXPECT_TRUE(db.in_transaction());
  must(db.execute("INSERT INTO t VALUES (1)"));
  must(work->commit());
  EXPECT_FALSE(db.in_transaction());
  EXPECT_EQ(work->commit().error().code, ErrorCode::internal);
  EXPECT_EQ(db.query_int("SELECT count(*) FROM t").value(), 1);
}

TEST_F(DatabaseTest, transaction_rolls_back_when_left) {
  Database db = open();
  must(db.execute("CREATE TABLE t(a)"));
  {
    auto work = Transaction::begin(db);
    ASSERT_TRUE(work);
    const Transaction moved(std::move(*work));
    must(db.execute("INSERT INTO t VALUES (1)"));
    EXPECT_FALSE(Transaction::begin(db)) << "one inside another";
    EXPECT_TRUE(db.in_transaction()) << "which leaves the outer one alone";
  }
  EXPECT_FALSE(db.in_transaction());
  EXPECT_EQ(db.query_int("SELECT count(*) FROM t").value(), 0);
}

TEST_F(DatabaseTest, a_commit_that_fails_is_rolled_back) {
  Database db = open();
  must(
      db.execute("PRAGMA foreign_keys = ON; CREATE TABLE p(id INTEGER PRIMARY KEY);"
                 "CREATE TABLE c(p REFERENCES p(id) DEFERRABLE INITIALLY DEFERRED)"));
  {
    auto work = Transaction::begin(db);
    ASSERT_TRUE(work);
    must(db.execute("INSERT INTO c VALUES (99)"));
    const auto committed = work->commit();
    ASSERT_FALSE(committed);
    EXPECT_EQ(committed.error().code, ErrorCode::conflict);
    EXPECT_TRUE(db.in_transaction());
  }
  EXPECT_FALSE(db.in_transaction());
  EXPECT_EQ(db.query_int("SELECT count(*) FROM c").value(), 0);
}

TEST_F(DatabaseTest, moves_carry_the_connection_and_the_statement) {
  Database first = open();
  must(first.execute("CREATE TABLE t(a)"));
  Database second(std::move(first));
  EXPECT_EQ(second.path(), path());
  must(second.execute("INSERT INTO t VALUES (1)"));
  auto other = Database::open(path("other.db"), {});
  ASSERT_TRUE(other);
  *other = std::move(second);
  EXPECT_EQ(other->query_int("SELECT count(*) FROM t").value(), 1);

  auto select = Statement::prepare(*other, "SELECT a FROM t");
  ASSERT_TRUE(select);
  Statement moved(std::move(*select));
  Statement assigned;
  assigned = std::move(moved);
  ASSERT_TRUE(assigned.step().value());
  EXPECT_EQ(assigned.column_int(0), 1);
}

TEST_F(DatabaseTest, a_statement_may_outlive_its_database_without_a_leak) {
  Statement select;
  {
    Database db = open();
    auto prepared = Statement::prepare(db, "SELECT 1");
    ASSERT_TRUE(prepared);
    select = std::move(*prepared);
  }
  EXPECT_TRUE(select.step().value());
}

}  // namespace
}  // namespace cr::sqlite

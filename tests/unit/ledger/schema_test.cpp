// SPDX-License-Identifier: MIT
#include "ledger/schema.h"

#include "ledger_fixture.h"

namespace cr::ledger {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class Schema : public LedgerFixture {
 protected:
  sqlite::Database database() {
    open();
    create_token("ci", dollars(3));
    ledger_.reset();
    return std::move(*sqlite::Database::open(options_.path, {}));
  }
};

constexpr Migration k_steps[] = {
    {2, "ALTER TABLE token ADD COLUMN colour TEXT"},
    {3, "UPDATE token SET colour = 'green'; CREATE TABLE extra (a)"},
};

TEST_F(Schema, older_store_is_migrated_after_a_copy) {
  sqlite::Database db = database();
  ASSERT_TRUE(migrate(db, k_steps, 3));
  EXPECT_EQ(*db.query_int("PRAGMA user_version"), 3);
  EXPECT_EQ(*db.query_int("SELECT count(*) FROM token WHERE colour = 'green'"), 1);
  const std::string backup = options_.path + ".v1.bak";
  EXPECT_EQ(fs::status(backup).permissions(), fs::perms::owner_read | fs::perms::owner_write);
  auto copy = sqlite::Database::open(backup, {});
  ASSERT_TRUE(copy);
  EXPECT_EQ(*copy->query_int("PRAGMA user_version"), 1);
  EXPECT_EQ(*copy->query_int("SELECT count(*) FROM token WHERE name = 'ci'"), 1);
  EXPECT_EQ(*copy->query_int("PRAGMA application_id"), k_application_id);
}

TEST_F(Schema, steps_already_taken_are_not_taken_again) {
  sqlite::Database db = database();
  ASSERT_TRUE(migrate(db, k_steps, 2));
  ASSERT_TRUE(migrate(db, k_steps, 3));
  ASSERT_TRUE(migrate(db, k_steps, 3));
  EXPECT_EQ(*db.query_int("SELECT count(*) FROM token WHERE colour = 'green'"), 1);
  EXPECT_TRUE(fs::exists(options_.path + ".v2.bak"));
}

TEST_F(Schema, failed_step_leaves_the_old_store_whole) {
  sqlite::Database db = database();
  constexpr Migration bad[] = {{2, "ALTER TABLE token ADD COLUMN colour TEXT"}, {3, "UPDATE nowhere SET a = 1"}};
  EXPECT_FALSE(migrate(db, bad, 3));
  EXPECT_EQ(*db.query_int("PRAGMA user_version"), 1);
  EXPECT_FALSE(db.query_int("SELECT count(colour) FROM token"));
  EXPECT_TRUE(migrate(db, k_steps, 3));  // the copy of the first attempt is in nobody's way
}

TEST_F(Schema, this_version_needs_neither_step_nor_copy) {
  sqlite::Database db = database();
  ASSERT_TRUE(migrate(db, migrations()));
  EXPECT_FALSE(fs::exists(options_.path + ".v1.bak"));
  ASSERT_TRUE(check_identity(db));
}

TEST_F(Schema, rules_of_the_rows_refuse_what_the_invariants_forbid) {
  sqlite::Database db = database();
  for (const char* sql :
       {"UPDATE token_balance SET posted = -1", "UPDATE token_balance SET reserved = -1",
        "UPDATE account_balance SET posted = -1", "UPDATE account_balance SET reserved = -1",
        "UPDATE token SET quota = -1",
        "INSERT INTO token SELECT 99, rev, 'CI', account_id, groups, enabled,"
        " not_before, expires, models, allow_ip, quota, when_low, tags, note, retrievable, created_at, NULL"
        " FROM token"}) {
    const auto done = db.execute(sql);
    ASSERT_FALSE(done) << sql;
    EXPECT_EQ(done.error().code, base::ErrorCode::conflict) << done.error().message;
  }
}

}  // namespace
}  // namespace cr::ledger

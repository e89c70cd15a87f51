// SPDX-License-Identifier: MIT
#include "ledger/sqlite/schema.h"

#include <fstream>

#include "unit/ledger/ledger_fixture.h"

namespace cr::ledger {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class Schema : public LedgerFixture {
 protected:
  sqlite::Database stopped() {
    open();
    create_token("ci", dollars(3));
    ledger_.reset();
    return database();
  }
  std::string backup_of(std::int64_t version) const { return options_.path + ".v" + std::to_string(version) + ".bak"; }
};

constexpr std::int64_t k_next = k_schema_version + 1, k_after_next = k_schema_version + 2;
constexpr Migration k_steps[] = {
    {k_next, "ALTER TABLE token ADD COLUMN colour TEXT"},
    {k_after_next, "UPDATE token SET colour = 'green'; CREATE TABLE extra (a)"},
};

TEST_F(Schema, older_store_is_migrated_after_a_copy) {
  sqlite::Database db = stopped();
  ASSERT_TRUE(migrate(db, k_steps, k_after_next));
  EXPECT_EQ(*db.query_int("PRAGMA user_version"), k_after_next);
  EXPECT_EQ(*db.query_int("SELECT count(*) FROM token WHERE colour = 'green'"), 1);
  const std::string backup = backup_of(k_schema_version);
  EXPECT_EQ(fs::status(backup).permissions(), fs::perms::owner_read | fs::perms::owner_write);
  auto copy = sqlite::Database::open(backup, {});
  ASSERT_TRUE(copy);
  EXPECT_EQ(*copy->query_int("PRAGMA user_version"), k_schema_version);
  EXPECT_EQ(*copy->query_int("SELECT count(*) FROM token WHERE name = 'ci'"), 1);
  EXPECT_EQ(*copy->query_int("PRAGMA application_id"), k_application_id);
}

TEST_F(Schema, steps_already_taken_are_not_taken_again) {
  sqlite::Database db = stopped();
  ASSERT_TRUE(migrate(db, k_steps, k_next));
  ASSERT_TRUE(migrate(db, k_steps, k_after_next));
  ASSERT_TRUE(migrate(db, k_steps, k_after_next));
  EXPECT_EQ(*db.query_int("SELECT count(*) FROM token WHERE colour = 'green'"), 1);
  EXPECT_TRUE(fs::exists(backup_of(k_next)));
}

TEST_F(Schema, failed_step_leaves_the_old_store_whole) {
  sqlite::Database db = stopped();
  constexpr Migration bad[] = {{k_next, "ALTER TABLE token ADD COLUMN colour TEXT"},
                               {k_after_next, "UPDATE nowhere SET a = 1"}};
  EXPECT_FALSE(migrate(db, bad, k_after_next));
  EXPECT_EQ(*db.query_int("PRAGMA user_version"), k_schema_version);
  EXPECT_FALSE(db.query_int("SELECT count(colour) FROM token"));
  EXPECT_TRUE(migrate(db, k_steps, k_after_next));  // the copy of the first attempt is in nobody's way
}

TEST_F(Schema, this_version_needs_neither_step_nor_copy) {
  sqlite::Database db = stopped();
  ASSERT_TRUE(migrate(db, migrations()));
  EXPECT_FALSE(fs::exists(backup_of(k_schema_version)));
  ASSERT_TRUE(check_identity(db));
}

TEST_F(Schema, rules_of_the_rows_refuse_what_the_invariants_forbid) {
  sqlite::Database db = stopped();
  for (const char* sql :
       {"UPDATE token_balance SET posted = -1", "UPDATE token_balance SET reserved = -1",
        "UPDATE account_balance SET posted = -1", "UPDATE account_balance SET reserved = -1",
        "UPDATE token SET quota = -1",
        // NOLINTNEXTLINE(bugprone-suspicious-missing-comma): one statement
        "INSERT INTO token SELECT 99, rev, 'CI', account_id, groups, enabled,"
        " not_before, expires, models, allow_ip, quota, when_low, tags, note, retrievable, created_at, NULL,"
        " budgets, time_zone, NULL, NULL, NULL FROM token",
        "UPDATE token SET requests_per_minute = 0", "UPDATE token SET requests_at_once = -1"}) {
    const auto done = db.execute(sql);
    ASSERT_FALSE(done) << sql;
    EXPECT_EQ(done.error().code, base::ErrorCode::conflict) << done.error().message;
  }
}

// The tables and their columns, however their text is laid out.
std::string layout(sqlite::Database& db) {
  std::string text;
  auto statement = sqlite::Statement::prepare(
      db,
      "SELECT schema.name, column.name, column.type, column.\"notnull\", coalesce(column.dflt_value, ''), column.pk"
      " FROM sqlite_schema AS schema JOIN pragma_table_info(schema.name) AS column ORDER BY schema.name, column.cid");
  while (*statement->step()) {
    for (int column = 0; column < 6; ++column) text += std::string(statement->column_text(column)) + ' ';
    text += '\n';
  }
  auto indexes = sqlite::Statement::prepare(db, "SELECT name FROM sqlite_schema WHERE type = 'index' ORDER BY name");
  while (*indexes->step()) text += std::string(indexes->column_text(0)) + '\n';
  return text;
}

// What version 6 had in the place of the indexes of names.
constexpr const char* k_back_to_10 =
    "DROP TABLE refused; ALTER TABLE price DROP COLUMN thinking_tokens; ALTER TABLE price_generation DROP COLUMN "
    "thinking_tokens; DELETE FROM meta WHERE key = 'settings'; PRAGMA user_version = 10";

constexpr const char* k_back_to_9 =
    "DROP TABLE lost_attempt; DROP TABLE own_request; ALTER TABLE response DROP COLUMN tokens;"
    "ALTER TABLE channel DROP COLUMN bound_field_chosen; ALTER TABLE channel DROP COLUMN stream_usage;"
    "ALTER TABLE channel DROP COLUMN output_rate_max; ALTER TABLE channel DROP COLUMN cancels;"
    "ALTER TABLE channel DROP COLUMN retry_after_timeout; PRAGMA user_version = 9";

constexpr const char* k_back_to_8 =
    "DROP TABLE price_generation;"
    "ALTER TABLE price DROP COLUMN cache_write_hour;"
    "ALTER TABLE price DROP COLUMN audio_input;"
    "ALTER TABLE price DROP COLUMN cached_audio_input;"
    "ALTER TABLE price DROP COLUMN audio_output;"
    "ALTER TABLE price DROP COLUMN image_input;"
    "ALTER TABLE price DROP COLUMN cached_image_input;"
    "ALTER TABLE price DROP COLUMN image_output;"
    "ALTER TABLE price DROP COLUMN default_output_tokens;"
    "ALTER TABLE price DROP COLUMN image_tokens;"
    "ALTER TABLE price DROP COLUMN output_image_tokens;"
    "ALTER TABLE price DROP COLUMN thinks;"
    "ALTER TABLE price DROP COLUMN rules;"
    "ALTER TABLE price DROP COLUMN generation;"
    "ALTER TABLE request DROP COLUMN price;"
    "ALTER TABLE request DROP COLUMN cost;"
    "ALTER TABLE request DROP COLUMN multiplier_millionths;"
    "ALTER TABLE request DROP COLUMN parts;"
    "ALTER TABLE channel DROP COLUMN strip; ALTER TABLE channel DROP COLUMN service_tier;"
    "DELETE FROM meta WHERE key = 'shipped_prices'; PRAGMA user_version = 8";

constexpr const char* k_back_to_6 =
    "DROP INDEX account_name; DROP INDEX account_deleted_name; DROP INDEX token_name; DROP INDEX token_deleted_name;"
    "DROP INDEX channel_name; DROP INDEX channel_deleted_name; DROP INDEX grp_name;"
    "CREATE UNIQUE INDEX account_name ON account (name COLLATE NOCASE) WHERE deleted_at IS NULL;"
    "CREATE UNIQUE INDEX token_name ON token (name COLLATE NOCASE) WHERE deleted_at IS NULL;"
    "CREATE UNIQUE INDEX channel_name ON channel (name COLLATE NOCASE) WHERE deleted_at IS NULL;"
    "ALTER TABLE grp RENAME TO later; CREATE TABLE grp (id INTEGER PRIMARY KEY AUTOINCREMENT, rev INTEGER NOT NULL,"
    " name TEXT NOT NULL UNIQUE COLLATE NOCASE, multiplier_millionths INTEGER NOT NULL CHECK (multiplier_millionths >="
    " 0), note TEXT NOT NULL, created_at INTEGER NOT NULL); INSERT INTO grp SELECT * FROM later; DROP TABLE later;"
    "DELETE FROM meta WHERE key = 'audit_seq'; PRAGMA user_version = 6";

TEST_F(Schema, store_of_version_6_finds_its_names_by_index_and_gives_out_no_id_twice) {
  open();
  GroupRecord vip;
  vip.name = "vip";
  const auto first = write([&](Store& store) { return store.create_group(vip, actor_); });
  ASSERT_TRUE(first);
  create_token("ci", dollars(3));
  ledger_.reset();
  {
    auto db = database();
    ASSERT_TRUE(db.execute(k_back_to_10));
    ASSERT_TRUE(db.execute(k_back_to_9));
    ASSERT_TRUE(db.execute(k_back_to_8));
    ASSERT_TRUE(db.execute(k_back_to_6));
    ASSERT_TRUE(db.execute("DELETE FROM grp WHERE name = 'vip'"));
  }
  open();
  EXPECT_TRUE(fs::exists(options_.path + ".v6.bak"));
  const auto second = write([&](Store& store) { return store.create_group(vip, actor_); });
  ASSERT_TRUE(second);
  EXPECT_GT(second->value, first->value);
  NewToken same;
  same.name = "CI";
  EXPECT_EQ(write([&](Store& store) { return store.create_token(same, actor_); }).error().code,
            base::ErrorCode::conflict);
  EXPECT_TRUE(read([](Reports& reports) { return reports.token("ci"); }));
  ledger_.reset();
  auto migrated = database();
  options_.path = (folder_ / "fresh.db").string();
  sqlite::Database fresh = stopped();
  EXPECT_EQ(layout(migrated), layout(fresh));
}

TEST_F(Schema, store_of_version_9_knows_which_bound_fields_were_chosen) {
  {
    auto db = stopped();
    ASSERT_TRUE(db.execute(k_back_to_10));
    ASSERT_TRUE(db.execute(k_back_to_9));
    for (const auto* row :
         {"'a', 'https://api.openai.com/v1', 'max_completion_tokens'", "'b', 'https://api.openai.com/v1', 'max_tokens'",
          "'c', 'https://llm.example.com/v1', 'max_tokens'",
          "'d', 'https://llm.example.com/v1', 'max_completion_tokens'",
          "'e', 'https://x.openai.azure.com/v1', 'max_tokens'"}) {
      const auto text =
          "INSERT INTO channel (rev, kind, enabled, models, model_map, groups, priority, weight,"
          " timeout_connect_ms, timeout_first_byte_ms, timeout_idle_ms, allow_private, echo_delay_ms, note,"
          " created_at, name, base_url, bound_field) VALUES (1, 'openai', 1, '[\"m\"]', '{}',"
          " '[\"default\"]', 0, 1, 1, 1, 1, 0, 0, '', 0, " +
          std::string(row) + ")";
      ASSERT_TRUE(db.execute(text.c_str())) << text;
    }
  }
  open();
  std::string chosen;
  for (const auto& channel : directory().channels()) {
    if (channel->bound_field_chosen) chosen += channel->name;
  }
  EXPECT_EQ(chosen, "bd");
}

TEST_F(Schema, store_of_version_10_is_under_the_sum_of_its_settings_from_then_on) {
  {
    auto db = stopped();
    ASSERT_TRUE(db.execute(k_back_to_10));
  }
  open();
  expect_sound();
  const auto entries = read([](Reports& reports) { return reports.newest_audit(1); });
  ASSERT_TRUE(entries);
  EXPECT_EQ(entries->back().action, "store.settings_begun");
  ASSERT_TRUE(database().execute("UPDATE token SET quota = 9000000000 WHERE name = 'ci'"));
  const auto verified = read([](Reports& reports) { return reports.verify(); });
  ASSERT_FALSE(verified);
  EXPECT_THAT(verified.error().message, HasSubstr("token 'ci': quota is \"9\", and the audit says \"3\""));
}

// Whoever would have the sum begun anew, of what he made of the rows, has no such store.
TEST_F(Schema, store_that_is_said_to_be_older_keeps_its_sum) {
  {
    auto db = stopped();
    ASSERT_TRUE(
        db.execute("UPDATE token SET quota = 9000000000; ALTER TABLE price DROP COLUMN thinking_tokens;"
                   "ALTER TABLE price_generation DROP COLUMN thinking_tokens; DROP TABLE refused;"
                   "PRAGMA user_version = 10"));
  }
  open();
  EXPECT_FALSE(read([](Reports& reports) { return reports.verify(); }));
}

TEST_F(Schema, later_version_takes_the_sum_along) {
  for (const bool changed : {false, true}) {
    {
      auto db = stopped();
      if (changed) {
        ASSERT_TRUE(db.execute("UPDATE token SET quota = 9000000000"));
      }
      const auto vault = vault_of();
      ASSERT_TRUE(migrate(db, k_steps, k_after_next, &vault));
      const auto back = "PRAGMA user_version = " + std::to_string(k_schema_version);
      ASSERT_TRUE(db.execute(back.c_str()));
    }
    open();
    EXPECT_EQ(read([](Reports& reports) { return reports.verify(); }).has_value(), !changed);
    ledger_.reset();
    options_.path = (folder_ / "second.db").string();
  }
}

// What an administrator has set stays; the rest is as the list that crd has now says.
TEST_F(Schema, store_of_version_8_gets_the_shipped_prices_of_now) {
  {
    auto db = stopped();
    ASSERT_TRUE(db.execute(k_back_to_10));
    ASSERT_TRUE(db.execute(k_back_to_9));
    ASSERT_TRUE(db.execute(k_back_to_8));
    ASSERT_TRUE(
        db.execute("DELETE FROM price WHERE model = 'gpt-4o-mini';"
                   "UPDATE price SET input = 1 WHERE model IN ('gpt-4o', 'gpt-4.1');"
                   "UPDATE price SET source = 'set' WHERE model = 'gpt-4o'"));
  }
  open();
  EXPECT_EQ(directory().find_price("gpt-4o", base::wall_now())->input.nano_per_million, 1);
  EXPECT_GT(directory().find_price("gpt-4o", base::wall_now())->generation, 0);
  EXPECT_GT(directory().find_price("gpt-4.1", base::wall_now())->input.nano_per_million, 1);
  EXPECT_FALSE(directory().find_price("gpt-4.1", base::wall_now())->rules.empty());
  EXPECT_TRUE(directory().find_price("gpt-4o-mini", base::wall_now()));
}

TEST_F(Schema, store_of_version_7_keeps_the_number_of_the_last_audit_row) {
  for (const bool rows_taken : {false, true}) {
    {
      auto db = stopped();
      ASSERT_TRUE(db.execute(k_back_to_10));
      ASSERT_TRUE(db.execute(k_back_to_9));
      ASSERT_TRUE(db.execute(k_back_to_8));
      ASSERT_TRUE(db.execute("DELETE FROM meta WHERE key = 'audit_seq'; PRAGMA user_version = 7"));
      if (rows_taken) {
        ASSERT_TRUE(db.execute("DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit)"));
      }
    }
    open();
    EXPECT_TRUE(fs::exists(backup_of(7)));
    const auto verified = read([](Reports& reports) { return reports.verify(); });
    EXPECT_EQ(verified.has_value(), !rows_taken) << "what was taken out before the migration is missed after it";
    if (rows_taken) continue;
    create_token("another", {});
    expect_sound();
    ledger_.reset();
    fs::remove(backup_of(7));
    options_.path = (folder_ / "second.db").string();
  }
}

TEST_F(Schema, store_of_version_1_becomes_this_one_with_all_that_is_in_it) {
  std::ifstream file(CR_SOURCE_DIR "/tests/unit/ledger/sqlite/schema_v1.sql");
  const std::string schema((std::istreambuf_iterator<char>(file)), {});
  {
    auto db = sqlite::Database::open(options_.path, {});
    ASSERT_TRUE(db->execute(schema.c_str()));
    ASSERT_TRUE(db->execute(
        "INSERT INTO meta VALUES ('overrun', 0);"
        "INSERT INTO grp VALUES (1, 1, 'default', 1000000, '', 0);"
        "INSERT INTO account VALUES (1, 1, 'default', 1, NULL, '', 0, NULL);"
        "INSERT INTO account_balance VALUES (1, 3000000000, 2000000000);"
        "INSERT INTO token VALUES (1, 1, 'ci', 1, '[\"default\"]', 1, NULL, NULL, '[]', '[]', 9000000000, 0, '{}', '', "
        "0, 0,"
        " NULL);"
        "INSERT INTO token_balance VALUES (1, 3000000000, 2000000000, NULL);"
        "INSERT INTO channel VALUES (1, 4, 'main', 'openai', 1, 'https://api.example.com/v1', '[\"*\"]', '{}',"
        " '[\"default\"]', 0, 1, 5000, 120000, 120000, 0, 'max_tokens', 0, 'kept', 0, NULL);"
        "INSERT INTO request VALUES (x'00000000000000000000000000000001', 1, 1, 1, 1767571200000, 3000000000, 0, 'm',"
        " 'default', 'chat', '', 0, NULL, 0, 0, 200, NULL, 3000000000, 0, 1, 0, 0, 1, 1, NULL);"
        "INSERT INTO reservation VALUES (x'00000000000000000000000000000002', 1, 1, 1, 1767571200000, 2000000000, 0, "
        "'m',"
        " 'default', 'chat', '');"));
    auto insert = sqlite::Statement::prepare(*db, "INSERT INTO meta VALUES ('vault_fingerprint', ?1)");
    ASSERT_TRUE(insert->bind_blob(1, vault_of().fingerprint()).run());
  }
  options_.retention = std::chrono::milliseconds(0);
  open();
  EXPECT_TRUE(fs::exists(options_.path + ".v1.bak"));
  const BalanceQuery ci = balance(base::TokenId{1});
  EXPECT_EQ(ci.token_balance.posted, dollars(5)) << "what was open is posted";
  const auto channels = directory().channels();
  ASSERT_EQ(channels.size(), 1U);
  EXPECT_EQ(channels.front()->note, "kept");
  EXPECT_EQ(channels.front()->timeout_total, std::chrono::hours(1));
  EXPECT_TRUE(channels.front()->headers.empty() && channels.front()->proxy.empty());
  const auto usage = read([](Reports& reports) {
    return reports.usage(
        {{}, base::from_unix_ms(1'767'571'200'000), base::from_unix_ms(1'767'571'200'001), {}, {}, {}, {}, {}, {}});
  });
  ASSERT_EQ(usage->size(), 1U);
  EXPECT_EQ(usage->front().cost, dollars(5));
  EXPECT_EQ(usage->front().requests, 2);
  expect_sound();
  ledger_.reset();
  auto migrated = database();
  options_.path = (folder_ / "fresh.db").string();
  sqlite::Database fresh = stopped();
  EXPECT_EQ(layout(migrated), layout(fresh));
}

}  // namespace
}  // namespace cr::ledger

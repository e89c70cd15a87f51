// SPDX-License-Identifier: MIT
// How SQLite finds what it is asked for: by an index wherever a record is named. Plans, not times.
#include <sqlite3.h>

#include <set>

#include "base/text.h"
#include "ledger/sql/loading.h"
#include "ledger/sql/reports_state.h"
#include "ledger/sqlite/balance_changes.h"
#include "ledger/sqlite/balances_loading.h"
#include "unit/ledger/ledger_fixture.h"

namespace cr::ledger {
namespace {

class Plans : public LedgerFixture {
 protected:
  void SetUp() override {
    open();
    create_token("ci", dollars(5));
    ledger_.reset();
    db_.emplace(database());
  }

  std::set<std::string> prepared() {
    std::set<std::string> texts;
    for (sqlite3_stmt* at = sqlite3_next_stmt(db_->raw(), nullptr); at != nullptr;
         at = sqlite3_next_stmt(db_->raw(), at)) {
      if (const std::string text = sqlite3_sql(at); !text.starts_with("EXPLAIN")) texts.insert(text);
    }
    return texts;
  }
  std::string plan_of(const std::string& text) {
    std::string plan;
    auto statement = sqlite::Statement::prepare(*db_, "EXPLAIN QUERY PLAN " + text);
    EXPECT_TRUE(statement) << text;
    while (*statement->step()) plan += std::string(statement->column_text(3)) + "\n";
    return plan;
  }
  // Of every statement prepared since `known`: none goes through a table to find a record. A few rows from the one end
  // of an index, with a LIMIT, are no search.
  void expect_no_scan(const std::set<std::string>& known) {
    static const std::set<std::string> tables{"token",   "token_balance", "key",    "account", "account_balance",
                                              "channel", "channel_key",   "grp",    "price",   "request",
                                              "audit",   "response",      "refused"};
    std::size_t looked_at = 0;
    for (const auto& text : prepared()) {
      if (known.contains(text)) continue;
      ++looked_at;
      for (const auto& line : base::split_list(plan_of(text), '\n')) {
        const auto table = line.starts_with("SCAN ") ? line.substr(5, line.find(' ', 5) - 5) : std::string();
        EXPECT_FALSE(tables.contains(table) && text.find("LIMIT") == std::string::npos) << text << "\n" << line;
      }
    }
    EXPECT_GT(looked_at, 0U);
  }

  StoreClock clock_;
  std::optional<sqlite::Database> db_;
};

TEST_F(Plans, reports_find_names_by_an_index) {
  const auto vault = vault_of();
  Reports::Impl impl(SqlSession{*db_}, vault, clock_);
  Reports reports(impl);
  EXPECT_TRUE(reports.token("ci"));
  EXPECT_TRUE(reports.account("default"));
  for (const char* table : {"token", "account", "channel"}) static_cast<void>(ids_named(impl.sql, table, "ci"));
  static_cast<void>(no_such_row(impl.sql, "grp", "ci", Among::live));
  EXPECT_FALSE(reports.token("cj"));
  EXPECT_TRUE(reports.request(RequestId{}).error().code == base::ErrorCode::not_found);
  EXPECT_TRUE(reports.token_names(10));
  expect_no_scan({});
}

TEST_F(Plans, page_of_tokens_begins_at_its_cursor) {
  const auto vault = vault_of();
  Reports::Impl impl(SqlSession{*db_}, vault, clock_);
  Reports reports(impl);
  for (const bool descending : {false, true}) {
    for (const bool deleted : {false, true}) {
      TokenQuery query;
      query.descending = descending;
      query.deleted = deleted;
      query.after = TokenPlace{"ci", 0, TokenId{1}};
      EXPECT_TRUE(reports.tokens(query));
    }
  }
  std::size_t pages = 0;
  for (const auto& text : prepared()) {
    if (text.find("lower(token.name)") == std::string::npos) continue;
    ++pages;
    const auto plan = plan_of(text);
    EXPECT_NE(plan.find("SEARCH token USING INDEX token_"), std::string::npos) << plan;
    EXPECT_EQ(plan.find("TEMP B-TREE"), std::string::npos) << text << "\n" << plan;
  }
  EXPECT_EQ(pages, 4U);
  std::size_t of_keys = 0;
  for (const auto& text : prepared()) {
    if (text.find("json_each(?1) AS token_id") == std::string::npos) continue;
    ++of_keys;
    EXPECT_NE(plan_of(text).find("SEARCH key USING INDEX key_token"), std::string::npos) << plan_of(text);
  }
  EXPECT_EQ(of_keys, 1U);
}

TEST_F(Plans, changes_find_names_and_keys_by_an_index) {
  auto balances = Balances::prepare(*db_);
  ASSERT_TRUE(balances);
  const auto vault = vault_of();
  BalanceChanges holders(*balances);
  Store::Impl impl(SqlSession{*db_}, holders, vault, options_, clock_);
  auto reader = sqlite::Database::open(options_.path, {sqlite::OpenMode::read_write, 2000, {}});
  ASSERT_TRUE(reader);
  SqlSession other(*reader);
  auto keys = load(impl, other, base::wall_now());
  ASSERT_TRUE(keys);
  put_keys(impl, std::move(*keys));
  ASSERT_TRUE(load_balances(impl.sql, impl.directory, *balances));
  const auto known = prepared();
  Store store(impl);
  NewToken wanted;
  wanted.name = "other";
  clock_.set_ahead(std::chrono::hours(24));
  const auto made = store.create_token(wanted, actor_);
  ASSERT_TRUE(made);
  EXPECT_GT(made->token->created_at, base::wall_now() + std::chrono::hours(23)) << "the store's clock is what counts";
  TokenPatch patch;
  patch.name = "renamed";
  ASSERT_TRUE(store.edit_token("other", patch, {}, actor_));
  ASSERT_TRUE(store.rotate_token("renamed", std::chrono::hours(1), actor_));
  ASSERT_TRUE(store.finish_rotation("renamed", std::chrono::milliseconds(0), actor_));
  ASSERT_FALSE(store.reveal_key("renamed", actor_));
  ASSERT_TRUE(store.delete_token("renamed", {}, actor_));
  ASSERT_TRUE(store.restore_token("renamed", actor_));
  EXPECT_FALSE(store.delete_token("nobody", {}, actor_));
  AccountRecord account;
  account.name = "team";
  ASSERT_TRUE(store.create_account(account, actor_));
  ASSERT_TRUE(store.edit_account("team", {{}, {}, "note"}, {}, actor_));
  ASSERT_TRUE(store.delete_account("team", {}, actor_));
  GroupRecord group;
  group.name = "vip";
  ASSERT_TRUE(store.create_group(group, actor_));
  ASSERT_TRUE(store.edit_group("vip", {2'000'000, {}}, {}, actor_));
  NewChannel channel;
  channel.settings.name = "main";
  channel.settings.kind = ChannelKind::echo;
  channel.settings.groups = {"vip"};
  channel.settings.models = {"*"};
  ASSERT_TRUE(store.create_channel(std::move(channel), actor_));
  ASSERT_TRUE(store.set_channel_keys("main", {}, actor_));
  ASSERT_TRUE(store.delete_channel("main", {}, actor_));
  expect_no_scan(known);
}

}  // namespace
}  // namespace cr::ledger

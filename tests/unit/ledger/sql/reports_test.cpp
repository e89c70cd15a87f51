// SPDX-License-Identifier: MIT
#include "ledger/core/reports.h"

#include "ledger/core/own_requests.h"
#include "sqlite/database.h"
#include "unit/ledger/ledger_fixture.h"

namespace cr::ledger {
namespace {

using base::ErrorCode;
using std::chrono::hours;
using testing::ElementsAre;
using testing::HasSubstr;

class ReportsTest : public LedgerFixture {
 protected:
  void SetUp() override { open(); }

  // A request of an unlimited token at a time of choice.
  RequestId spend(const IssuedKey& token, Time at, const std::string& model, Credits cost,
                  Ending ending = Ending::complete, const std::string& error = {}, std::uint32_t flags = 0) {
    Settlement ended;
    ended.facts = facts_of(token);
    ended.facts.started_at = at;
    ended.facts.id = RequestId::make(at);
    ended.facts.model = model;
    ended.cost = cost;
    ended.ending = ending;
    ended.status = error.empty() ? 200 : 502;
    ended.error = error;
    ended.flags = flags;
    ended.input_tokens = 100;
    ended.cached_tokens = 40;
    ended.output_tokens = 10;
    ledger_->settle(ended);
    return ended.facts.id;
  }
  std::vector<std::string> names(const TokenQuery& query) {
    const auto rows = read([&](Reports& reports) { return reports.tokens(query); });
    EXPECT_TRUE(rows) << rows.error().message;
    std::vector<std::string> found;
    for (const TokenRow& row : *rows) found.push_back(row.token.name);
    return found;
  }
  std::vector<RequestRow> requests(const RequestQuery& query) {
    auto rows = read([&](Reports& reports) { return reports.requests(query); });
    EXPECT_TRUE(rows) << rows.error().message;
    return rows ? *rows : std::vector<RequestRow>();
  }
  std::vector<UsageGroup> usage(const UsageSelection& selection) {
    auto rows = read([&](Reports& reports) { return reports.usage(selection); });
    EXPECT_TRUE(rows) << rows.error().message;
    return rows ? *rows : std::vector<UsageGroup>();
  }
  const Time k_monday = base::from_unix_ms(1'767'571'200'000);  // 2026-01-05T00:00:00Z
};

TEST_F(ReportsTest, tokens_are_filtered_and_sorted) {
  create_account("team", {});
  GroupRecord vip;
  vip.name = "vip";
  ASSERT_TRUE(write([&](Store& store) { return store.create_group(vip, actor_); }));
  NewToken a;
  a.name = "a-web";
  a.quota = dollars(10);
  a.tags = {{"env", "prod"}, {"owner", "x"}};
  a.expires = base::wall_now() + hours(48);
  NewToken b;
  b.name = "b-web";
  b.quota = dollars(4);
  b.groups = {"vip"};
  b.tags = {{"env", "test"}};
  b.expires = base::wall_now() + hours(1000);
  NewToken c;
  c.name = "c[1]";
  c.name = "c-cron";
  c.account = "team";
  std::vector<IssuedKey> keys;
  for (const NewToken* wanted : {&b, &c, &a}) {
    auto issued = write([&](Store& store) { return store.create_token(*wanted, actor_); });
    ASSERT_TRUE(issued) << issued.error().message;
    keys.push_back(std::move(*issued));
  }
  ReserveOp op = reservation(keys[0], dollars(4));
  reserve(op);
  ledger_->settle(settlement(op, Credits::from_nano(3'500'000'000)));

  using Sort = TokenQuery::Sort;
  EXPECT_THAT(names({}), ElementsAre("a-web", "b-web", "c-cron"));
  EXPECT_THAT(names({.sort = Sort::created}), ElementsAre("b-web", "c-cron", "a-web"));
  EXPECT_THAT(names({.sort = Sort::used, .descending = true}).front(), "b-web");
  EXPECT_THAT(names({.sort = Sort::left}), ElementsAre("b-web", "a-web", "c-cron"));
  EXPECT_THAT(names({.sort = Sort::expires}), ElementsAre("a-web", "b-web", "c-cron"));
  EXPECT_THAT(names({.sort = Sort::last_used, .descending = true}).front(), "b-web");
  EXPECT_THAT(names({.name_glob = "*-web"}), ElementsAre("a-web", "b-web"));
  EXPECT_THAT(names({.name_glob = "[ab]*"}), ElementsAre());
  EXPECT_THAT(names({.group = "vip"}), ElementsAre("b-web"));
  EXPECT_THAT(names({.account = "team"}), ElementsAre("c-cron"));
  EXPECT_THAT(names({.tag = std::pair("env", std::optional<std::string>())}), ElementsAre("a-web", "b-web"));
  EXPECT_THAT(names({.tag = std::pair("env", std::optional<std::string>("prod"))}), ElementsAre("a-web"));
  EXPECT_THAT(names({.expires_before = base::wall_now() + hours(72)}), ElementsAre("a-web"));
  EXPECT_THAT(names({.not_used_since = base::wall_now() - hours(1)}), ElementsAre());
  EXPECT_THAT(names({.not_used_since = base::wall_now() + hours(1)}), ElementsAre("a-web", "b-web", "c-cron"));
  EXPECT_THAT(names({.over_percent = 80}), ElementsAre("b-web"));
  EXPECT_THAT(names({.over_percent = 88}), ElementsAre());
  EXPECT_THAT(names({.offset = 1, .limit = 1}), ElementsAre("b-web"));
  EXPECT_THAT(names({.deleted = true}), ElementsAre());
  EXPECT_EQ(read([](Reports& reports) { return reports.tokens({.account = "taem"}); }).error().hint,
            "did you mean 'team'?");
}

TEST_F(ReportsTest, pages_of_tokens_neither_repeat_nor_leave_out) {
  for (const char* name : {"b", "A", "c", "D", "e", "aa"}) create_token(name, dollars(name[0] % 3));
  ASSERT_TRUE(write([&](Store& store) { return store.delete_token("e", {}, actor_); }));
  create_token("e", dollars(1));
  ASSERT_TRUE(write([&](Store& store) { return store.delete_token("e", {}, actor_); }));
  using Sort = TokenQuery::Sort;
  for (const Sort sort : {Sort::name, Sort::used, Sort::left, Sort::expires, Sort::last_used, Sort::created}) {
    for (const bool descending : {false, true}) {
      for (const bool deleted : {false, true}) {
        TokenQuery query{.deleted = deleted, .sort = sort, .descending = descending};
        const auto whole = names(query);
        std::vector<std::string> paged;
        query.limit = 1;
        for (;;) {
          const auto rows = read([&](Reports& reports) { return reports.tokens(query); });
          ASSERT_TRUE(rows) << rows.error().message;
          if (rows->empty()) break;
          for (const TokenRow& row : *rows) paged.push_back(row.token.name);
          ASSERT_LE(paged.size(), whole.size());
          query.after = rows->back().place;
        }
        EXPECT_EQ(paged, whole) << static_cast<int>(sort) << descending << deleted;
      }
    }
  }
  EXPECT_THAT(names({}), ElementsAre("A", "aa", "b", "c", "D"));
}

TEST_F(ReportsTest, token_row_tells_the_whole) {
  const IssuedKey token = create_token("ci", dollars(10));
  ReserveOp settled = reservation(token, dollars(2));
  ReserveOp open_one = reservation(token, dollars(3));
  reserve(settled);
  reserve(open_one);
  ledger_->settle(settlement(settled, dollars(1)));
  const auto row = read([](Reports& reports) { return reports.token("ci"); });
  ASSERT_TRUE(row);
  EXPECT_EQ(row->account_name, "default");
  EXPECT_EQ(row->posted, dollars(1));
  EXPECT_EQ(row->reserved, dollars(3));
  EXPECT_EQ(row->last_used_at, settled.facts.started_at);
  ASSERT_EQ(row->keys.size(), 1U);
  EXPECT_EQ(row->keys[0].last_used_ip, "192.0.2.7");
  EXPECT_EQ(row->keys[0].key.hint.first, std::string(token.key.reveal().substr(0, 10)));
}

TEST_F(ReportsTest, requests_show_ended_and_open_ones_in_order) {
  const IssuedKey token = create_token("ci", dollars(10));
  const IssuedKey free = create_token("free", {});
  const RequestId first = spend(free, base::wall_now() - hours(3), "m1", dollars(1));
  const RequestId second =
      spend(free, base::wall_now() - hours(2), "m2", dollars(2), Ending::upstream_cut, "upstream_cut");
  ReserveOp op = reservation(token, dollars(3));
  reserve(op);
  const auto all = requests({});
  ASSERT_EQ(all.size(), 3U);
  EXPECT_TRUE(all[0].open);
  EXPECT_EQ(all[0].settlement.facts.id, op.facts.id);
  EXPECT_EQ(all[0].booking.reserved, dollars(3));
  EXPECT_EQ(all[0].token_name, "ci");
  EXPECT_EQ(all[1].settlement.facts.id, second);
  EXPECT_EQ(all[1].settlement.error, "upstream_cut");
  EXPECT_EQ(all[1].settlement.ending, Ending::upstream_cut);
  EXPECT_EQ(all[1].settlement.status, 502);
  EXPECT_EQ(all[1].booking.posted, dollars(2));
  EXPECT_EQ(all[1].token_name, "free");
  EXPECT_EQ(all[1].account_name, "default");
  EXPECT_EQ(all[2].settlement.facts.id, first);

  const auto ids = [&](const RequestQuery& query) {
    std::vector<RequestId> found;
    for (const RequestRow& row : requests(query)) found.push_back(row.settlement.facts.id);
    return found;
  };
  EXPECT_THAT(ids({.token = "ci"}), ElementsAre(op.facts.id));
  EXPECT_THAT(ids({.model = "m1"}), ElementsAre(first));
  EXPECT_THAT(ids({.model = "m*"}), ElementsAre(second, first));
  EXPECT_THAT(ids({.error = "*"}), ElementsAre(second));
  EXPECT_THAT(ids({.error = "none"}), ElementsAre());
  EXPECT_THAT(ids({.account = "default", .limit = 1}), ElementsAre(op.facts.id));
  EXPECT_THAT(ids({.since = base::wall_now() - hours(1)}), ElementsAre(op.facts.id));
  EXPECT_THAT(ids({.until = base::wall_now() - hours(1)}), ElementsAre(second, first));
  EXPECT_THAT(ids({.before = second}), ElementsAre(first));
  EXPECT_THAT(ids({.after = first}), ElementsAre(second, op.facts.id));
  EXPECT_THAT(ids({.after = first, .limit = 1}), ElementsAre(second));
  EXPECT_EQ(read([](Reports& reports) { return reports.requests({.token = "cj"}); }).error().code,
            ErrorCode::not_found);
  EXPECT_EQ(read([](Reports& reports) { return reports.requests({.channel = "x"}); }).error().code,
            ErrorCode::not_found);
  const auto missing = read([](Reports& reports) { return reports.request(RequestId{}); });
  EXPECT_EQ(missing.error().code, ErrorCode::not_found);
}

TEST_F(ReportsTest, usage_by_every_dimension) {
  const IssuedKey one = create_token("one", {});
  const IssuedKey two = create_token("two", {});
  spend(one, k_monday - std::chrono::milliseconds(1), "m1", dollars(1));
  spend(one, k_monday, "m1", dollars(2));
  spend(one, k_monday + hours(5), "m2", dollars(3), Ending::upstream_cut, "upstream_cut", k_estimated);
  spend(two, k_monday + hours(24), "m2", dollars(4));
  const Time since = k_monday - hours(24);
  const Time until = k_monday + hours(48);

  const auto all = usage({{}, since, until, {}, {}, {}, {}, {}});
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].requests, 4);
  EXPECT_EQ(all[0].errors, 1);
  EXPECT_EQ(all[0].input_tokens, 400);
  EXPECT_EQ(all[0].cached_tokens, 160);
  EXPECT_EQ(all[0].output_tokens, 40);
  EXPECT_EQ(all[0].cost, dollars(10));
  EXPECT_TRUE(all[0].estimated);

  const auto costs = [&](const UsageSelection& selection) {
    std::vector<std::pair<std::string, std::int64_t>> found;
    for (const UsageGroup& group : usage(selection)) {
      found.emplace_back(testing::PrintToString(group.key), group.cost.nano() / k_dollar);
    }
    return found;
  };
  const auto key = [](const std::vector<std::string>& parts) { return testing::PrintToString(parts); };
  EXPECT_THAT(costs({{UsageBy::day}, since, until, {}, {}, {}, {}, {}}),
              ElementsAre(std::pair(key({"2026-01-04"}), 1), std::pair(key({"2026-01-05"}), 5),
                          std::pair(key({"2026-01-06"}), 4)));
  EXPECT_THAT(costs({{UsageBy::hour}, k_monday, k_monday + hours(24), {}, {}, {}, {}, {}}),
              ElementsAre(std::pair(key({"2026-01-05T00:00:00Z"}), 2), std::pair(key({"2026-01-05T05:00:00Z"}), 3)));
  EXPECT_THAT(costs({{UsageBy::token, UsageBy::model}, since, until, {}, {}, {}, {}, {}}),
              ElementsAre(std::pair(key({"one", "m1"}), 3), std::pair(key({"one", "m2"}), 3),
                          std::pair(key({"two", "m2"}), 4)));
  EXPECT_THAT(costs({{UsageBy::account, UsageBy::group, UsageBy::channel}, since, until, {}, {}, {}, {}, {}}),
              ElementsAre(std::pair(key({"default", "default", ""}), 10)));
  EXPECT_THAT(costs({{UsageBy::token}, since, until, "two", {}, {}, {}, {}}), ElementsAre(std::pair(key({"two"}), 4)));
  EXPECT_THAT(costs({{UsageBy::model}, since, until, {}, "m1", {}, {}, {}}), ElementsAre(std::pair(key({"m1"}), 3)));
  EXPECT_THAT(costs({{UsageBy::model}, until, until + hours(1), {}, {}, {}, {}, {}}), ElementsAre());
}

TEST_F(ReportsTest, costs_are_the_providers_by_the_model_it_bills) {
  const IssuedKey one = create_token("one", {});
  NewChannel wanted;
  wanted.settings.name = "main";
  wanted.settings.base_url = "https://api.openai.com/v1";
  wanted.settings.models = {"*"};
  const auto channel = write([&](Store& store) { return store.create_channel(std::move(wanted), actor_); });
  ASSERT_TRUE(channel) << channel.error().message;
  const auto ask = [&](Time at, const std::string& model, Credits cost, const std::function<void(Settlement&)>& more) {
    Settlement ended;
    ended.facts = facts_of(one);
    ended.facts.started_at = at;
    ended.facts.id = RequestId::make(at);
    ended.facts.model = model;
    ended.cost = cost;
    ended.status = 200;
    ended.channel = *channel;
    ended.input_tokens = 100;
    more(ended);
    ledger_->settle(ended);
  };
  const auto plain = [](Settlement&) {};
  ask(k_monday - std::chrono::milliseconds(1), "m1", dollars(50), plain);
  ask(k_monday, "m1", dollars(1), plain);
  ask(k_monday + hours(1), "m1", dollars(6), [](Settlement& s) { s.provider_cost = dollars(2); });
  ask(k_monday + hours(2), "alias", dollars(3), [](Settlement& s) {
    s.upstream_model = "m2";
    s.flags = k_estimated | k_unknown;
  });
  ask(k_monday + hours(3), "m1", dollars(4), [](Settlement& s) { s.channel = {}; });
  ask(k_monday + hours(24), "m1", dollars(50), plain);
  ask(k_monday + hours(5), "m1", dollars(1), [](Settlement& s) { s.facts.token = k_own_token; });
  const auto costs = read([&](Reports& reports) { return reports.costs({"main", k_monday, k_monday + hours(24)}); });
  ASSERT_TRUE(costs) << costs.error().message;
  ASSERT_EQ(costs->groups.size(), 2U);
  EXPECT_EQ(costs->groups[0].model, "m1");
  EXPECT_EQ(costs->groups[0].requests, 3);
  EXPECT_EQ(costs->groups[0].input_tokens, 300);
  EXPECT_EQ(costs->groups[0].own.requests, 1) << "crd's own is on the bill, and on no token";
  EXPECT_EQ(costs->groups[0].own.cost, dollars(1));
  EXPECT_EQ(costs->groups[0].cost, dollars(4)) << "the provider's, where a group has a factor";
  EXPECT_EQ(costs->groups[0].posted, dollars(7));
  EXPECT_EQ(costs->groups[1].model, "m2");
  EXPECT_EQ(costs->groups[1].unknown.requests, 1);
  EXPECT_EQ(costs->groups[1].unknown.cost, dollars(3));
  EXPECT_EQ(costs->groups[1].estimated.requests, 0) << "each request is in one of them";
  EXPECT_EQ(costs->rows_since, std::nullopt);
}

TEST_F(ReportsTest, usage_goes_on_under_a_name_that_was_deleted_and_made_anew) {
  const IssuedKey old_one = create_token("ci", {});
  spend(old_one, k_monday, "m", dollars(1));
  ASSERT_TRUE(ledger_->flush());
  ASSERT_TRUE(write([&](Store& store) { return store.delete_token("ci", {}, actor_); }));
  const IssuedKey new_one = create_token("ci", {});
  spend(new_one, k_monday, "m", dollars(2));
  const auto rows = usage({{UsageBy::token}, k_monday, k_monday + hours(1), "ci", {}, {}, {}, {}});
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].cost, dollars(3));
}

TEST_F(ReportsTest, audit_is_paged_in_order) {
  create_token("a", {});
  create_token("b", {});
  create_token("c", {});
  const auto rows = read([](Reports& reports) { return reports.audit(1, 1); });
  ASSERT_EQ(rows->size(), 1U);
  EXPECT_EQ(rows->front().seq, 2);
  EXPECT_EQ(rows->front().object, "token b");
  EXPECT_EQ(rows->front().pid, 4711);
}

struct Harm {
  const char* sql;
  const char* words;
};

TEST_F(ReportsTest, verify_finds_what_was_changed_behind_its_back) {
  NewToken wanted;
  wanted.name = "ci";
  wanted.quota = dollars(10);
  wanted.budgets[0] = dollars(9);
  const IssuedKey token = create_token(wanted);
  ReserveOp settled = reservation(token, dollars(2));
  ReserveOp running = reservation(token, dollars(3));
  reserve(settled);
  reserve(running);
  ledger_->settle(settlement(settled, dollars(1)));
  expect_sound();
  create_token("other", {});
  const Harm rows[] = {
      {"UPDATE token_balance SET posted = posted + 1 WHERE token_id = 1",
       "token 'ci': posted 1.000000001, its requests come to 1"},
      {"UPDATE token_balance SET reserved = 0 WHERE token_id = 1",
       "token 'ci': posted 1, its requests come to 1; reserved 0"},
      {"UPDATE account_balance SET posted = 0", "account 'default'"},
      {"DELETE FROM request", "token 'ci': its requests' rows come to 0, its usage to 1"},
      {"UPDATE request SET posted = posted - 1", "token 'ci': its requests' rows come to 0.999999999"},
      {"UPDATE usage SET posted = posted + 1 WHERE step = 2", "token 'ci': posted 1, its requests come to 1.000000001"},
      {"UPDATE usage SET posted = posted + 1 WHERE step = 0", "the usage's sums disagree"},
      {"UPDATE usage SET posted = posted + 1 WHERE step = 1", "the usage's sums disagree"},
      {"UPDATE usage SET requests = 2 WHERE key_id = (SELECT id FROM usage_key WHERE token_id = 0)",
       "the usage's sums disagree"},
      {"UPDATE budget_window SET posted = 0", "a budget of token 'ci': posted 0, its requests come to 1"},
      {"UPDATE budget_window SET reserved = 0", "a budget of token 'ci': posted 1, its requests come to 1; reserved 0"},
      {"UPDATE reservation_batch SET ids = zeroblob(8)", "the rows of open reservations are damaged"},
      {"UPDATE reservation_batch SET facts = '[]'", "token 'ci'"},
      {"DELETE FROM reservation_batch", "token 'ci'"},
      {"UPDATE request SET token_id = 77", "a request belongs to the token 77"},
      {"UPDATE audit SET reason = 'x' WHERE seq = 1", "audit row 1"},
      {"DELETE FROM audit WHERE seq = 1", "audit row 2"},
      {"DELETE FROM audit WHERE seq = 2", "audit: rows after 1"},
      {"UPDATE audit SET at = at + 1 WHERE seq = 2", "audit row 2"},
  };
  for (const Harm& row : rows) {
    // A folder is of one store.
    const auto copy = (folder_ / "copy" / "harmed.db").string();
    std::filesystem::remove_all(folder_ / "copy");
    std::filesystem::create_directory(folder_ / "copy");
    {
      auto db = sqlite::Database::open(options_.path, {});
      ASSERT_TRUE(db->execute(("VACUUM INTO '" + copy + "'").c_str()));
      std::filesystem::permissions(copy, std::filesystem::perms(0600));
      auto harmed = sqlite::Database::open(copy, {});
      // Settled by hand, lest the start of the copy finds it open.
      ASSERT_TRUE(
          harmed->execute("CREATE TABLE kept AS SELECT * FROM reservation_batch; DELETE FROM reservation_batch"));
    }
    Ledger::Options options = options_;
    options.path = copy;
    auto opened = Ledger::open(options, vault_of(), {waiters_.recipient()}, log_);
    ASSERT_TRUE(opened) << opened.error().message;
    auto db = sqlite::Database::open(copy, {});
    ASSERT_TRUE(db->execute("INSERT INTO reservation_batch SELECT * FROM kept"));
    const auto verify = [](Reports& reports) -> Result<void> {
      if (const auto verified = reports.verify(); !verified) return tl::unexpected(verified.error());
      return {};
    };
    ASSERT_TRUE((*opened)->read(verify));
    ASSERT_TRUE(db->execute(row.sql)) << row.sql;
    const auto verified = (*opened)->read(verify);
    ASSERT_FALSE(verified) << row.sql;
    EXPECT_EQ(verified.error().code, ErrorCode::corrupt);
    EXPECT_THAT(verified.error().message, HasSubstr(row.words)) << row.sql;
  }
}

TEST_F(ReportsTest, read_hands_on_the_error_of_its_query) {
  const auto done = ledger_->read([](Reports&) -> Result<void> { return base::fail(ErrorCode::refused, "no"); });
  EXPECT_EQ(done.error().message, "no");
  EXPECT_THROW(static_cast<void>(ledger_->read([](Reports&) -> Result<void> { throw std::runtime_error("x"); })),
               std::runtime_error);
  expect_sound();  // and the next one is not in its transaction
}

}  // namespace
}  // namespace cr::ledger

// SPDX-License-Identifier: MIT
// What somebody with SQL changes in the store's file beside crd is found by verify, and named where it can be; what is
// not found is here, too. Each is tried on a copy of a store that has one of everything, while crd runs and while it
// does not.
#include <fstream>
#include <sstream>

#include "unit/ledger/ledger_fixture.h"

namespace cr::ledger {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

struct Tampering {
  const char* name;
  const char* sql;
  const char* words;  // of what is told
};

constexpr Tampering k_settings[] = {
    {"quota", "UPDATE token SET quota = 90000000000 WHERE name = 'ci'",
     "token 'ci': quota is \"90\", and the audit says \"20\""},
    {"no quota", "UPDATE token SET quota = NULL WHERE name = 'ci'",
     "token 'ci': quota is \"unlimited\", and the audit says \"20\""},
    {"expiry", "UPDATE token SET expires = 4000000000000 WHERE name = 'ci'", "token 'ci': expires is"},
    {"addresses", "UPDATE token SET allow_ip = '[]' WHERE name = 'ci'", "token 'ci': allow_ip is []"},
    {"groups", "UPDATE token SET groups = '[\"vip\"]' WHERE name = 'ci'", "token 'ci': groups is [\"vip\"]"},
    {"models", "UPDATE token SET models = '[]' WHERE name = 'ci'", "token 'ci': models is []"},
    {"budget", "UPDATE token SET budgets = '{\"day\":\"500\"}' WHERE name = 'ci'", "token 'ci': budgets is"},
    {"rate", "UPDATE token SET requests_per_minute = 9999 WHERE name = 'ci'",
     "token 'ci': requests_per_minute is 9999"},
    {"account of a token", "UPDATE token SET account_id = 1 WHERE name = 'ci'",
     "token 'ci': account is \"default\", and the audit says \"team\""},
    {"disabled token enabled", "UPDATE token SET enabled = 1 WHERE name = 'off'", "token 'off': enabled is true"},
    {"renamed token", "UPDATE token SET name = 'other' WHERE name = 'ci'",
     "token 'other': is there, and the audit knows of none"},
    {"deleted token brought back", "UPDATE token SET deleted_at = NULL WHERE name = 'gone'",
     "token 'gone': is there, and the audit says that it was deleted"},
    {"token marked deleted", "UPDATE token SET deleted_at = 1 WHERE name = 'off'", "token 'off': is not there"},
    {"token put in",
     "INSERT INTO token SELECT 99, rev, 'mine', account_id, groups, enabled, not_before, expires, models, allow_ip,"
     " quota, when_low, tags, note, retrievable, created_at, deleted_at, budgets, time_zone, requests_per_minute,"
     " tokens_per_minute, requests_at_once FROM token WHERE name = 'ci';"
     "INSERT INTO token_balance (token_id) VALUES (99)",
     "token 'mine': is there, and the audit knows of none"},
    {"day of a token", "UPDATE token SET created_at = 1 WHERE name = 'ci'", "among the tokens"},
    {"key moved",
     "UPDATE key SET token_id = (SELECT id FROM token WHERE name = 'off') WHERE token_id = (SELECT id FROM token WHERE "
     "name = 'ci')",
     "is there, and the audit says that it is of token 'ci'"},
    {"key put in",
     "INSERT INTO key (token_id, digest, hint_first, hint_last, created_at) SELECT id, zeroblob(32), 'sk-cr-aaaa', "
     "'zzzz', 1 FROM token WHERE name = 'ci'",
     "(sk-cr-aaaa...zzzz) is there, and the audit knows of none"},
    {"key of another digest", "UPDATE key SET digest = zeroblob(32) WHERE id = 1", "among the keys of tokens"},
    {"old key that stays", "UPDATE key SET not_after = NULL WHERE not_after IS NOT NULL",
     "does not end, and the audit says"},
    {"old key that stays longer", "UPDATE key SET not_after = 4000000000000 WHERE not_after IS NOT NULL",
     "and the audit says"},
    {"key taken away", "DELETE FROM key WHERE token_id = (SELECT id FROM token WHERE name = 'ci')",
     "is not there any more"},
    {"price", "UPDATE price SET output = 1 WHERE model = 'm'", "price of 'm': output_nano_per_million is 1"},
    {"price and its generation",
     "UPDATE price SET output = 1 WHERE model = 'm'; UPDATE price_generation SET output = 1", "generations of prices"},
    {"price taken away", "DELETE FROM price WHERE model = 'm'", "prices (1 fewer than crd wrote)"},
    {"price since another day", "UPDATE price SET effective_at = 4000000000000 WHERE model = 'm'",
     "price of 'm': effective_at is"},
    {"address of a channel", "UPDATE channel SET base_url = 'https://evil.example.com/v1' WHERE name = 'up'",
     "channel 'up': base_url is \"https://evil.example.com/v1\""},
    {"priority of a channel", "UPDATE channel SET priority = 7 WHERE name = 'up'", "channel 'up': priority is 7"},
    {"models of a channel", "UPDATE channel SET models = '[\"*\"]' WHERE name = 'up'", "channel 'up': models is"},
    {"groups of a channel", "UPDATE channel SET groups = '[\"vip\"]' WHERE name = 'up'", "channel 'up': groups is"},
    {"proxy of a channel", "UPDATE channel SET proxy = 'http://192.0.2.1:1' WHERE name = 'up'",
     "channel 'up': proxy is"},
    {"key of a channel taken away", "DELETE FROM channel_key WHERE id = 1", "channel 'up': keys is"},
    {"factor of a group", "UPDATE grp SET multiplier_millionths = 0 WHERE name = 'vip'",
     "group 'vip': multiplier_millionths is 0"},
    {"factor of what every token is in", "UPDATE grp SET multiplier_millionths = 0 WHERE name = 'default'",
     "group 'default': multiplier_millionths is 0, and the audit says 1000000"},
    {"group taken away", "DELETE FROM grp WHERE name = 'vip'", "group 'vip': is not there"},
    {"quota of an account", "UPDATE account SET quota = NULL WHERE name = 'team'",
     "account 'team': quota is \"unlimited\", and the audit says \"50\""},
    {"default account limited", "UPDATE account SET quota = 0 WHERE name = 'default'",
     "account 'default': quota is \"0\", and the audit says \"unlimited\""},
    {"account enabled", "UPDATE account SET enabled = 1 WHERE name = 'closed'", "account 'closed': enabled is true"},
    {"setting and its entry",
     "UPDATE token SET quota = 90000000000 WHERE name = 'ci'; UPDATE audit SET detail = replace(detail, '\"20\"', "
     "'\"90\"')",
     "changed or taken out"},
    {"sum taken away", "DELETE FROM meta WHERE key = 'settings'", "the sum of "},
    {"sum altered", "UPDATE meta SET value = replace(value, ' token=4', ' token=5') WHERE key = 'settings'",
     "the sum of the settings was altered"},
    {"entry of the audit", "UPDATE audit SET uid = 0 WHERE seq = 2", "audit row 2"},
    {"entry taken out", "DELETE FROM audit WHERE seq = 2", "audit row 3"},
    {"end of the audit",
     "DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit); UPDATE meta SET value = value - 1 WHERE key = "
     "'audit_seq'",
     "head"},
    {"when requests were pruned", "UPDATE meta SET value = 4000000000000 WHERE key = 'pruned_before'",
     "requests were pruned before"},
};

constexpr Tampering k_money[] = {
    {"posted", "UPDATE token_balance SET posted = 0", "its requests come to"},
    {"reserved", "UPDATE account_balance SET reserved = reserved + 5", "its open reservations come to"},
    {"usage", "UPDATE usage SET posted = 0", "token 'ci': posted 3, its requests come to 0"},
    {"usage of hours", "UPDATE usage SET posted = 0 WHERE step = 1", "the usage's sums disagree"},
    {"a request's sum", "UPDATE request SET posted = 0", "token 'ci'"},
    {"refund without an entry", "UPDATE request SET refunded = posted", "token 'ci'"},
    {"request taken out", "DELETE FROM request WHERE id = (SELECT min(id) FROM request)", "token 'ci'"},
    {"budget", "UPDATE budget_window SET posted = 0", "a budget of token 'ci'"},
    {"budget given back", "UPDATE budget_window SET forgiven = posted",
     "a budget of token 'ci' was given back, and the audit knows of no reset"},
    {"overrun", "UPDATE meta SET value = 0 WHERE key = 'overrun'", "overrun"},
};

class Tamperings : public LedgerFixture {
 protected:
  void SetUp() override {
    options_.price_list = k_few_prices;
    options_.head = (folder_ / "head").string();
    open();
    make_one_of_everything();
    ledger_.reset();
    original_ = options_;
  }

  void make_one_of_everything() {
    create_account("team", dollars(50));
    AccountPatch off;
    off.enabled = token::Switch::off;
    create_account("closed", dollars(1));
    ASSERT_TRUE(write([&](Store& store) { return store.edit_account("closed", off, {}, actor_); }));
    GroupRecord group;
    group.name = "vip";
    group.multiplier_millionths = 2'000'000;
    ASSERT_TRUE(write([&](Store& store) { return store.create_group(group, actor_); }));
    make_channel();
    NewToken wanted;
    wanted.name = "ci";
    wanted.account = "team";
    wanted.quota = dollars(20);
    wanted.allow_ip = {"192.0.2.0/24"};
    wanted.models = {"gpt-*"};
    wanted.budgets[0] = dollars(5);
    wanted.rates.requests_per_minute = 10;
    wanted.expires = base::wall_now() + std::chrono::hours(24 * 30);
    const IssuedKey issued = create_token(wanted);
    create_token("off", dollars(1));
    TokenPatch disabled;
    disabled.enabled = token::Switch::off;
    edit_token("off", disabled);
    create_token("gone", dollars(1));
    ASSERT_TRUE(ledger_->write([&](Store& store) { return store.delete_token("gone", {}, actor_); }));
    create_token("turning", dollars(1));
    ASSERT_TRUE(write([&](Store& store) { return store.rotate_token("turning", std::chrono::hours(24), actor_); }));
    for (int i = 0; i < 3; ++i) spend(issued);
  }

  void make_channel() {
    NewChannel channel;
    channel.settings.name = "up";
    channel.settings.kind = provider::find_kind("openai")->kind;
    channel.settings.base_url = "https://api.openai.com/v1";
    channel.settings.models = {"gpt-*"};
    channel.keys.emplace_back(std::string("sk-0123456789abcdefghijklmnop"));
    const auto made = write([&](Store& store) { return store.create_channel(std::move(channel), actor_); });
    ASSERT_TRUE(made) << made.error().message;
  }

  // More than was reserved: the rest is overrun.
  void spend(const IssuedKey& issued) {
    ReserveOp op = reservation(issued, dollars(1));
    reserve(op);
    ASSERT_EQ(op.outcome, ReserveOutcome::reserved);
    ledger_->settle(settlement(op, dollars(1) + Credits::from_nano(7)));
    ASSERT_TRUE(ledger_->flush());
  }

  // A copy of the store and its head, for one try.
  void copy() {
    ledger_.reset();
    const fs::path folder = folder_ / ("copy" + std::to_string(++copies_));
    fs::create_directory(folder);
    options_.path = (folder / "crd.db").string();
    options_.head = (folder / "head").string();
    fs::copy_file(original_.path, options_.path);
    fs::copy_file(original_.head, options_.head);
  }
  void change(const std::string& sql) {
    auto db = database();
    const auto done = db.execute(("PRAGMA foreign_keys = OFF;" + sql).c_str());
    ASSERT_TRUE(done) << done.error().message;
  }
  // What a start or verify tells; "" if both are content.
  std::string told() {
    if (!ledger_) {
      auto opened = try_open(options_.path);
      if (!opened) return opened.error().message;
      ledger_ = std::move(*opened);
    }
    const auto verified = read([](Reports& reports) { return reports.verify(); });
    return verified ? std::string() : verified.error().message;
  }
  enum class When { stopped, running };
  std::string told_of(const Tampering& tampering, When when) {
    copy();
    if (when == When::running) open();
    change(tampering.sql);
    return told();
  }

  Ledger::Options original_;
  int copies_ = 0;
};

TEST_F(Tamperings, with_settings_and_the_audit_are_found) {
  copy();
  EXPECT_EQ(told(), "") << "of a store that nobody changed";
  for (const Tampering& each : k_settings) {
    for (const auto when : {When::stopped, When::running}) {
      EXPECT_THAT(told_of(each, when), HasSubstr(each.words))
          << each.name << (when == When::running ? ", running" : "");
    }
  }
}

TEST_F(Tamperings, with_money_are_found) {
  for (const Tampering& each : k_money) {
    for (const auto when : {When::stopped, When::running}) {
      EXPECT_THAT(told_of(each, when), HasSubstr(each.words))
          << each.name << (when == When::running ? ", running" : "");
    }
  }
}

// Said in crctl(1): of these nothing else knows.
TEST_F(Tamperings, with_requests_and_all_their_sums_or_with_what_is_no_setting_are_not_found) {
  constexpr Tampering k_unseen[] = {
      {"requests and their sums",
       "UPDATE request SET posted = posted - 5, cost = NULL;"
       "UPDATE token_balance SET posted = posted - 15 WHERE posted > 0;"
       "UPDATE account_balance SET posted = posted - 15 WHERE posted > 0;"
       "UPDATE budget_window SET posted = posted - 15;"
       "UPDATE usage SET posted = posted - 15",
       ""},
      {"what a request was", "UPDATE request SET model = 'another', source_ip = '192.0.2.9', status = 500", ""},
      {"when a key was used", "UPDATE key SET last_used_at = 1, last_used_ip = '192.0.2.9'", ""},
      {"when a token was used", "UPDATE token_balance SET last_used_at = 1", ""},
  };
  for (const Tampering& each : k_unseen) {
    for (const auto when : {When::stopped, When::running}) EXPECT_EQ(told_of(each, when), "") << each.name;
  }
}

// By whom has an older copy, whose sum is as good as any.
TEST_F(Tamperings, an_older_sum_with_its_rows_is_found) {
  copy();
  std::string older;
  {
    auto db = database();
    auto seal = sqlite::Statement::prepare(db, "SELECT value FROM meta WHERE key = 'settings'");
    ASSERT_TRUE(seal && seal->step());
    older = seal->column_text(0);
  }
  open();
  TokenPatch patch;
  patch.quota = QuotaChange{QuotaChange::Kind::set, dollars(2)};
  edit_token("ci", patch);
  change("UPDATE token SET quota = 20000000000, rev = rev - 1 WHERE name = 'ci'; UPDATE meta SET value = '" + older +
         "' WHERE key = 'settings'");
  EXPECT_THAT(told(), HasSubstr("it was put back"));
}

TEST_F(Tamperings, stay_found_when_the_record_is_edited_and_after_a_restart) {
  copy();
  open();
  change("UPDATE token SET quota = 90000000000 WHERE name = 'ci'");
  TokenPatch patch;
  patch.note = "by an administrator";
  edit_token("ci", patch);
  EXPECT_THAT(told(), HasSubstr("which is not told by the audit; among the tokens")) << "the edit wrote all of the row";
  open();
  EXPECT_THAT(told(), HasSubstr("among the tokens"));
}

TEST_F(Tamperings, are_no_more_once_they_are_accepted_and_the_next_ones_are_found) {
  copy();
  change("UPDATE token SET quota = 90000000000 WHERE name = 'ci'");
  options_.accept_loss = true;
  open();
  EXPECT_EQ(told(), "");
  const auto entries = read([](Reports& reports) { return reports.newest_audit(1); });
  ASSERT_TRUE(entries);
  EXPECT_EQ(entries->back().action, "store.settings_accepted");
  EXPECT_THAT(entries->back().detail, HasSubstr("token"));
  options_.accept_loss = false;
  open();
  EXPECT_EQ(told(), "");
  TokenPatch patch;
  patch.note = "later";
  edit_token("ci", patch);
  change("UPDATE token SET note = 'latest' WHERE name = 'ci'");
  EXPECT_THAT(told(), HasSubstr("token 'ci': note is \"latest\", and the audit says \"later\""));
}

}  // namespace
}  // namespace cr::ledger

// SPDX-License-Identifier: MIT
// The parts of the admin server that need no socket: status of a token, targets, patterns, rates, repeated requests.
#include <gmock/gmock.h>

#include "admin/changes.h"
#include "server/admin/edits.h"
#include "server/admin/field_values.h"
#include "server/admin/rate.h"
#include "server/admin/replay.h"
#include "server/admin/routes.h"
#include "server/admin/status.h"
#include "server/admin/target.h"
#include "server/admin/token_view.h"

namespace cr::server::admin {
namespace {

using base::Credits;
using base::ErrorCode;
using base::Time;
using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using token::Switch;

const Time k_now(milliseconds(1'770'000'000'000));
Time at(int ms) {
  return k_now + milliseconds(ms);
}

// --- status ---
struct StatusCase {
  TokenStatusFacts facts;
  std::string_view status;
};

TEST(TokenStatus, is_the_first_that_holds) {
  const ledger::Balance empty{Credits::from_nano(5), Credits::from_nano(3), Credits::from_nano(2)};
  const ledger::Balance almost{Credits::from_nano(5), Credits::from_nano(3), Credits::from_nano(1)};
  const ledger::Balance over{Credits::from_nano(5), Credits::from_nano(9), {}};
  const ledger::Balance nothing{Credits(), {}, {}};
  const ledger::Balance unlimited{std::nullopt, Credits::from_nano(9), {}};
  const std::vector<ledger::BudgetUse> whole{{.limit = Credits::from_nano(5), .used = Credits::from_nano(4)}};
  const std::vector<ledger::BudgetUse> used_up{
      {.span = {at(-9), at(1)},
       .limit = Credits::from_nano(5),
       .used = Credits::from_nano(4),
       .reserved = Credits::from_nano(1)},
      {.period = base::Period::month, .span = {at(-9), at(8)}, .limit = Credits(), .used = {}},
      {.period = base::Period::week, .span = {at(-9), at(9)}, .limit = Credits::from_nano(5)}};
  EXPECT_EQ(limited_until(whole), std::nullopt);
  EXPECT_EQ(limited_until(used_up), at(8)) << "when the last of those that are used up begins anew";
  const StatusCase table[] = {
      {{false, Switch::on, {}, {}, almost, true, whole}, "rotating"},
      {{false, Switch::on, {}, {}, almost, true, used_up}, "limited"},
      {{false, Switch::on, {}, {}, empty, true, used_up}, "exhausted"},
      {{}, "enabled"},
      {{false, Switch::on, {}, {}, {}, true}, "rotating"},
      {{false, Switch::on, {}, {}, almost, false}, "enabled"},
      {{false, Switch::on, {}, {}, empty, true}, "exhausted"},
      {{false, Switch::on, {}, {}, over, false}, "exhausted"},
      {{false, Switch::on, {}, {}, nothing, false}, "exhausted"},
      {{false, Switch::on, {}, {}, unlimited, false}, "enabled"},
      // valid from not_before on: t-1, t, t+1
      {{false, Switch::on, at(1), {}, empty, true}, "not_yet_valid"},
      {{false, Switch::on, at(0), {}, {}, false}, "enabled"},
      {{false, Switch::on, at(-1), {}, {}, false}, "enabled"},
      // until before its expiry
      {{false, Switch::on, {}, at(1), {}, false}, "enabled"},
      {{false, Switch::on, {}, at(0), {}, false}, "expired"},
      {{false, Switch::on, {}, at(-1), empty, true}, "expired"},
      {{false, Switch::on, at(2), at(-1), {}, false}, "expired"},
      {{false, Switch::off, at(2), at(-1), empty, true}, "disabled"},
      {{true, Switch::off, at(2), at(-1), empty, true}, "deleted"},
  };
  for (const auto& row : table) EXPECT_EQ(token_status(row.facts, k_now), row.status);
}

TEST(TokenStatus, of_what_is_left_it_counts_whether_it_pays_a_request) {
  const auto nano = [](std::int64_t value) { return Credits::from_nano(value); };
  TokenStatusFacts facts;
  facts.least = nano(10);
  EXPECT_EQ(token_status(facts, k_now), "enabled");
  facts.balance = {nano(30), nano(15), nano(5)};
  EXPECT_EQ(token_status(facts, k_now), "enabled");
  std::vector<ledger::BudgetUse> budgets{{.span = {at(-9), at(1)}, .limit = nano(20), .used = nano(10)}};
  facts.budgets = budgets;
  EXPECT_EQ(token_status(facts, k_now), "enabled");
  budgets.front().reserved = nano(1);
  EXPECT_EQ(token_status(facts, k_now), "limited");
  EXPECT_EQ(limited_until(budgets, facts.least), at(1));
  facts.balance.reserved = nano(6);
  EXPECT_EQ(token_status(facts, k_now), "exhausted");
}

ledger::KeyRow key_row(std::int64_t id, std::optional<Time> not_after) {
  ledger::KeyRow row;
  row.key.id = {id};
  row.key.not_after = not_after;
  return row;
}

TEST(TokenView, shows_keys_that_work) {
  ledger::TokenRecord record;
  const std::vector<ledger::KeyRow> keys{key_row(1, {}), key_row(2, at(1)), key_row(3, at(0)), key_row(4, at(-1))};
  const auto token = to_message(TokenView{record, "default", {}, keys, {}}, k_now);
  ASSERT_EQ(token.keys.size(), 2U);
  EXPECT_EQ(token.keys[0].state, "current");
  EXPECT_EQ(token.keys[1].id, 2);
  EXPECT_EQ(token.keys[1].state, "old");
  EXPECT_EQ(token.status, "rotating");
}

TEST(TokenView, left_is_never_below_nothing) {
  ledger::TokenRecord record;
  record.quota = Credits::from_nano(10);
  const auto token =
      to_message(TokenView{record, "a", {record.quota, Credits::from_nano(12), Credits::from_nano(1)}, {}, {}}, k_now);
  EXPECT_EQ(token.left, Credits());
  EXPECT_EQ(token.used, Credits::from_nano(12));
  record.quota.reset();
  EXPECT_FALSE(to_message(TokenView{record, "a", {}, {}, {}}, k_now).left.has_value());
}

TEST(TokenChanges, are_said_in_words) {
  cr::admin::Token before, after;
  before.quota = Credits::from_nano(20'000'000'000);
  after.quota = Credits::from_nano(25'000'000'000);
  after.models = {"gpt-4o", "o3-*"};
  after.expires_at = k_now;
  after.enabled = false;
  after.used = Credits::from_nano(5);  // not a setting
  const auto changes = changes_between(before, after);
  ASSERT_EQ(changes.size(), 4U);
  EXPECT_EQ(changes[0].field + changes[0].before + changes[0].after, "enabledyesno");
  EXPECT_EQ(changes[1].before, "never");
  EXPECT_EQ(changes[2].before + " -> " + changes[2].after, "$20.00 -> $25.00");
  EXPECT_EQ(changes[3].before + " -> " + changes[3].after, "all -> gpt-4o,o3-*");
  EXPECT_TRUE(changes_between(after, after).empty());
}

// --- edits ---
TEST(ListChange, sets_adds_and_removes) {
  const std::vector<std::string> old_list{"a", "b"};
  EXPECT_THAT(*list_change("models", {std::vector<std::string>{"c"}, {}, {}})(old_list), ElementsAre("c"));
  EXPECT_THAT(*list_change("models", {{}, {"c", "a"}, {"b"}})(old_list), ElementsAre("a", "c"));
  const auto refused = list_change("models", {{}, {}, {"gpt-4"}})({"gpt-4o"});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().message, "models: 'gpt-4' is not in the list");
  EXPECT_EQ(refused.error().hint, "did you mean 'gpt-4o'?");
}

TEST(FillLike, takes_what_was_not_given) {
  ledger::TokenRecord model;
  model.quota = Credits::from_nano(7);
  model.settings.edit().models = {"m"};
  model.settings.edit().note = "theirs";
  model.expires = k_now;
  cr::admin::TokenCreate create;
  create.name = "new";
  create.note = "mine";
  create.given = {"note", "account"};
  create.account = "own";
  auto token = to_new_token(create);
  ASSERT_TRUE(token.has_value());
  fill_like(*token, create, model, "theirs");
  EXPECT_EQ(token->quota, model.quota);
  EXPECT_EQ(token->models, model.settings->models);
  EXPECT_EQ(token->expires, model.expires);
  EXPECT_TRUE(token->expires_given);
  EXPECT_EQ(token->note, "mine");
  EXPECT_EQ(token->account, "own");
  create.given = {"qouta"};
  const auto refused = to_new_token(create);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().hint, "did you mean 'quota'?");
}

// --- targets ---
TEST(Target, is_split_and_decoded) {
  const auto target = parse_target("/admin/v1/prices/meta%2Fllama+3?match=a%2A+b&limit=5&flag&x=1&x=2");
  ASSERT_TRUE(target.has_value());
  EXPECT_THAT(target->segments, ElementsAre("prices", "meta/llama+3"));
  EXPECT_EQ(target->query.find("match")->second, "a* b");
  EXPECT_EQ(target->query.find("flag")->second, "");
  EXPECT_EQ(target->query.count("x"), 2U);
}

TEST(Target, refuses_what_is_none) {
  struct Row {
    std::string target;
    ErrorCode code;
  };
  const Row table[] = {
      {"/", ErrorCode::not_found},
      {"/v1/models", ErrorCode::not_found},
      {"/admin/v2/tokens", ErrorCode::not_found},
      {"/admin/v11", ErrorCode::not_found},
      {"/admin/v1/tokens//x", ErrorCode::invalid},
      {"/admin/v1/tokens/", ErrorCode::invalid},
      {"/admin/v1/tokens/%", ErrorCode::invalid},
      {"/admin/v1/tokens/%4", ErrorCode::invalid},
      {"/admin/v1/tokens/%zz", ErrorCode::invalid},
      {"/admin/v1/tokens/a%00b", ErrorCode::invalid},
      {"/admin/v1/tokens/a%0Ab", ErrorCode::invalid},
      {"/admin/v1/tokens/%1b%5b2J", ErrorCode::invalid},
      {"/admin/v1/tokens/%ff", ErrorCode::invalid},
      {"/admin/v1/tokens?a=%0", ErrorCode::invalid},
  };
  for (const auto& row : table) {
    const auto target = parse_target(row.target);
    ASSERT_FALSE(target.has_value()) << row.target;
    EXPECT_EQ(target.error().code, row.code) << row.target;
  }
}

TEST(Target, patterns_match_whole_paths) {
  EXPECT_THAT(match_pattern("/tokens/{name}/rotate", {"tokens", "ci", "rotate"}), testing::Optional(ElementsAre("ci")));
  EXPECT_TRUE(match_pattern("/tokens", {"tokens"}).has_value());
  EXPECT_FALSE(match_pattern("/tokens", {"tokens", "ci"}).has_value());
  EXPECT_FALSE(match_pattern("/tokens/{name}", {"tokens"}).has_value());
  EXPECT_FALSE(match_pattern("/tokens/{name}/rotate", {"tokens", "ci", "copy"}).has_value());
}

TEST(Routes, have_each_method_and_pattern_once) {
  std::set<std::string> seen;
  for (const auto& route : admin_routes()) {
    EXPECT_TRUE(seen.insert(std::string(route.method) + " " + std::string(route.pattern)).second) << route.pattern;
    EXPECT_NE(route.run, nullptr) << route.pattern;
    EXPECT_TRUE(route.method != "GET" || route.effect == Effect::reads) << route.pattern;
  }
  EXPECT_GT(seen.size(), 40U);
}

TEST(AdminStatus, has_a_row_for_every_code) {
  struct Row {
    ErrorCode code;
    int status;
  };
  const Row table[] = {{ErrorCode::invalid, 400},  {ErrorCode::forbidden, 403},   {ErrorCode::not_found, 404},
                       {ErrorCode::conflict, 409}, {ErrorCode::exhausted, 429},   {ErrorCode::not_retrievable, 409},
                       {ErrorCode::refused, 409},  {ErrorCode::unavailable, 503}, {ErrorCode::timeout, 504},
                       {ErrorCode::upstream, 502}, {ErrorCode::corrupt, 500},     {ErrorCode::internal, 500}};
  for (const auto& row : table) EXPECT_EQ(admin_status(row.code), row.status);
}

// --- rates ---
TEST(AdminRate, counts_a_minute) {
  AdminRate rate(2);
  const base::SteadyTime start = base::steady_now();
  EXPECT_TRUE(rate.take("keys may be copied", start).has_value());
  EXPECT_TRUE(rate.take("keys may be copied", start + std::chrono::seconds(30)).has_value());
  const auto refused = rate.take("keys may be copied", start + std::chrono::seconds(45));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::exhausted);
  EXPECT_EQ(refused.error().message, "keys may be copied 2 times a minute");
  EXPECT_THAT(refused.error().hint, HasSubstr("15s"));
  EXPECT_FALSE(rate.take("x", start + std::chrono::minutes(1) - milliseconds(1)).has_value());
  EXPECT_TRUE(rate.take("x", start + std::chrono::minutes(1)).has_value());
}

// --- repeated requests ---
StoredAnswer stored(std::string text) {
  return {201, std::make_shared<const base::Secret>(std::move(text)), 5};
}
constexpr token::Digest k_digest{1};
constexpr token::Digest k_other_digest{2};

TEST(AdminReplay, gives_the_first_answer_again) {
  AdminReplay replay;
  const auto start = base::steady_now();
  const auto first = replay.begin("POST /tokens", "k", k_digest, start);
  ASSERT_TRUE(first.has_value());
  EXPECT_FALSE(first->has_value());
  const auto meanwhile = replay.begin("POST /tokens", "k", k_digest, start);
  ASSERT_FALSE(meanwhile.has_value());
  EXPECT_THAT(meanwhile.error().message, HasSubstr("still running"));
  replay.finish("POST /tokens", "k", stored("answer"));
  const auto again = replay.begin("POST /tokens", "k", k_digest, start);
  ASSERT_TRUE(again.has_value() && again->has_value());
  EXPECT_EQ((*again)->body->reveal(), "answer");
  EXPECT_EQ((*again)->status, 201);
  const auto other_body = replay.begin("POST /tokens", "k", k_other_digest, start);
  ASSERT_FALSE(other_body.has_value());
  EXPECT_EQ(other_body.error().code, ErrorCode::conflict);
  EXPECT_FALSE(replay.begin("POST /groups", "k", k_digest, start)->has_value());  // another address, another request
}

TEST(AdminReplay, wipes_the_answer_before_it_forgets_the_fact) {
  AdminReplay replay;
  const auto start = base::steady_now();
  ASSERT_TRUE(replay.begin("s", "k", k_digest, start).has_value());
  replay.finish("s", "k", stored("answer"));
  EXPECT_TRUE(replay.begin("s", "k", k_digest, start + AdminReplay::k_answer_kept - milliseconds(1)).has_value());
  std::weak_ptr<const base::Secret> body = (*replay.begin("s", "k", k_digest, start))->body;
  replay.sweep(start + AdminReplay::k_answer_kept);
  EXPECT_TRUE(body.expired());
  const auto late = replay.begin("s", "k", k_digest, start + AdminReplay::k_answer_kept);
  ASSERT_FALSE(late.has_value());
  EXPECT_EQ(late.error().code, ErrorCode::conflict);
  const auto next_day = replay.begin("s", "k", k_other_digest, start + AdminReplay::k_kept);
  ASSERT_TRUE(next_day.has_value());
  EXPECT_FALSE(next_day->has_value());
}

TEST(AdminReplay, frees_the_key_of_a_failure) {
  AdminReplay replay;
  const auto start = base::steady_now();
  ASSERT_TRUE(replay.begin("s", "k", k_digest, start).has_value());
  replay.finish("s", "k", std::nullopt);
  const auto again = replay.begin("s", "k", k_other_digest, start);
  ASSERT_TRUE(again.has_value());
  EXPECT_FALSE(again->has_value());
}

TEST(AdminReplay, is_bounded) {
  AdminReplay replay;
  const auto start = base::steady_now();
  for (std::size_t count = 0; count < AdminReplay::k_entries_max; ++count) {
    ASSERT_TRUE(replay.begin("s", std::to_string(count), k_digest, start).has_value());
    replay.finish("s", std::to_string(count), stored("a"));
  }
  EXPECT_TRUE(replay.begin("s", "0", k_digest, start).value().has_value() == false) << "the oldest gave way";
}

}  // namespace
}  // namespace cr::server::admin

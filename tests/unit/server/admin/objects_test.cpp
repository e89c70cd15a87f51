// SPDX-License-Identifier: MIT
// Routes of channels, groups, accounts, prices, requests, usage, names and the daemon, over the socket.
#include <sys/mman.h>
#include <unistd.h>

#include <stdexcept>

#include "unit/server/admin/fixture.h"

namespace cr::server::admin {
namespace {

using cr::admin::Account;
using cr::admin::Channel;
using cr::admin::Group;
using cr::admin::Page;
using cr::admin::Price;
using ledger::dollars;

class AdminObjects : public AdminFixture {};

// --- channels ---
TEST_F(AdminObjects, channels_are_made_shown_edited_and_deleted) {
  const auto made =
      send_text<Channel>("POST", "/channels",
                         R"({"name":"main","kind":"openai","base_url":"https://api.example.com/v1","models":["gpt-4o"],
                                           "model_map":{"fast":"gpt-4o-mini"},"key":"sk-upstream-0123456789abcdef","timeout_idle_ms":5000})");
  EXPECT_EQ(made.name, "main");
  EXPECT_THAT(made.groups, ElementsAre("default"));
  ASSERT_THAT(made.keys, SizeIs(1));
  EXPECT_EQ(made.timeout_idle_ms, 5000);
  const auto shown = call("GET", "/channels/main");
  ASSERT_TRUE(shown.has_value());
  EXPECT_THAT(shown->body, Not(HasSubstr("0123456789abcdef")));
  const auto edited = send_text<Channel>(
      "PATCH", "/channels/main", R"({"models":{"add":["o3-*"]},"model_map":{"fast":null,"slow":"o3"},"priority":5})");
  EXPECT_THAT(edited.models, ElementsAre("gpt-4o", "o3-*"));
  EXPECT_EQ(edited.model_map, (std::map<std::string, std::string>{{"slow", "o3"}}));
  EXPECT_EQ(edited.priority, 5);
  EXPECT_EQ(edited.timeout_idle_ms, 5000);
  EXPECT_THAT(edited.keys, SizeIs(1));
  EXPECT_EQ(edited.rev, made.rev + 1);
  EXPECT_EQ(refused("PATCH", "/channels/main", R"({"priority":6})", if_rev(made.rev)).code, ErrorCode::conflict);
  EXPECT_THAT(get<Page<Channel>>("/channels").items, SizeIs(1));
  EXPECT_EQ(send_text<Channel>("DELETE", "/channels/main", "").name, "main");
  EXPECT_THAT(get<Page<Channel>>("/channels").items, IsEmpty());
}

TEST_F(AdminObjects, channel_errors) {
  send_text<Channel>("POST", "/channels", R"({"name":"echo","kind":"echo","models":["m"]})");
  struct Row {
    std::string method, path, body;
    ErrorCode code;
  };
  const Row table[] = {
      {"POST", "/channels", R"({"name":"x","kind":"gopher","models":["m"]})", ErrorCode::invalid},
      {"POST", "/channels", R"({"name":"x","kind":"openai","models":["m"],"base_url":"x"})", ErrorCode::invalid},
      {"POST", "/channels", R"({"name":"echo","kind":"echo","models":["m"]})", ErrorCode::conflict},
      {"POST", "/channels", R"({"name":"x","kind":"echo","models":["m"],"timeout_idle_ms":0})", ErrorCode::invalid},
      {"POST", "/channels", R"({"name":"x","kind":"echo","models":["m"],"groups":["nope"]})", ErrorCode::not_found},
      {"PATCH", "/channels/echo", R"({"models":{"remove":["x"]}})", ErrorCode::invalid},
      {"PATCH", "/channels/ehco", R"({"priority":1})", ErrorCode::not_found},
      {"GET", "/channels/ehco", "", ErrorCode::not_found},
      {"DELETE", "/channels/ehco", "", ErrorCode::not_found},
      {"POST", "/channels/ehco/test", "{}", ErrorCode::not_found},
      {"POST", "/channels/echo/keys", R"({"action":"burn","key":"k"})", ErrorCode::invalid},
      {"POST", "/channels/ehco/keys", R"({"action":"add","key":"sk-1234567890"})", ErrorCode::not_found},
  };
  for (const auto& row : table)
    EXPECT_EQ(refused(row.method, row.path, row.body).code, row.code) << row.path << row.body;
  EXPECT_EQ(refused("GET", "/channels/ehco").hint, "did you mean 'echo'?");
}

TEST_F(AdminObjects, channel_dry_runs_leave_nothing) {
  const auto would_be =
      send_text<Channel>("POST", "/channels", R"({"name":"a","kind":"echo","models":["m"]})", dry_run());
  EXPECT_EQ(would_be.name, "a");
  EXPECT_THAT(get<Page<Channel>>("/channels").items, IsEmpty());
  send_text<Channel>("POST", "/channels", R"({"name":"a","kind":"echo","models":["m"]})");
  const auto edited = send_text<Channel>("PATCH", "/channels/a", R"({"weight":9})", dry_run());
  EXPECT_EQ(edited.weight, 9);
  send_text<Channel>("DELETE", "/channels/a", "", dry_run());
  EXPECT_EQ(get<Channel>("/channels/a").weight, 1);
}

TEST_F(AdminObjects, channel_keys_are_set_added_and_removed) {
  send_text<Channel>("POST", "/channels",
                     R"({"name":"a","kind":"openai","base_url":"https://api.example.com/v1","models":["m"]})");
  const auto key = [](int n) { return "sk-upstream-" + std::to_string(n) + "-0123456789abcdef"; };
  EXPECT_THAT(send<Channel>("POST", "/channels/a/keys", cr::admin::ChannelSetKey{"set", key(1)}).keys, SizeIs(1));
  EXPECT_THAT(send<Channel>("POST", "/channels/a/keys", cr::admin::ChannelSetKey{"add", key(2)}).keys, SizeIs(2));
  EXPECT_THAT(send<Channel>("POST", "/channels/a/keys", cr::admin::ChannelSetKey{"set", key(3)}).keys, SizeIs(1));
  const auto prefix = get<Channel>("/channels/a").keys.at(0).first;
  EXPECT_THAT(send<Channel>("POST", "/channels/a/keys", cr::admin::ChannelSetKey{"remove", prefix}).keys, IsEmpty());
}

TEST_F(AdminObjects, changed_keys_are_told_by_both_ends) {
  using Changed = cr::admin::Edited<Channel>;
  send_text<Channel>("POST", "/channels",
                     R"({"name":"a","kind":"openai","base_url":"https://api.example.com/v1","models":["m"]})");
  const auto key = [](const std::string& end) { return "sk-upstream-0123456789abcd" + end; };
  const auto first = send<Changed>("POST", "/channels/a/keys", cr::admin::ChannelSetKey{"set", key("1111")});
  ASSERT_THAT(first.changes, SizeIs(1));
  EXPECT_EQ(first.changes[0].field, "keys");
  EXPECT_EQ(first.changes[0].before, "none");
  EXPECT_THAT(first.changes[0].after, testing::EndsWith("...1111"));
  EXPECT_THAT(first.changes[0].after, testing::Not(testing::HasSubstr("0123456789")));
  const auto dry = send<Changed>("POST", "/channels/a/keys", cr::admin::ChannelSetKey{"add", key("2222")}, dry_run());
  ASSERT_THAT(dry.changes, SizeIs(1));
  EXPECT_EQ(dry.changes[0].before, first.changes[0].after);
  EXPECT_THAT(dry.changes[0].after, testing::EndsWith("...2222"));
  EXPECT_EQ(dry.rev, first.rev);
  EXPECT_THAT(get<Channel>("/channels/a").keys, SizeIs(1));
}

TEST_F(AdminObjects, channels_are_tested_by_the_daemon) {
  send_text<Channel>("POST", "/channels", R"({"name":"a","kind":"echo","models":["m"]})");
  EXPECT_EQ(send_text<cr::admin::ChannelTest>("POST", "/channels/a/test", R"({"model":"m"})").model, "m");
  EXPECT_EQ(send_text<cr::admin::ChannelTest>("POST", "/channels/a/test", "").message, "a");
}

// --- what an edit answers ---
std::string words_of(const std::vector<cr::admin::Change>& changes) {
  std::string text;
  for (const auto& change : changes) text += change.field + " " + change.before + " -> " + change.after + ";";
  return text;
}

TEST_F(AdminObjects, an_edit_answers_what_it_changed_and_no_other_edits) {
  send_text<Channel>("POST", "/channels", R"({"name":"a","kind":"echo","models":["m"]})");
  send_text<Group>("POST", "/groups", R"({"name":"fast"})");
  send_text<Account>("POST", "/accounts", R"({"name":"team","quota":"1"})");
  const auto channel = [&](std::string_view body, const cr::admin::CallOptions& options = {}) {
    return words_of(send_text<cr::admin::Edited<Channel>>("PATCH", "/channels/a", body, options).changes);
  };
  EXPECT_EQ(channel(R"({"note":"somebody else's"})"), "note none -> somebody else's;");
  EXPECT_EQ(channel(R"({"weight":9})", dry_run()), "weight 1 -> 9;");
  EXPECT_EQ(channel(R"({"weight":9,"base_url":"https://a.test/v1//"})"),
            "base_url none -> https://a.test/v1;weight 1 -> 9;");
  EXPECT_EQ(channel(R"({"weight":9})"), "");
  const auto group = send_text<cr::admin::Edited<Group>>("PATCH", "/groups/fast", R"({"multiplier":"2"})");
  EXPECT_EQ(words_of(group.changes), "multiplier 1 -> 2;");
  EXPECT_EQ(group.multiplier, "2");
  const auto account = send_text<cr::admin::Edited<Account>>("PATCH", "/accounts/team", R"({"enabled":false})");
  EXPECT_EQ(words_of(account.changes), "enabled yes -> no;");
  const auto credit = send_text<cr::admin::Edited<Account>>("POST", "/accounts/team/credit", R"({"amount":"2"})");
  EXPECT_EQ(words_of(credit.changes), "quota $1.00 -> $3.00;");
  EXPECT_EQ(credit.left, dollars(3));
  const auto price = [&](std::string_view body, const cr::admin::CallOptions& options = {}) {
    return words_of(send_text<cr::admin::Edited<Price>>("PUT", "/prices/m", body, options).changes);
  };
  EXPECT_EQ(price(R"({"input":"1","output":"2"})"), "") << "it is new";
  EXPECT_EQ(price(R"({"input":"1","output":"3"})", dry_run()), "output 2 -> 3;");
  EXPECT_EQ(price(R"({"input":"1","output":"4"})"), "output 2 -> 4;");
}

// --- groups, accounts ---
TEST_F(AdminObjects, groups_live_and_die) {
  EXPECT_THAT(get<Page<Group>>("/groups").items, SizeIs(1));
  const auto made = send_text<Group>("POST", "/groups", R"({"name":"fast","multiplier":"1.5","note":"n"})");
  EXPECT_EQ(made.multiplier, "1.5");
  EXPECT_EQ(send_text<Group>("PATCH", "/groups/fast", R"({"multiplier":"2"})").multiplier, "2");
  EXPECT_EQ(get<Group>("/groups/fast").note, "n");
  EXPECT_EQ(send_text<Group>("PATCH", "/groups/fast", R"({"multiplier":"3"})", dry_run()).multiplier, "3");
  EXPECT_EQ(get<Group>("/groups/fast").multiplier, "2");
  send_text<cr::admin::TokenWithKey>("POST", "/tokens", R"({"name":"ci","groups":["fast"]})");
  EXPECT_EQ(get<Group>("/groups/fast").tokens, 1);
  EXPECT_EQ(refused("DELETE", "/groups/fast").code, ErrorCode::conflict);
  send_text<cr::admin::Token>("DELETE", "/tokens/ci", "");
  send_text<cr::admin::TokenWithKey>("POST", "/tokens", R"({"name":"other"})");
  EXPECT_EQ(refused("POST", "/groups", R"({"name":"x","multiplier":"-1"})").code, ErrorCode::invalid);
  EXPECT_EQ(refused("POST", "/groups", R"({"name":"fast"})").code, ErrorCode::conflict);
  EXPECT_EQ(refused("GET", "/groups/fsat").hint, "did you mean 'fast'?");
  EXPECT_EQ(refused("PATCH", "/groups/nope", "{}").code, ErrorCode::not_found);
  EXPECT_EQ(refused("DELETE", "/groups/nope").code, ErrorCode::not_found);
  send_text<Group>("POST", "/groups", R"({"name":"idle"})");
  EXPECT_EQ(send_text<Group>("DELETE", "/groups/idle", "").name, "idle");
  EXPECT_EQ(send_text<Group>("POST", "/groups", R"({"name":"would-be"})", dry_run()).name, "would-be");
  EXPECT_EQ(refused("GET", "/groups/would-be").code, ErrorCode::not_found);
}

TEST_F(AdminObjects, accounts_live_and_die) {
  const auto made = send_text<Account>("POST", "/accounts", R"({"name":"team","quota":"100"})");
  EXPECT_EQ(made.quota, dollars(100));
  EXPECT_EQ(made.left, dollars(100));
  EXPECT_EQ(send_text<Account>("POST", "/accounts/team/credit", R"({"amount":"25"})").quota, dollars(125));
  EXPECT_EQ(send_text<Account>("POST", "/accounts/team/credit", R"({"amount":"-5"})").quota, dollars(120));
  EXPECT_EQ(send_text<Account>("POST", "/accounts/team/credit", R"({"amount":"5"})", dry_run()).quota, dollars(125));
  EXPECT_EQ(get<Account>("/accounts/team").quota, dollars(120));
  EXPECT_FALSE(send_text<Account>("PATCH", "/accounts/team", R"({"enabled":false,"quota":null})").quota.has_value());
  EXPECT_FALSE(get<Account>("/accounts/team").enabled);
  EXPECT_EQ(refused("POST", "/accounts/team/credit", R"({"amount":"5"})").code, ErrorCode::invalid);  // unlimited
  EXPECT_EQ(refused("POST", "/accounts/team/credit", R"({"amount":5})").message,
            "amount: expected a decimal string such as \"12.5\"");
  EXPECT_EQ(refused("POST", "/accounts", R"({"name":"team"})").code, ErrorCode::conflict);
  EXPECT_EQ(refused("GET", "/accounts/taem").hint, "did you mean 'team'?");
  EXPECT_EQ(refused("DELETE", "/accounts/nope").code, ErrorCode::not_found);
  send_text<cr::admin::TokenWithKey>("POST", "/tokens", R"({"name":"ci","account":"team"})");
  EXPECT_EQ(refused("DELETE", "/accounts/team").code, ErrorCode::conflict);
  EXPECT_EQ(send_text<Account>("POST", "/accounts", R"({"name":"x"})", dry_run()).name, "x");
  EXPECT_EQ(refused("GET", "/accounts/x").code, ErrorCode::not_found);
  send_text<Account>("POST", "/accounts", R"({"name":"idle"})");
  EXPECT_EQ(send_text<Account>("DELETE", "/accounts/idle", "").name, "idle");
  EXPECT_THAT(get<Page<Account>>("/accounts").items, SizeIs(2));
}

// --- prices ---
TEST_F(AdminObjects, prices_are_set_quoted_and_unset) {
  EXPECT_GT(get<Page<Price>>("/prices?limit=1000").items.size(), 20U);
  const auto set = send_text<Price>(
      "PUT", "/prices/my%2Fmodel",
      R"({"input":"0.15","cached_input":"0.075","output":"0.60","per_request":"0.001","max_output_tokens":16384})");
  EXPECT_EQ(set.model, "my/model");
  EXPECT_EQ(set.source, "set");
  const auto shown = get<Price>("/prices/my%2Fmodel");
  EXPECT_EQ(shown.output, "0.6");
  EXPECT_EQ(shown.cache_write, "0.15");
  EXPECT_THAT(get<Page<Price>>("/prices?match=my*").items, SizeIs(1));
  send_text<Group>("POST", "/groups", R"({"name":"fast","multiplier":"1.5"})");
  const auto quoted = send_text<cr::admin::PriceQuoted>(
      "POST", "/prices/quote",
      R"({"model":"my/model","input_tokens":1000000,"cached_tokens":500000,"output_tokens":1000000,"group":"fast"})");
  // (0.5 x 0.15 + 0.5 x 0.075 + 0.60 + 0.001) x 1.5
  EXPECT_EQ(quoted.cost.to_decimal(), "1.07025");
  EXPECT_THAT(quoted.lines, SizeIs(6));
  EXPECT_EQ(send_text<Price>("DELETE", "/prices/my%2Fmodel", "").model, "my/model");
  EXPECT_EQ(refused("GET", "/prices/my%2Fmodel").code, ErrorCode::not_found);
}

TEST_F(AdminObjects, prices_by_other_units_are_set_and_quoted) {
  const auto set =
      send_text<Price>("PUT", "/prices/m", R"({"per_image":"0.04","per_character":"15","per_second":"0.0001"})");
  EXPECT_EQ(set.input, "0");
  const auto shown = get<Price>("/prices/m");
  EXPECT_EQ(shown.per_image, "0.04");
  EXPECT_EQ(shown.per_character, "15");
  EXPECT_EQ(shown.per_second, "0.0001");
  const auto quoted = send_text<cr::admin::PriceQuoted>(
      "POST", "/prices/quote", R"({"model":"m","images":3,"characters":2000,"audio_ms":1500})");
  EXPECT_EQ(quoted.cost.to_decimal(), "0.15015");
  EXPECT_THAT(quoted.lines,
              testing::ElementsAre("2000 characters x $15 a million = $0.03", "3 images x $0.04 = $0.12",
                                   "1.5 seconds of sound x $0.0001 = $0.00015", testing::StartsWith("total, ")));
}

TEST_F(AdminObjects, every_part_of_a_usage_can_be_quoted) {
  send_text<Price>("PUT", "/prices/m",
                   R"({"input":"1","output":"2","cached_input":"0.1","cache_write":"1.25","cache_write_hour":"3",)"
                   R"("audio_input":"10","cached_audio_input":"4","image_input":"5","cached_image_input":"0.5"})");
  const auto cost = [&](const std::string& parts) {
    return send_text<cr::admin::PriceQuoted>("POST", "/prices/quote",
                                             R"({"model":"m","input_tokens":1000000)" + parts + "}")
        .cost.to_decimal();
  };
  EXPECT_EQ(cost({}), "1");
  EXPECT_EQ(cost(R"(,"cache_write_tokens":1000000)"), "1.25");
  EXPECT_EQ(cost(R"(,"cache_write_tokens":1000000,"long_cache_write_tokens":1000000)"), "3");
  EXPECT_EQ(cost(R"(,"cached_tokens":1000000,"audio_input_tokens":1000000,"cached_audio_tokens":1000000)"), "4");
  EXPECT_EQ(cost(R"(,"cached_tokens":1000000,"image_input_tokens":1000000,"cached_image_tokens":1000000)"), "0.5");
  for (const std::string parts : {R"("long_cache_write_tokens":1)", R"("cached_tokens":1,"cached_audio_tokens":1)",
                                  R"("image_input_tokens":1,"cached_image_tokens":1)"}) {
    EXPECT_EQ(refused("POST", "/prices/quote", R"({"model":"m","input_tokens":9,)" + parts + "}").code,
              ErrorCode::invalid)
        << parts;
  }
}

TEST_F(AdminObjects, price_errors_and_dry_runs) {
  EXPECT_EQ(refused("PUT", "/prices/m", R"({"input":"x","output":"1"})").code, ErrorCode::invalid);
  EXPECT_EQ(refused("PUT", "/prices/m", R"({"output":"1"})").message, "input: missing");
  EXPECT_EQ(refused("PUT", "/prices/m", R"({"input":"1"})").message, "output: missing");
  EXPECT_EQ(refused("PUT", "/prices/m", R"({"per_image":"0"})").message, "input: missing") << "free by a slip";
  EXPECT_EQ(refused("PUT", "/prices/m", R"({"per_image":"x"})").code, ErrorCode::invalid);
  EXPECT_EQ(refused("PUT", "/prices/m", R"({"per_character":"-1"})").code, ErrorCode::invalid);
  EXPECT_EQ(refused("POST", "/prices/quote", R"({"model":"gpt-4o","images":-1})").code, ErrorCode::invalid);
  EXPECT_EQ(refused("PUT", "/prices/m", R"({"model":"n","input":"1","output":"1"})").code, ErrorCode::invalid);
  EXPECT_EQ(refused("PUT", "/prices/m", R"({"input":"1","output":"1","context_tokens":0})").code, ErrorCode::invalid);
  EXPECT_EQ(refused("DELETE", "/prices/no-such").code, ErrorCode::not_found);
  EXPECT_EQ(refused("POST", "/prices/quote", R"({"model":"no-such"})").code, ErrorCode::not_found);
  EXPECT_EQ(refused("POST", "/prices/quote", R"({"model":"gpt-4o","group":"nope"})").code, ErrorCode::not_found);
  EXPECT_EQ(refused("POST", "/prices/quote", R"({"model":"gpt-4o","input_tokens":-1})").code, ErrorCode::invalid);
  EXPECT_EQ(refused("POST", "/prices/quote", R"({"model":"gpt-4o","input_tokens":1,"cached_tokens":2})").code,
            ErrorCode::invalid);
  send_text<Price>("PUT", "/prices/m", R"({"input":"1","output":"1"})", dry_run());
  EXPECT_EQ(refused("GET", "/prices/m").code, ErrorCode::not_found);
}

TEST_F(AdminObjects, an_import_is_all_or_nothing) {
  EXPECT_EQ(send_text<cr::admin::Imported>(
                "POST", "/prices/import",
                R"({"prices":[{"model":"a","input":"1","output":"2"},{"model":"b","input":"1","output":"2"}]})")
                .imported,
            2);
  EXPECT_EQ(get<Price>("/prices/b").output, "2");
  const auto bad =
      refused("POST", "/prices/import",
              R"({"prices":[{"model":"c","input":"1","output":"2"},{"model":"d","input":"one","output":"2"}]})");
  EXPECT_THAT(bad.message, testing::StartsWith("prices[1].input: "));
  EXPECT_EQ(refused("POST", "/prices/import", R"({"prices":[{"input":"1","output":"2"}]})").message,
            "prices[0].model: missing");
  EXPECT_EQ(refused("GET", "/prices/c").code, ErrorCode::not_found);
}

TEST_F(AdminObjects, imported_and_unset_prices_tell_what_changed) {
  using cr::admin::Edited;
  const auto import = [&](const std::string& body) {
    return send_text<Edited<cr::admin::Imported>>("POST", "/prices/import", body);
  };
  EXPECT_THAT(import(R"({"prices":[{"model":"a","input":"1","output":"2"}]})").changes, IsEmpty()) << "a new one";
  const auto again =
      import(R"({"prices":[{"model":"a","input":"1","output":"3"},{"model":"b","input":"1","output":"2"}]})");
  EXPECT_EQ(again.imported, 2);
  ASSERT_THAT(again.changes, SizeIs(1));
  EXPECT_EQ(again.changes[0].field, "a output");
  EXPECT_EQ(again.changes[0].before, "2");
  EXPECT_EQ(again.changes[0].after, "3");
  const auto gone = send_text<Edited<Price>>("DELETE", "/prices/a", "");
  EXPECT_EQ(gone.model, "a");
  std::map<std::string, std::string> before;
  for (const auto& change : gone.changes) {
    before[change.field] = change.before;
    EXPECT_EQ(change.after, "none");
  }
  EXPECT_EQ(before.at("output"), "3");
  EXPECT_EQ(before.count("context_tokens"), 0U) << "it had none";
}

TEST_F(AdminObjects, unset_tells_of_the_price_that_held_until_now) {
  send_text<Price>("PUT", "/prices/m", R"({"input":"1","output":"1"})");
  send_text<Price>("PUT", "/prices/m", R"({"input":"2","output":"1","effective_at":"2020-01-01"})");
  send_text<Price>("PUT", "/prices/m", R"({"input":"3","output":"1","effective_at":"2099-01-01"})");
  EXPECT_EQ((send_text<cr::admin::Edited<Price>>("DELETE", "/prices/m", "").input), "2");
  EXPECT_EQ(refused("DELETE", "/prices/m").code, ErrorCode::not_found);
}

TEST_F(AdminObjects, unset_names_the_limited_tokens_that_it_stops) {
  using Unset = cr::admin::Edited<cr::admin::PriceUnset>;
  send_text<Channel>("POST", "/channels", R"({"name":"e","kind":"echo","models":["m","n"],"model_map":{"alias":"m"}})");
  send_text<Price>("PUT", "/prices/m", R"({"input":"1","output":"1"})");
  send_text<Price>("PUT", "/prices/m", R"({"input":"3","output":"1","effective_at":"2099-01-01"})");
  create_token("limited", dollars(1));
  create_token("free", {});
  send_text<cr::admin::TokenWithKey>("POST", "/tokens", R"({"name":"by-alias","quota":"1","models":["alias"]})");
  send_text<cr::admin::TokenWithKey>("POST", "/tokens", R"({"name":"other","quota":"1","models":["n"]})");
  send_text<cr::admin::Group>("POST", "/groups", R"({"name":"vip"})");
  send_text<cr::admin::TokenWithKey>("POST", "/tokens", R"({"name":"elsewhere","quota":"1","groups":["vip"]})");
  const auto gone = send_text<Unset>("DELETE", "/prices/m", "");
  EXPECT_THAT(gone.stops, ElementsAre("by-alias", "limited"));
  EXPECT_FALSE(gone.stops_more);
  EXPECT_EQ(gone.scheduled, 1);
  EXPECT_EQ(gone.input, "1");
}

TEST_F(AdminObjects, an_import_is_one_row_of_the_audit) {
  const auto rows = [&] { return get<Page<cr::admin::AuditEntry>>("/audit?limit=1000").items; };
  const auto before = rows().size();
  const std::string list =
      R"({"prices":[{"model":"a","input":"1","output":"2"},{"model":"b","input":"1","output":"2"}]})";
  send_text<cr::admin::Imported>("POST", "/prices/import", list);
  send_text<cr::admin::Imported>("POST", "/prices/import", list);
  send_text<cr::admin::Imported>("POST", "/prices/import", R"({"prices":[{"model":"a","input":"1","output":"3"}]})");
  const auto after = rows();
  ASSERT_EQ(after.size(), before + 2) << "none of one that changed nothing";
  EXPECT_EQ(after[before].action, "price.import");
  EXPECT_THAT(after[before].detail, HasSubstr(R"("changed":0,"new":2)"));
  EXPECT_THAT(after[before + 1].detail, HasSubstr(R"("a":{"output_nano_per_million":)"));
}

TEST_F(AdminObjects, a_price_of_tomorrow_is_shown_but_not_used) {
  send_text<Price>("PUT", "/prices/m", R"({"input":"1","output":"1","effective_at":"2099-01-01"})");
  EXPECT_EQ(get<Price>("/prices/m").input, "1");
  EXPECT_EQ(refused("POST", "/prices/quote", R"({"model":"m"})").code, ErrorCode::not_found);
  send_text<Price>("PUT", "/prices/m", R"({"input":"7","output":"1"})");
  EXPECT_EQ(get<Price>("/prices/m").input, "7");
}

// --- requests, usage ---
TEST_F(AdminObjects, requests_and_usage_are_reported) {
  const auto issued = create_token("ci", dollars(10));
  std::vector<std::string> ids;
  for (int count = 0; count < 5; ++count) {
    auto op = reservation(issued, dollars(1));
    reserve(op);
    auto ended = settlement(op, ledger::Credits::from_nano(250'000'000));
    ended.flags = count == 0 ? ledger::k_estimated | ledger::k_clamped : 0;
    ids.push_back(ended.facts.id.to_string());
    ledger_->settle(std::move(ended));
  }
  const auto all = get<Page<cr::admin::Request>>("/requests?token=ci");
  ASSERT_THAT(all.items, SizeIs(5));
  const auto one = get<cr::admin::Request>("/requests/" + ids[0]);
  EXPECT_EQ(one.id, ids[0]);
  EXPECT_EQ(one.token, "ci");
  EXPECT_EQ(one.cost.to_decimal(), "0.25");
  EXPECT_EQ(one.ending, "complete");
  EXPECT_THAT(one.flags, ElementsAre("estimated", "clamped"));
  std::set<std::string> paged;
  std::optional<std::string> cursor;
  do {
    const auto page =
        get<Page<cr::admin::Request>>("/requests?limit=2" + (cursor ? "&cursor=" + *cursor : std::string()));
    for (const auto& request : page.items) paged.insert(request.id);
    cursor = page.next;
  } while (cursor && paged.size() < 10);
  EXPECT_EQ(paged, std::set(ids.begin(), ids.end()));
  const auto first = *std::min_element(ids.begin(), ids.end());
  EXPECT_THAT(get<Page<cr::admin::Request>>("/requests?after=" + first).items, SizeIs(4));
  EXPECT_EQ(refused("GET", "/requests/req_x").code, ErrorCode::invalid);
  EXPECT_EQ(refused("GET", "/requests/" + base::RequestId::make(base::wall_now()).to_string()).code,
            ErrorCode::not_found);

  const auto usage = get<cr::admin::UsageReport>("/usage?by=token&by=model");
  ASSERT_THAT(usage.rows, SizeIs(1));
  EXPECT_EQ(usage.rows[0].key.at("token"), "ci");
  EXPECT_EQ(usage.rows[0].key.at("model"), "gpt-4o-mini");
  EXPECT_EQ(usage.total.requests, 5);
  EXPECT_EQ(usage.total.cost.to_decimal(), "1.25");
  EXPECT_TRUE(usage.total.estimated);
  EXPECT_EQ(refused("GET", "/usage").hint, "for example by=day or by=day&by=model");
  EXPECT_EQ(refused("GET", "/usage?by=day&since=2026-02-01&until=2026-01-01").message, "until: before since");
}

TEST_F(AdminObjects, costs_come_a_day_a_page) {
  send_text<Channel>("POST", "/channels", R"({"name":"echo","kind":"echo","models":["m"]})");
  const auto first =
      get<cr::admin::CostReport>("/costs?channel=echo&since=2026-01-05T10:00:00Z&until=2026-01-06T12:00:00Z");
  EXPECT_EQ(base::to_unix_ms(first.until), 1'767'657'600'000) << "2026-01-06";
  EXPECT_EQ(first.next, first.until);
  EXPECT_THAT(first.rows, SizeIs(0));
  const auto last =
      get<cr::admin::CostReport>("/costs?channel=echo&since=2026-01-06T00:00:00Z&until=2026-01-06T12:00:00Z");
  EXPECT_EQ(last.next, std::nullopt);
  EXPECT_EQ(refused("GET", "/costs?channel=ech&since=2026-01-05").code, ErrorCode::not_found);
  EXPECT_EQ(refused("GET", "/costs?channel=echo&since=2026-01-05&until=2026-01-05").message, "until: not after since");
}

// --- names, models, the daemon ---
TEST_F(AdminObjects, names_are_offered) {
  create("ci");
  send_text<Channel>("POST", "/channels",
                     R"({"name":"echo","kind":"echo","models":["m","gpt-4o*"],"model_map":{"alias":"m"}})");
  EXPECT_THAT(get<cr::admin::Names>("/names/tokens").names, ElementsAre("ci"));
  EXPECT_THAT(get<cr::admin::Names>("/names/channels").names, ElementsAre("echo"));
  EXPECT_THAT(get<cr::admin::Names>("/names/groups").names, ElementsAre("default"));
  EXPECT_THAT(get<cr::admin::Names>("/names/accounts").names, ElementsAre("default"));
  EXPECT_THAT(get<cr::admin::Names>("/names/models").names,
              testing::IsSupersetOf({"alias", "m", "gpt-4o", "gpt-4o-mini"}));
  EXPECT_EQ(refused("GET", "/names/token").hint, "did you mean 'tokens'?");
}

TEST_F(AdminObjects, models_are_those_one_can_reach) {
  send_text<Group>("POST", "/groups", R"({"name":"fast"})");
  send_text<Channel>("POST", "/channels", R"({"name":"slow","kind":"echo","models":["m","n"]})");
  send_text<Channel>("POST", "/channels", R"({"name":"quick","kind":"echo","models":["m","q"],"groups":["fast"]})");
  send_text<cr::admin::TokenWithKey>("POST", "/tokens",
                                     R"({"name":"ci","groups":["fast","default"],"models":["m","n"]})");
  const auto names = [&](const std::string& query) {
    std::vector<std::string> out;
    for (const auto& entry : get<Page<cr::admin::ModelEntry>>("/models" + query).items) {
      std::string line = entry.model + ":";
      for (const auto& channel : entry.channels) line += " " + channel;
      out.push_back(line);
    }
    return out;
  };
  EXPECT_THAT(names("?token=ci"), ElementsAre("m: quick", "n: slow"));
  EXPECT_THAT(names("?group=fast"), ElementsAre("m: quick", "q: quick"));
  EXPECT_THAT(names(""), ElementsAre("m: slow quick", "n: slow", "q: quick"));
  EXPECT_EQ(refused("GET", "/models?token=cii").hint, "did you mean 'ci'?");
  EXPECT_EQ(refused("GET", "/models?group=nope").code, ErrorCode::not_found);
  EXPECT_EQ(refused("GET", "/models?group=fast&token=ci").code, ErrorCode::invalid);
}

// What find_routes() would try for each name, group by group.
std::map<std::string, std::vector<std::string>> models_by_routes(const ledger::DirectorySnapshot& directory,
                                                                 const ledger::TokenRecord& token, bool first_group) {
  std::map<std::string, std::vector<std::string>> models;
  for (const auto& model : relay::routing::reachable_models(directory, token)) {
    auto& channels = models[model];
    for (const auto& group : token.settings->groups) {
      ledger::TokenRecord one;
      one.settings.edit().groups = {group};
      relay::routing::CircuitBreaker well;
      const auto routes =
          relay::routing::find_routes(*directory, one, model, dialect::Endpoint::chat_completions, well, {}, 0).tries;
      for (const auto& route : routes) channels.push_back(route.channel->name);
      if (first_group && !channels.empty()) break;
    }
    std::sort(channels.begin(), channels.end());
    channels.erase(std::unique(channels.begin(), channels.end()), channels.end());
  }
  return models;
}

TEST_F(AdminObjects, model_pages_add_up_to_what_requests_are_routed_by) {
  constexpr int k_channels = 150;  // times the price list: more than one page may name
  ASSERT_TRUE(ledger_->write([&](ledger::Store& store) -> base::Result<void> {
    for (int i = 0; i < k_channels; ++i) {
      ledger::NewChannel wanted;
      wanted.settings.name = "c" + std::to_string(i);
      wanted.settings.models = {i % 2 == 0 ? "*" : "gpt-*", "own-" + std::to_string(i % 40)};
      wanted.settings.kind = ledger::ChannelKind::echo;
      wanted.settings.model_map = {{"alias-" + std::to_string(i % 3), "gpt-4o"}};
      wanted.settings.groups = {i % 5 == 0 ? "fast" : "default"};
      wanted.settings.priority = i % 7;
      wanted.settings.enabled = i % 11 == 0 ? ledger::Switch::off : ledger::Switch::on;
      if (i == 0) {
        ledger::GroupRecord group;
        group.name = "fast";
        if (auto made = store.create_group(group, actor_); !made) return tl::unexpected(made.error());
      }
      if (auto made = store.create_channel(std::move(wanted), actor_); !made) return tl::unexpected(made.error());
    }
    return {};
  }));
  send_text<cr::admin::TokenWithKey>(
      "POST", "/tokens", R"({"name":"ci","groups":["fast","default"],"models":["gpt-*","own-3","alias-*"]})");
  const auto directory = ledger_->directory().get();
  ledger::TokenRecord everybody;
  everybody.settings.edit().groups = {"default", "fast"};
  struct Row {
    std::string query;
    std::map<std::string, std::vector<std::string>> expected;
  };
  const Row table[] = {{"limit=1000", models_by_routes(directory, everybody, false)},
                       {"limit=7", models_by_routes(directory, everybody, false)},
                       {"limit=3&token=ci", models_by_routes(directory, *directory->find_token("ci"), true)}};
  for (const auto& row : table) {
    std::map<std::string, std::vector<std::string>> found;
    std::string cursor;
    do {
      const auto page =
          get<Page<cr::admin::ModelEntry>>("/models?" + row.query + (cursor.empty() ? "" : "&cursor=" + cursor));
      ASSERT_FALSE(page.items.empty());
      for (auto entry : page.items) {
        std::sort(entry.channels.begin(), entry.channels.end());
        EXPECT_TRUE(found.emplace(entry.model, entry.channels).second) << entry.model << " twice";
      }
      cursor = page.next.value_or("");
    } while (!cursor.empty());
    EXPECT_EQ(found, row.expected) << row.query;
  }
  const auto cut = get<Page<cr::admin::ModelEntry>>("/models?limit=1000");
  EXPECT_TRUE(cut.next.has_value()) << "a page names so many channels and no more";
}

TEST_F(AdminObjects, the_daemon_tells_of_itself) {
  create("ci");
  EXPECT_EQ(get<cr::admin::Version>("/version").version, CR_VERSION);
  EXPECT_EQ(get<cr::admin::Version>("/version").api, "v1");
  const auto status = get<cr::admin::Status>("/status");
  EXPECT_EQ(status.state, "running");
  EXPECT_EQ(status.tokens, 1);
  EXPECT_EQ(status.channels, 0);
  EXPECT_FALSE(send_text<cr::admin::ConfigChecked>("POST", "/config/check", R"({"text":"x","name":"a.toml"})").ok);
  EXPECT_TRUE(send_text<cr::admin::ConfigChecked>("POST", "/config/check", R"({})").ok);
  EXPECT_TRUE(send_text<cr::admin::ConfigChecked>("POST", "/config/reload", "{}", dry_run()).ok);
  EXPECT_EQ(reloads_, 0);
  EXPECT_EQ(send_text<cr::admin::ConfigChecked>("POST", "/config/reload", "{}").message, "reloaded");
  EXPECT_EQ(reloads_, 1);
}

// Why, for whoever reads the log; what may be a key stays out of it.
TEST_F(AdminObjects, what_throws_is_logged_and_not_told) {
  const int fd = ::memfd_create("log", MFD_CLOEXEC);
  {
    base::Log log({.format = base::LogFormat::text, .fd = fd});
    auto failing = hooks();
    failing.reload = []() -> cr::admin::ConfigChecked {
      throw std::runtime_error("no coffee, sk-proj-0123456789abcdefABCDEF");
    };
    AdminApi api(*ledger_, failing, log);
    AdminRequest request;
    request.method = "POST";
    request.target = "/admin/v1/config/reload";
    const auto answer = api.answer(request);
    EXPECT_EQ(answer.status, 500);
    EXPECT_THAT(std::string(answer.body.reveal()), Not(HasSubstr("coffee")));
  }
  std::string text(4096, '\0');
  text.resize(static_cast<std::size_t>(std::max<ssize_t>(0, ::pread(fd, text.data(), text.size(), 0))));
  ::close(fd);
  EXPECT_THAT(text, HasSubstr("no coffee"));
  EXPECT_THAT(text, Not(HasSubstr("0123456789abcdef")));
}

TEST_F(AdminObjects, the_audit_is_read_in_pages) {
  for (int count = 0; count < 5; ++count) create("t" + std::to_string(count));
  const auto all = get<Page<cr::admin::AuditEntry>>("/audit");
  ASSERT_GE(all.items.size(), 5U);
  const auto first = get<Page<cr::admin::AuditEntry>>("/audit?limit=2");
  ASSERT_THAT(first.items, SizeIs(2));
  ASSERT_TRUE(first.next.has_value());
  EXPECT_EQ(get<Page<cr::admin::AuditEntry>>("/audit?after=" + *first.next).items.size(), all.items.size() - 2);
  EXPECT_EQ(refused("GET", "/audit?after=-1").code, ErrorCode::invalid);
}

TEST_F(AdminObjects, lists_page_by_cursor) {
  for (int count = 0; count < 4; ++count)
    send_text<Group>("POST", "/groups", R"({"name":"g)" + std::to_string(count) + R"("})");
  const auto first = get<Page<Group>>("/groups?limit=3");
  EXPECT_THAT(first.items, SizeIs(3));
  ASSERT_TRUE(first.next.has_value());
  const auto second = get<Page<Group>>("/groups?limit=3&cursor=" + *first.next);
  EXPECT_THAT(second.items, SizeIs(2));
  EXPECT_FALSE(second.next.has_value());
  EXPECT_EQ(refused("GET", "/groups?lmit=3").hint, "did you mean 'limit'?");
  EXPECT_EQ(refused("GET", "/groups?limit=3&limit=4").message, "parameter 'limit' is there twice");
}

}  // namespace
}  // namespace cr::server::admin

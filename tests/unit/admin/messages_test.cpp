// SPDX-License-Identifier: MIT
#include "admin/messages.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <regex>

#include "unit/admin/samples.h"

namespace cr::admin {
namespace {

using base::ErrorCode;
using testing::HasSubstr;
using testing::Not;

// What is written, read and written again is the same text; a member that fields() forgot is missing in `names`.
template <class T>
void expect_round_trip(const T& message, std::initializer_list<const char*> names) {
  const auto json = to_json(message);
  for (const auto* name : names) EXPECT_THAT(json, HasSubstr("\"" + std::string(name) + "\":")) << json;
  const auto again = from_json<T>(json);
  ASSERT_TRUE(again.has_value()) << json << ": " << again.error().message;
  EXPECT_EQ(to_json(*again), json);
}

TEST(Messages, token_answers_go_round) {
  const auto token = sample_token();
  expect_round_trip(token, {"id",
                            "rev",
                            "name",
                            "status",
                            "enabled",
                            "groups",
                            "account",
                            "quota",
                            "budgets",
                            "time_zone",
                            "limited_until",
                            "requests_per_minute",
                            "tokens_per_minute",
                            "requests_at_once",
                            "period",
                            "limit",
                            "resets_at",
                            "used",
                            "reserved",
                            "left",
                            "expires_at",
                            "not_before",
                            "models",
                            "allow_ip",
                            "when_low",
                            "tags",
                            "note",
                            "keys",
                            "created_at",
                            "last_used_at",
                            "deleted_at",
                            "retrievable"});
  expect_round_trip(token.keys[0],
                    {"id", "first", "last", "state", "created_at", "not_after", "last_used_at", "last_used_ip"});
  expect_round_trip(Page<Token>{{token, Token{}}, "o2"}, {"items", "next"});
  expect_round_trip(TokenWithKey{token, "sk-cr-secret"}, {"token", "key"});
  expect_round_trip(TokenEdited{token, {{"quota", "$20.00", "$25.00"}}},
                    {"token", "changes", "field", "before", "after"});
  expect_round_trip(TokenVerdict{true, "rule", "reason", "setting", {"a", "b"}},
                    {"allowed", "rule", "reason", "setting", "channels"});
  expect_round_trip(KeyVerdict{true, "ci", "old", "enabled", "ours"}, {"known", "token", "state", "status", "shape"});
}

TEST(Messages, token_requests_go_round) {
  TokenCreate create{"ci",
                     sample_time(1),
                     sample_time(2),
                     sample_credits(5),
                     {{"day", sample_credits(1)}},
                     "Asia/Tokyo",
                     1,
                     2,
                     3,
                     {"gpt-4o"},
                     {"::1"},
                     {"fast"},
                     "team",
                     "refuse",
                     {{"a", "b"}},
                     "note",
                     false,
                     true,
                     "other",
                     {"quota"},
                     "sk-own"};
  expect_round_trip(create, {"name",
                             "expires_at",
                             "not_before",
                             "quota",
                             "budgets",
                             "day",
                             "time_zone",
                             "requests_per_minute",
                             "tokens_per_minute",
                             "requests_at_once",
                             "models",
                             "allow_ip",
                             "groups",
                             "account",
                             "when_low",
                             "tags",
                             "note",
                             "enabled",
                             "retrievable",
                             "like",
                             "given",
                             "key"});
  expect_round_trip(TokenRotate{1, "finish", 2, true}, {"grace_ms", "action", "quiet_for_ms", "force"});
  expect_round_trip(TokenCheck{"gpt-4o", "::1", sample_credits(1)}, {"model", "ip", "cost"});
  expect_round_trip(VerifyKey{"sk"}, {"key"});
  expect_round_trip(RevokeKey{9}, {"key_id"});
  TokenEdit edit;
  EXPECT_EQ(to_json(edit), "{}");
  edit = {"new",
          false,
          std::optional<Time>(),
          std::optional<Time>(sample_time(1)),
          QuotaEdit{false, sample_credits(9), {}},
          std::map<std::string, QuotaEdit>{{"day", {true, {}, {}}}, {"week", {false, {}, sample_credits(-3)}}},
          "UTC",
          std::optional<std::int64_t>(),
          std::optional<std::int64_t>(7),
          std::optional<std::int64_t>(8),
          ListEdit{std::vector<std::string>{"m"}, {}, {}},
          ListEdit{{}, {"::1"}, {"::2"}},
          ListEdit{{}, {"g"}, {}},
          "team",
          "clamp",
          std::map<std::string, std::optional<std::string>>{{"a", "b"}, {"c", std::nullopt}},
          "note"};
  expect_round_trip(edit, {"name",
                           "enabled",
                           "expires_at",
                           "not_before",
                           "quota",
                           "budgets",
                           "day",
                           "week",
                           "delta",
                           "time_zone",
                           "requests_per_minute",
                           "tokens_per_minute",
                           "requests_at_once",
                           "models",
                           "allow_ip",
                           "groups",
                           "account",
                           "when_low",
                           "tags",
                           "note"});
}

TEST(Messages, other_answers_go_round) {
  expect_round_trip(sample_channel(), {"id",
                                       "rev",
                                       "name",
                                       "kind",
                                       "enabled",
                                       "base_url",
                                       "models",
                                       "model_map",
                                       "groups",
                                       "priority",
                                       "weight",
                                       "timeout_connect_ms",
                                       "timeout_first_byte_ms",
                                       "timeout_idle_ms",
                                       "allow_private",
                                       "bound_field",
                                       "echo_delay_ms",
                                       "timeout_total_ms",
                                       "headers",
                                       "proxy",
                                       "ca_file",
                                       "client_cert",
                                       "client_key",
                                       "keys",
                                       "note",
                                       "created_at"});
  expect_round_trip(Page<Channel>{{sample_channel()}, std::nullopt}, {"items", "next"});
  expect_round_trip(ChannelTest{true, "m", 200, 1, 2, "ok", {{"sk-a", "wxyz", true, 200, 1, 2, "ok"}}},
                    {"ok", "model", "status", "connect_ms", "total_ms", "message", "keys"});
  expect_round_trip(ChannelKeyTest{"sk-a", "wxyz", true, 200, 1, 2, "ok"},
                    {"first", "last", "ok", "status", "connect_ms", "total_ms", "message"});
  expect_round_trip(Edited<Group>{sample_group(), {{"note", "a", "b"}}},
                    {"id", "rev", "name", "multiplier", "note", "channels", "tokens", "created_at", "changes"});
  expect_round_trip(ModelEntry{"m", {"a"}}, {"model", "channels"});
  expect_round_trip(sample_group(), {"id", "rev", "name", "multiplier", "note", "channels", "tokens", "created_at"});
  expect_round_trip(sample_account(), {"id", "rev", "name", "enabled", "quota", "used", "reserved", "left", "tokens",
                                       "note", "created_at"});
  expect_round_trip(sample_price(), {"model", "input", "cached_input", "cache_write", "output", "per_request",
                                     "max_output_tokens", "context_tokens", "source", "effective_at", "updated_at",
                                     "rules", "audio_input", "image_tokens", "thinks", "generation"});
  expect_round_trip(PriceQuoted{sample_price(), "1.5", sample_credits(8), {"a", "b"}, sample_credits(9), {}},
                    {"price", "multiplier", "cost", "lines", "reserved", "bill"});
  expect_round_trip(sample_request(), {"id",
                                       "started_at",
                                       "duration_ms",
                                       "first_byte_ms",
                                       "token",
                                       "account",
                                       "group",
                                       "channel",
                                       "endpoint",
                                       "model",
                                       "upstream_model",
                                       "upstream_id",
                                       "source_ip",
                                       "status",
                                       "ending",
                                       "error",
                                       "stream",
                                       "input_tokens",
                                       "cached_tokens",
                                       "cache_write_tokens",
                                       "output_tokens",
                                       "held",
                                       "cost",
                                       "refunded",
                                       "overrun",
                                       "flags"});
  expect_round_trip(BudgetReset{"day"}, {"period"});
  expect_round_trip(RequestRefund{sample_credits(3)}, {"amount"});
  expect_round_trip(Refunded{sample_credits(3), sample_request()}, {"amount", "request"});
  expect_round_trip(
      AuditVerified{1, 2, 3, 4, 5, sample_credits(6), sample_credits(7), sample_time(8), 9},
      {"requests", "open", "tokens", "accounts", "audit_rows", "posted", "reserved", "rows_since", "took_ms"});
  expect_round_trip(
      UsageReport{{"day"}, sample_time(1), sample_time(2), "UTC", {sample_usage_row()}, sample_usage_row()},
      {"by", "since", "until", "time_zone", "rows", "total", "key", "requests", "errors", "estimated"});
  const CostPart part{1, sample_credits(2)};
  const CostRow cost{"m",
                     1,
                     2,
                     3,
                     4,
                     5,
                     sample_credits(6),
                     sample_credits(7),
                     sample_credits(8),
                     sample_credits(9),
                     sample_credits(10),
                     part,
                     part,
                     part,
                     part,
                     part,
                     part};
  expect_round_trip(
      CostReport{"c", sample_time(1), sample_time(2), sample_time(3), {cost}, sample_time(4)},
      {"channel",  "since",        "until",         "rows_since",         "rows",          "next",      "model",
       "requests", "input_tokens", "cached_tokens", "cache_write_tokens", "output_tokens", "cost",      "fees",
       "posted",   "overrun",      "refunded",      "in_doubt",           "unknown",       "estimated", "told",
       "unpriced", "own"});
  expect_round_trip(
      sample_status(),
      {"version",        "pid",         "started_at",        "state",       "listen",           "admin_socket",
       "state_dir",      "config_file", "workers",           "connections", "requests_running", "requests_total",
       "tokens",         "channels",    "log_lines_dropped", "ledger",      "ledger_commits",   "ledger_queue",
       "ledger_backlog", "head",        "price_list",        "overrun",     "memory_used",      "memory_limit"});
  expect_round_trip(AuditEntry{1, sample_time(1), 2, 3, 4, "create", "token ci", "d", "r"},
                    {"seq", "at", "pid", "uid", "gid", "action", "object", "detail", "reason"});
  expect_round_trip(Version{"0.1.0", "v1"}, {"version", "api"});
  expect_round_trip(Names{{"a", "b"}}, {"names"});
  expect_round_trip(Imported{3}, {"imported"});
  expect_round_trip(ConfigChecked{true, "ok"}, {"ok", "message"});
}

TEST(Messages, other_requests_go_round) {
  ChannelCreate create{"a",
                       "openai",
                       "https://x/v1",
                       {"m"},
                       {{"f", "g"}},
                       {"default"},
                       1,
                       2,
                       3,
                       4,
                       5,
                       true,
                       "max_tokens",
                       6,
                       "sk",
                       "n",
                       false,
                       7,
                       {{"x-team", "blue"}},
                       "p",
                       "f",
                       "c",
                       "k"};
  expect_round_trip(create, {"name",
                             "kind",
                             "base_url",
                             "models",
                             "model_map",
                             "groups",
                             "priority",
                             "weight",
                             "timeout_connect_ms",
                             "timeout_first_byte_ms",
                             "timeout_idle_ms",
                             "allow_private",
                             "bound_field",
                             "echo_delay_ms",
                             "key",
                             "note",
                             "enabled",
                             "timeout_total_ms",
                             "headers",
                             "proxy",
                             "ca_file",
                             "client_cert",
                             "client_key"});
  ChannelEdit edit;
  EXPECT_EQ(to_json(edit), "{}");
  edit = {true,
          "u",
          "b",
          "n",
          ListEdit{{}, {"m"}, {}},
          ListEdit{{}, {}, {"g"}},
          std::map<std::string, std::optional<std::string>>{{"a", std::nullopt}},
          1,
          2,
          3,
          4,
          5,
          6,
          false,
          7,
          std::map<std::string, std::optional<std::string>>{{"x-team", std::nullopt}},
          "p",
          "f",
          "c",
          "k"};
  expect_round_trip(edit, {"enabled",
                           "base_url",
                           "bound_field",
                           "note",
                           "models",
                           "groups",
                           "model_map",
                           "priority",
                           "weight",
                           "timeout_connect_ms",
                           "timeout_first_byte_ms",
                           "timeout_idle_ms",
                           "echo_delay_ms",
                           "allow_private",
                           "timeout_total_ms",
                           "headers",
                           "proxy",
                           "ca_file",
                           "client_cert",
                           "client_key"});
  expect_round_trip(ChannelSetKey{"add", "sk"}, {"action", "key"});
  expect_round_trip(ChannelTestRequest{"m", "sk"}, {"model", "key"});
  expect_round_trip(GroupCreate{"g", "2", "n"}, {"name", "multiplier", "note"});
  expect_round_trip(GroupEdit{"2", "n"}, {"multiplier", "note"});
  expect_round_trip(AccountCreate{"a", sample_credits(1), "n"}, {"name", "quota", "note"});
  expect_round_trip(AccountEdit{true, QuotaEdit{true, {}, {}}, "n"}, {"enabled", "quota", "note"});
  expect_round_trip(AccountCredit{sample_credits(-5)}, {"amount"});
  PriceSet set{{}, "m", "1", "2", "0.5", "0.6", "0.01", "0.04", "15", "0.0001", 1, 2, sample_time(3)};
  expect_round_trip(set, {"model", "input", "output", "cached_input", "cache_write", "per_request", "per_image",
                          "per_character", "per_second", "max_output_tokens", "context_tokens", "effective_at"});
  expect_round_trip(PriceImport{{set, set}}, {"prices"});
  expect_round_trip(PriceQuote{"m", 1, 2, 3, 4, 5, 6, "g"}, {"model", "input_tokens", "cached_tokens", "output_tokens",
                                                             "images", "characters", "audio_ms", "group"});
  expect_round_trip(ConfigCheck{"text", "name"}, {"text", "name"});
  EXPECT_EQ(to_json(Empty{}), "{}");
}

TEST(Messages, values_keep_their_meaning) {
  const auto token = from_json<Token>(to_json(sample_token()));
  ASSERT_TRUE(token.has_value());
  EXPECT_EQ(token->quota, sample_credits(20'500'000'000));
  EXPECT_EQ(token->expires_at, sample_time(1));
  EXPECT_EQ(token->note, sample_token().note);
  EXPECT_EQ(token->tags, sample_token().tags);
  EXPECT_EQ(token->keys.size(), 2U);
  EXPECT_THAT(to_json(sample_token()), HasSubstr(R"("quota":"20.5")"));
  EXPECT_THAT(to_json(Token{}), HasSubstr(R"("quota":null)"));
  EXPECT_THAT(to_json(Token{}), HasSubstr(R"("expires_at":null)"));
}

// As this version writes it, as a newer or older one might, and with blanks: one answer.
TEST(Messages, answers_are_read_whatever_the_order_of_their_members) {
  Page<Token> page;
  page.items = {sample_token(), Token{}, sample_token()};
  page.next = "more";
  const auto text = to_json(page);
  const auto other_orders = {nlohmann::json::parse(text).dump(),
                             nlohmann::json::parse(text).dump(2),
                             nlohmann::ordered_json::parse(text).dump(3),
                             std::string(R"({"new":[{}],)") + text.substr(1),
                             text.substr(0, text.size() - 1) + R"(,"new":null})",
                             std::regex_replace(text, std::regex(R"("rev":)"), R"("newer":{"a":[1.5]},"rev":)")};
  for (const auto& other : other_orders) {
    const auto read = from_json<Page<Token>>(other);
    ASSERT_TRUE(read.has_value()) << other << read.error().message;
    EXPECT_EQ(to_json(*read), text) << other;
  }
}

TEST(Messages, an_answer_that_is_cut_off_or_garbled_is_none) {
  Page<Token> page;
  page.items = {sample_token()};
  const auto text = to_json(page);
  ASSERT_TRUE(from_json<Page<Token>>(text).has_value());
  for (std::size_t size = 0; size < text.size(); ++size) {
    const auto read = from_json<Page<Token>>(text.substr(0, size));
    ASSERT_FALSE(read.has_value()) << size;
    EXPECT_THAT(read.error().message, HasSubstr("not JSON")) << size;
  }
  EXPECT_FALSE(from_json<Page<Token>>(text + "x").has_value());
  EXPECT_FALSE(
      from_json<Page<Token>>(std::regex_replace(text, std::regex(R"("note":")"), "\"note\":\"\xff")).has_value());
  const auto wrong = from_json<Page<Token>>(std::regex_replace(text, std::regex(R"("rev":[0-9]+)"), R"("rev":"1")"));
  ASSERT_FALSE(wrong.has_value());
  EXPECT_EQ(wrong.error().message, "items[0].rev: expected a whole number");
}

TEST(Messages, edits_tell_absent_from_null) {
  const auto edit = from_json<TokenEdit>(R"({"expires_at":null,"quota":null,"tags":{"a":null}})");
  ASSERT_TRUE(edit.has_value()) << edit.error().message;
  ASSERT_TRUE(edit->expires_at.has_value());
  EXPECT_FALSE(edit->expires_at->has_value());
  EXPECT_FALSE(edit->not_before.has_value());
  ASSERT_TRUE(edit->quota.has_value());
  EXPECT_TRUE(edit->quota->unlimited);
  EXPECT_FALSE(edit->tags->at("a").has_value());
  EXPECT_FALSE(edit->models.has_value());
}

struct QuotaCase {
  std::string json;
  bool unlimited;
  std::optional<std::int64_t> set, delta;
};

TEST(Messages, quota_edits_have_three_forms) {
  const QuotaCase table[] = {
      {"null", true, {}, {}},
      {R"("unlimited")", true, {}, {}},
      {R"("20")", false, 20'000'000'000, {}},
      {R"("0")", false, 0, {}},
      {R"({"delta":"5"})", false, {}, 5'000'000'000},
      {R"({"delta":"-0.5"})", false, {}, -500'000'000},
  };
  for (const auto& row : table) {
    const auto edit = from_json<TokenEdit>(R"({"quota":)" + row.json + "}");
    ASSERT_TRUE(edit.has_value()) << row.json << ": " << edit.error().message;
    EXPECT_EQ(edit->quota->unlimited, row.unlimited) << row.json;
    EXPECT_EQ(edit->quota->set.has_value(), row.set.has_value()) << row.json;
    if (row.set) {
      EXPECT_EQ(edit->quota->set->nano(), *row.set);
    }
    EXPECT_EQ(edit->quota->delta.has_value(), row.delta.has_value()) << row.json;
    if (row.delta) {
      EXPECT_EQ(edit->quota->delta->nano(), *row.delta);
    }
  }
}

struct RefusalCase {
  std::string json, message, hint;  // parts
};

template <class T>
void expect_refusals(std::initializer_list<RefusalCase> table) {
  for (const auto& row : table) {
    const auto message = from_json<T>(row.json);
    ASSERT_FALSE(message.has_value()) << row.json;
    EXPECT_EQ(message.error().code, ErrorCode::invalid);
    EXPECT_THAT(message.error().message, HasSubstr(row.message)) << row.json;
    EXPECT_THAT(message.error().hint, HasSubstr(row.hint)) << row.json;
  }
}

TEST(Messages, requests_are_refused_by_name) {
  expect_refusals<TokenCreate>({
      {R"({"name":"a","expries_at":null})", "unknown member 'expries_at'", "did you mean 'expires_at'?"},
      {R"({"name":"a","zzz":1})", "unknown member 'zzz'", ""},
      {"{}", "name: missing", ""},
      {R"({"name":5})", "name: expected a text", ""},
      {R"({"name":null})", "name: expected a text", ""},
      {R"({"name":"a","quota":20})", "quota: expected a decimal string or null", ""},
      {R"({"name":"a","quota":"20 dollars"})", "quota: ", ""},
      {R"({"name":"a","quota":"-1"})", "quota: ", ""},
      {R"({"name":"a","quota":"9223372037"})", "quota: ", ""},
      {R"({"name":"a","expires_at":"tomorrow"})", "expires_at: ", ""},
      {R"({"name":"a","expires_at":5})", "expires_at: expected an RFC 3339 time", ""},
      {R"({"name":"a","models":"gpt-4o"})", "models: expected a list", ""},
      {R"({"name":"a","models":null})", "models: expected a list", ""},
      {R"({"name":"a","models":["x",5]})", "models[1]: expected a text", ""},
      {R"({"name":"a","tags":{"k":1}})", "tags.k: expected a text", ""},
      {R"({"name":"a","enabled":"yes"})", "enabled: expected true or false", ""},
      {R"({"name":"a","name":"b"})", "the same name twice", ""},
      {R"({"name":"a\u0000b"})", "a NUL character", ""},
      {"", "not JSON", ""},
      {"[]", "expected an object", ""},
      {R"({"name":"a"} x)", "not JSON", ""},
      {"{\"name\":\"\xff\"}", "not JSON", ""},
      {std::string(64, '['), "nested too deeply", ""},
      {std::string((8U << 20) + 1, ' '), "too long", ""},
  });
  expect_refusals<TokenEdit>({
      {R"({"nmae":"a"})", "unknown member 'nmae'", "did you mean 'name'?"},
      {R"({"name":null})", "name: expected a text", ""},
      {R"({"models":{"ad":["x"]}})", "models: unknown member 'ad'", "did you mean 'add'?"},
      {R"({"models":{}})", "models: expected a list, or what to \"add\" and \"remove\"", ""},
      {R"({"models":{"add":"x"}})", "models.add: expected a list", ""},
      {R"({"models":null})", "models: expected a list", ""},
      {R"({"quota":5})", "quota: expected a decimal string or null, or {\"delta\": \"5\"}", ""},
      {R"({"quota":{}})", "quota.delta: missing", ""},
      {R"({"quota":{"delta":5}})", "quota.delta: expected a decimal string", ""},
      {R"({"quota":{"detla":"5"}})", "quota: unknown member 'detla'", "did you mean 'delta'?"},
  });
  expect_refusals<PriceImport>({
      {R"({"prices":[{"input":"1","output":"2","outptu":"3"}]})", "prices[0]: unknown member 'outptu'", ""},
      {R"({"prices":[{"input":"1","output":2}]})", "prices[0].output: expected a text", ""},
      {R"({"prices":[{"per_image":0.04}]})", "prices[0].per_image: expected a text", ""},
  });
  expect_refusals<TokenRotate>({
      {R"({"grace_ms":1.5})", "grace_ms: expected a whole number", ""},
      {R"({"grace_ms":1e3})", "grace_ms: expected a whole number", ""},
      {R"({"grace_ms":9223372036854775808})", "grace_ms: expected a whole number", ""},
      {R"({"grace_ms":"5"})", "grace_ms: expected a whole number", ""},
  });
  expect_refusals<AccountCredit>(
      {{"{}", "amount: missing", ""}, {R"({"amount":5})", "amount: expected a decimal string", ""}});
  expect_refusals<Empty>({{R"({"x":1})", "unknown member 'x'", ""}});
}

TEST(Messages, a_refusal_never_repeats_the_text) {
  const auto message = from_json<VerifyKey>(R"({"key": sk-cr-supersecret})");
  ASSERT_FALSE(message.has_value());
  EXPECT_THAT(message.error().message + message.error().hint, Not(HasSubstr("supersecret")));
}

TEST(Messages, answers_may_grow) {
  const auto version = from_json<Version>(R"({"version":"9","api":"v1","colour":"red"})");
  ASSERT_TRUE(version.has_value());
  EXPECT_EQ(version->version, "9");
  const auto older = from_json<Token>(R"({"name":"ci"})");
  ASSERT_TRUE(older.has_value());
  EXPECT_EQ(older->name, "ci");
}

TEST(Messages, many_names_in_one_object_are_refused) {
  std::string json = "{";
  for (int at = 0; at < 5000; ++at) json += "\"n" + std::to_string(at) + "\":1,";
  json.back() = '}';
  const auto message = from_json<TokenCreate>(json);
  ASSERT_FALSE(message.has_value());
  EXPECT_THAT(message.error().message, HasSubstr("too many names"));
}

// 8 MiB of them would be half a gigabyte of tree.
TEST(Messages, a_request_of_too_many_values_is_refused) {
  std::string text = R"({"prices":[0)";
  for (int i = 0; i < 400'000; ++i) text += ",0";
  const auto message = from_json<PriceImport>(text + "]}");
  ASSERT_FALSE(message.has_value());
  EXPECT_THAT(message.error().message, HasSubstr("too many values"));
}

TEST(Messages, invalid_utf8_is_written_as_replacement) {
  EXPECT_EQ(to_json(Names{{"a\xff"}}), "{\"names\":[\"a\xef\xbf\xbd\"]}");
  EXPECT_EQ(to_json(Names{{"\x1b[2J\n"}}), R"({"names":["\u001b[2J\n"]})");
}

TEST(Errors, go_round) {
  const base::Error error{ErrorCode::conflict, "token 'ci' exists", "choose another name"};
  const auto json = error_json(error, "req_1");
  EXPECT_EQ(
      json,
      R"({"error":{"code":"conflict","message":"token 'ci' exists","hint":"choose another name","request_id":"req_1"}})");
  const auto again = error_from_json(json, 409);
  EXPECT_EQ(again.code, error.code);
  EXPECT_EQ(again.message, error.message);
  EXPECT_EQ(again.hint, error.hint);
}

TEST(Errors, of_a_strange_answer_follow_its_status) {
  struct Row {
    int status;
    ErrorCode code;
  };
  const Row table[] = {{400, ErrorCode::invalid},   {403, ErrorCode::forbidden}, {404, ErrorCode::not_found},
                       {409, ErrorCode::conflict},  {412, ErrorCode::conflict},  {413, ErrorCode::invalid},
                       {429, ErrorCode::exhausted}, {502, ErrorCode::upstream},  {503, ErrorCode::unavailable},
                       {504, ErrorCode::timeout},   {500, ErrorCode::internal}};
  for (const auto& row : table) {
    for (const char* body : {"", "<html>", "[]", R"({"error":"text"})"}) {
      EXPECT_EQ(error_from_json(body, row.status).code, row.code) << row.status << body;
    }
  }
}

}  // namespace
}  // namespace cr::admin

// SPDX-License-Identifier: MIT
// crctl channel, group, model: what serves a request, as a user or a script sees it.
#include "integration/verbs.h"

namespace cr::test {
namespace {

using testing::HasSubstr;
using testing::Not;

const std::string k_key = "sk-provider-0123456789-abcd";

// Who the last request came to the provider as.
std::string last_key_end(Gateway& gateway) {
  return gateway.upstream.requests().back().at("authorization_end");
}

TEST(ChannelCreate, EverySettingIsKept) {
  BookedDaemon daemon;
  daemon.must({"group", "create", "vip"});
  const auto made = daemon.crctl({"channel",
                                  "create",
                                  "c",
                                  "--kind",
                                  "openai",
                                  "--base-url",
                                  "http://127.0.0.1:9/v1",
                                  "--models",
                                  "a,b-*",
                                  "--map",
                                  "alias=a",
                                  "--group",
                                  "vip,default",
                                  "--priority",
                                  "3",
                                  "--weight",
                                  "7",
                                  "--timeout-connect",
                                  "2s",
                                  "--timeout-first-byte",
                                  "30s",
                                  "--timeout-idle",
                                  "1m",
                                  "--timeout-total",
                                  "10m",
                                  "--header",
                                  "X-Team:  blue green ",
                                  "--header",
                                  "openai-organization: org-1",
                                  "--proxy",
                                  "http://proxy.example.com:3128/",
                                  "--bound-field",
                                  "max_tokens",
                                  "--note",
                                  "a note",
                                  "--allow-private",
                                  "--disabled",
                                  "--key-stdin"},
                                 k_key + "\n");
  EXPECT_EQ(made.exit, 0) << made.err;
  EXPECT_EQ(made.out, "");
  EXPECT_EQ(made.err, "created channel 'c' (openai), models a, b-*\n");
  const Json shown = json_of(daemon, {"channel", "show", "c"});
  const Json expected = {{"kind", "openai"},
                         {"base_url", "http://127.0.0.1:9/v1"},
                         {"models", {"a", "b-*"}},
                         {"model_map", {{"alias", "a"}}},
                         {"groups", {"vip", "default"}},
                         {"priority", 3},
                         {"weight", 7},
                         {"timeout_connect_ms", 2000},
                         {"timeout_first_byte_ms", 30000},
                         {"timeout_idle_ms", 60000},
                         {"timeout_total_ms", 600000},
                         {"headers", {{"openai-organization", "org-1"}, {"x-team", "blue green"}}},
                         {"proxy", "http://proxy.example.com:3128"},
                         {"ca_file", ""},
                         {"bound_field", "max_tokens"},
                         {"note", "a note"},
                         {"allow_private", true},
                         {"enabled", false},
                         {"rev", 1}};
  for (const auto& [name, value] : expected.items()) EXPECT_EQ(shown.at(name), value) << name;
  EXPECT_EQ(shown.dump().find(k_key), std::string::npos);
  EXPECT_EQ(shown.at("keys").at(0).at("last"), "abcd");
  EXPECT_EQ(daemon.sql_value("SELECT count(*) FROM channel JOIN channel_key k ON k.channel_id = channel.id "
                             "WHERE name = 'c' AND enabled = 0 AND priority = 3 AND instr(k.sealed, 'sk-pro') = 0"),
            "1");
}

TEST(ChannelCreate, RefusalsHaveAWayOut) {
  BookedDaemon daemon;
  daemon.must({"channel", "create", "taken", "--kind", "echo", "--models", "e"});
  expect_refusals(
      daemon, {
                  {{"channel", "create", "x"}, 2, "needs --kind", "crctl channel create --help"},
                  {{"channel", "create", "x", "--kind", "opanai"},
                   2,
                   "'opanai' is not one of openai, anthropic, echo",
                   "did you mean 'openai'?"},
                  {{"channel", "create", "taken", "--kind", "echo", "--models", "e"},
                   11,
                   "a channel named 'taken' exists already",
                   "another name"},
                  {{"channel", "create", "x", "--kind", "echo", "--models", "e", "--group", "defalt"},
                   10,
                   "no group named 'defalt'",
                   "did you mean 'default'?"},
                  {{"channel", "create", "x", "--kind", "echo", "--timeout-idle", "5"},
                   2,
                   "--timeout-idle: ",
                   "write a number and a unit"},
                  {{"channel", "create", "x", "--kind", "echo", "--models", "e", "--header", "Host: x"},
                   2,
                   "header 'host': crd writes it itself",
                   "leave it out"},
                  {{"channel", "create", "x", "--kind", "echo", "--models", "e", "--header", "no colon"},
                   2,
                   "--header: a header has a name, a colon and a value",
                   "write 'Name: value'"},
                  {{"channel", "create", "x", "--kind", "echo", "--models", "e", "--header", "-x-team"},
                   2,
                   "there is no 'x-team' to remove yet",
                   ""},
                  {{"channel", "create", "x", "--kind", "echo", "--models", "e", "--proxy", "http://u:p@proxy"},
                   2,
                   "proxy: it has a user name or password in it",
                   "by its address"},
                  {{"channel", "create", "x", "--kind", "echo", "--models", "e", "--ca-file", "ca.pem"},
                   2,
                   "CA file 'ca.pem' is not an absolute path",
                   "write its whole path"},
                  {{"channel", "create", "x", "--kind", "echo", "--weight", "many"},
                   2,
                   "--weight: 'many' is not a whole number",
                   ""},
                  {{"channel", "create", "x", "--kind", "echo", "--models", ","},
                   2,
                   "--models: ',' names nothing",
                   "--models=''"},
                  {{"channel", "create", "x", "--kind", "echo", "--if-rev", "1"}, 2, "--if-rev means nothing here", ""},
                  {{"channel", "show", "takn"}, 10, "no channel named 'takn'", "did you mean 'taken'?"},
                  {{"channel", "edit", "taken"}, 2, "nothing to edit", "crctl channel edit --help"},
                  {{"channel", "edit", "taken", "--models", "-f"}, 2, "'f' is not in the list", ""},
                  {{"channel", "set-key", "taken"}, 2, "a key is needed", "--key-stdin"},
              });
  EXPECT_EQ(daemon.must({"channel", "list", "-q"}), "taken\n");
}

TEST(ChannelList, FormsForProgramsAndPeople) {
  BookedDaemon daemon;
  daemon.must({"channel", "create", "e", "--kind", "echo", "--models", "a,b"});
  daemon.must({"channel", "create", "o", "--kind", "openai", "--models", "*", "--base-url",
               "https://api.example.com/v1", "--disabled"});
  EXPECT_EQ(daemon.must({"channel", "list"}),
            "name\tkind\tstate\tgroups\tmodels\tpriority\tweight\tp50\tfirst_byte_p50\terrors\tspent_30d\treason\n"
            "e\techo\tready\tdefault\ta,b\t0\t1\t\t\t\t0\t\n"
            "o\topenai\tdisabled\tdefault\t*\t0\t1\t\t\t\t0\t\n");
  const auto wide = daemon.must({"channel", "list", "-o", "wide"});
  EXPECT_THAT(wide, HasSubstr("https://api.example.com/v1"));
  EXPECT_THAT(wide, HasSubstr("none")) << "it has no key";
  EXPECT_EQ(daemon.must({"channel", "ls", "--fields", "status,name", "--no-header"}), "enabled\te\ndisabled\to\n");
  EXPECT_EQ(daemon.must({"channel", "get", "e", "--field", "models"}), "[\"a\",\"b\"]\n");
}

TEST(ChannelEdit, ChangesOnlyWhatIsNamedAndSaysHow) {
  BookedDaemon daemon;
  daemon.must({"channel", "create", "c", "--kind", "openai", "--models", "a,b", "--map", "x=a", "--note", "hi"});
  const std::vector<std::pair<Args, std::string>> table = {
      {{"--models", "+c,-a"}, "models  a,b -> b,c\n"},
      {{"--map", "y=b", "--map", "-x"}, "model_map  x=a -> y=b\n"},
      {{"--priority", "9"}, "priority  0 -> 9\n"},
      {{"--timeout-idle", "90s"}, "timeout_idle_ms  "},
      {{"--timeout-total", "5m"}, "timeout_total_ms  "},
      {{"--header", "x-a: 1", "--header", "X-B: 2"}, "headers  "},
      {{"--header", "-X-A"}, "headers  "},
      {{"--header", "-x-b"}, "headers  "},
      {{"--proxy", "http://p:1"}, "proxy  none -> http://p:1\n"},
      {{"--proxy", "none"}, "proxy  http://p:1 -> none\n"},
      {{"--ca-file", "none"}, ""},
      {{"--allow-private"}, "allow_private  no -> yes\n"},
      {{"--no-allow-private"}, "allow_private  yes -> no\n"},
      {{"--note", ""}, "note  hi -> none\n"},
      {{"--priority", "9"}, ""},
  };
  for (const auto& [flags, said] : table) {
    const auto answer = daemon.crctl(Args{"channel", "edit", "c"} + flags);
    EXPECT_EQ(answer.exit, 0) << answer.err;
    EXPECT_THAT(answer.out, testing::StartsWith(said));
    EXPECT_EQ(answer.err, said.empty() ? "channel 'c': nothing to change\n" : "");
  }
  EXPECT_EQ(daemon.sql_value("SELECT models || model_map || priority || note FROM channel"), R"(["b","c"]{"y":"b"}9)");
  EXPECT_EQ(field_of(daemon, "channel", "c", "timeout_idle_ms"), "90000");
  EXPECT_EQ(field_of(daemon, "channel", "c", "rev"), "14");
  EXPECT_EQ(daemon.crctl({"channel", "edit", "c", "--note", "late", "--if-rev", "13"}).exit, 11);
  EXPECT_EQ(daemon.crctl({"channel", "edit", "c", "--note", "dry", "--dry-run"}).out, "note  none -> dry\n");
  EXPECT_EQ(field_of(daemon, "channel", "c", "note"), "");
}

TEST(ChannelEdit, TheNextRequestSeesIt) {
  Gateway gateway;
  auto& daemon = gateway.daemon;
  const auto key = gateway.token("t");
  const auto expect_after = [&](const Args& args, int status) {
    daemon.must(args);
    EXPECT_EQ(gateway.post(key, chat("fake-a")).status, status) << args[1];
  };
  expect_after({"channel", "edit", "fake", "--models", "other"}, 404);
  expect_after({"channel", "edit", "fake", "--models", "+fake-*"}, 200);
  expect_after({"channel", "disable", "fake"}, 404);
  expect_after({"channel", "enable", "fake"}, 200);
  expect_after({"channel", "edit", "fake", "--map", "fake-a=fake-b"}, 200);
  EXPECT_EQ(gateway.upstream.requests().back().at("model"), "fake-b");
  expect_after({"channel", "delete", "fake", "--yes"}, 404);
  EXPECT_EQ(daemon.crctl({"channel", "disable", "fake", "fake-messages"}).exit, 13);
  EXPECT_EQ(field_of(daemon, "channel", "fake-messages", "enabled"), "false");
  check_witness(gateway, Run::clean);
}

TEST(ChannelKeys, SetAddAndRemove) {
  Gateway gateway;
  auto& daemon = gateway.daemon;
  const auto key = gateway.token("t");
  const auto set = daemon.crctl({"channel", "set-key", "fake", "--key-stdin"}, "sk-second-0123456789-2222\n");
  EXPECT_EQ(set.exit, 0) << set.err;
  EXPECT_EQ(set.err, "channel 'fake' has 1 key\n");
  ASSERT_EQ(gateway.post(key, chat()).status, 200);
  EXPECT_EQ(last_key_end(gateway), "2222");

  const auto tried =
      daemon.crctl({"channel", "set-key", "fake", "--add", "--key-stdin", "-n"}, "sk-third-012345-3333\n");
  EXPECT_EQ(tried.err, "channel 'fake' would have 2 keys\n");
  EXPECT_EQ(json_of(daemon, {"channel", "show", "fake"}).at("keys").size(), 1U);
  write_file(daemon.dir() / "key", "sk-third-0123456789-3333\n");
  const Json two = json_of(daemon, {"channel", "set-key", "fake", "--add", "--key-file", daemon.dir() / "key"});
  ASSERT_EQ(two.at("keys").size(), 2U);
  EXPECT_EQ(two.at("keys").at(1).at("last"), "3333");

  const auto rev = field_of(daemon, "channel", "fake", "rev");
  EXPECT_EQ(daemon.crctl({"channel", "set-key", "fake", "--remove", "sk-second", "--if-rev", "1"}).exit, 11);
  EXPECT_EQ(daemon.must({"channel", "set-key", "fake", "--remove", "sk-sec", "-n", "--field", "keys.0.last"}),
            "3333\n");
  daemon.must({"channel", "set-key", "fake", "--remove", "sk-second", "--if-rev", rev});
  ASSERT_EQ(gateway.post(key, chat()).status, 200);
  EXPECT_EQ(last_key_end(gateway), "3333");
  const auto unknown = daemon.crctl({"channel", "set-key", "fake", "--remove", "sk-second"});
  EXPECT_EQ(unknown.exit, 10);
  EXPECT_THAT(unknown.err, HasSubstr("hint: give the beginning that 'crctl channel show fake' shows"));
  EXPECT_EQ(daemon.crctl({"channel", "set-key", "fake", "--key-stdin"}, "\n").exit, 2) << "no key at all";
  EXPECT_EQ(daemon.crctl({"channel", "set-key", "fake", "--key-stdin"}, "two words\n").exit, 2);
  EXPECT_EQ(daemon.sql_value("SELECT count(*) FROM channel_key k JOIN channel c ON c.id = k.channel_id "
                             "WHERE c.name = 'fake'"),
            "1");
  check_witness(gateway, Run::clean);
}

TEST(ChannelTest, SaysWhetherItAnswersAndCostsNobody) {
  Gateway gateway;
  auto& daemon = gateway.daemon;
  daemon.must({"channel", "create", "try", "--kind", "echo", "--models", "echo-*,echo-one"});
  EXPECT_THAT(daemon.must({"channel", "test", "try"}), testing::StartsWith("ok: echo-one answered 200 in "));
  const auto good = daemon.crctl({"channel", "test", "fake", "--model", "fake-b"});
  EXPECT_EQ(good.exit, 0) << good.err;
  EXPECT_THAT(good.out, testing::StartsWith("ok: fake-b answered 200 in "));
  gateway.upstream.behave({{"status", 401}, {"times", 2}});
  const auto refused = daemon.crctl({"channel", "test", "fake", "--model", "fake-b"});
  EXPECT_EQ(refused.exit, 1);
  EXPECT_EQ(refused.out, "");
  EXPECT_THAT(refused.err, HasSubstr("error: channel 'fake': "));
  EXPECT_THAT(refused.err, HasSubstr("refused the channel's key"));
  EXPECT_THAT(refused.err, HasSubstr("hint: give it another key: crctl channel set-key fake --key-stdin"));
  EXPECT_EQ(daemon.crctl({"channel", "test", "fake", "--model", "fake-b", "-q"}).exit, 1);
  const Json json = json_of(daemon, {"channel", "test", "fake", "--model", "fake-b"});
  EXPECT_EQ(json.at("ok"), true);
  const auto patterns = daemon.crctl({"channel", "test", "fake"});
  EXPECT_EQ(patterns.exit, 1);
  EXPECT_THAT(patterns.err, HasSubstr("patterns: name one with --model"));
  EXPECT_EQ(daemon.crctl({"channel", "test", "nobody"}).exit, 10);
  EXPECT_EQ(ledger_sum(gateway, "posted + reserved"), 0);
  EXPECT_EQ(daemon.must({"request", "list", "-q"}), "");
}

// A provider that refuses one of the channel's keys, and one of which the health book knows it.
TEST(ChannelTest, TriesEachKeyAndTakesBackOnlyWhatWasAccepted) {
  Gateway gateway;
  auto& daemon = gateway.daemon;
  daemon.must({"channel", "set-key", "fake", "--key-stdin"}, "sk-good-key-0123456789aaaa\n");
  daemon.must({"channel", "set-key", "fake", "--add", "--key-stdin"}, "sk-badd-key-0123456789bbbb\n");
  gateway.upstream.behave({{"status", 401}, {"times", -1}, {"authorization_end", "bbbb"}});
  const std::vector<std::string> test{"channel", "test", "fake", "--model", "fake-b"};
  const auto both = daemon.crctl(test);
  EXPECT_EQ(both.exit, 13) << both.err;
  EXPECT_THAT(both.out, testing::ContainsRegex("ok: key sk-good[^\n]*aaaa: fake-b answered 200 in "));
  EXPECT_THAT(both.out, testing::ContainsRegex("failed: key sk-badd[^\n]*bbbb: the provider refused"));
  EXPECT_THAT(both.err, HasSubstr("error: channel 'fake': 1 of 2 keys failed: sk-badd"));
  EXPECT_THAT(both.err, HasSubstr("crctl channel set-key fake --add"));
  EXPECT_THAT(both.out + both.err, Not(HasSubstr("0123456789")));
  EXPECT_EQ(gateway.arrived(), 2);

  const auto key = gateway.token("t", {"--quota", "1"});
  for (int i = 0; i < 4; ++i) gateway.post(key, chat());
  EXPECT_EQ(json_of(daemon, {"channel", "show", "fake"}).at("health").at("keys_aside"), 1);
  EXPECT_EQ(daemon.crctl(test).exit, 13);
  EXPECT_EQ(json_of(daemon, {"channel", "show", "fake"}).at("health").at("keys_aside"), 1) << "it is refused still";
  auto only = test;
  only.insert(only.end(), {"--only", "sk-good"});
  EXPECT_EQ(daemon.crctl(only).exit, 0);
  EXPECT_EQ(json_of(daemon, {"channel", "show", "fake"}).at("health").at("keys_aside"), 1) << "it was not tried";
  gateway.upstream.reset();
  only.back() = "sk-badd";
  const Json good = json_of(daemon, only);
  EXPECT_EQ(good.at("ok"), true);
  ASSERT_EQ(good.at("keys").size(), 1U);
  EXPECT_EQ(good.at("keys")[0].at("last"), "bbbb");
  EXPECT_EQ(json_of(daemon, {"channel", "show", "fake"}).at("health").at("keys_aside"), 0);
  only.back() = "sk-none";
  const auto nobody = daemon.crctl(only);
  EXPECT_EQ(nobody.exit, 10);
  EXPECT_THAT(nobody.err, HasSubstr("no key begins with what was given"));
}

TEST(ChannelCreate, AnswersWithoutABaseUrlComeFromWhomTheKindIsNamedAfter) {
  BookedDaemon daemon;
  for (const auto& [kind, url] : {std::pair<std::string, std::string>{"openai", "https://api.openai.com/v1"},
                                  std::pair<std::string, std::string>{"anthropic", "https://api.anthropic.com/v1"},
                                  std::pair<std::string, std::string>{"echo", ""}}) {
    daemon.must({"channel", "create", kind, "--kind", kind, "--map", "a=b"});
    EXPECT_EQ(field_of(daemon, "channel", kind, "base_url"), url);
    EXPECT_EQ(field_of(daemon, "channel", kind, "models"), "[]");
  }
}

TEST(ChannelDelete, AsksAndTakesTheKeysAlong) {
  BookedDaemon daemon;
  daemon.must({"channel", "create", "c", "--kind", "openai", "--models", "m", "--key-stdin"}, k_key + "\n");
  expect_refusals(daemon, {{{"channel", "delete", "c"}, 2, "a confirmation is needed: delete channel 'c'?", "--yes"}});
  EXPECT_EQ(daemon.crctl({"channel", "delete", "c", "--dry-run"}).err, "would have deleted channel 'c'\n");
  EXPECT_EQ(daemon.must({"channel", "list", "-q"}), "c\n");
  EXPECT_EQ(daemon.crctl({"channel", "rm", "c", "-y"}).err, "deleted channel 'c'\n");
  EXPECT_EQ(daemon.must({"channel", "list", "-q"}), "");
  EXPECT_EQ(daemon.sql_value("SELECT count(*) FROM channel_key"), "0");
  EXPECT_EQ(daemon.crctl({"channel", "delete", "c", "-y"}).exit, 10);
}

TEST(Group, LivesAndDies) {
  BookedDaemon daemon;
  EXPECT_EQ(daemon.crctl({"group", "create", "vip", "--multiplier", "1.5", "--note", "n"}).err,
            "created group 'vip', multiplier 1.5\n");
  EXPECT_EQ(daemon.must({"group", "list"}),
            "name\tmultiplier\ttokens\tchannels\ndefault\t1\t0\tnone\nvip\t1.5\t0\tnone\n");
  EXPECT_EQ(daemon.must({"group", "edit", "vip", "--multiplier", "2", "--note", ""}),
            "multiplier  1.5 -> 2\nnote        n -> none\n");
  EXPECT_EQ(daemon.sql_value("SELECT multiplier_millionths FROM grp WHERE name = 'vip'"), "2000000");
  daemon.must({"token", "create", "t", "--group", "vip"});
  daemon.must({"channel", "create", "e", "--kind", "echo", "--models", "e", "--group", "vip"});
  const Json shown = json_of(daemon, {"group", "show", "vip"});
  EXPECT_EQ(shown.at("tokens"), 1);
  EXPECT_EQ(shown.at("channels"), Json({"e"}));
  expect_refusals(daemon, {
                              {{"group", "create", "vip"}, 11, "a group named 'vip' exists already", "another name"},
                              {{"group", "create", "x", "--multiplier", "-1"}, 2, "multiplier: ", "write"},
                              {{"group", "create", "a b"}, 2, "group name \"a b\"", "use 1 to 64"},
                              {{"group", "edit", "vip"}, 2, "nothing to edit", "crctl group edit --help"},
                              {{"group", "show", "vpi"}, 10, "no group named 'vpi'", "did you mean 'vip'?"},
                              {{"group", "delete", "vip", "--yes"}, 11, "group 'vip': ", "first"},
                          });
  daemon.must({"token", "edit", "t", "--group", "default"});
  daemon.must({"channel", "edit", "e", "--group", "+default,-vip"});
  EXPECT_EQ(daemon.crctl({"group", "delete", "vip", "--yes"}).err, "deleted group 'vip'\n");
  EXPECT_EQ(daemon.must({"group", "list", "-q"}), "default\n");
}

TEST(Group, ItsMultiplierIsInTheCost) {
  Gateway gateway;
  gateway.daemon.must({"group", "create", "dear", "--multiplier", "1.5"});
  gateway.daemon.must({"channel", "edit", "fake", "--group", "+dear"});
  const auto key = gateway.token("t", {"--group", "dear"});
  ASSERT_EQ(gateway.post(key, chat()).status, 200);
  EXPECT_EQ(gateway.posted("t") * 2, witnessed_cost(gateway) * 3);
}

TEST(ModelList, WhatATokenOrAGroupCanReach) {
  BookedDaemon daemon;
  daemon.must({"group", "create", "vip"});
  daemon.must({"channel", "create", "low", "--kind", "echo", "--models", "a,b"});
  daemon.must({"channel", "create", "high", "--kind", "echo", "--models", "b", "--priority", "5"});
  daemon.must({"channel", "create", "v", "--kind", "echo", "--models", "c", "--group", "vip"});
  daemon.must({"token", "create", "t", "--models", "b"});
  EXPECT_EQ(daemon.must({"model", "list"}), "model\tchannels\na\tlow\nb\thigh,low\nc\tv\n");
  EXPECT_EQ(daemon.must({"model", "list", "--group", "vip", "-q"}), "c\n");
  EXPECT_EQ(daemon.must({"model", "list", "--token", "t", "--no-header"}), "b\thigh,low\n");
  EXPECT_EQ(json_of(daemon, {"model", "list", "--token", "t"})[0].at("channels"), Json({"high", "low"}));
  expect_refusals(daemon, {
                              {{"model", "list", "--group", "vpi"}, 10, "no group named 'vpi'", "did you mean 'vip'?"},
                              {{"model", "list", "--token", "nobody"}, 10, "no token named 'nobody'", ""},
                              {{"model", "list", "--token", "t", "--group", "vip"}, 2, "cannot be given together", ""},
                          });
}

}  // namespace
}  // namespace cr::test

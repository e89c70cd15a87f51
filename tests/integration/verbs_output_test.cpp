// SPDX-License-Identifier: MIT
// How crctl answers: forms for programs and for eyes, the terminal, streams that are closed or full.
#include "integration/verbs.h"
#include "support/programs.h"
#include "support/terminal.h"

namespace cr::test {
namespace {

using testing::HasSubstr;
using testing::Not;

std::vector<std::string> on(Daemon& daemon, const Args& args) {
  return Args{crctl_program(), "--socket", daemon.socket()} + args;
}

// crctl with its standard streams as the shell puts them.
Finished in_shell(Daemon& daemon, const std::string& line) {
  return run({.argv = {"sh", "-c", line},
              .env = {{"CRCTL_SOCKET", daemon.socket()}, {"CRCTL", crctl_program()}},
              .directory = {}});
}

struct Form {
  Args flags;
  std::string list, show;
};

TEST(Output, EveryFormOfAListAndOfOneObject) {
  BookedDaemon daemon;
  daemon.must({"group", "create", "a", "--note", "x, \"y\"\tz"});
  const std::string head = "name\tmultiplier\ttokens\tchannels\n";
  const std::vector<Form> table = {
      {{"--fields", "name,note", "-o", "tsv"},
       "name\tnote\na\tx, \"y\"\\x09z\ndefault\t\n",
       "field\tvalue\nname\ta\nnote\tx, \"y\"\\x09z\n"},
      {{"--fields", "name,note", "-o", "csv"},
       "name,note\na,\"x, \"\"y\"\"\tz\"\ndefault,\n",
       "field,value\nname,a\nnote,\"x, \"\"y\"\"\tz\"\n"},
      {{"--fields", "name,id", "-o", "jsonl"},
       "{\"name\":\"a\",\"id\":2}\n{\"name\":\"default\",\"id\":1}\n",
       "{\"name\":\"a\",\"id\":2}\n"},
      {{"--fields", "id", "--json"},
       "[\n  {\n    \"id\": 2\n  },\n  {\n    \"id\": 1\n  }\n]\n",
       "{\n  \"id\": 2\n}\n"},
      {{"-o", "name"}, "a\ndefault\n", "a\n"},
      {{"-q"}, "a\ndefault\n", "a\n"},
      {{"--field", "id"}, "2\n1\n", "2\n"},
      {{"--fields", "id,name", "--no-header"}, "2\ta\n1\tdefault\n", "id\t2\nname\ta\n"},
      {{"--fields", "name,multiplier", "-o", "table"},
       "NAME     MULTIPLIER\na                 1\ndefault           1\n",
       "name        a\nmultiplier  1\n"},
      {{"-o", "wide", "--no-header", "--fields", "name"}, "a\ndefault\n", "name  a\n"},
      {{"-otsv"}, head + "a\t1\t0\tnone\ndefault\t1\t0\tnone\n", ""},
  };
  for (const auto& form : table) {
    EXPECT_EQ(daemon.must(Args{"group", "list"} + form.flags), form.list) << form.flags.back();
    if (form.show.empty()) continue;
    EXPECT_EQ(daemon.must(Args{"group", "show", "a"} + form.flags), form.show) << form.flags.back();
  }
}

TEST(Output, EveryNounListsItsFieldsWithoutADaemon) {
  for (const Args& verb :
       {Args{"token", "list"}, Args{"channel", "list"}, Args{"group", "show", "x"}, Args{"account", "list"},
        Args{"price", "show", "x"}, Args{"model", "list"}, Args{"request", "list"}, Args{"usage"}, Args{"status"}}) {
    const auto answer = run({.argv = Args{crctl_program(), "--socket", "/nonexistent"} + verb + Args{"--fields=help"},
                             .env = {},
                             .directory = {}});
    EXPECT_EQ(answer.exit, 0) << verb[0] << answer.err;
    const auto names = lines(answer.out);
    EXPECT_GE(names.size(), 2U) << verb[0];
    for (const auto& name : names) EXPECT_THAT(name, testing::MatchesRegex("[a-z_0-9]+"));
  }
}

TEST(Output, FieldsThatAreNotThere) {
  BookedDaemon daemon;
  expect_refusals(daemon,
                  {
                      {{"group", "list", "--fields", "nmae"}, 2, "no field named 'nmae'", "did you mean 'name'?"},
                      {{"group", "list", "--field", "zzz"}, 2, "no field named 'zzz'", "--fields=help"},
                      {{"group", "list", "-o", "jsn"}, 2, "--output: 'jsn' is not one of", "did you mean 'json'?"},
                      {{"group", "create", "x", "--fields=help"}, 2, "--fields=help is for what shows", "'list'"},
                  });
  const auto json = daemon.crctl({"group", "list", "--json", "--fields", "nmae"});
  EXPECT_EQ(json.exit, 2);
  EXPECT_EQ(json.out, "");
  EXPECT_EQ(daemon.must({"group", "list", "-q"}), "default\n");
}

TEST(Output, WordsThatAreNotThere) {
  BookedDaemon daemon;
  expect_refusals(
      daemon,
      {
          {{"tokn", "list"}, 2, "unknown command 'tokn'", "did you mean 'token'?"},
          {{"token", "lst"}, 2, "'token' has no verb 'lst'", "did you mean 'list'?"},
          {{"token"}, 2, "'crctl token' needs a verb: list, show", "crctl token --help"},
          {{"token", "list", "--grop", "x"}, 2, "unknown flag --grop for 'crctl token list'", "did you mean --group?"},
          {{"tok", "list"}, 2, "unknown command 'tok'", "crctl --help"},
          {{"token", "list", "--yes=maybe"}, 2, "--yes takes no value", "--help"},
          {{"token", "show"}, 2, "needs NAME", "crctl token show --help"},
          {{"token", "list", "--tz", "Mars/Base"}, 2, "no time zone named 'Mars/Base'", "Europe/Berlin"},
          {{"token", "list", "--timeout", "0s"}, 2, "--timeout must be more than nothing", ""},
          {{"help", "tokne"}, 2, "no help about 'tokne'", "did you mean 'token'?"},
          {{"completion", "tcsh"}, 2, "no completion for 'tcsh'", "bash, zsh, fish"},
      });
}

TEST(Output, QuietSaysNothingOfChanges) {
  BookedDaemon daemon;
  for (const Args& change : {Args{"group", "create", "g"}, Args{"group", "edit", "g", "--note", "x"},
                             Args{"account", "create", "a", "--quota", "1"}, Args{"account", "credit", "a", "1"},
                             Args{"account", "disable", "a"}, Args{"group", "delete", "g", "-y"}}) {
    const auto answer = daemon.crctl(change + Args{"-q"});
    EXPECT_EQ(answer.exit, 0) << answer.err;
    EXPECT_EQ(answer.out + answer.err, "") << change[1];
  }
}

TEST(Streams, AClosedOrFullStdoutIsNoSuccess) {
  BookedDaemon daemon;
  const auto full = in_shell(daemon, "\"$CRCTL\" group list > /dev/full");
  EXPECT_EQ(full.exit, 1);
  EXPECT_EQ(full.err, "error: cannot write to standard output: no space left on device\n");
  const auto closed = in_shell(daemon, "\"$CRCTL\" group list >&-");
  EXPECT_EQ(closed.exit, 1);
  EXPECT_THAT(closed.err, HasSubstr("error: cannot write to standard output: "));
  const auto left = run({.argv = on(daemon, {"group", "list"}), .env = {}, .directory = {}, .broken_out = true});
  EXPECT_EQ(left.exit, 1);
  EXPECT_EQ(left.err, "") << "whoever closed the pipe has seen enough";
  EXPECT_EQ(in_shell(daemon, "\"$CRCTL\" group create g 2>&- && \"$CRCTL\" group list -q | head -n 1").out,
            "default\n");
  EXPECT_EQ(in_shell(daemon, "\"$CRCTL\" group delete g -y <&-").exit, 0);
}

TEST(OnATerminal, ItAsksAndNoIsNo) {
  BookedDaemon daemon;
  for (const std::string name : {"g", "h"}) daemon.must({"group", "create", name});
  for (const auto& [typed, exit] : {std::pair{"n\r", 16}, std::pair{"\r", 16}, std::pair{"\x04", 16}}) {
    Terminal terminal(on(daemon, {"group", "delete", "g"}), {});
    ASSERT_TRUE(terminal.wait_for("delete group 'g'? [y/N] "));
    terminal.type(typed);
    EXPECT_EQ(terminal.wait(), exit);
    EXPECT_THAT(terminal.screen(), HasSubstr("nothing was deleted"));
  }
  Terminal interrupted(on(daemon, {"group", "delete", "g"}), {});
  ASSERT_TRUE(interrupted.wait_for("[y/N] "));
  interrupted.type("\x03");
  EXPECT_EQ(interrupted.wait(), 130);
  Terminal forbidden(on(daemon, {"group", "delete", "g", "--no-input"}), {});
  EXPECT_EQ(forbidden.wait(), 2);
  EXPECT_EQ(daemon.must({"group", "list", "-q"}), "default\ng\nh\n");
  Terminal agreed(on(daemon, {"group", "delete", "g", "h"}), {});
  ASSERT_TRUE(agreed.wait_for("delete 2 groups? [y/N] "));
  agreed.type("y\r");
  EXPECT_EQ(agreed.wait(), 0);
  EXPECT_EQ(daemon.must({"group", "list", "-q"}), "default\n");
}

TEST(OnATerminal, ASecretIsTypedUnseen) {
  BookedDaemon daemon;
  daemon.must({"channel", "create", "c", "--kind", "openai", "--models", "m"});
  const std::string key = "sk-0123456789-typed-0123456789-wxyz";  // its hint shows both ends
  Terminal terminal(on(daemon, {"channel", "set-key", "c"}), {});
  ASSERT_TRUE(terminal.wait_for("the provider's key (not shown): "));
  terminal.type(key + "\r");
  EXPECT_EQ(terminal.wait(), 0);
  EXPECT_THAT(terminal.screen(), HasSubstr("channel 'c' has 1 key"));
  EXPECT_THAT(terminal.screen(), Not(HasSubstr("typed")));
  EXPECT_EQ(json_of(daemon, {"channel", "show", "c"}).at("keys").at(0).at("last"), "wxyz");
}

TEST(OnATerminal, TablesFitTheScreen) {
  BookedDaemon daemon;
  daemon.must({"token", "create", "a-token-with-quite-a-long-name", "--quota", "20", "--expires", "30d"});
  daemon.must({"channel", "create", "c", "--kind", "openai", "--models", "one,two,three,four,five,six,seven,eight"});
  for (const std::uint16_t columns : std::initializer_list<std::uint16_t>{40, 60, 80, 132}) {
    for (const auto* noun : {"token", "channel", "group", "account", "model", "price"}) {
      Terminal terminal(on(daemon, {noun, "list"}), {}, {.columns = columns, .rows = 24});
      EXPECT_EQ(terminal.wait(), 0);
      const auto shown = lines(terminal.screen());
      ASSERT_GE(shown.size(), 1U) << noun;
      EXPECT_THAT(shown[0], HasSubstr("\033[1m")) << "the head is bold";
      for (const auto& line : lines(std::string(terminal.screen()))) {
        std::size_t width = 0;
        bool escape = false;
        for (const char c : line) {
          if (c == '\033') escape = true;
          if (!escape && (static_cast<unsigned char>(c) & 0xC0U) != 0x80U) ++width;
          if (escape && c == 'm') escape = false;
        }
        EXPECT_LE(width, columns) << noun << ": " << line;
      }
    }
  }
}

TEST(OnATerminal, ColourIsAWish) {
  BookedDaemon daemon;
  const auto shown = [&](const Args& flags, const std::map<std::string, std::string>& env) {
    Terminal terminal(on(daemon, Args{"group", "show", "nobody"} + flags), env);
    EXPECT_EQ(terminal.wait(), 10);
    return terminal.screen();
  };
  const std::string colour = "\033[31merror:\033[0m ";
  EXPECT_THAT(shown({}, {}), testing::StartsWith(colour));
  EXPECT_THAT(shown({}, {{"NO_COLOR", "1"}}), testing::StartsWith("error: "));
  EXPECT_THAT(shown({}, {{"TERM", "dumb"}}), testing::StartsWith("error: "));
  EXPECT_THAT(shown({"--color", "always"}, {{"NO_COLOR", "1"}}), testing::StartsWith(colour));
  EXPECT_THAT(shown({"--color=never"}, {}), testing::StartsWith("error: "));
  EXPECT_THAT(daemon.crctl({"group", "list", "-o", "table"}).out, Not(HasSubstr("\033"))) << "no terminal";
  EXPECT_THAT(daemon.crctl({"group", "list", "-o", "table", "--color=always"}).out, HasSubstr("\033[1m"));
}

TEST(OnATerminal, NamesFromOutsideMoveNoCursor) {
  Gateway gateway;
  const auto key = gateway.token("t");
  gateway.daemon.must({"channel", "edit", "fake", "--models", "*"});
  const std::string evil = "fake-\033[2J\xc2\x9b\xe2\x80\xae";
  gateway.post(key, chat(evil));
  for (const Args& report : {Args{"request", "list"}, Args{"usage", "--by", "model"}}) {
    for (const std::string form : {"table", "tsv"}) {
      const auto shown = gateway.daemon.must(report + Args{"-o", form});
      EXPECT_THAT(shown, HasSubstr("fake-")) << form;
      for (const auto* raw : {"\033", "\xc2\x9b", "\xe2\x80\xae"})
        EXPECT_EQ(shown.find(raw), std::string::npos) << form;
    }
  }
  EXPECT_EQ(ledger_sum(gateway, "posted + reserved"), 0) << "the model has no price";
}

// Several names are one value, whatever becomes of each; one name is its object.
TEST(Output, OfSeveralNamesIsAnArray) {
  BookedDaemon daemon;
  for (const auto* name : {"a", "b"}) daemon.must({"token", "create", name, "-q"});
  const auto names_in = [](const std::string& out) {
    std::vector<std::string> names;
    for (const auto& one : Json::parse(out)) names.push_back(one.at("name"));
    return names;
  };
  using testing::ElementsAre;
  EXPECT_THAT(names_in(daemon.must({"token", "disable", "a", "b", "--json"})), ElementsAre("a", "b"));
  const auto some = daemon.crctl({"token", "enable", "a", "gone", "b", "--json"});
  EXPECT_EQ(some.exit, 13);
  EXPECT_THAT(names_in(some.out), ElementsAre("a", "b"));
  EXPECT_EQ(Json::parse(some.err).at("code"), "not_found");
  EXPECT_EQ(daemon.crctl({"token", "enable", "gone", "away", "--json"}).out, "[]\n");
  EXPECT_EQ(Json::parse(daemon.must({"token", "disable", "a", "--json"})).at("name"), "a");
  EXPECT_EQ(daemon.must({"token", "enable", "a", "b", "--field", "name"}), "a\nb\n");
  EXPECT_THAT(lines(daemon.must({"token", "disable", "a", "b", "-o", "jsonl"})), testing::SizeIs(2));
  EXPECT_THAT(names_in(daemon.must({"token", "delete", "a", "b", "--yes", "--json"})), ElementsAre("a", "b"));
}

}  // namespace
}  // namespace cr::test

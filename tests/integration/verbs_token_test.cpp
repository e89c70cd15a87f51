// SPDX-License-Identifier: MIT
// crctl token: create, list, show, edit, enable, disable, check, as a user or a script sees them.
#include <sys/stat.h>

#include "integration/verbs.h"
#include "support/programs.h"

namespace cr::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::StartsWith;

std::string status_of(Daemon& daemon, const std::string& token) {
  return daemon.must({"token", "show", token, "--field", "status"});
}

unsigned mode_of(const std::string& path) {
  struct stat info {};
  EXPECT_EQ(::stat(path.c_str(), &info), 0) << path;
  return info.st_mode & 0777U;
}

TEST(TokenCreate, TheKeyAloneGoesToStdout) {
  BookedDaemon daemon;
  const auto made = daemon.crctl({"token", "create", "ci", "--quota", "20", "--expires", "30d"});
  EXPECT_EQ(made.exit, 0);
  EXPECT_THAT(made.out, MatchesRegex("sk-cr-[0-9A-Za-z]+\n"));
  EXPECT_THAT(made.err, HasSubstr("created token 'ci': quota $20.00, expires "));
  EXPECT_THAT(made.err, HasSubstr("the key is shown this once"));
  const auto key = lines(made.out).at(0);
  EXPECT_EQ(made.err.find(key), std::string::npos);
  EXPECT_EQ(HttpClient(daemon.port(), key).get("/v1/models").status, 200);
}

TEST(TokenCreate, JsonIsTheWholeTokenWithItsKey) {
  BookedDaemon daemon;
  const Json made = Json::parse(daemon.must({"token", "create", "whole", "--json", "--quota", "0.25", "--expires",
                                             "2099-01-01T00:00:00Z", "--models", "gpt-*,o3", "--allow-ip", "10.0.0.0/8",
                                             "--tag", "team=x", "--note", "a note", "--when-low", "refuse"}));
  EXPECT_THAT(made.at("key").get<std::string>(), StartsWith("sk-cr-"));
  EXPECT_EQ(made.at("quota"), "0.25");
  EXPECT_EQ(made.at("left"), "0.25");
  EXPECT_EQ(made.at("models"), Json({"gpt-*", "o3"}));
  EXPECT_EQ(made.at("allow_ip"), Json({"10.0.0.0/8"}));
  EXPECT_EQ(made.at("tags"), Json({{"team", "x"}}));
  EXPECT_EQ(made.at("note"), "a note");
  EXPECT_EQ(made.at("when_low"), "refuse");
  EXPECT_EQ(made.at("status"), "enabled");
  EXPECT_THAT(made.at("expires_at").get<std::string>(), StartsWith("2099-01-01T00:00:00"));
  // Shown again, it is the same, without the key.
  Json shown = Json::parse(daemon.must({"token", "show", "whole", "--json"}));
  EXPECT_FALSE(shown.contains("key"));
  shown["key"] = made.at("key");
  EXPECT_EQ(shown, made);
}

TEST(TokenCreate, NoLimitHasSeveralNames) {
  BookedDaemon daemon;
  int number = 0;
  for (const std::string none : {"never", "none", "-1"}) {
    const auto name = "endless" + std::to_string(number++);
    daemon.must({"token", "create", name, "--expires=" + none, "--models", "", "--quota=-1"});
    const Json shown = Json::parse(daemon.must({"token", "show", name, "--json"}));
    EXPECT_TRUE(shown.at("expires_at").is_null()) << none;
    EXPECT_TRUE(shown.at("quota").is_null()) << none;
    EXPECT_TRUE(shown.at("models").empty()) << none;
  }
}

TEST(TokenCreate, OutWritesANewFileForItsOwnerAlone) {
  BookedDaemon daemon;
  const auto file = daemon.dir() / "key";
  const auto made = daemon.crctl({"token", "create", "one", "--out", file});
  EXPECT_EQ(made.exit, 0) << made.err;
  EXPECT_EQ(made.out, "");
  EXPECT_EQ(mode_of(file), 0600U);
  const auto key = read_file(file);
  EXPECT_THAT(key, MatchesRegex("sk-cr-[0-9A-Za-z]+\n"));

  const auto again = daemon.crctl({"token", "create", "two", "--out", file});
  EXPECT_EQ(again.exit, 11);
  EXPECT_THAT(again.err, HasSubstr("exists already"));
  EXPECT_THAT(again.err, HasSubstr("--force"));
  EXPECT_EQ(read_file(file), key);
  EXPECT_EQ(daemon.crctl({"token", "show", "two"}).exit, 10) << "made although its key could not be written";

  daemon.must({"token", "create", "two", "--out", file, "--force", "--format", "env"});
  EXPECT_THAT(read_file(file), MatchesRegex("OPENAI_API_KEY=sk-cr-[0-9A-Za-z]+\n"));
  EXPECT_EQ(mode_of(file), 0600U);
  daemon.must({"token", "create", "three", "--out", file, "--force", "--format", "json"});
  EXPECT_EQ(Json::parse(read_file(file)).at("name"), "three");
}

TEST(TokenCreate, LikeTakesWhatIsNotGiven) {
  BookedDaemon daemon;
  daemon.must({"token", "create", "model", "--quota", "5", "--models", "a,b", "--tag", "k=v", "--note", "n",
               "--allow-ip", "192.0.2.0/24", "--when-low", "refuse"});
  daemon.must({"token", "create", "copy", "--like", "model", "--quota", "7"});
  const Json from = Json::parse(daemon.must({"token", "show", "model", "--json"}));
  const Json made = Json::parse(daemon.must({"token", "show", "copy", "--json"}));
  for (const auto* same : {"models", "tags", "note", "allow_ip", "when_low", "account", "groups"})
    EXPECT_EQ(made.at(same), from.at(same)) << same;
  EXPECT_EQ(made.at("quota"), "7");
  EXPECT_NE(made.at("keys").at(0).at("id"), from.at("keys").at(0).at("id"));
  EXPECT_EQ(daemon.crctl({"token", "create", "x", "--like", "nobody"}).exit, 10);
}

TEST(TokenCreate, AnImportedKeyWorks) {
  BookedDaemon daemon;
  const std::string key = "sk-brought-along-0123456789abcdef";
  daemon.must({"token", "create", "imported", "--key-stdin"}, key + "\n");
  EXPECT_EQ(HttpClient(daemon.port(), key).get("/v1/models").status, 200);
  EXPECT_EQ(HttpClient(daemon.port(), key + "x").get("/v1/models").status, 401);
  EXPECT_EQ(daemon.crctl({"token", "create", "again", "--key-stdin"}, key + "\n").exit, 11) << "a key is of one token";
  const auto weak = daemon.crctl({"token", "create", "weak", "--key-stdin"}, "short\n");
  EXPECT_EQ(weak.exit, 2);
  EXPECT_THAT(weak.err, HasSubstr("shorter than 20 bytes"));
  write_file(daemon.dir() / "keyfile", "sk-from-a-file-0123456789abcdef\n");
  daemon.must({"token", "create", "filed", "--key-file", daemon.dir() / "keyfile"});
  EXPECT_EQ(HttpClient(daemon.port(), "sk-from-a-file-0123456789abcdef").get("/v1/models").status, 200);
}

TEST(TokenCreate, AKeyThatCannotBeWrittenIsRevoked) {
  BookedDaemon daemon;
  const auto broken = run({.argv = {crctl_program(), "--socket", daemon.socket(), "token", "create", "lost"},
                           .env = {},
                           .directory = {},
                           .broken_out = true});
  EXPECT_EQ(broken.exit, 1);
  EXPECT_THAT(broken.err, HasSubstr("the new key of 'lost' was revoked"));
  EXPECT_EQ(daemon.crctl({"token", "show", "lost"}).exit, 10);
  EXPECT_EQ(daemon.sql_value("SELECT count(*) FROM key"), "0");
}

struct Refused {
  Args flags;
  std::string message, hint;
};

TEST(TokenCreate, BadValuesAreNamedWithTheWayOut) {
  BookedDaemon daemon;
  const std::vector<Refused> table = {
      {{"a b"}, "name \"a b\"", "use 1 to 64"},
      {{".hidden"}, "name \".hidden\"", "use 1 to 64"},
      {{std::string(65, 'n')}, "name", "use 1 to 64"},
      {{"t", "--quota", "abc"}, "\"abc\": not a number", "write dollars"},
      {{"t", "--quota", "0.0000000001"}, "more than 9 decimals", "write dollars"},
      {{"t", "--expires", "5M"}, "M may be minutes (m) or months (mo)", "write a duration"},
      {{"t", "--expires", "soon"}, "\"soon\"", "write"},
      {{"t", "--expires", "2020-01-01"}, "is in the past", "never"},
      {{"t", "--allow-ip", "1.2.3"}, "\"1.2.3\": not an IP address or CIDR", "192.0.2.0/24"},
      {{"t", "--when-low", "maybe"}, "'maybe' is not one of clamp, refuse", ""},
      {{"t", "--quota"}, "--quota needs a value", "--help"},
      {{"t", "extra"}, "unexpected argument (not shown: it may be a key)", "--help"},
      {{"t", "--nosuch"}, "unknown flag --nosuch", "--help"},
  };
  for (const auto& row : table) {
    Args args{"token", "create"};
    args.insert(args.end(), row.flags.begin(), row.flags.end());
    const auto answer = daemon.crctl(args);
    EXPECT_EQ(answer.exit, 2) << answer.err;
    EXPECT_EQ(answer.out, "");
    EXPECT_THAT(answer.err, StartsWith("error: "));
    EXPECT_THAT(answer.err, HasSubstr(row.message));
    if (!row.hint.empty()) {
      EXPECT_THAT(answer.err, HasSubstr("\nhint: "));
      EXPECT_THAT(answer.err, HasSubstr(row.hint));
    }
  }
  EXPECT_EQ(daemon.must({"token", "list", "-q"}), "");
  daemon.must({"token", "create", "taken"});
  const auto twice = daemon.crctl({"token", "create", "taken"});
  EXPECT_EQ(twice.exit, 11);
  EXPECT_THAT(twice.err, HasSubstr("a token named 'taken' exists already"));
  EXPECT_EQ(daemon.crctl({"token", "create", "TAKEN"}).exit, 11) << "names differ in more than case";
}

TEST(TokenList, FiltersAndOrder) {
  BookedDaemon daemon;
  daemon.must({"group", "create", "vip"});
  daemon.must({"account", "create", "acme"});
  daemon.must({"token", "create", "ci-1", "--quota", "1", "--tag", "team=x", "--expires", "3d"});
  daemon.must({"token", "create", "ci-2", "--quota", "2", "--tag", "team=y", "--group", "vip"});
  daemon.must({"token", "create", "web", "--disabled", "--account", "acme"});
  daemon.must({"token", "create", "later", "--not-before", "2099-01-01T00:00:00Z", "--quota", "0"});
  const std::vector<std::pair<Args, std::string>> table = {
      {{}, "ci-1\nci-2\nlater\nweb\n"},
      {{"--status", "disabled"}, "web\n"},
      {{"--status", "not_yet_valid"}, "later\n"},
      {{"--group", "vip"}, "ci-2\n"},
      {{"--account", "acme"}, "web\n"},
      {{"--tag", "team"}, "ci-1\nci-2\n"},
      {{"--tag", "team=y"}, "ci-2\n"},
      {{"--name", "ci-*"}, "ci-1\nci-2\n"},
      {{"--expiring", "7d"}, "ci-1\n"},
      {{"--expiring", "1d"}, ""},
      {{"--sort", "-name"}, "web\nlater\nci-2\nci-1\n"},
      {{"--sort", "created", "--limit", "2"}, "ci-1\nci-2\n"},
      {{"--deleted"}, ""},
      {{"--name", "ci-*", "--status", "disabled"}, ""},
  };
  for (const auto& [flags, expected] : table) {
    Args args{"token", "list", "-q"};
    args.insert(args.end(), flags.begin(), flags.end());
    EXPECT_EQ(daemon.must(args), expected) << (flags.empty() ? "" : flags[0]);
  }
  EXPECT_EQ(daemon.crctl({"token", "list", "--status", "bogus"}).exit, 2);
}

TEST(TokenList, FormsForProgramsAndPeople) {
  BookedDaemon daemon;
  daemon.must({"token", "create", "a", "--quota", "20"});
  daemon.must({"token", "create", "b"});
  const Json list = Json::parse(daemon.must({"token", "list", "--json"}));
  ASSERT_TRUE(list.is_array());
  ASSERT_EQ(list.size(), 2U);
  EXPECT_EQ(list[0].at("name"), "a");
  EXPECT_EQ(list[0].at("quota"), "20");
  EXPECT_TRUE(list[1].at("quota").is_null());
  const std::string head = "name\tstatus\tgroup\tused\tquota\tleft\texpires\tlast_used\n";
  const std::string rows =
      "a\tenabled\tdefault\t0\t20\t20\tnever\tnever\nb\tenabled\tdefault\t0\tunlimited\tunlimited\tnever\tnever\n";
  EXPECT_EQ(daemon.must({"token", "list"}), head + rows) << "piped, it is the table separated by tabs";
  EXPECT_EQ(daemon.must({"token", "list", "-o", "tsv"}), head + rows);
  EXPECT_EQ(daemon.must({"token", "list", "--no-header"}), rows);
  EXPECT_EQ(daemon.must({"token", "list", "-o", "csv", "--fields", "quota,name"}), "quota,name\n20,a\nunlimited,b\n");
  EXPECT_EQ(daemon.must({"token", "list", "-o", "name"}), "a\nb\n");
  EXPECT_EQ(daemon.must({"token", "list", "--field", "quota"}), "20\nunlimited\n");
  EXPECT_EQ(daemon.must({"token", "list", "-o", "jsonl", "--fields", "name"}), "{\"name\":\"a\"}\n{\"name\":\"b\"}\n");
  EXPECT_THAT(lines(daemon.must({"token", "list", "--fields=help"})),
              testing::IsSupersetOf({"name", "status", "left"}));
  const auto table = daemon.must({"token", "list", "-o", "table"});
  EXPECT_THAT(table, HasSubstr("$20.00"));
  EXPECT_EQ(table.find('\t'), std::string::npos);
  EXPECT_EQ(daemon.crctl({"token", "list", "--fields", "bogus"}).exit, 2);
  EXPECT_EQ(daemon.crctl({"token", "list", "-o", "xml"}).exit, 2);
}

TEST(TokenEdit, ChangesOnlyWhatIsNamedAndSaysHow) {
  BookedDaemon daemon;
  daemon.must({"token", "create", "t", "--quota", "20", "--models", "x,y", "--tag", "team=x", "--note", "hi"});
  const std::vector<std::pair<Args, std::vector<std::string>>> table = {
      {{"--quota", "+5"}, {"quota", "$20.00 -> $25.00"}},
      {{"--quota", "-0.50"}, {"$25.00 -> $24.50"}},
      {{"--models", "+z,-x"}, {"models", "x, y -> y, z|x,y -> y,z"}},
      {{"--tag", "team=y", "--tag", "k=v"}, {"tags", "team=x", "->", "team=y"}},
      {{"--tag", "-k"}, {"tags", "k=v", "->"}},
      {{"--note", ""}, {"note", "hi -> "}},
      {{"--allow-ip", "+192.0.2.0/24"}, {"allow_ip", "192.0.2.0/24"}},
      {{"--expires", "never"}, {"nothing to change"}},
      {{"--quota", "24.5"}, {"nothing to change"}},
  };
  for (const auto& [flags, parts] : table) {
    Args args{"token", "edit", "t"};
    args.insert(args.end(), flags.begin(), flags.end());
    const auto answer = daemon.crctl(args);
    EXPECT_EQ(answer.exit, 0) << answer.err;
    for (const auto& part : parts) {
      const auto bar = part.find('|');
      const auto said = answer.out + answer.err;
      if (bar == std::string::npos) {
        EXPECT_THAT(said, HasSubstr(part));
      } else {
        EXPECT_THAT(said, testing::AnyOf(HasSubstr(part.substr(0, bar)), HasSubstr(part.substr(bar + 1))));
      }
    }
  }
  const Json now = Json::parse(daemon.must({"token", "show", "t", "--json"}));
  EXPECT_EQ(now.at("quota"), "24.5");
  EXPECT_EQ(now.at("models"), Json({"y", "z"}));
  EXPECT_EQ(now.at("tags"), Json({{"team", "y"}}));
  EXPECT_EQ(now.at("note"), "");
  EXPECT_EQ(now.at("allow_ip"), Json({"192.0.2.0/24"}));
  daemon.must({"token", "edit", "t", "--rename", "renamed"});
  EXPECT_EQ(daemon.crctl({"token", "show", "t"}).exit, 10);
  EXPECT_EQ(daemon.must({"token", "show", "renamed", "--field", "quota"}), "24.5\n");
  EXPECT_EQ(daemon.crctl({"token", "edit", "renamed"}).exit, 2) << "nothing named";
  EXPECT_EQ(daemon.crctl({"token", "edit", "renamed", "--quota", "-500"}).exit, 2);
  EXPECT_EQ(daemon.crctl({"token", "edit", "renamed", "--account", "nobody"}).exit, 10);
}

TEST(TokenEdit, AStaleRevIsAConflictAndDryRunLeavesAll) {
  BookedDaemon daemon;
  daemon.must({"token", "create", "t", "--note", "first"});
  const auto rev = lines(daemon.must({"token", "show", "t", "--field", "rev"})).at(0);
  const auto tried = daemon.crctl({"token", "edit", "t", "--note", "tried", "--dry-run"});
  EXPECT_EQ(tried.exit, 0);
  EXPECT_THAT(tried.out + tried.err, HasSubstr("first -> tried"));
  EXPECT_EQ(daemon.must({"token", "show", "t", "--field", "note"}), "first\n");
  daemon.must({"token", "create", "never-made", "--dry-run"});
  EXPECT_EQ(daemon.crctl({"token", "show", "never-made"}).exit, 10);
  daemon.must({"token", "edit", "t", "--note", "second", "--if-rev", rev});
  const auto stale = daemon.crctl({"token", "edit", "t", "--note", "third", "--if-rev", rev});
  EXPECT_EQ(stale.exit, 11);
  EXPECT_THAT(stale.err, HasSubstr("has changed: its rev is "));
  EXPECT_EQ(daemon.must({"token", "show", "t", "--field", "note"}), "second\n");
  EXPECT_EQ(daemon.sql_value("SELECT count(*) FROM audit WHERE object LIKE 'token %'"), "2");
}

TEST(TokenEnable, SeveralAtOnce) {
  BookedDaemon daemon;
  for (const auto* name : {"a", "b"}) daemon.must({"token", "create", name});
  const auto some = daemon.crctl({"token", "disable", "a", "nobody", "b"});
  EXPECT_EQ(some.exit, 13);
  EXPECT_THAT(some.err, HasSubstr("no token named 'nobody'"));
  EXPECT_EQ(status_of(daemon, "a"), "disabled\n");
  EXPECT_EQ(status_of(daemon, "b"), "disabled\n");
  EXPECT_EQ(daemon.crctl({"token", "enable", "a", "b"}).exit, 0);
  EXPECT_EQ(status_of(daemon, "a"), "enabled\n");
  EXPECT_EQ(daemon.crctl({"token", "enable", "a"}).exit, 0) << "unchanged is done";
  EXPECT_EQ(daemon.crctl({"token", "disable", "nobody"}).exit, 10) << "the only one failed";
}

TEST(TokenCheck, TheFirstRuleThatRefusesAndItsSetting) {
  BookedDaemon daemon;
  daemon.must({"channel", "create", "echo", "--kind", "echo", "--models", "echo-*"});
  daemon.must({"price", "set", "echo-a", "--input", "1", "--output", "2", "--max-output", "100"});
  daemon.must({"token", "create", "t", "--quota", "1", "--models", "echo-*", "--allow-ip", "192.0.2.0/24"});
  const auto allowed = daemon.crctl({"token", "check", "t", "--model", "echo-a", "--ip", "192.0.2.7"});
  EXPECT_EQ(allowed.exit, 0) << allowed.out << allowed.err;
  EXPECT_THAT(allowed.out, HasSubstr("allowed"));
  EXPECT_THAT(allowed.out, HasSubstr("echo"));
  const std::vector<std::pair<Args, std::string>> table = {
      {{"--model", "gpt-4o"}, "model_not_allowed"},
      {{"--model", "echo-a", "--ip", "198.51.100.1"}, "ip_not_allowed"},
      {{"--model", "echo-a", "--cost", "5"}, "insufficient_quota"},
  };
  for (const auto& [flags, rule] : table) {
    Args args{"token", "check", "t"};
    args.insert(args.end(), flags.begin(), flags.end());
    const auto refused = daemon.crctl(args);
    EXPECT_EQ(refused.exit, 14) << rule;
    EXPECT_THAT(refused.out, HasSubstr("refused: " + rule));
    EXPECT_THAT(refused.out, HasSubstr("to change: crctl token edit t --"));
    args.push_back("--json");
    const auto json = daemon.crctl(args);
    EXPECT_EQ(json.exit, 14);
    EXPECT_EQ(Json::parse(json.out).at("rule"), rule);
    EXPECT_EQ(Json::parse(json.out).at("allowed"), false);
  }
  daemon.must({"token", "disable", "t"});
  EXPECT_THAT(daemon.crctl({"token", "check", "t", "--model", "echo-a", "--ip", "192.0.2.7"}).out,
              HasSubstr("refused: token_disabled"));
  EXPECT_EQ(daemon.crctl({"token", "check", "nobody", "--model", "echo-a"}).exit, 10);
  EXPECT_EQ(daemon.crctl({"token", "check", "t"}).exit, 2) << "--model is required";
}

// What it says is what a request is told at that moment.
TEST(TokenCheck, SaysWhatARequestIsTold) {
  BookedDaemon daemon;
  daemon.must({"channel", "create", "echo", "--kind", "echo", "--models", "echo-*"});
  daemon.must({"price", "set", "echo-a", "--input", "1", "--output", "2", "--max-output", "100"});
  daemon.must({"price", "set", "echo-speech", "--per-character", "15"});
  const auto told = [&](const std::string& token, const std::string& model, std::vector<std::string> flags) {
    Args make{"token", "create", token};
    make.insert(make.end(), flags.begin(), flags.end());
    HttpClient client(daemon.port(), lines(daemon.must(make)).at(0));
    const Json body = {
        {"model", model}, {"max_tokens", 1000}, {"messages", {{{"role", "user"}, {"content", "hello"}}}}};
    const auto ask = [&] { return client.post("/v1/chat/completions", body.dump()); };
    if (token == "busy") {
      EXPECT_EQ(ask().status, 200);
    }
    const auto check = daemon.crctl({"token", "check", token, "--model", model, "--json"});
    EXPECT_EQ(check.exit, 14) << token;
    const auto answer = ask();
    EXPECT_EQ(answer.body.find("crctl"), std::string::npos) << "only the administrator can run it";
    EXPECT_THAT(answer.body, HasSubstr("administrator"));
    EXPECT_EQ(Json::parse(answer.body)["error"]["code"], Json::parse(check.out)["rule"]) << answer.body;
    return Json::parse(check.out)["rule"].get<std::string>();
  };
  EXPECT_EQ(told("poor", "echo-a", {"--quota", "0.000001"}), "insufficient_quota") << "less than the smallest request";
  EXPECT_EQ(told("unpriced", "echo-b", {"--quota", "1"}), "model_not_priced");
  EXPECT_EQ(told("sound", "echo-speech", {"--quota", "1"}), "model_not_priced") << "echo does not speak";
  EXPECT_EQ(told("elsewhere", "gpt-4o", {}), "model_not_found");
  EXPECT_EQ(told("busy", "echo-a", {"--rpm", "1"}), "rate_limit_exceeded");
}

}  // namespace
}  // namespace cr::test

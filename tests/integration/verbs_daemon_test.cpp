// SPDX-License-Identifier: MIT
// crctl status, version, config, api, completion, help; and a daemon that is away, hangs, or is not for this user.
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "integration/verbs.h"
#include "support/programs.h"

namespace cr::test {
namespace {

using testing::HasSubstr;

Finished crctl(const Args& args, const std::map<std::string, std::string>& env = {}) {
  return run({.argv = Args{crctl_program()} + args, .env = env, .directory = {}});
}

TEST(Status, SaysHowTheDaemonIs) {
  Gateway gateway;
  auto& daemon = gateway.daemon;
  const auto key = gateway.token("t");
  ASSERT_EQ(gateway.post(key, chat()).status, 200);
  const Json status = json_of(daemon, {"status"});
  EXPECT_EQ(status.at("state"), "running");
  EXPECT_EQ(status.at("pid"), daemon.process().pid());
  EXPECT_EQ(status.at("listen"), Json({"127.0.0.1:" + std::to_string(daemon.port())}));
  EXPECT_EQ(status.at("admin_socket"), daemon.socket());
  EXPECT_EQ(status.at("state_dir"), daemon.state_dir());
  EXPECT_EQ(status.at("config_file"), daemon.config_file());
  EXPECT_EQ(status.at("tokens"), 1);
  EXPECT_EQ(status.at("channels"), 2);
  EXPECT_EQ(status.at("requests_total"), 1);
  EXPECT_EQ(daemon.must({"status", "--field", "state"}), "running\n");
  EXPECT_THAT(lines(daemon.must({"status"})), testing::IsSupersetOf({"field\tvalue", "state\trunning", "tokens\t1"}));

  // While it drains, an administrator still sees it.
  gateway.upstream.close_gate();
  RawClient client(daemon.port());
  client.send(raw_request("POST", "/v1/chat/completions", key, chat().dump()));
  gateway.upstream.wait_for("held", 1);
  EXPECT_EQ(daemon.must({"status", "--field", "requests_running"}), "1\n");
  daemon.process().signal(SIGTERM);
  ASSERT_TRUE(daemon.process().wait_for_line(Stream::err, " draining"));
  EXPECT_EQ(daemon.must({"status", "--field", "state"}), "draining\n");
  gateway.upstream.open_gate();
  EXPECT_EQ(daemon.process().wait(), 0);
  EXPECT_EQ(daemon.crctl({"status"}).exit, 7);
}

TEST(Version, NeedsNoDaemon) {
  BookedDaemon daemon;
  const auto ours = lines(crctl({"--version"}).out);
  ASSERT_EQ(ours.size(), 1U);
  EXPECT_THAT(ours[0], testing::MatchesRegex("crctl [0-9.]+.*"));
  const auto number = ours[0].substr(6);
  EXPECT_EQ(daemon.must({"version"}), "crctl " + number + "\ncrd " + number + "\n");
  EXPECT_EQ(json_of(daemon, {"version"}), Json({{"crctl", number}, {"crd", number}}));
  EXPECT_EQ(daemon.must({"version", "--field", "crd"}), number + "\n");
  daemon.stop();
  const auto alone = daemon.crctl({"version"});
  EXPECT_EQ(alone.exit, 0);
  EXPECT_EQ(alone.out, "crctl " + number + "\n");
  EXPECT_THAT(alone.err, HasSubstr("no daemon answers on " + daemon.socket()));
}

TEST(Config, CheckAndReload) {
  BookedDaemon daemon;
  EXPECT_THAT(daemon.crctl({"config", "check"}).err, HasSubstr("the configuration is good"));
  const auto candidate = daemon.dir() / "new.toml";
  write_file(candidate, "listen = [\"127.0.0.1:0\"]\nworker = 2\n");
  expect_refusals(daemon, {
                              {{"config", "check", "/nonexistent"}, 2, "cannot read /nonexistent: no such file", ""},
                              {{"config", "reload", "--if-rev", "1"}, 2, "--if-rev means nothing here", ""},
                          });
  const auto unknown = daemon.crctl({"config", "check", candidate});
  EXPECT_EQ(unknown.exit, 6);
  EXPECT_THAT(unknown.err, HasSubstr("error: " + candidate + ":2: unknown key 'worker'"));
  EXPECT_THAT(unknown.err, HasSubstr("workers"));
  EXPECT_EQ(daemon.crctl({"config", "check", "-"}, "workers = 2\n").exit, 0);
  const auto piped = daemon.crctl({"config", "check", "-"}, "workers = \"two\"\n");
  EXPECT_EQ(piped.exit, 6);
  EXPECT_THAT(piped.err, HasSubstr("stdin:1: "));
  const auto json = daemon.crctl({"config", "check", candidate, "--json"});
  EXPECT_EQ(json.exit, 6);
  EXPECT_EQ(Json::parse(json.out).at("ok"), false);

  const auto good = read_file(daemon.config_file());
  write_file(daemon.config_file(), good + "[limits]\nconnections_max = \"few\"\n");
  EXPECT_EQ(daemon.crctl({"config", "check"}).exit, 6);
  EXPECT_EQ(daemon.crctl({"config", "reload"}).exit, 6);
  write_file(daemon.config_file(), good + "[limits]\nbody_bytes_max = 1024\n");
  const auto body = chat("m", {{"user", std::string(2000, 'x')}}).dump();
  const auto key = lines(daemon.must({"token", "create", "t"})).at(0);
  EXPECT_EQ(daemon.crctl({"config", "reload", "--dry-run"}).exit, 0);
  EXPECT_NE(HttpClient(daemon.port(), key).post("/v1/chat/completions", body).status, 413) << "only tried";
  EXPECT_THAT(daemon.crctl({"config", "reload"}).err, HasSubstr("the configuration is in force"));
  EXPECT_EQ(HttpClient(daemon.port(), key).post("/v1/chat/completions", body).status, 413);
}

TEST(Doctor, SaysWhatIsNotWellAndWhatToDo) {
  BookedDaemon daemon;
  const auto named = [&](const Json& findings, const std::string& check) {
    for (const auto& finding : findings) {
      if (finding.at("check") == check) return finding;
    }
    ADD_FAILURE() << "no finding '" << check << "' in " << findings;
    return Json();
  };
  const auto bare = daemon.crctl({"doctor", "--json"});
  EXPECT_EQ(bare.exit, 14) << "no channel: nothing can be asked";
  const auto findings = Json::parse(bare.out);
  EXPECT_EQ(named(findings, "channels").at("result"), "wrong");
  EXPECT_EQ(named(findings, "channels").at("fix"), "crctl channel create --help");
  EXPECT_EQ(named(findings, "daemon").at("result"), "ok");
  EXPECT_EQ(named(findings, "configuration").at("result"), "ok");
  EXPECT_EQ(named(findings, "store").at("result"), "ok");
  EXPECT_EQ(named(findings, "store").at("fix"), nullptr);
  EXPECT_THAT(named(findings, "prices").at("says").get<std::string>(), HasSubstr("days old"));

  daemon.must({"channel", "create", "own", "--kind", "echo", "--models", "echo-1"});
  daemon.must({"token", "create", "short", "--expires", "2d"});
  const auto well = daemon.crctl({"doctor", "--test", "--json"});
  EXPECT_EQ(well.exit, 0) << well.out;
  EXPECT_EQ(named(Json::parse(well.out), "test of own").at("result"), "ok");
  EXPECT_THAT(named(Json::parse(well.out), "tokens").at("says").get<std::string>(), HasSubstr("short"));

  write_file(daemon.config_file(), read_file(daemon.config_file()) + "[limits]\nconnections_max = \"few\"\n");
  const auto broken = daemon.crctl({"doctor", "--json"});
  EXPECT_EQ(broken.exit, 14);
  EXPECT_THAT(named(Json::parse(broken.out), "configuration").at("says").get<std::string>(),
              HasSubstr("connections_max"));
  daemon.stop();
  const auto alone = daemon.crctl({"doctor", "--json"});
  EXPECT_EQ(alone.exit, 14);
  EXPECT_THAT(named(Json::parse(alone.out), "daemon").at("says").get<std::string>(), HasSubstr("no daemon answers"));
}

// Each would take the running daemon's stack, or all of its time.
TEST(Config, WithoutBoundsItIsRefusedByARunningDaemon) {
  BookedDaemon daemon;
  const auto good = read_file(daemon.config_file());
  const auto repeated = [](const std::string& part) {
    std::string text;
    while (text.size() < 900'000) text += part;
    return text;
  };
  std::size_t reloads = 0;
  for (const auto& text : {repeated("a.") + "a = 1\n", "[" + repeated("a.") + "a]\n", "a = " + repeated("["),
                           "a = " + repeated("{a="), "a = " + repeated("[{a.b="), repeated("[a]\n"),
                           repeated("a = 1\n"), repeated("'a'."), std::string(2 << 20, '\n')}) {
    SCOPED_TRACE(text.substr(0, 20));
    // A sanitized crd on a busy machine takes long to read a megabyte of JSON.
    const Args patient{"--timeout", is_sanitized() ? "2m" : "10s"};
    const auto piped = daemon.crctl(patient + Args{"config", "check", "-"}, text);
    EXPECT_EQ(piped.exit, 6);
    EXPECT_THAT(piped.err, HasSubstr("stdin:"));
    write_file(daemon.config_file(), good + text);
    const auto own = daemon.crctl(patient + Args{"config", "check"});
    EXPECT_EQ(own.exit, 6);
    EXPECT_THAT(own.err, HasSubstr("crd.toml:"));
    EXPECT_EQ(daemon.crctl(patient + Args{"config", "reload"}).exit, 6);
    daemon.process().signal(SIGHUP);
    reloads += 2;
    const auto refused = [&] {
      std::size_t count = 0;
      const auto log = daemon.log();
      for (auto at = log.find("configuration not reloaded"); at != std::string::npos;
           at = log.find("configuration not reloaded", at + 1))
        ++count;
      return count;
    };
    // The daemon logs each; until then it answers.
    while (refused() < reloads) ASSERT_EQ(daemon.crctl({"version"}).exit, 0);
  }
  write_file(daemon.config_file(), good);
  daemon.must({"config", "reload"});
}

TEST(Api, AnyRouteWithExitCodes) {
  BookedDaemon daemon;
  const Json made = Json::parse(daemon.must({"api", "POST", "/groups", "-d", R"({"name":"vip"})"}));
  EXPECT_EQ(made.at("name"), "vip");
  EXPECT_EQ(daemon.must({"api", "get", "groups/vip", "--field", "name"}), "vip\n");
  EXPECT_EQ(Json::parse(daemon.must({"api", "GET", "/admin/v1/groups?limit=1"})).at("items").size(), 1U);
  EXPECT_EQ(Json::parse(daemon.must({"api", "PATCH", "/groups/vip", "--input", "-"}, R"({"note":"x"})")).at("note"),
            "x");
  EXPECT_EQ(Json::parse(daemon.must({"api", "PATCH", "/groups/vip", "-d", R"({"note":"y"})", "-n"})).at("note"), "y");
  EXPECT_EQ(field_of(daemon, "group", "vip", "note"), "x");
  EXPECT_EQ(daemon.crctl({"api", "PATCH", "/groups/vip", "-d", R"({"note":"z"})", "--if-rev", "1"}).exit, 11);
  daemon.must({"api", "DELETE", "/groups/vip", "--reason", "done with"});
  EXPECT_EQ(daemon.sql_value("SELECT reason FROM audit WHERE action = 'group.delete'"), "done with");
  expect_refusals(daemon,
                  {
                      {{"api", "GET", "/groups/vip"}, 10, "no group named 'vip'", ""},
                      {{"api", "GET", "/grops"}, 10, "no such address in the admin API: /admin/v1/grops", "crd"},
                      {{"api", "PUT", "/groups"}, 2, "PUT is not possible on", "possible: GET, POST"},
                      {{"api", "BREW", "/groups"}, 2, "unknown method 'BREW'", "GET, POST"},
                      {{"api", "GET", "/a b"}, 2, "not a path: '/a b'", "%20"},
                      {{"api", "POST", "/groups", "-d", "{"}, 2, "not JSON", ""},
                      {{"api", "POST", "/groups", "-d", R"({"nmae":"x"})"}, 2, "unknown member 'nmae'", "'name'"},
                      {{"api", "POST", "/groups", "-d", "{}"}, 2, "name: missing", ""},
                  });
}

TEST(Completion, ScriptsAndLiveNames) {
  BookedDaemon daemon;
  daemon.must({"token", "create", "ci-runner"});
  daemon.must({"channel", "create", "echo", "--kind", "echo", "--models", "echo-one"});
  for (const std::string shell : {"bash", "zsh", "fish"})
    EXPECT_THAT(crctl({"completion", shell}).out, HasSubstr(" __complete -- ")) << shell;
  EXPECT_EQ(run({.argv = {"bash", "-n"}, .env = {}, .directory = {}}, crctl({"completion", "bash"}).out).exit, 0);
  const std::vector<std::pair<Args, std::string>> table = {
      {{"token", "show", ""}, "ci-runner\n"},
      {{"token", "show", "x"}, ""},
      {{"channel", "edit", "e"}, "echo\n"},
      {{"model", "list", "--group", ""}, "default\n"},
      {{"account", "show", "d"}, "default\n"},
      {{"price", "show", "echo-"}, "echo-one\n"},
      {{"usage", "--by=da"}, "--by=day\n"},
      {{"config", "check", ""}, ":files\n"},
      {{"nonsense", ""}, ""},
  };
  // Names that do not come within 150 ms are left out, as they may be on a busy machine: asked until they come.
  const auto completed = [&](const Args& words, const std::string& expected) {
    auto out = crctl(words).out;
    for (int more = 50; out.empty() && !expected.empty() && more > 0; --more) out = crctl(words).out;
    return out;
  };
  for (const auto& [words, expected] : table) {
    const auto all = Args{"--socket", daemon.socket(), "__complete", "--"} + words;
    EXPECT_EQ(completed(all, expected), expected) << words.front();
  }
  EXPECT_EQ(completed({"__complete", "--", "--socket", daemon.socket(), "token", "show", ""}, "ci-runner\n"),
            "ci-runner\n");
  daemon.stop();
  const auto alone = daemon.crctl({"__complete", "--", "token", "show", ""});
  EXPECT_EQ(alone.exit, 0) << "a shell that completes is not to be disturbed";
  EXPECT_EQ(alone.out + alone.err, "");
}

TEST(Help, OfEverythingOnStdout) {
  const auto bare = crctl({});
  EXPECT_EQ(bare.exit, 0);
  EXPECT_THAT(bare.out, HasSubstr("Examples:"));
  for (const Args& words : {Args{"--help"}, Args{"help"}, Args{"help", "token"}, Args{"token", "create", "--help"},
                            Args{"help", "channel", "edit"}, Args{"usage", "-h"}, Args{"tokens", "ls", "-h"},
                            Args{"help", "values"}, Args{"help", "exit-codes"}, Args{"help", "output"}}) {
    const auto answer = crctl(words);
    EXPECT_EQ(answer.exit, 0) << words.back();
    EXPECT_EQ(answer.err, "");
    EXPECT_GE(lines(answer.out).size(), 5U) << words.back();
  }
  EXPECT_EQ(crctl({"help", "token", "create"}).out, crctl({"token", "create", "--help"}).out);
}

TEST(Away, ADaemonThatIsNotRunningIs7) {
  BookedDaemon daemon;
  daemon.stop();
  const auto start = "systemctl start crd";
  expect_refusals(daemon, {
                              {{"token", "list"}, 7, "no daemon answers on " + daemon.socket(), start},
                              {{"token", "create", "t"}, 7, "no daemon answers on", start},
                              {{"token", "disable", "a", "b"}, 7, "no daemon answers on", start},
                              {{"group", "delete", "g", "-y"}, 7, "no daemon answers on", start},
                              {{"status"}, 7, "no daemon answers on", start},
                              {{"config", "check"}, 7, "no daemon answers on", start},
                              {{"usage"}, 7, "no daemon answers on", start},
                          });
  const auto elsewhere = crctl({"status"}, {{"CRCTL_SOCKET", "/nonexistent/admin.sock"}});
  EXPECT_EQ(elsewhere.exit, 7);
  EXPECT_THAT(elsewhere.err, HasSubstr("/nonexistent/admin.sock: no such file"));
  write_file(daemon.dir() / "file", "");
  EXPECT_EQ(crctl({"--socket", daemon.dir() / "file", "status"}).exit, 7);
  EXPECT_EQ(crctl({"--socket", std::string(200, 'x'), "status"}).exit, 2);
  daemon.start();
  daemon.kill9();
  EXPECT_THAT(daemon.crctl({"status"}).err, HasSubstr("connection refused")) << "its socket is still there";
}

TEST(Away, ADaemonThatHangsIs15) {
  BookedDaemon daemon;
  daemon.process().freeze();
  const auto hung = daemon.crctl({"group", "create", "g", "--timeout", "200ms"});
  EXPECT_EQ(hung.exit, 15);
  EXPECT_THAT(hung.err, HasSubstr("gave no answer within 200ms"));
  EXPECT_THAT(hung.err, HasSubstr("hint: a change may have been made or not"));
  const auto json = daemon.crctl({"status", "--timeout", "200ms", "--json"});
  EXPECT_EQ(json.exit, 15);
  EXPECT_EQ(Json::parse(json.err).at("code"), "timeout");
  EXPECT_EQ(daemon.crctl({"__complete", "--", "token", "show", ""}).exit, 0) << "completion gives up in silence";
  daemon.process().signal(SIGCONT);
  EXPECT_EQ(daemon.crctl({"status"}).exit, 0);
}

TEST(Away, ASocketOfOthersIs4) {
  BookedDaemon daemon;
  Args argv{crctl_program(), "--socket", daemon.socket(), "status"};
  if (::geteuid() == 0) {
    argv = Args{"setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"} + argv;
    if (run({.argv = Args{"setpriv", "--reuid", "65534", "--clear-groups", crctl_program(), "--version"},
             .env = {},
             .directory = {}})
            .exit != 0)
      GTEST_SKIP() << "nobody may not run crctl where it was built";
  } else {
    ASSERT_EQ(::chmod(daemon.socket().c_str(), 0), 0);
  }
  const auto refused = run({.argv = argv, .env = {}, .directory = {}});
  EXPECT_EQ(refused.exit, 4) << refused.err;
  EXPECT_THAT(refused.err, HasSubstr("error: not permitted to use " + daemon.socket()));
  EXPECT_THAT(refused.err, HasSubstr("hint: "));
  EXPECT_THAT(refused.err, testing::Not(HasSubstr("start it"))) << "it runs";
}

}  // namespace
}  // namespace cr::test

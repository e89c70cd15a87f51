// SPDX-License-Identifier: MIT
// crctl account and price: what may be spent, and what a request costs.
#include "integration/verbs.h"

namespace cr::test {
namespace {

using testing::HasSubstr;

TEST(Account, LivesAndDies) {
  BookedDaemon daemon;
  EXPECT_EQ(daemon.crctl({"account", "create", "acme", "--quota", "100", "--note", "n"}).err,
            "created account 'acme', quota $100.00\n");
  EXPECT_EQ(daemon.crctl({"account", "create", "free"}).err, "created account 'free', quota unlimited\n");
  EXPECT_EQ(daemon.must({"account", "list"}),
            "name\tstatus\tused\tquota\tleft\ttokens\n"
            "acme\tenabled\t0\t100\t100\t0\n"
            "default\tenabled\t0\tunlimited\tunlimited\t0\n"
            "free\tenabled\t0\tunlimited\tunlimited\t0\n");
  EXPECT_EQ(daemon.must({"account", "edit", "acme", "--quota", "+50", "--note", "m"}),
            "quota  $100.00 -> $150.00\nnote   n -> m\n");
  EXPECT_EQ(daemon.crctl({"account", "edit", "acme", "--note", "m"}).err, "account 'acme': nothing to change\n");
  EXPECT_EQ(daemon.must({"account", "edit", "acme", "--quota=unlimited"}), "quota  $150.00 -> unlimited\n");
  EXPECT_EQ(daemon.sql_value("SELECT quota FROM account WHERE name = 'acme'"), "NULL");
  daemon.must({"token", "create", "t", "--account", "acme"});
  expect_refusals(daemon,
                  {
                      {{"account", "create", "acme"}, 11, "an account named 'acme' exists already", "another name"},
                      {{"account", "create", "x", "--quota", "-5"}, 2, "amount", "write"},
                      {{"account", "show", "acem"}, 10, "no account named 'acem'", "did you mean 'acme'?"},
                      {{"account", "edit", "acme"}, 2, "nothing to edit", "crctl account edit --help"},
                      {{"account", "edit", "acme", "--note", "x", "--if-rev", "1"},
                       11,
                       "has changed: its rev is ",
                       "read it again"},
                      {{"account", "delete", "acme"}, 2, "a confirmation is needed", "--yes"},
                      {{"account", "delete", "acme", "-y"}, 11, "token 't' belongs to it", "first"},
                      {{"account", "delete", "default", "-y"}, 11, "account 'default'", "disable it instead"},
                  });
  daemon.must({"token", "edit", "t", "--account", "free"});
  EXPECT_EQ(daemon.crctl({"account", "delete", "acme", "-y"}).err, "deleted account 'acme'\n");
  EXPECT_EQ(daemon.must({"account", "list", "-q"}), "default\nfree\n");
}

TEST(Account, CreditAddsAndTakesAway) {
  BookedDaemon daemon;
  daemon.must({"account", "create", "acme", "--quota", "1"});
  EXPECT_EQ(daemon.crctl({"account", "credit", "acme", "25"}).err, "account 'acme': quota $26.00, left $26.00\n");
  EXPECT_EQ(daemon.crctl({"account", "credit", "acme", "-5.50"}).err, "account 'acme': quota $20.50, left $20.50\n");
  EXPECT_EQ(daemon.crctl({"account", "credit", "acme", "100", "-n"}).err,
            "account 'acme': quota $120.50, left $120.50 (not changed: --dry-run)\n");
  EXPECT_EQ(daemon.must({"account", "credit", "acme", "+$0.50", "--field", "quota"}), "21\n");
  EXPECT_EQ(daemon.sql_value("SELECT quota FROM account WHERE name = 'acme'"), "21000000000");
  EXPECT_EQ(daemon.sql_value("SELECT count(*) FROM audit WHERE action = 'account.edit'"), "3");
  expect_refusals(daemon, {
                              {{"account", "credit", "acme", "-30"}, 2, "is negative", "name 0 or more"},
                              {{"account", "credit", "acme", "much"}, 2, "\"much\": not a number", "write dollars"},
                              {{"account", "credit", "acme"}, 2, "needs AMOUNT", "--help"},
                              {{"account", "credit", "nobody", "5"}, 10, "no account named 'nobody'", ""},
                              {{"account", "credit", "default", "5"}, 2, "is unlimited", "set a quota first"},
                          });
  EXPECT_EQ(field_of(daemon, "account", "acme", "quota"), "21");
}

TEST(Account, RulesTheRequestsOfItsTokens) {
  Gateway gateway;
  auto& daemon = gateway.daemon;
  daemon.must({"account", "create", "acme", "--quota", "0"});
  const auto key = gateway.token("t", {"--account", "acme"});
  const auto expect_after = [&](const Args& args, int status, const std::string& code) {
    daemon.must(args);
    const auto answer = gateway.post(key, chat());
    EXPECT_EQ(answer.status, status);
    EXPECT_EQ(status == 200 ? "" : error_code(answer), code);
  };
  expect_after({"status"}, 429, "insufficient_quota");
  expect_after({"account", "credit", "acme", "1"}, 200, "");
  expect_after({"account", "disable", "acme"}, 401, "account_disabled");
  expect_after({"account", "enable", "acme"}, 200, "");
  EXPECT_EQ(daemon.crctl({"account", "disable", "acme", "nobody"}).exit, 13);
  EXPECT_EQ(field_of(daemon, "account", "acme", "enabled"), "false");
  EXPECT_EQ(field_of(daemon, "account", "acme", "used"), "0.0001") << "two requests of 10 in and 20 out";
  check_witness(gateway, Run::clean);
}

TEST(PriceList, ShipsWithPricesAndShowsThemInEveryForm) {
  BookedDaemon daemon;
  EXPECT_GT(lines(daemon.must({"price", "list", "-q"})).size(), 10U);
  daemon.must({"price", "set", "own-a", "--input", "0.15", "--cached-input", "0.075", "--output", "0.60",
               "--max-output", "16384", "--context", "128k", "--per-request", "0.001"});
  daemon.must({"price", "set", "own-b", "--input", "1", "--output", "2"});
  EXPECT_EQ(daemon.must({"price", "list", "--match", "own-*"}),
            "model\tinput\tcached_input\toutput\tper_request\tmax_output\tsource\teffective\n"
            "own-a\t0.15\t0.075\t0.6\t0.001\t16384\tset\t\n"
            "own-b\t1\t1\t2\t0\t\tset\t\n");
  EXPECT_EQ(daemon.must({"price", "list", "--match", "nothing-*"}), lines(daemon.must({"price", "list"}))[0] + "\n");
  const auto table = daemon.must({"price", "list", "--match", "own-*", "-o", "table"});
  EXPECT_THAT(table, HasSubstr("$0.15"));
  EXPECT_THAT(table, HasSubstr("16,384"));
  const Json shown = json_of(daemon, {"price", "show", "own-a"});
  EXPECT_EQ(shown.at("context_tokens"), 128000);
  EXPECT_EQ(shown.at("cached_input"), "0.075");
  EXPECT_EQ(daemon.sql_value("SELECT input || ' ' || cached_input || ' ' || output FROM price WHERE model = 'own-a'"),
            "150000000 75000000 600000000");
}

TEST(PriceSet, RefusalsAndDryRunsLeaveAll) {
  BookedDaemon daemon;
  daemon.must({"price", "set", "m", "--input", "1", "--output", "2"});
  EXPECT_EQ(daemon.crctl({"price", "set", "m", "--input", "3", "--output", "4", "-n"}).err,
            "would have set the price of 'm': input $3, output $4 a million tokens\n");
  daemon.must({"price", "set", "n", "--input", "1", "--output", "2"});
  EXPECT_EQ(daemon.must({"price", "set", "n", "--input", "3", "--output", "2"}),
            "input         1 -> 3\ncached_input  1 -> 3\ncache_write   1 -> 3\n");
  expect_refusals(daemon,
                  {
                      {{"price", "set", "new", "--input", "1"}, 2, "output: missing", ""},
                      {{"price", "set", "new", "--per-image", "0"}, 2, "input: missing", ""},
                      {{"price", "set", "m", "--rules", "/none"}, 2, "no such file", ""},
                      {{"price", "set", "m", "--per-image", "some"}, 2, "per_image: ", "write"},
                      {{"price", "set", "m", "--input", "cheap", "--output", "1"}, 2, "input: ", "write"},
                      {{"price", "set", "m", "--input", "-1", "--output", "1"}, 2, "input: ", "write"},
                      {{"price", "set", "m-*", "--input", "1", "--output", "1"}, 2, "not of a pattern", ""},
                      {{"price", "set", "m", "--input", "1", "--output", "1", "--max-output", "lots"},
                       2,
                       "'lots' is not a count of model tokens",
                       "12k"},
                      {{"price", "set", "m", "--input", "1", "--output", "1", "--if-rev", "1"},
                       2,
                       "--if-rev means nothing here: 'crctl price set' has no rev to compare",
                       ""},
                      {{"price", "show", "own"}, 10, "no price for a model named 'own'", "crctl price set 'own'"},
                      {{"price", "unset", "own"}, 10, "'own'", "crctl price set 'own'"},
                  });
  EXPECT_EQ(field_of(daemon, "price", "m", "input"), "1");
}

TEST(PriceSet, APriceOfTomorrowHoldsTomorrow) {
  DaemonOptions options;
  options.clock = true;
  BookedDaemon daemon(options);
  daemon.set_time(std::chrono::sys_days(std::chrono::year(2030) / 1 / 1));
  daemon.must({"price", "set", "m", "--input", "1", "--output", "2"});
  daemon.must({"price", "set", "m", "--input", "10", "--output", "20", "--effective", "2030-01-02"});
  EXPECT_EQ(field_of(daemon, "price", "m", "input"), "1");
  EXPECT_EQ(lines(daemon.must({"price", "list", "--match", "m", "-q"})).size(), 2U);
  daemon.step(std::chrono::hours(24));
  EXPECT_EQ(field_of(daemon, "price", "m", "input"), "10");
}

TEST(PriceUnset, ALimitedTokenCannotCallAnUnpricedModel) {
  Gateway gateway;
  auto& daemon = gateway.daemon;
  const auto limited = gateway.token("limited", {"--quota", "1"});
  ASSERT_EQ(gateway.post(limited, chat()).status, 200);
  EXPECT_EQ(daemon.crctl({"price", "unset", "fake-a", "nothing"}).exit, 13);
  EXPECT_EQ(error_code(gateway.post(limited, chat())), "model_not_priced");
  gateway.set_price("fake-a");
  EXPECT_EQ(gateway.post(limited, chat()).status, 200);
  EXPECT_EQ(daemon.crctl({"price", "unset", "fake-a"}).err, "unset the price of 'fake-a'\n");
  check_witness(gateway, Run::clean);
}

// A shipped price, and one with others to come, are asked for, and whom that stops is said.
TEST(PriceUnset, OfAShippedPriceIsAskedFor) {
  BookedDaemon daemon;
  daemon.must({"channel", "create", "e", "--kind", "echo", "--models", "gpt-4o-mini,own"});
  daemon.must({"token", "create", "limited", "--quota", "1"});
  const auto asked = daemon.crctl({"price", "unset", "gpt-4o-mini"});
  EXPECT_EQ(asked.exit, 2);
  EXPECT_THAT(asked.err,
              HasSubstr("a confirmation is needed: unset the shipped price of 'gpt-4o-mini'? It stops 1 limited "
                        "token: limited"));
  EXPECT_THAT(asked.err, HasSubstr("add --yes"));
  EXPECT_EQ(daemon.crctl({"price", "show", "gpt-4o-mini"}).exit, 0);
  EXPECT_THAT(daemon.crctl({"price", "unset", "gpt-4o-mini", "-n"}).err, HasSubstr("any more: limited\n"));
  EXPECT_EQ(daemon.crctl({"price", "unset", "gpt-4o-mini", "--yes"}).err, "unset the price of 'gpt-4o-mini'\n");
  daemon.must({"price", "set", "own", "--input", "1", "--output", "2"});
  daemon.must({"price", "set", "own", "--input", "2", "--output", "2", "--effective", "2099-01-01"});
  EXPECT_THAT(daemon.crctl({"price", "unset", "own"}).err, HasSubstr("unset the price of 'own', and 1 scheduled one?"));
  EXPECT_THAT(daemon.must({"price", "list", "--match", "own", "-o", "table"}), HasSubstr("2099-01-01"));
}

TEST(PriceImport, AllOrNothing) {
  BookedDaemon daemon;
  const auto file = daemon.dir() / "prices.json";
  write_file(file, R"({"models":[{"model":"a","input":"1","output":"2"},{"model":"b","input":"3","output":"4",)"
                   R"("max_output_tokens":100}]})");
  EXPECT_EQ(daemon.crctl({"price", "import", file, "-n"}).err, "would have imported 2 prices\n");
  EXPECT_EQ(daemon.crctl({"price", "show", "a"}).exit, 10);
  EXPECT_EQ(daemon.crctl({"price", "import", file}).err, "imported 2 prices\n");
  EXPECT_EQ(field_of(daemon, "price", "b", "max_output_tokens"), "100");
  const auto one = R"([{"model":"c","input":"5","output":"6"}])";
  EXPECT_EQ(daemon.must({"price", "import", "-", "--field", "imported"}, one), "1\n");
  EXPECT_EQ(field_of(daemon, "price", "c", "output"), "6");
  const std::vector<std::pair<std::string, std::string>> bad = {
      {"{", "it is neither JSON nor CSV"},
      {"[]", "it is empty"},
      {"{}", "there is no array of prices"},
      {R"([{"model":"d","input":"1","output":"1"},{"model":"e","input":"1"}])", "entry 2: \"output\" is missing"},
      {R"([{"model":"d","input":"1","output":"1"},{"model":"e","input":[],"output":"1"}])", "\"input\" is neither"},
      {R"([{"model":"d","input":"1","output":"1"},{"model":"e","input":"x","output":"1"}])", "prices[1].input"},
  };
  for (const auto& [text, said] : bad) {
    const auto answer = daemon.crctl({"price", "import", "-"}, text);
    EXPECT_EQ(answer.exit, 2) << text;
    EXPECT_THAT(answer.err, HasSubstr(said));
  }
  EXPECT_EQ(daemon.crctl({"price", "show", "d"}).exit, 10) << "the good one beside a bad one";
  expect_refusals(daemon, {{{"price", "import", daemon.dir() / "none"}, 2, "no such file", ""}});
}

TEST(PriceQuote, IsTheArithmeticOfARequest) {
  Gateway gateway;
  auto& daemon = gateway.daemon;
  daemon.must({"group", "create", "dear", "--multiplier", "2"});
  EXPECT_EQ(daemon.must({"price", "quote", "fake-a", "--input", "12k", "--cached", "2k", "--output", "800"}),
            "10000 input tokens x $1 a million = $0.01\n"
            "2000 cached input tokens x $1 a million = $0.002\n"
            "800 output tokens x $2 a million = $0.0016\n"
            "total, rounded up to a nano-dollar = $0.0136\n"
            "a limited token reserves $0.0136 for it\n");
  EXPECT_EQ(
      json_of(daemon, {"price", "quote", "fake-a", "--input", "10", "--output", "20", "--group", "dear"}).at("cost"),
      "0.0001");
  const auto key = gateway.token("t");
  const auto answer = gateway.post(key, chat());
  ASSERT_EQ(answer.status, 200);
  EXPECT_EQ(daemon.must({"price", "quote", "fake-a", "--input", "10", "--output", "20", "--field", "cost"}),
            gateway.request(answer).at("cost").get<std::string>() + "\n");
  expect_refusals(daemon, {
                              {{"price", "quote", "fake-aa"}, 10, "named 'fake-aa'", "did you mean 'fake-a'?"},
                              {{"price", "quote", "fake-a", "--group", "deer"}, 10, "no group named 'deer'", "'dear'"},
                              {{"price", "quote", "fake-a", "--input", "1.5"}, 2, "'1.5' is not a count", "12k"},
                              {{"price", "quote", "fake-a", "--input", "1", "--cached", "2"}, 2, "cannot be more", ""},
                          });
  check_witness(gateway, Run::clean);
}

}  // namespace
}  // namespace cr::test

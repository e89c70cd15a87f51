// SPDX-License-Identifier: MIT
// crctl reconcile: the report of a provider of what it was asked for, held against the requests' rows.
#include "integration/verbs.h"

namespace cr::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

// Three requests on two days, through a channel with an alias.
class Reconcile : public testing::Test {
 protected:
  static constexpr auto k_day = std::chrono::sys_days(std::chrono::year(2030) / 3 / 1);
  Reconcile() : gateway(on_a_clock()), daemon(gateway.daemon) {
    daemon.must({"channel", "edit", "fake", "--map", "smart=fake-b"});
    daemon.must({"price", "set", "smart", "--input", "1", "--output", "2", "--max-output", "4096"});
    // What is posted is not what the provider charges.
    daemon.must({"group", "edit", "default", "--multiplier", "3"});
    const auto key = gateway.token("a");
    daemon.set_time(k_day + 10h);
    post(key, chat_of("fake-a", 20));
    daemon.set_time(k_day + 23h + 59min);
    post(key, chat_of("smart", 45));
    daemon.set_time(k_day + 34h);
    post(key, chat_of("fake-a", 70));
    daemon.set_time(k_day + 72h);
    gateway.flush();
  }
  static DaemonOptions on_a_clock() {
    DaemonOptions options;
    options.clock = true;
    options.env = {{"LC_ALL", "C"}};
    return options;
  }
  void post(const std::string& key, const Json& body) {
    ASSERT_EQ(gateway.post(key, body).status, 200);
    daemon.step(1ms);
  }

  // The provider's bill of both days, as OpenAI writes it; `factor` times what fake-a cost on the first.
  static std::string bill(double factor, const std::string& currency = "usd") {
    const auto bucket = [&](int day, Json results) {
      const auto start =
          std::chrono::duration_cast<std::chrono::seconds>((k_day + std::chrono::days(day)).time_since_epoch());
      return Json{{"object", "bucket"},
                  {"start_time", start.count()},
                  {"end_time", start.count() + 86400},
                  {"results", std::move(results)}};
    };
    const auto line = [&](const std::string& item, double dollars) {
      return Json{{"object", "organization.costs.result"},
                  {"amount", {{"value", dollars}, {"currency", currency}}},
                  {"line_item", item}};
    };
    const Json first = Json::array({line("fake-a, input", 0.00001 * factor), line("fake-a, output", 0.00004 * factor),
                                    line("fake-b-2029-11-30, output", 0.0001)});
    const Json page{
        {"object", "page"},
        {"data", Json::array({bucket(0, first), bucket(1, Json::array({line("fake-a, output", 0.00015)}))})},
        {"has_more", false},
        {"next_page", nullptr}};
    return page.dump();
  }

  Gateway gateway;
  Daemon& daemon;
};

TEST_F(Reconcile, BooksThatAgreeAreWithinTheTolerance) {
  const auto answer = daemon.crctl({"reconcile", "-", "--channel", "fake", "--no-header"}, bill(1));
  EXPECT_EQ(answer.exit, 0) << answer.err;
  EXPECT_EQ(answer.out,
            "2030-03-01\tfake-a\t0.00005\t0.00005\t0\t+0.00\t1\n"
            "2030-03-01\tfake-b-2029-11-30\t0.0001\t0.0001\t0\t+0.00\t1\n"
            "2030-03-02\tfake-a\t0.00015\t0.00015\t0\t+0.00\t1\n");
}

TEST_F(Reconcile, APlantedDifferenceOfTwoPerCentIsFound) {
  const auto answer = daemon.crctl({"reconcile", "-", "--channel", "fake", "--json"}, bill(1.02));
  EXPECT_EQ(answer.exit, 14) << answer.err;
  const auto report = Json::parse(answer.out);
  EXPECT_EQ(report.at("within"), false);
  ASSERT_EQ(report.at("rows").size(), 3U);
  const auto& row = report.at("rows")[0];
  EXPECT_EQ(row.at("percent"), "+2.00");
  EXPECT_EQ(row.at("difference"), "0.000001");
  EXPECT_EQ(row.at("within"), false);
  EXPECT_EQ(row.at("posted"), "0.00015") << "what was posted is three times that, and not compared";
  EXPECT_EQ(report.at("rows")[1].at("within"), true);
  EXPECT_EQ(report.at("rows")[1].at("our_models"), Json({"fake-b"})) << "as the provider was asked";
  EXPECT_EQ(daemon.crctl({"reconcile", "-", "--channel", "fake", "--tolerance", "2%"}, bill(1.02)).exit, 0);
  const auto table = daemon.crctl({"reconcile", "-", "--channel", "fake", "-o", "table"}, bill(1.02)).out;
  EXPECT_THAT(table, HasSubstr("1 of 3 rows beyond 1%"));
  EXPECT_THAT(table, HasSubstr("crctl request list --channel fake --since 2030-03-01 --until 2030-03-02"));
}

TEST_F(Reconcile, FilesAreOnlyReadAndMayBeSeveral) {
  const auto path = daemon.dir() / "costs.json", usage = daemon.dir() / "usage.json";
  write_file(path, bill(1));
  write_file(usage, R"({"object":"page","data":[],"has_more":false})");
  EXPECT_EQ(daemon.crctl({"reconcile", path, usage, "--channel", "fake"}).exit, 0);
  const auto twice = daemon.crctl({"reconcile", path, path, "--channel", "fake"});
  EXPECT_EQ(twice.exit, 2);
  EXPECT_THAT(twice.err, HasSubstr("the same result of the same time is there twice"));
}

TEST_F(Reconcile, WhatIsNotThroughCrdIsADifference) {
  const auto answer = daemon.crctl({"reconcile", "-", "--channel", "fake-messages", "--json"}, bill(1));
  EXPECT_EQ(answer.exit, 14);
  EXPECT_THAT(answer.out, HasSubstr("not through crd"));
}

TEST_F(Reconcile, WhatCannotBeComparedIsRefused) {
  const auto refused = [&](const Args& args, const std::string& text, int exit, const std::string& message) {
    const auto answer = daemon.crctl(Args{"reconcile"} + args, text);
    EXPECT_EQ(answer.exit, exit) << answer.err;
    EXPECT_THAT(answer.err, HasSubstr(message));
    EXPECT_EQ(answer.out, "");
  };
  refused({"-", "--channel", "fake"}, "{}", 2, "stdin: its shape is not known");
  refused({"-", "--channel", "fake"}, bill(1, "eur"), 2, "only US dollars");
  refused({"-", "--channel", "nobody"}, bill(1), 10, "no channel named 'nobody'");
  refused({"-", "--channel", "fake", "--tolerance", "lots"}, bill(1), 2, "'lots' is no percentage");
  refused({"-"}, bill(1), 2, "--channel");
  refused({"-", "--channel", "fake"}, R"({"object":"page","data":[]})", 2, "the books tell of no day");
  refused({"/nowhere", "--channel", "fake"}, "", 2, "/nowhere");
}

}  // namespace
}  // namespace cr::test

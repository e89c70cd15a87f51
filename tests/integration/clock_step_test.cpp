// SPDX-License-Identifier: MIT
// The wall clock steps while requests are running: what is timed runs on by the other clock, and what has a date goes
// by the new time at once.
#include "integration/pulse.h"

namespace cr::test {
namespace {

using namespace std::chrono_literals;

constexpr auto k_ten_years = 24h * 3652;
const auto k_start = std::chrono::sys_days(std::chrono::year(2030) / 1 / 1) + 12h;

DaemonOptions with_clock() {
  DaemonOptions options;
  options.clock = true;
  options.top_level = "workers = 1";
  options.tables = "[relay]\ncomment_interval = \"1s\"";
  return options;
}

// A request that the upstream holds back, in flight until it is let go.
class InFlight {
 public:
  InFlight(Gateway& gateway, const std::string& key, bool streamed) : client_(gateway.daemon.port()) {
    client_.send(raw_request("POST", "/v1/chat/completions", key, chat("fake-a", {{"stream", streamed}}).dump()));
  }
  // Its request id, if it came to its proper end; else empty.
  std::string finish() {
    const auto head = client_.read_head();
    if (!head || head->status != 200) return {};
    if (head->header("transfer-encoding") == "chunked") {
      while (client_.read_event(*head)) continue;
    } else {
      client_.read_body(*head);
    }
    return client_.clean_end() ? head->header("x-request-id") : std::string();
  }

 private:
  RawClient client_;
};

class ClockStep : public testing::Test {
 protected:
  ClockStep() { gateway_.daemon.set_time(k_start); }

  void expect_whole(InFlight& running) {
    const auto id = running.finish();
    ASSERT_NE(id, "");
    const Json row = Json::parse(gateway_.daemon.must({"request", "show", id, "--json"}));
    EXPECT_EQ(row["ending"], "complete");
    EXPECT_EQ(row["flags"], Json::array());
    EXPECT_EQ(row["started_at"], "2030-01-01T12:00:00Z");
    // What passed, not what the wall clock says that passed.
    EXPECT_GE(row["duration_ms"], 0);
    EXPECT_LT(row["duration_ms"], 600'000);
    EXPECT_GE(row["first_byte_ms"], 0);
    EXPECT_LE(row["first_byte_ms"], row["duration_ms"]);
  }

  Gateway gateway_{with_clock()};
};

TEST_F(ClockStep, RunningRequestsAreNotCut) {
  const auto key = gateway_.token("t", {"--quota", "1"});
  Pulse pulse(gateway_);
  gateway_.upstream.close_gate();
  InFlight plain(gateway_, key, false), streamed(gateway_, key, true);
  gateway_.upstream.wait_for("held", 2);
  for (const auto by : {1h, 24h, k_ten_years, -k_ten_years, -24h, -48h}) {
    gateway_.daemon.step(by);
    pulse.wait(1);
    // A new one begins and ends as ever, with the time as it is now.
    const std::string echo = HttpClient(gateway_.daemon.port(), key).get("/v1/token").body;
    EXPECT_EQ(Json::parse(echo)["status"], "enabled") << echo;
    EXPECT_GT(gateway_.reserved("t"), 0) << "both are still running";
  }
  gateway_.upstream.open_gate();
  expect_whole(plain);
  expect_whole(streamed);
  EXPECT_EQ(gateway_.posted("t"), 2 * 50'000);
  EXPECT_EQ(gateway_.reserved("t"), 0);
  check_books(gateway_.daemon);
}

TEST_F(ClockStep, EachIsSaidInTheLog) {
  const auto set = [this](std::chrono::seconds by, const std::string& said) {
    gateway_.daemon.step(by);
    EXPECT_THAT(gateway_.daemon.log_with(said), testing::HasSubstr("the clock was set"));
  };
  set(1h, "to=2030-01-01T13:00:0");
  set(-25h, "to=2029-12-31T12:00:0");
  set(720h, "by=+30d");
}

TEST_F(ClockStep, ABudgetGoesByTheDayThatIsNow) {
  const auto key = gateway_.token("t", {"--budget", "0.0003/day", "--when-low", "refuse"});
  const Json body = chat("fake-full", {{"max_tokens", 16}});
  const auto spend_all = [&] {
    int passed = 0;
    while (gateway_.post(key, body).status == 200) ++passed;
    return passed;
  };
  const int a_day = spend_all();
  EXPECT_GT(a_day, 0);
  gateway_.daemon.step(12h - 1ms);
  EXPECT_EQ(spend_all(), 0) << "a millisecond before midnight";
  gateway_.daemon.step(1ms);
  EXPECT_EQ(spend_all(), a_day) << "at midnight";
  gateway_.daemon.step(-12h);
  EXPECT_EQ(spend_all(), 0) << "back in the day that was used up";
  gateway_.daemon.step(k_ten_years);
  EXPECT_EQ(spend_all(), a_day);
  gateway_.daemon.step(-k_ten_years);
  EXPECT_EQ(spend_all(), 0);
  gateway_.daemon.must({"audit", "verify"});
  check_witness(gateway_, Run::clean);
}

TEST_F(ClockStep, NewRequestsAreSettledOnEitherSide) {
  const auto key = gateway_.token("t", {"--quota", "1"});
  int sent = 0;
  for (const auto by : {1h, 24h, k_ten_years, -2 * k_ten_years, -1h}) {
    ASSERT_EQ(gateway_.post(key, chat()).status, 200);
    gateway_.daemon.step(by);
    ASSERT_EQ(gateway_.post(key, chat()).status, 200);
    sent += 2;
    EXPECT_EQ(gateway_.posted("t"), sent * 50'000);
  }
  ASSERT_EQ(gateway_.daemon.restart(), 0);
  EXPECT_EQ(gateway_.posted("t"), sent * 50'000);
  check_witness(gateway_, Run::clean);
  check_books(gateway_.daemon);
}

TEST_F(ClockStep, OverAnExpiryAndBack) {
  const auto key = gateway_.token("brief", {"--quota", "1", "--expires", "1h"});
  Pulse pulse(gateway_);
  gateway_.upstream.close_gate();
  InFlight plain(gateway_, key, false), streamed(gateway_, key, true);
  gateway_.upstream.wait_for("held", 2);
  gateway_.daemon.step(1h);
  pulse.wait(1);
  EXPECT_EQ(error_code(gateway_.post(key, chat())), "token_expired");
  gateway_.upstream.open_gate();
  expect_whole(plain);
  expect_whole(streamed);
  gateway_.daemon.step(-1ms);
  EXPECT_EQ(gateway_.post(key, chat()).status, 200);
  EXPECT_EQ(gateway_.posted("brief"), 3 * 50'000);
  check_books(gateway_.daemon);
}

TEST_F(ClockStep, OverTheEndOfAGraceAndBack) {
  const auto old_key = gateway_.token("turning", {"--quota", "1"});
  auto new_key = gateway_.daemon.must({"token", "rotate", "turning", "--grace", "1h"});
  new_key.pop_back();
  Pulse pulse(gateway_);
  gateway_.upstream.close_gate();
  InFlight with_old(gateway_, old_key, true), with_new(gateway_, new_key, false);
  gateway_.upstream.wait_for("held", 2);
  gateway_.daemon.step(24h);
  pulse.wait(1);
  EXPECT_EQ(error_code(gateway_.post(old_key, chat())), "invalid_api_key");
  gateway_.upstream.open_gate();
  expect_whole(with_old);
  expect_whole(with_new);
  EXPECT_EQ(gateway_.post(new_key, chat()).status, 200);
  gateway_.daemon.step(-24h);
  EXPECT_EQ(gateway_.post(old_key, chat()).status, 200);
  EXPECT_EQ(gateway_.posted("turning"), 4 * 50'000);
  check_books(gateway_.daemon);
}

}  // namespace
}  // namespace cr::test

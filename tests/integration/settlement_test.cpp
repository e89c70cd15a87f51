// SPDX-License-Identifier: MIT
// How a request may end, and what is posted for it: each ending, plain and streamed, as its client sees it and as crctl
// tells it. Rows by the number of the fault they are about (F1 to F30), where they are about one.
#include <thread>

#include "integration/gateway.h"

namespace cr::test {
namespace {

using testing::HasSubstr;

enum class Posted {
  nothing,   // void: whatever was held is free again
  usage,     // 10 in and 20 out, as the provider tells it
  hold,      // the whole hold, the rest is overrun
  estimate,  // a token for four bytes of the request, and what came of the answer, or may have been made unseen
  reserved,  // all that was reserved: it may have been done as a whole
};
struct Seen {  // by the client, and what an estimate makes of the answer
  int status = 200;
  bool clean = true;  // the answer came to its proper end
  std::int64_t output = 0;
};
struct Case {
  std::string name;
  Json behaviour;  // of the upstream
  std::string ending, error;
  std::vector<std::string> flags;
  Posted posted = Posted::nothing;
  std::optional<Seen> plain, streamed;  // none: there is no such answer
  std::string base_url = {};            // of the channel: another place than the upstream's
  std::string content = "hello";
};
void PrintTo(const Case& one, std::ostream* out) {
  *out << one.name;
}

Case void_case(const std::string& name, const Json& behaviour, const std::string& ending, const std::string& error,
               int status, const std::string& base_url = {}) {
  const Seen seen{status, true, 0};
  return {name, behaviour, ending, error, {}, Posted::nothing, seen, seen, base_url};
}
// A provider that got the request and did not answer: it may have done the work.
Case unknown_case(const std::string& name, const Json& behaviour, const std::string& ending, const std::string& error,
                  int status) {
  const Seen seen{status, true, 0};
  return {name, behaviour, ending, error, {"unknown"}, Posted::reserved, seen, seen};
}
Case estimated_case(const std::string& name, const Json& behaviour, const std::string& ending,
                    std::optional<Seen> plain, std::optional<Seen> streamed) {
  const std::map<std::string, std::string> errors{{"upstream_cut", "upstream_invalid"},
                                                  {"upstream_silent", "upstream_timeout"}};
  const auto error = errors.find(ending);
  return {name,          behaviour,        ending, error == errors.end() ? "" : error->second,
          {"estimated"}, Posted::estimate, plain,  streamed};
}
Case metered_case(const std::string& name, const Json& behaviour, Posted posted, const std::string& content = "hello") {
  return {name, behaviour, "complete", "", {}, posted, Seen{}, Seen{}, {}, content};
}

Case slow_case(const std::string& name, const Json& behaviour, std::optional<Seen> plain,
               std::optional<Seen> streamed) {
  return {name, behaviour, "complete", "", {}, Posted::usage, plain, streamed};
}

std::string http_200(const std::string& rest) {
  return "HTTP/1.1 200 OK\r\nContent-Type: " + rest;
}

std::string event(const std::string& content) {
  return "data: {\"choices\":[{\"delta\":{\"content\":\"" + content + "\"}}]}\n\n";
}

// No answer of HTTP, or none that could be believed; and none at all.
std::vector<Case> head_cases() {
  const auto bad_head = [](const std::string& name, const std::string& fields) {
    const Json raw = {{"raw", http_200("application/json\r\n") + fields}};
    auto one = void_case(name, raw, "upstream_failed", "upstream_invalid", 502);
    one.streamed.reset();  // it comes to the same
    return one;
  };
  std::string many;
  for (int i = 0; i < 10'000; ++i) many += "a:b\r\n";
  return {
      bad_head("F14_head_of_a_megabyte", "x-big: " + std::string(std::size_t{1024} * 1024, 'x') + "\r\n\r\n{}"),
      bad_head("F14_ten_thousand_fields", many + "\r\n{}"),
      bad_head("F16_length_and_chunked", "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}"),
      bad_head("F16_two_lengths", "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}"),
      bad_head("F16_negative_length", "Content-Length: -2\r\n\r\n{}"),
      bad_head("F16_length_is_no_number", "Content-Length: 2x\r\n\r\n{}"),
      void_case("not_http", {{"raw", "SMTP ready\r\n"}}, "upstream_failed", "upstream_invalid", 502),
      unknown_case("cut_before_the_head", {{"cut_after", -1}}, "upstream_failed", "upstream_invalid", 502),
      unknown_case("reset_before_the_head", {{"cut_after", -1}, {"reset", true}}, "upstream_failed", "upstream_invalid",
                   502),
      unknown_case("F17_silent", {{"silent_after", -1}}, "upstream_silent", "upstream_timeout", 504),
  };
}

std::vector<Case> cases() {
  const auto refused = [](int status) { return Json{{"status", status}, {"body", R"({"error":{"code":"x"}})"}}; };
  const Json cut_body = {{"raw", http_200("application/json\r\nContent-Length: 400\r\n\r\n{\"a\":1234567")}};
  const Json bad_chunk = {
      {"raw", http_200("text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ndata\r\nzz\r\n")}};
  const Json bad_plain_chunk = {
      {"raw", http_200("application/json\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"a\":\r\nzz\r\n")}};
  const Json garbage = {{"events", {event("twelve bytes"), "data: {\"gar\n\n", "data: [DONE]\n\n"}}};
  const Json endless = {
      {"events", {event("twelve bytes"), "data: " + std::string(std::size_t{10} * 1024 * 1024, 'x')}}};
  const auto none = std::nullopt;
  const Seen broken{200, false, 4};  // after a role and four words
  std::vector<Case> all = head_cases();
  const std::vector<Case> more{
      void_case("F4_not_connected", {}, "upstream_failed", "upstream_unreachable", 502, "http://127.0.0.1:1/v1"),
      void_case("F7_no_tls", {}, "upstream_failed", "upstream_unreachable", 502, "https:gateway"),
      void_case("F7_tls_stalls", {}, "upstream_failed", "upstream_timeout", 504, "https:upstream"),
      void_case("F9_key_refused_with_401", refused(401), "upstream_failed", "upstream_auth", 502),
      void_case("F9_key_refused_with_403", refused(403), "upstream_failed", "upstream_auth", 502),
      void_case("F13_redirected", refused(302), "upstream_failed", "upstream_invalid", 502),
      void_case("F27_error_with_200", {{"body", R"({"error":{"message":"no"}})"}}, "upstream_failed",
                "upstream_invalid", 502),
      void_case("a_page_with_200", {{"body", "<html>twenty-four</html>"}}, "upstream_failed", "upstream_invalid", 502),
      metered_case("usage", {}, Posted::usage),
      metered_case("F22_usage_above_the_hold", {}, Posted::hold, "[[output=500]]"),
      estimated_case("F21_no_usage", {{"usage", false}}, "complete", Seen{200, true, 20}, Seen{200, true, 20}),
      // Of a plain answer that is cut nothing was seen: all that it may have is made by then. Of a stream, its events.
      estimated_case("cut_body", cut_body, "upstream_cut", Seen{502, true, 100}, none),
      estimated_case("cut_after_bytes", {{"cut_after", 202}}, "upstream_cut", Seen{502, true, 100}, none),
      estimated_case("F19_cut_after_events", {{"cut_after", 5}}, "upstream_cut", none, broken),
      estimated_case("F19_reset_after_events", {{"cut_after", 5}, {"reset", true}, {"event_delay_ms", 5}},
                     "upstream_cut", none, broken),
      estimated_case("F18_silent_after_events", {{"silent_after", 5}}, "upstream_silent", none, broken),
      estimated_case("F18_silent_after_bytes", {{"silent_after", 202}}, "upstream_silent", Seen{504, true, 100}, none),
      estimated_case("F15_bad_chunk", bad_chunk, "upstream_cut", none, Seen{502, true, 100}),
      estimated_case("F15_bad_chunk_plain", bad_plain_chunk, "upstream_cut", Seen{502, true, 100}, none),
      estimated_case("F24_endless_line", endless, "upstream_cut", none, Seen{200, false, 3}),
      estimated_case("F20_no_last_word", {{"usage", false}, {"done", false}}, "upstream_cut", none,
                     Seen{200, false, 20}),
      estimated_case("F28_error_after_events", {{"error_after", 5}}, "complete", none, Seen{200, true, 4}),
      estimated_case("F23_garbage_in_an_event", garbage, "complete", none, Seen{200, true, 3}),
      metered_case("F20_usage_and_no_last_word", {{"done", false}}, Posted::usage),
      // Longer than the channel may be silent, and never silent for so long.
      slow_case("F26_slow_bytes", {{"piece_bytes", 24}, {"piece_delay_ms", 50}}, Seen{}, none),
      slow_case("F26_slow_events", {{"event_delay_ms", 60}}, none, Seen{}),
  };
  all.insert(all.end(), more.begin(), more.end());
  for (const int status : {400, 404, 422, 429, 500, 502, 503, 529}) {
    const std::string fault = status == 429 ? "F10" : status < 500 ? "F11" : "F12";
    all.push_back(void_case(fault + "_refused_with_" + std::to_string(status), refused(status), "complete",
                            "upstream_error", status));
  }
  return all;
}

struct Answer {
  int status = 0;
  bool clean = false;
  std::string id, body;
};

class SettlementTest : public testing::TestWithParam<Case> {
 protected:
  SettlementTest() {
    gateway_.daemon.must(
        {"channel", "edit", "fake", "--timeout-connect", "1s", "--timeout-first-byte", "1s", "--timeout-idle", "1s"});
    key_ = gateway_.token("t", {"--quota", "1"});
  }

  Answer send(const Json& body) {
    RawClient client(gateway_.daemon.port());
    client.send(raw_request("POST", "/v1/chat/completions", key_, body.dump()));
    const auto head = client.read_head();
    if (!head) return {};
    const auto got = client.read_body(*head);
    return {head->status, client.clean_end(), head->header("x-request-id"), got};
  }

  void check(const Case& expected, bool streamed) {
    const Json body = {{"model", "fake-a"},
                       {"max_tokens", 100},
                       {"stream", streamed},
                       {"messages", {{{"role", "user"}, {"content", expected.content}}}}};
    const auto bytes = static_cast<std::int64_t>(body.dump().size());
    const Seen seen = streamed ? *expected.streamed : *expected.plain;
    gateway_.upstream.reset();
    // A fresh start for the channel, whose health remembers the answer before.
    gateway_.daemon.must({"channel", "edit", "fake", "--note", streamed ? "streamed" : "plain"});
    if (!expected.behaviour.empty()) gateway_.upstream.behave(expected.behaviour);
    const auto posted_before = gateway_.posted("t");
    const auto answer = send(body);
    EXPECT_EQ(answer.status, seen.status);
    EXPECT_EQ(answer.clean, seen.clean);
    const bool passed = expected.error == "upstream_error";
    EXPECT_THAT(answer.body, HasSubstr(passed ? R"({"error":{"code":"x"}})" : expected.error));
    const Json row = Json::parse(gateway_.daemon.must({"request", "show", answer.id, "--json"}));
    const auto posted = gateway_.posted("t") - posted_before;
    EXPECT_EQ(row["ending"], expected.ending);
    EXPECT_EQ(row["error"], expected.error);
    EXPECT_EQ(row["flags"], Json(expected.flags));
    EXPECT_EQ(row["status"], seen.status);
    EXPECT_EQ(row["stream"], streamed);
    EXPECT_EQ(gateway_.reserved("t"), 0);
    const auto hold = (bytes + 16 + 64) * 1000 + 100 * 2000;
    // Of what ends early the input that is reserved, which nobody told.
    const auto input = expected.ending == "complete" ? (bytes + 3) / 4 : bytes + 16 + 64;
    const auto estimate = input * 1000 + seen.output * 2000;
    const auto overrun = std::stoll(gateway_.daemon.sql_value("SELECT overrun FROM request ORDER BY id DESC LIMIT 1"));
    switch (expected.posted) {
      case Posted::nothing:
        EXPECT_EQ(posted, 0);
        break;
      case Posted::usage:
        EXPECT_EQ(posted, 50'000);
        break;
      case Posted::hold:
        EXPECT_EQ(posted, hold);
        EXPECT_EQ(overrun, 10 * 1000 + 500 * 2000 - hold);
        EXPECT_THAT(gateway_.daemon.log_with("a request cost more than was reserved for it"),
                    HasSubstr("a request cost more than was reserved for it"));
        break;
      case Posted::estimate:
        EXPECT_EQ(posted, estimate);
        break;
      case Posted::reserved:
        EXPECT_EQ(std::to_string(posted),
                  gateway_.daemon.sql_value("SELECT held FROM request ORDER BY id DESC LIMIT 1"));
        EXPECT_GE(posted, 100 * 2000) << "its bound";
        break;
    }
    EXPECT_LE(witnessed_cost(gateway_), posted + overrun);
    check_books(gateway_.daemon);
  }

  void TearDown() override { EXPECT_EQ(gateway_.daemon.sql_value("SELECT count(*) FROM reservation"), "0"); }

  Gateway gateway_;
  std::string key_;
};

TEST_P(SettlementTest, IsAsItsEndingSays) {
  const Case& expected = GetParam();
  std::string base_url = expected.base_url;
  if (base_url == "https:gateway") base_url = "https://127.0.0.1:" + std::to_string(gateway_.daemon.port());
  if (base_url == "https:upstream") base_url = "https://127.0.0.1:" + std::to_string(gateway_.upstream.port());
  if (!base_url.empty()) gateway_.daemon.must({"channel", "edit", "fake", "--base-url", base_url});
  for (const bool streamed : {false, true}) {
    SCOPED_TRACE(streamed ? "streamed" : "plain");
    if (streamed ? expected.streamed : expected.plain) check(expected, streamed);
  }
}
INSTANTIATE_TEST_SUITE_P(Endings, SettlementTest, testing::ValuesIn(cases()),
                         [](const auto& row) { return row.param.name; });

// A connection that was kept and is dead when it is used again. Nothing was lost while the provider cannot have had all
// of the request. Once it can, the same request goes out again only where both can be paid for, and never once a byte
// of an answer came.
struct KeptRow {
  std::string name;
  Json before, after;  // what the provider does to the request before, and to the one it is about
  std::int64_t arrived = 0;
  bool limited = true;
  bool served = false, lost = false;
};

class KeptConnection : public testing::Test {
 protected:
  static DaemonOptions one_worker() {
    DaemonOptions options;
    options.top_level = "workers = 1";
    return options;
  }
  // A request that leaves a connection behind, and the one it is about.
  HttpAnswer send_two(const std::string& key, const Json& body, const Json& before, const Json& after) {
    gateway_.upstream.reset();
    gateway_.daemon.must(
        {"channel", "edit", "fake", "--note", std::to_string(++round_)});  // with connections of its own
    if (!before.is_null()) gateway_.upstream.behave(before);
    EXPECT_EQ(gateway_.post(key, body).status, 200);
    // The one that it is told this on is open.
    if (before.contains("close")) {
      while (gateway_.upstream.tally()["open_connections"] > 1) std::this_thread::yield();
    }
    if (!after.is_null()) gateway_.upstream.behave(after);
    return gateway_.post(key, body);
  }
  static std::int64_t input_of(const Json& body, bool limited) {
    const auto bytes = static_cast<std::int64_t>(body.dump().size());
    return (limited ? bytes + 16 + 64 : (bytes + 3) / 4) * 1000;
  }

  Gateway gateway_{one_worker()};
  int round_ = 0;
};

TEST_F(KeptConnection, FoundDeadIsTriedOnceMoreWhereBothCanBePaid) {
  const Json closes = {{"cut_after", -1}};
  const Json resets = {{"cut_after", -1}, {"reset", true}};
  const Json interim = {{"raw", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"}};
  const std::vector<KeptRow> rows{
      {"F29_closed_unseen", {{"close", true}}, {}, 2, true, true, false},
      {"F29_closed_at_use", {}, closes, 2, true, false, true},
      {"F29_reset_at_use", {}, resets, 2, true, false, true},
      {"F29_closed_at_use_unlimited", {}, closes, 3, false, true, true},
      {"F29_reset_at_use_unlimited", {}, resets, 3, false, true, true},
      {"F29_not_once_a_byte_came", {}, {{"raw", "HTT"}}, 2, true, false, false},
      {"F29_not_once_a_byte_came_unlimited", {}, {{"raw", "H"}}, 2, false, false, false},
      {"F29_not_once_an_interim_head_came", {}, interim, 2, true, false, false},
      {"F29_not_once_an_interim_head_came_unlimited", {}, interim, 2, false, false, false},
      {"F29_not_behind_a_continue", {}, {{"raw", "HTTP/1.1 100 Continue\r\n\r\n"}}, 2, false, false, false},
  };
  const std::map<bool, std::string> names{{true, "t"}, {false, "u"}};
  const std::map<bool, std::string> keys{{true, gateway_.token("t", {"--quota", "1"})}, {false, gateway_.token("u")}};
  const auto body = chat("fake-a", {{"max_tokens", 100}});
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    const auto& name = names.at(row.limited);
    const auto before = gateway_.posted(name);
    const auto answer = send_two(keys.at(row.limited), body, row.before, row.after);
    EXPECT_EQ(answer.status, row.served ? 200 : 502);
    EXPECT_EQ(gateway_.arrived(), row.arrived);
    EXPECT_THAT(answer.body, HasSubstr(row.served ? "\"usage\"" : "upstream_invalid"));
    const Json told = gateway_.request(answer);
    EXPECT_EQ(told["ending"], row.served ? "complete" : "upstream_failed");
    EXPECT_EQ(told["flags"], row.served && !row.lost ? Json::array() : Json::array({"unknown"}));
    // Two seconds and a thousand tokens in each are more than the hundred that were asked for.
    const auto lost = row.lost || !row.served ? input_of(body, row.limited) + 100 * 2000 : 0;
    const auto posted = gateway_.posted(name) - before - (row.served ? 100'000 : 50'000);
    EXPECT_EQ(posted, lost);
    EXPECT_EQ(gateway_.reserved(name), 0);
  }
  EXPECT_EQ(gateway_.daemon.sql_value("SELECT count(*) FROM request"), std::to_string(2 * rows.size()));
}

// Where crd wrote the bound itself, the second try gets what the first one leaves of it.
TEST_F(KeptConnection, ASecondTryIsBoundByWhatTheFirstOneLeaves) {
  gateway_.daemon.must(
      {"price", "set", "fake-a", "--max-output", "100000", "--context", "200000", "--default-output", "16384"});
  const auto key = gateway_.token("t", {"--quota", "1"});
  const auto body = chat("fake-a");
  const auto answer = send_two(key, body, {}, {{"cut_after", -1}});
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.header("x-crd-output-limit"), "");
  const Json seen = gateway_.upstream.requests();
  ASSERT_EQ(seen.size(), 3U);
  EXPECT_EQ(seen[1]["bound"], 16384);
  EXPECT_LE(seen[2]["bound"], 16384 - 2000);
  EXPECT_GE(seen[2]["bound"], 4096);
  EXPECT_EQ(gateway_.request(answer)["flags"], Json::array({"unknown"}));
  const auto hold = std::stoll(gateway_.daemon.sql_value("SELECT held FROM request ORDER BY id DESC LIMIT 1"));
  EXPECT_GE(gateway_.posted("t"), 2 * 50'000 + input_of(body, true) + 2000 * 2000);
  EXPECT_LE(gateway_.posted("t"), 50'000 + hold);
  EXPECT_EQ(gateway_.reserved("t"), 0);
}

// What cannot be read anew from nothing is not sent to another channel either.
TEST_F(KeptConnection, IsNotTriedElsewhereWhereBothCannotBePaid) {
  gateway_.daemon.must({"channel", "create", "second", "--kind", "openai", "--base-url", gateway_.upstream.url(),
                        "--models", "fake-*", "--key-stdin", "--allow-private", "--priority", "20"},
                       "sk-provider-1234\n");
  const auto key = gateway_.token("t", {"--quota", "1"});
  EXPECT_EQ(send_two(key, chat("fake-a", {{"max_tokens", 100}}), {}, {{"cut_after", -1}}).status, 502);
  EXPECT_EQ(gateway_.arrived(), 2);
}

}  // namespace
}  // namespace cr::test

// SPDX-License-Identifier: MIT
// Streams: every event at once and byte for byte, usage asked for and hidden, cut streams that look cut.
#include "integration/gateway.h"

namespace cr::test {
namespace {

using testing::HasSubstr;
using testing::Not;

struct Streamed {
  RawHead head;
  std::vector<std::string> events;
  bool clean = false;
};

Streamed stream(Gateway& gateway, const std::string& key, const Json& body,
                const std::string& path = "/v1/chat/completions") {
  RawClient client(gateway.daemon.listener());
  client.send(raw_request("POST", path, key, body.dump()));
  Streamed streamed;
  const auto head = client.read_head();
  if (!head) return streamed;
  streamed.head = *head;
  while (auto event = client.read_event(*head)) streamed.events.push_back(*event);
  streamed.clean = client.clean_end();
  return streamed;
}

class Stream : public OverWire {};

TEST_P(Stream, UsageIsAskedForAndHidden) {
  Gateway gateway(over(GetParam()));
  const auto key = gateway.token("s", {"--quota", "1"});
  const auto streamed = stream(gateway, key, chat("fake-a", {{"stream", true}}));
  EXPECT_EQ(streamed.head.status, 200);
  EXPECT_THAT(streamed.head.header("content-type"), HasSubstr("text/event-stream"));
  EXPECT_TRUE(streamed.clean);
  ASSERT_FALSE(streamed.events.empty());
  EXPECT_EQ(streamed.events.back(), "data: [DONE]\n\n");
  for (const auto& event : streamed.events) EXPECT_THAT(event, Not(HasSubstr("prompt_tokens")));
  EXPECT_EQ(gateway.posted("s"), 50'000);
  check_witness(gateway, Run::clean);
}

TEST_P(Stream, AClientThatAsksForUsageGetsIt) {
  Gateway gateway(over(GetParam()));
  const auto key = gateway.token("s");
  const auto streamed =
      stream(gateway, key, chat("fake-a", {{"stream", true}, {"stream_options", {{"include_usage", true}}}}));
  ASSERT_GE(streamed.events.size(), 2U);
  EXPECT_THAT(streamed.events[streamed.events.size() - 2], HasSubstr("prompt_tokens"));
  const auto refused =
      stream(gateway, key, chat("fake-a", {{"stream", true}, {"stream_options", {{"include_usage", false}}}}));
  for (const auto& event : refused.events) EXPECT_THAT(event, Not(HasSubstr("prompt_tokens")));
  check_witness(gateway, Run::clean);
}

struct OddRow {
  std::string name;
  std::vector<std::string> events;
  std::size_t piece_bytes = 0;  // as the provider writes them; 0 = an event at once
};

// Each with one short delta: the estimate is one model token out.
std::vector<OddRow> odd_rows() {
  const std::string word = "data: {\"choices\":[{\"delta\":{\"content\":\"\xC3\xA9\"}}]}", done = "data: [DONE]\n\n";
  return {
      {"F25_LF", {word + "\n\n", done}},
      {"F25_CRLF", {"event: x\r\n" + word + "\r\n\r\n", "data: [DONE]\r\n\r\n"}},
      {"F25_CR", {word + "\r\r", "data: [DONE]\r\r"}},
      {"F25_BOM", {"\xEF\xBB\xBF" + word + "\n\n", done}},
      {"F25_comments", {": a comment\n\n", ":\n" + word + "\n:\n\n", done}},
      {"F25_several_lines", {"data: one\ndata: two\n\n", "id: 7\nretry: 10\n" + word + "\n\n", done}},
      {"F25_split_everywhere", {word + "\n\n", "event: x\r\ndata: {}\r\n\r\n", done}, 1},
      {"F23_garbage", {word + "\n\n", "data: {\"gar\n\n", "nonsense\n\n", done}},
  };
}

TEST_P(Stream, OddEventsPassByteForByte) {
  Gateway gateway(over(GetParam()));
  const auto key = gateway.token("s", {"--quota", "1"});
  const Json body = chat("fake-a", {{"stream", true}});
  const auto estimate = (static_cast<std::int64_t>(body.dump().size()) + 3) / 4 * 1000 + 2000;
  std::int64_t posted = 0;
  for (const auto& row : odd_rows()) {
    SCOPED_TRACE(row.name);
    gateway.upstream.behave({{"events", row.events}, {"piece_bytes", row.piece_bytes}});
    RawClient client(gateway.daemon.listener());
    client.send(raw_request("POST", "/v1/chat/completions", key, body.dump()));
    const auto head = client.read_head();
    ASSERT_TRUE(head);
    std::string sent;
    for (const auto& event : row.events) sent += event;
    EXPECT_EQ(client.read_body(*head), sent);
    EXPECT_TRUE(client.clean_end());
    EXPECT_EQ(gateway.posted("s"), posted += estimate);
    EXPECT_EQ(gateway.reserved("s"), 0);
  }
  EXPECT_EQ(gateway.daemon.sql_value("SELECT count(*) FROM request WHERE flags = 1"),
            std::to_string(odd_rows().size()));
}

TEST_P(Stream, AnEventArrivesBeforeTheNextIsMade) {
  Gateway gateway(over(GetParam()));
  const auto key = gateway.token("s", {"--quota", "1"});
  gateway.upstream.close_gate(1);
  RawClient client(gateway.daemon.listener());
  client.send(raw_request("POST", "/v1/chat/completions", key, chat("fake-a", {{"stream", true}}).dump()));
  const auto head = client.read_head();
  ASSERT_TRUE(head);
  EXPECT_TRUE(client.read_event(*head));  // the upstream stands still after it
  gateway.upstream.open_gate();
  while (client.read_event(*head)) continue;
  EXPECT_TRUE(client.clean_end());
  check_witness(gateway, Run::clean);
}

TEST_P(Stream, F19_ACutUpstreamLooksCut) {
  Gateway gateway(over(GetParam()));
  const auto key = gateway.token("s", {"--quota", "1"});
  for (const Json& fault : {Json{{"cut_after", 3}}, Json{{"cut_after", 3}, {"reset", true}}}) {
    gateway.upstream.behave(fault);
    const auto streamed = stream(gateway, key, chat("fake-a", {{"stream", true}}));
    EXPECT_FALSE(streamed.clean);
    ASSERT_FALSE(streamed.events.empty());
    EXPECT_THAT(streamed.events.back(), HasSubstr("upstream_invalid"));
  }
  const auto rows = Json::parse(gateway.daemon.must({"request", "list", "--json"}));
  ASSERT_EQ(rows.size(), 2U);
  for (const auto& row : rows) {
    EXPECT_EQ(row["ending"], "upstream_cut");
    EXPECT_THAT(row["flags"].dump(), HasSubstr("estimated"));
    EXPECT_NE(row["cost"], "0");
  }
  EXPECT_EQ(gateway.reserved("s"), 0);
}

TEST_P(Stream, F20_AStreamWithoutItsLastWordIsCut) {
  Gateway gateway(over(GetParam()));
  const auto key = gateway.token("s", {"--quota", "1"});
  gateway.upstream.behave({{"usage", false}, {"done", false}});
  const auto streamed = stream(gateway, key, chat("fake-a", {{"stream", true}}));
  EXPECT_FALSE(streamed.clean);
  EXPECT_THAT(streamed.events.back(), HasSubstr("upstream_invalid"));
  EXPECT_EQ(Json::parse(gateway.daemon.must({"request", "list", "--json"})).at(0)["ending"], "upstream_cut");
  EXPECT_GT(gateway.posted("s"), 20 * 2000);
  EXPECT_EQ(gateway.reserved("s"), 0);
}

TEST_P(Stream, AClientThatLeavesCancelsTheUpstream) {
  Gateway gateway(over(GetParam()));
  const auto key = gateway.token("s", {"--quota", "1"});
  gateway.upstream.close_gate(2);
  {
    RawClient client(gateway.daemon.listener());
    client.send(raw_request("POST", "/v1/chat/completions", key, chat("fake-a", {{"stream", true}}).dump()));
    const auto head = client.read_head();
    ASSERT_TRUE(head);
    ASSERT_TRUE(client.read_event(*head));
    client.reset();
  }
  gateway.upstream.wait_for("gone", 1);
  gateway.upstream.open_gate();
  const auto rows = Json::parse(gateway.daemon.must({"request", "list", "--json"}));
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0]["ending"], "client_gone");
  EXPECT_GT(gateway.posted("s"), 0);
  EXPECT_EQ(gateway.reserved("s"), 0);
}

TEST_P(Stream, MessagesAndResponsesAreMetered) {
  Gateway gateway(over(GetParam()));
  const auto key = gateway.token("s", {"--quota", "1"});
  const auto messages = stream(gateway, key, chat("fake-a", {{"stream", true}, {"max_tokens", 64}}), "/v1/messages");
  EXPECT_TRUE(messages.clean);
  EXPECT_EQ(gateway.posted("s"), 50'000);
  const auto responses =
      stream(gateway, key, {{"model", "fake-a"}, {"input", "hello"}, {"stream", true}}, "/v1/responses");
  EXPECT_TRUE(responses.clean);
  EXPECT_EQ(gateway.posted("s"), 100'000);
  check_witness(gateway, Run::clean);
}

TEST_P(Stream, Http10GetsAStreamThatEndsWithItsConnection) {
  Gateway gateway(over(GetParam()));
  const auto key = gateway.token("s");
  const auto body = chat("fake-a", {{"stream", true}}).dump();
  RawClient client(gateway.daemon.listener());
  client.send("POST /v1/chat/completions HTTP/1.0\r\nauthorization: Bearer " + key +
              "\r\ncontent-type: application/json\r\ncontent-length: " + std::to_string(body.size()) + "\r\n\r\n" +
              body);
  const auto all = client.read_all();
  EXPECT_THAT(all, HasSubstr("data: [DONE]\n\n"));
  EXPECT_THAT(all, Not(HasSubstr("transfer-encoding")));
}

INSTANTIATE_TEST_SUITE_P(Wires, Stream, testing::Values(Wire::plain, Wire::tls), wire_name);

}  // namespace
}  // namespace cr::test

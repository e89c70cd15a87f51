// SPDX-License-Identifier: MIT
// A client that leaves: its upstream is cancelled, or with on_client_gone = "drain" read to its usage, and what was
// used is posted in either case.
#include "integration/gateway.h"
#include "integration/pulse.h"

namespace cr::test {
namespace {

DaemonOptions one_worker(const std::string& on_client_gone, Wire wire = Wire::plain,
                         const std::string& half_close = "abort") {
  DaemonOptions options = over(wire);
  options.top_level =
      "workers = 1\non_client_gone = \"" + on_client_gone + "\"\nclient_half_close = \"" + half_close + "\"";
  options.tables = "[relay]\ncomment_interval = \"1s\"";
  return options;
}

Json body_of(bool streamed) {
  return chat("fake-a", {{"max_tokens", 100}, {"stream", streamed}});
}
// What is reserved for the input: it is not told.
std::int64_t input_reserved(bool streamed) {
  return (static_cast<std::int64_t>(body_of(streamed).dump().size()) + 16 + 64) * 1000;
}

// Token "t"'s only request, held back by its provider before the head of its answer.
void send_and_hold(Gateway& gateway, RawClient& client, bool streamed) {
  const auto key = gateway.token("t", {"--quota", "1"});
  gateway.upstream.close_gate();
  client.send(raw_request("POST", "/v1/chat/completions", key, body_of(streamed).dump()));
  gateway.upstream.wait_for("held", 1);
}

// Token "t"'s only request, held back after a role and two words, which the client has read. None if they did not come.
std::optional<RawHead> send_and_read_words(Gateway& gateway, RawClient& client) {
  const auto key = gateway.token("t", {"--quota", "1"});
  constexpr int k_events = 3;
  gateway.upstream.close_gate(k_events);
  client.send(raw_request("POST", "/v1/chat/completions", key, body_of(true).dump()));
  auto head = client.read_head();
  for (int i = 0; head && i < k_events; ++i) {
    if (!client.read_event(*head)) return std::nullopt;
  }
  return head;
}

// The row of the only request of token "t", once it has ended.
Json row_of(Gateway& gateway) {
  for (;;) {
    gateway.flush();
    // Its own: a pulse's stands as long as its stream.
    if (gateway.daemon.sql_value("SELECT count(*) FROM reservation r JOIN token t ON t.id = r.token_id WHERE t.name = "
                                 "'t'") == "0")
      break;
  }
  const Json rows = Json::parse(gateway.daemon.must({"request", "list", "--token", "t", "--json"}));
  EXPECT_EQ(rows.size(), 1U);
  return rows.at(0);
}

struct Leaving {
  std::string name;
  bool streamed;
  Wire wire = Wire::plain;
};
class ClientGone : public testing::TestWithParam<Leaving> {};

TEST_P(ClientGone, BeforeTheHeadCancelsTheUpstream) {
  Gateway gateway(one_worker("cancel", GetParam().wire));
  RawClient client(gateway.daemon.listener());
  send_and_hold(gateway, client, GetParam().streamed);
  client.reset();
  gateway.upstream.wait_for("gone", 1);
  const Json row = row_of(gateway);
  EXPECT_EQ(row["ending"], "client_gone");
  EXPECT_EQ(row["flags"], Json({"unknown"}));
  EXPECT_EQ(row["status"], 0) << "it got nothing";
  EXPECT_EQ(row["error"], "");
  // Nothing was seen of it: all that was asked for may have been made in two seconds.
  EXPECT_EQ(gateway.posted("t"), input_reserved(GetParam().streamed) + 100 * 2000);
  check_witness(gateway, Run::with_faults);
  check_books(gateway.daemon);
}

TEST_P(ClientGone, WhenDrainingTheUsageIsAwaited) {
  Gateway gateway(one_worker("drain", GetParam().wire));
  Pulse pulse(gateway);
  RawClient client(gateway.daemon.listener());
  send_and_hold(gateway, client, GetParam().streamed);
  client.reset();
  pulse.wait();
  gateway.upstream.open_gate();
  EXPECT_EQ(gateway.upstream.wait_for("complete", 1)["gone"], 0);
  const Json row = row_of(gateway);
  EXPECT_EQ(row["ending"], "client_gone");
  EXPECT_EQ(row["flags"], Json::array());
  EXPECT_EQ(gateway.posted("t"), 50'000);
  check_books(gateway.daemon);
}

INSTANTIATE_TEST_SUITE_P(Forms, ClientGone,
                         testing::Values(Leaving{"plain", false}, Leaving{"streamed", true},
                                         Leaving{"streamed_over_tls", true, Wire::tls}),
                         [](const auto& leaving) { return leaving.param.name; });

class ClientGoneInMidStream : public OverWire {};

TEST_P(ClientGoneInMidStream, CancelsTheUpstream) {
  Gateway gateway(one_worker("cancel", GetParam()));
  RawClient client(gateway.daemon.listener());
  ASSERT_TRUE(send_and_read_words(gateway, client));
  client.reset();
  gateway.upstream.wait_for("gone", 1);
  const Json row = row_of(gateway);
  EXPECT_EQ(row["ending"], "client_gone");
  EXPECT_EQ(row["flags"], Json({"estimated"}));
  EXPECT_EQ(gateway.posted("t"), input_reserved(true) + 2 * 2000);
  check_witness(gateway, Run::with_faults);
  check_books(gateway.daemon);
}

TEST_P(ClientGoneInMidStream, WhenDrainingTheUsageIsAwaited) {
  Gateway gateway(one_worker("drain", GetParam()));
  Pulse pulse(gateway);
  RawClient client(gateway.daemon.listener());
  ASSERT_TRUE(send_and_read_words(gateway, client));
  client.reset();
  pulse.wait();
  gateway.upstream.open_gate();
  EXPECT_EQ(gateway.upstream.wait_for("complete", 1)["gone"], 0);
  const Json row = row_of(gateway);
  EXPECT_EQ(row["ending"], "client_gone");
  EXPECT_EQ(row["flags"], Json::array());
  EXPECT_EQ(gateway.posted("t"), 50'000);
  check_books(gateway.daemon);
}

INSTANTIATE_TEST_SUITE_P(Wires, ClientGoneInMidStream, testing::Values(Wire::plain, Wire::tls), wire_name);

class ClientHalfCloses : public OverWire {};

TEST_P(ClientHalfCloses, AndIsAskedOnceWhetherItStillReads) {
  Gateway gateway(one_worker("cancel", GetParam(), "wait"));
  Pulse pulse(gateway);
  RawClient client(gateway.daemon.listener());
  const auto head = send_and_read_words(gateway, client);
  ASSERT_TRUE(head);
  client.half_close();
  constexpr int k_beats = 4;  // of a second, in which the worker looks at its clients four times
  pulse.wait(k_beats);
  gateway.upstream.open_gate();
  int comments = 0;
  for (auto event = client.read_event(*head); event; event = client.read_event(*head)) comments += *event == ":\n\n";
  EXPECT_TRUE(client.clean_end());
  EXPECT_GE(comments, 1);
  EXPECT_LT(comments, 2 * k_beats);
  EXPECT_EQ(row_of(gateway)["ending"], "complete");
}

INSTANTIATE_TEST_SUITE_P(Wires, ClientHalfCloses, testing::Values(Wire::plain, Wire::tls), wire_name);

// Bounded in time: what never comes is not waited for.
TEST(Draining, Ends) {
  auto options = one_worker("drain");
  options.tables += "\ndrain_answer_timeout = \"1s\"";
  Gateway gateway(options);
  const auto key = gateway.token("t", {"--quota", "1"});
  for (const int after : {-1, 3}) {
    gateway.upstream.reset();
    gateway.upstream.close_gate(after);
    RawClient client(gateway.daemon.port());
    client.send(raw_request("POST", "/v1/chat/completions", key, body_of(true).dump()));
    gateway.upstream.wait_for("held", 1);
    client.reset();
    gateway.upstream.wait_for("gone", 1);
  }
  while (gateway.reserved("t") != 0) continue;
  EXPECT_EQ(gateway.daemon.sql_value("SELECT count(*) FROM request WHERE ending = 2"), "2");
  check_books(gateway.daemon);
}

}  // namespace
}  // namespace cr::test

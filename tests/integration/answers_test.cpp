// SPDX-License-Identifier: MIT
// What comes back from providers that do not keep to the vendors' pages: usage in odd forms and places, what is no
// answer, events and bodies of any size, streams that end badly or not at all, and clients that leave.
#include <fstream>

#include "integration/gateway.h"

namespace cr::test {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr std::size_t k_mib = std::size_t{1024} * 1024;
constexpr std::int64_t k_exact = 10 * 1000 + 20 * 2000;
const std::string k_usage_members = R"("prompt_tokens":10,"completion_tokens":20,"total_tokens":30)";

std::string body_with(const std::string& usage) {
  return R"({"model":"fake-a","choices":[{"message":{"content":"twelve bytes"}}],"usage":{)" + usage + "}}";
}
std::string word(const std::string& more = {}) {
  return R"(data: {"choices":[{"index":0,"delta":{"content":"twelve bytes"})" + more + "}]}\n\n";
}
std::string usage_chunk(const std::string& usage = k_usage_members) {
  return R"(data: {"choices":[],"usage":{)" + usage + "}}\n\n";
}
const std::string k_done = "data: [DONE]\n\n";

class Answers : public testing::Test {
 protected:
  HttpAnswer ask(const Json& behaviour, bool stream, const std::string& path = "/v1/chat/completions") {
    gateway_.upstream.behave(behaviour);
    auto body = chat("fake-a", {{"max_tokens", 400}, {"stream", stream}});
    if (path == "/v1/responses") body = {{"model", "fake-a"}, {"input", "hello"}, {"stream", stream}};
    return gateway_.post(key_, body, path);
  }
  std::string last(const std::string& column) {
    gateway_.flush();
    return gateway_.daemon.sql_value("SELECT " + column + " FROM request ORDER BY id DESC LIMIT 1");
  }
  bool is_flagged(int bit) { return (std::stoi(last("flags")) & bit) != 0; }
  static constexpr int k_estimated = 1;

  Gateway gateway_;
  std::string key_ = gateway_.token("t", {"--quota", "5"});
};

struct UsageRow {
  std::string name, body;
  std::int64_t posted;  // 0: estimated
};

TEST_F(Answers, UsageIsReadMemberByMember) {
  const std::string content = R"({"choices":[{"message":{"content":"twelve bytes"})";
  for (const UsageRow& row : {
           UsageRow{"fractions", body_with(R"("prompt_tokens":9.2,"completion_tokens":20.0)"), k_exact},
           UsageRow{"texts", body_with(R"("prompt_tokens":"10","completion_tokens":"20")"), k_exact},
           UsageRow{"a bad total", body_with(R"("prompt_tokens":10,"completion_tokens":20,"total_tokens":-1.5)"),
                    k_exact},
           UsageRow{"a total beyond all", body_with(R"("prompt_tokens":10,"completion_tokens":20,"total_tokens":5060)"),
                    10'000 + 400 * 2000},
           UsageRow{"in the choice", content + R"(,"usage":{)" + k_usage_members + "}}]}", k_exact},
           UsageRow{"in x_groq", content + R"(}],"x_groq":{"usage":{)" + k_usage_members + "}}}", k_exact},
           UsageRow{"noughts", body_with(R"("prompt_tokens":0,"completion_tokens":0,"total_tokens":0)"), 0},
           UsageRow{"no input", body_with(R"("prompt_tokens":0,"completion_tokens":20)"), 0},
       }) {
    const auto before = gateway_.posted("t");
    EXPECT_EQ(ask({{"body", row.body}}, false).body, row.body) << row.name;
    const auto posted = gateway_.posted("t") - before;
    EXPECT_EQ(is_flagged(k_estimated), row.posted == 0) << row.name;
    if (row.posted != 0) {
      EXPECT_EQ(posted, row.posted) << row.name;
    } else {
      EXPECT_GT(posted, 0) << row.name;
    }
  }
}

TEST_F(Answers, OfAnySizePassInBoundedMemoryAndAreMetered) {
  const auto resident = [&] {
    std::ifstream status("/proc/" + std::to_string(gateway_.daemon.process().pid()) + "/status");
    for (std::string line; std::getline(status, line);)
      if (line.starts_with("VmHWM:")) return std::stoll(line.substr(6)) / 1024;
    return 0LL;
  };
  gateway_.post(key_, chat());
  const auto before = resident();
  constexpr std::size_t k_blob_bytes = 20 * k_mib;
  const auto whole = [&](std::string text) { return text.replace(text.find("{blob}"), 6, k_blob_bytes, 'A'); };
  const auto picture =
      R"({"choices":[{"message":{"content":"hi","images":[{"url":"data:image/png;base64,{blob}"}]}}],"usage":{)" +
      k_usage_members + "}}";
  auto posted = gateway_.posted("t");
  const auto receive = [&](Json behaviour, bool stream) {
    behaviour["blob_bytes"] = k_blob_bytes;
    gateway_.upstream.behave(behaviour);
    RawClient client(gateway_.daemon.port());
    client.send(raw_request("POST", "/v1/chat/completions", key_,
                            chat("fake-a", {{"max_tokens", 400}, {"stream", stream}}).dump()));
    const auto head = client.read_head();
    return head ? client.read_body(*head) : std::string();
  };
  const auto plain = receive({{"body", picture}}, false);
  EXPECT_TRUE(plain == whole(picture)) << plain.size();
  EXPECT_EQ(gateway_.posted("t") - posted, k_exact);
  posted = gateway_.posted("t");
  const auto event =
      R"(data: {"choices":[{"delta":{"images":[{"url":"{blob}"}]}}],"usage":{)" + k_usage_members + "}}\n\n";
  const auto streamed = receive({{"events", {word(), event, k_done}}}, true);
  EXPECT_TRUE(streamed == word() + whole(event) + k_done) << streamed.size();
  EXPECT_EQ(gateway_.posted("t") - posted, k_exact);
  EXPECT_EQ(last("flags"), "0");
  const auto grown = resident() - before;
  RecordProperty("grown_mib", std::to_string(grown));
  EXPECT_LT(grown, 12) << "MiB";
}

TEST_F(Answers, AStreamIsKnownByItsBytes) {
  for (const std::string type : {"application/json", "text/plain", "application/octet-stream"}) {
    const auto answer = ask({{"events", {word(), usage_chunk(), k_done}}, {"content_type", type}}, true);
    EXPECT_EQ(answer.body, word() + k_done) << type;
    EXPECT_EQ(answer.header("content-type"), "text/event-stream");
    EXPECT_EQ(last("flags"), "0") << type;
  }
  EXPECT_EQ(gateway_.posted("t"), 3 * k_exact);
}

std::vector<std::pair<Json, bool>> no_answers() {
  std::vector<std::pair<Json, bool>> rows;
  const auto body = [](const std::string& text) { return Json{{"body", text}}; };
  for (const bool stream : {false, true}) {
    for (const std::string text :
         {"<!DOCTYPE html><html>wait</html>", "", R"({"error":{"message":"no"}})", R"({"code":1,"msg":"no"})",
          R"({"choices":[],"usage":{"prompt_tokens":0,"completion_tokens":0}})", "upstream connect error"})
      rows.emplace_back(body(text), stream);
    rows.emplace_back(Json{{"raw", "SMTP ready\r\n"}}, stream);
    for (const std::string status : {"600", "999"}) {
      const auto lie = "HTTP/1.1 " + status + " X\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
      rows.emplace_back(Json{{"raw", lie}}, stream);
    }
    rows.emplace_back(Json{{"raw", "HTTP/1.1 204 No Content\r\n\r\n"}}, stream);
    rows.emplace_back(Json{{"raw", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"}}, stream);
    rows.emplace_back(Json{{"body", "x"}, {"headers", {{"Content-Encoding", "nonsense"}}}}, stream);
  }
  rows.emplace_back(Json{{"events", {": hi\n\n", "data: {\"error\":{\"message\":\"no\"}}\n\n"}}}, true);
  rows.emplace_back(Json{{"events", {"event: error\ndata: {}\n\n"}}}, true);
  rows.emplace_back(Json{{"events", {k_done}}}, true);
  for (auto& [behaviour, stream] : rows) behaviour["billed"] = false;
  return rows;
}

TEST_F(Answers, WhatIsNoneIsVoidAndTheNextChannelIsAsked) {
  gateway_.daemon.must({"channel", "create", "second", "--kind", "openai", "--base-url", gateway_.upstream.url(),
                        "--models", "fake-*", "--key-stdin", "--allow-private", "--priority", "-1"},
                       "sk-provider-5678\n");
  for (auto& [behaviour, stream] : no_answers()) {
    SCOPED_TRACE(behaviour.dump() + (stream ? " of a stream" : ""));
    gateway_.daemon.must({"channel", "edit", "fake", "--note", behaviour.dump().substr(0, 40)});  // nothing against it
    behaviour["authorization_end"] = "1234";
    behaviour["times"] = 1;
    const auto before = gateway_.posted("t");
    const auto answer = ask(behaviour, stream);
    EXPECT_EQ(answer.status, 200) << answer.body;
    EXPECT_EQ(last("channel_id"), gateway_.daemon.sql_value("SELECT id FROM channel WHERE name = 'second'"));
    EXPECT_EQ(last("flags"), "0");
    EXPECT_GT(gateway_.posted("t"), before);
    gateway_.upstream.reset();
  }
}

TEST_F(Answers, WhatIsNoneAndTheLastIsRefusedAndFree) {
  for (auto& [behaviour, stream] : no_answers()) {
    SCOPED_TRACE(behaviour.dump() + (stream ? " of a stream" : ""));
    gateway_.daemon.must({"channel", "edit", "fake", "--note", behaviour.dump().substr(0, 40)});
    behaviour["times"] = 1;
    const auto answer = ask(behaviour, stream);
    EXPECT_EQ(answer.status, 502) << answer.body;
    EXPECT_EQ(error_code(answer), "upstream_invalid");
    EXPECT_EQ(gateway_.posted("t"), 0);
    EXPECT_EQ(gateway_.reserved("t"), 0);
  }
}

TEST_F(Answers, AStreamIsCompleteAtItsLastWord) {
  const std::vector<std::string> events{word(), usage_chunk(), k_done};
  gateway_.daemon.must({"token", "edit", "t", "--concurrency", "1"});
  int count = 0;
  for (const Json& end : {Json{{"cut_after", 3}}, Json{{"cut_after", 3}, {"reset", true}}, Json{{"silent_after", 9}}}) {
    Json behaviour = {{"events", events}};
    behaviour.update(end);
    gateway_.upstream.behave(behaviour);
    RawClient client(gateway_.daemon.port());
    client.send(raw_request("POST", "/v1/chat/completions", key_,
                            chat("fake-a", {{"max_tokens", 400}, {"stream", true}}).dump()));
    const auto head = client.read_head();
    ASSERT_TRUE(head) << end;
    std::string body;
    while (const auto event = client.read_event(*head)) body += *event;
    EXPECT_EQ(body, word() + k_done) << end;
    EXPECT_TRUE(client.clean_end()) << end;
    EXPECT_EQ(gateway_.post(key_, chat()).status, 200) << "the slot is free: " << end;
    gateway_.flush();
    EXPECT_EQ(gateway_.daemon.sql_value("SELECT count(*) FROM request WHERE ending = 0"), std::to_string(count += 2));
  }
}

TEST_F(Answers, ABrokenResponseFailsInItsOwnForm) {
  const std::string created =
      "event: response.created\ndata: {\"type\":\"response.created\",\"sequence_number\":4,\"response\":"
      "{\"id\":\"resp_abc\",\"model\":\"fake-a-1\",\"usage\":null}}\n\n";
  gateway_.upstream.behave({{"events", {created, word()}}, {"cut_after", 1}});
  const Json body = {{"model", "fake-a"}, {"input", "hello"}, {"stream", true}};
  RawClient client(gateway_.daemon.port());
  client.send(raw_request("POST", "/v1/responses", key_, body.dump()));
  const auto head = client.read_head();
  ASSERT_TRUE(head);
  EXPECT_EQ(client.read_event(*head), created);
  const auto failed = client.read_event(*head).value_or("");
  ASSERT_THAT(failed, StartsWith("event: response.failed\ndata: "));
  const Json data = Json::parse(failed.substr(failed.find('{')));
  EXPECT_EQ(data["type"], "response.failed");
  EXPECT_EQ(data["sequence_number"], 5);
  EXPECT_EQ(data["response"]["id"], "resp_abc");
  EXPECT_EQ(data["response"]["status"], "failed");
  EXPECT_EQ(data["response"]["model"], "fake-a-1");
  EXPECT_TRUE(data["response"]["error"]["message"].is_string());
}

// A client library leaves by closing its socket: a FIN comes first.
TEST_F(Answers, AClientThatClosesHasItsRequestCancelled) {
  for (const bool stream : {false, true}) {
    gateway_.upstream.reset();
    gateway_.upstream.close_gate(-1);
    RawClient client(gateway_.daemon.port());
    client.send(raw_request("POST", "/v1/chat/completions", key_,
                            chat("fake-a", {{"max_tokens", 400}, {"stream", stream}}).dump()));
    gateway_.upstream.wait_for("held", 1);
    client.half_close();
    EXPECT_EQ(gateway_.upstream.wait_for("gone", 1)["gone"], 1);
    while (gateway_.reserved("t") != 0) continue;
    EXPECT_EQ(last("ending"), gateway_.daemon.sql_value("SELECT 2"));
    EXPECT_EQ(last("status"), "0");
    // Nothing was seen of it: it may have made all that it was allowed to.
    EXPECT_EQ(last("output_tokens"), "400");
    EXPECT_TRUE(is_flagged(2)) << last("flags");
  }
}

TEST_F(Answers, WhoIsNotAnsweredInTimePaysWhatWasReservedAndIsNotSentAgain) {
  gateway_.daemon.must({"channel", "create", "second", "--kind", "openai", "--base-url", gateway_.upstream.url(),
                        "--models", "fake-*", "--key-stdin", "--allow-private", "--priority", "-1"},
                       "sk-provider-5678\n");
  gateway_.daemon.must({"channel", "edit", "fake", "--timeout-first-byte", "300ms"});
  const auto answer = ask({{"silent_after", -1}, {"times", -1}}, false);
  EXPECT_EQ(answer.status, 504);
  EXPECT_EQ(answer.header("x-should-retry"), "false");
  EXPECT_EQ(gateway_.arrived(), 1);
  EXPECT_TRUE(is_flagged(2)) << last("flags");
  EXPECT_GT(std::stoll(last("posted")), 400 * 2000) << "its bound, and all of its input";
  EXPECT_EQ(gateway_.reserved("t"), 0);
}

}  // namespace
}  // namespace cr::test

// SPDX-License-Identifier: MIT
// The memory budget on the request path: what is announced costs nothing, what came is counted, a token has its share,
// small requests pass always, answers pause and come to their end all the same, and everything is given back.
#include <unistd.h>

#include <deque>
#include <future>
#include <thread>

#include "integration/form.h"
#include "integration/gateway.h"
#include "support/programs.h"

namespace cr::test {
namespace {

using testing::HasSubstr;

constexpr std::size_t k_kib = 1024;
constexpr std::size_t k_mib = 1024 * k_kib;

DaemonOptions limited(const std::string& limits) {
  DaemonOptions options;
  options.tables = "[limits]\n" + limits;
  return options;
}

// A share of 16 MiB; as much is kept for an answer that has to go on.
DaemonOptions small() {
  return limited("memory = \"32MiB\"\nbody_bytes_max = \"8MiB\"\n");
}

// A chat of about so many bytes.
std::string large_chat(std::size_t bytes, const std::string& model = "fake-a") {
  return chat(model, {{"metadata", {{"pad", std::string(bytes, 'x')}}}}).dump();
}

std::string head_of(const std::string& key, const std::string& framing,
                    const std::string& path = "/v1/chat/completions") {
  return "POST " + path + " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + key +
         "\r\nContent-Type: application/json\r\n" + framing + "\r\n\r\n";
}

class MemoryLimits : public testing::Test {
 protected:
  explicit MemoryLimits(DaemonOptions options = small()) : gateway_(std::move(options)) {}

  std::int64_t metric(const std::string& name) { return metric_of(gateway_.daemon, name); }
  void await_held(std::int64_t least) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (metric("crd_memory_bytes") < least) {
      if (std::chrono::steady_clock::now() >= until) throw std::runtime_error("so much is never held");
      std::this_thread::yield();
    }
  }
  HttpAnswer post(const std::string& key, const std::string& body) {
    return HttpClient(gateway_.daemon.port(), key).post("/v1/chat/completions", body);
  }
  // Sends all but the last `missing` bytes of a chat of that size.
  void send_most(RawClient& client, const std::string& key, std::size_t bytes, std::size_t missing) {
    const auto body = large_chat(bytes);
    client.send(head_of(key, "Content-Length: " + std::to_string(body.size())));
    client.send(body.substr(0, body.size() - missing));
  }

  Gateway gateway_;
};

TEST_F(MemoryLimits, WhatIsOnlyAnnouncedCostsNothing) {
  const auto key = gateway_.token("poor", {"--quota", "0"});
  const auto other = gateway_.token("other");
  std::deque<RawClient> clients;
  for (int i = 0; i < 40; ++i) {
    auto& client = clients.emplace_back(gateway_.daemon.port());
    client.send(head_of(key, i % 2 == 0 ? "Content-Length: 8000000" : "Transfer-Encoding: chunked"));
    client.send(i % 2 == 0 ? "{" : chunk_of("{"));
  }
  EXPECT_EQ(post(other, large_chat(4 * k_mib)).status, 200);
  EXPECT_EQ(gateway_.post(other, chat()).status, 200);
  EXPECT_EQ(gateway_.arrived(), 2);
  EXPECT_EQ(metric("crd_memory_refused_total"), 0);
}

TEST_F(MemoryLimits, ATokenTakesItsShareAndNoMore) {
  const auto greedy = gateway_.token("greedy");
  const auto other = gateway_.token("other");
  {
    RawClient first(gateway_.daemon.port()), second(gateway_.daemon.port());
    send_most(first, greedy, 7 * k_mib, 1);
    send_most(second, greedy, 7 * k_mib, 1);
    await_held(14 * k_mib);
    const auto refused = post(greedy, large_chat(4 * k_mib));
    EXPECT_EQ(refused.status, 503) << refused.body;
    EXPECT_EQ(error_code(refused), "overloaded");
    EXPECT_EQ(refused.header("retry-after"), "1");
    EXPECT_THAT(refused.body, HasSubstr("limits.memory"));
    EXPECT_THAT(refused.body, Not(HasSubstr("crctl")));
    EXPECT_EQ(gateway_.post(greedy, chat()).status, 200) << "a small one passes";
    EXPECT_EQ(post(greedy, large_chat(60 * k_kib)).status, 200) << "a small one passes";
    // The rest of what two tokens may hold together is the other's.
    EXPECT_EQ(post(other, large_chat(k_mib)).status, 200);
    first.send("}");
    EXPECT_EQ(first.read_head()->status, 200);
  }
  check_memory(gateway_.daemon);
  EXPECT_EQ(post(greedy, large_chat(7 * k_mib)).status, 200);
  EXPECT_GE(metric("crd_memory_refused_total"), 1);
}

TEST_F(MemoryLimits, ABodyIsCountedHoweverItIsFramed) {
  const auto greedy = gateway_.token("greedy");
  RawClient first(gateway_.daemon.port()), second(gateway_.daemon.port());
  send_most(first, greedy, 7 * k_mib, 1);
  send_most(second, greedy, 7 * k_mib, 1);
  await_held(14 * k_mib);
  const auto piece = chunk_of(std::string(64 * k_kib, 'x'));
  for (const std::string path : {"/v1/chat/completions", "/v1/audio/transcriptions"}) {
    RawClient chunked(gateway_.daemon.port());
    const auto form = Form().field("prompt", "x");
    auto head = head_of(greedy, "Transfer-Encoding: chunked", path);
    if (path != "/v1/chat/completions") {
      head.replace(head.find("application/json"), 16, form.content_type());
      head += chunk_of(form.open_file("file") + "\r\n\r\n");
    }
    chunked.send(head);
    for (int i = 0; i < 80; ++i) {
      if (!chunked.send(piece)) break;
    }
    const auto answer = chunked.read_head();
    ASSERT_TRUE(answer) << path;
    EXPECT_EQ(answer->status, 503) << path << chunked.read_body(*answer);
  }
  EXPECT_EQ(gateway_.arrived(), 0);
}

TEST_F(MemoryLimits, WhatAClientLeavesBehindIsGivenBack) {
  const auto key = gateway_.token("ci");
  for (int round = 0; round < 3; ++round) {
    RawClient client(gateway_.daemon.port());
    send_most(client, key, 7 * k_mib, 1);
    await_held(7 * k_mib);
    if (round == 0) client.reset();
    if (round == 1) client.half_close();
    if (round == 2) client.send("]");  // no JSON
    if (round > 0) {
      EXPECT_EQ(client.read_head().value_or(RawHead{}).status, round == 2 ? 400 : 0);
    }
    check_memory(gateway_.daemon);
  }
}

TEST_F(MemoryLimits, AFormWhoseFileComesFirstIsHeldAndCounted) {
  gateway_.daemon.must({"price", "set", "fake-a", "--input", "1", "--output", "2", "--context", "16000"});
  const auto key = gateway_.token("ci");
  const auto form = Form().file("file", std::string(7 * k_mib, 'x')).field("model", "fake-a");
  const auto answer =
      HttpClient(gateway_.daemon.port(), key)
          .call("POST", "/v1/audio/transcriptions", form.body(), {{"Content-Type", form.content_type()}});
  EXPECT_EQ(answer.status, 200) << answer.body;
  const Json requests = gateway_.upstream.requests();
  EXPECT_EQ(requests.back().at("body_bytes"), form.body().size());
}

// Far more than fits, for two tokens: they are not held, but pass.
class LargeAnswers : public MemoryLimits {
 protected:
  static constexpr int k_answers = 12;
  static constexpr std::int64_t k_words = 5 * k_mib / 4;

  // Its answer is so many words of four bytes each.
  static Json question(const Json& more = Json::object()) {
    Json body = {
        {"model", "fake-a"},
        {"messages",
         Json::array({{{"role", "user"}, {"content", "[[input=10 output=" + std::to_string(k_words) + "]]"}}})}};
    body.update(more);
    return body;
  }
  std::vector<HttpAnswer> ask_all(const Json& body) {
    const std::string keys[] = {gateway_.token("one"), gateway_.token("two")};
    std::vector<std::future<HttpAnswer>> asked;
    for (int i = 0; i < k_answers; ++i)
      asked.push_back(std::async(std::launch::async, [&, i] { return gateway_.post(keys[i % 2], body); }));
    std::vector<HttpAnswer> answers;
    for (auto& one : asked) answers.push_back(one.get());
    return answers;
  }
};

TEST_F(LargeAnswers, PassWithoutBeingHeld) {
  gateway_.upstream.behave({{"times", -1}, {"piece_bytes", 64 * k_kib}, {"piece_delay_ms", 2}});
  const auto before = resident_kib(gateway_.daemon, "VmRSS:");
  for (const auto& answered : ask_all(question())) {
    EXPECT_EQ(answered.status, 200) << answered.error;
    EXPECT_GT(answered.body.size(), 5 * k_mib);
    EXPECT_TRUE(Json::accept(answered.body));
  }
  gateway_.flush();
  EXPECT_EQ(gateway_.daemon.sql_value("SELECT count(*) FROM request WHERE flags = 0 AND output_tokens = " +
                                      std::to_string(k_words)),
            std::to_string(k_answers))
      << "each is metered by what its provider told";
  if (!is_sanitized()) {
    EXPECT_LT(resident_kib(gateway_.daemon, "VmHWM:") - before, 24 * 1024);
  }
}

TEST_F(LargeAnswers, OfStreamsPassToo) {
  gateway_.upstream.behave({{"times", -1},
                            {"flood_events", 2},
                            {"flood_bytes", 3 * k_mib},
                            {"piece_bytes", 64 * k_kib},
                            {"piece_delay_ms", 2}});
  for (const auto& answered : ask_all(chat("fake-a", {{"stream", true}}))) {
    EXPECT_EQ(answered.status, 200) << answered.error;
    EXPECT_TRUE(answered.body.ends_with("data: [DONE]\n\n"));
    EXPECT_GT(answered.body.size(), 6 * k_mib);
  }
}

TEST_F(LargeAnswers, ThatBreakOffOrAreLeftGiveTheirMemoryBack) {
  const auto key = gateway_.token("ci");
  for (const auto& fault : {Json{{"cut_after", 4 * k_mib}}, Json{{"silent_after", 4 * k_mib}}}) {
    gateway_.upstream.behave(fault);
    RawClient client(gateway_.daemon.port());
    client.send(raw_request("POST", "/v1/chat/completions", key, question().dump()));
    const auto head = client.read_head();
    ASSERT_TRUE(head);
    if (fault.contains("silent_after")) {
      client.reset();
    } else {
      EXPECT_LT(client.read_body(*head).size(), 5 * k_mib);
    }
    check_memory(gateway_.daemon);
  }
}

// Peaks go back to the system: nothing of them stays resident for good.
class Peaks : public MemoryLimits {
 protected:
  Peaks() : MemoryLimits(DaemonOptions{}) {}
  void expect_resident_below(std::int64_t kib, const std::string& after) {
    if (is_sanitized()) return;
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (resident_kib(gateway_.daemon, "VmRSS:") >= kib && std::chrono::steady_clock::now() < until)
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    EXPECT_LT(resident_kib(gateway_.daemon, "VmRSS:"), kib) << after;
  }
};

TEST_F(Peaks, AreGivenBackToTheSystem) {
  const auto key = gateway_.token("ci");
  EXPECT_EQ(gateway_.post(key, chat()).status, 200);
  const auto before = resident_kib(gateway_.daemon, "VmRSS:");
  for (const std::size_t bytes : {20 * k_mib, 300 * k_kib}) {
    std::vector<std::future<int>> asked;
    for (int i = 0; i < 8; ++i)
      asked.push_back(std::async(std::launch::async, [&] { return post(key, large_chat(bytes)).status; }));
    for (auto& one : asked) {
      const auto status = one.get();
      EXPECT_TRUE(status == 200 || (status == 503 && bytes > k_mib)) << status;
    }
    expect_resident_below(before + 24 * 1024, std::to_string(bytes) + " bytes");
  }
  const auto admin = [&](const std::string& body) {
    return HttpClient(gateway_.daemon.socket())
        .call("POST", "/admin/v1/prices/import", body, {{"Content-Type", "application/json"}});
  };
  // Millions of elements take a sanitized crd minutes.
  const auto most = is_sanitized() ? 300 * k_kib : 7 * k_mib;
  for (const std::string element : {"0", "{}", R"({"model":"m"})", "[[]]"}) {
    std::string body = R"({"prices":[)";
    while (body.size() < most) body += element + ",";
    EXPECT_EQ(admin(body + element + "]}").status, 400);
    expect_resident_below(before + 24 * 1024, "admin bodies of " + element);
  }
  if (!is_sanitized()) {
    EXPECT_LT(resident_kib(gateway_.daemon, "VmHWM:") - before, 300 * 1024);
  }
}

}  // namespace
}  // namespace cr::test

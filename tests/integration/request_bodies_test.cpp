// SPDX-License-Identifier: MIT
// What follows a request on its connection is answered as itself, or the connection is closed: whatever became of the
// request, however its body was written, and whatever its body holds.
#include <random>

#include "integration/form.h"
#include "integration/gateway.h"

namespace cr::test {
namespace {

constexpr std::size_t k_kib = 1024;
const std::string k_json = "application/json";

// A request without its framing, and what it is answered with when it is alone on its connection.
struct Kind {
  std::string name, method, path, key, type, body;
  int status = 0;
  std::string says{};  // the error's code, or the name of the token
  bool relayed = false;
};

std::string says(const HttpAnswer& answer) {
  const Json body = Json::parse(answer.body, nullptr, false);
  if (!body.is_object()) return {};
  if (body.contains("error")) return body["error"].value("code", body["error"].value("type", ""));
  return body.value("object", "") == "token" ? body.value("name", "") : "";
}

HttpAnswer read_answer(RawClient& client) {
  HttpAnswer answer;
  const auto head = client.read_head();
  if (!head) return answer;
  answer.status = head->status;
  for (const auto& [name, value] : head->headers) answer.headers.emplace(name, value);
  answer.body = client.read_body(*head);
  return answer;
}

std::string head_of(const Kind& kind, const std::string& framing) {
  auto text =
      kind.method + " " + kind.path + " HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + kind.key + "\r\n";
  if (!kind.type.empty()) text += "Content-Type: " + kind.type + "\r\n";
  return text + framing + "\r\n\r\n";
}

std::string in_chunks(std::string_view body, std::size_t size, const std::string& trailers) {
  std::string wire;
  for (std::size_t at = 0; at < body.size(); at += size) wire += chunk_of(body.substr(at, size));
  return wire + "0;last=\"1\"\r\n" + trailers + "\r\n";
}

// Ways of writing a request, as the parts it is written in.
using Parts = std::vector<std::string>;
std::vector<std::pair<std::string, Parts>> ways_of(const Kind& kind) {
  const auto& body = kind.body;
  const auto head = head_of(kind, "Content-Length: " + std::to_string(body.size()));
  const auto chunked = head_of(kind, "Transfer-Encoding: chunked");
  const auto small = in_chunks(body, 101, "Content-Length: 5\r\nX-Trailer: y\r\n");
  const auto half = body.size() / 2;
  return {{"one piece", {head + body}},
          {"head and body", {head, body}},
          {"halves", {head + body.substr(0, half), body.substr(half)}},
          {"last byte apart",
           {head + body.substr(0, body.size() - std::min<std::size_t>(1, body.size())),
            body.substr(body.size() - std::min<std::size_t>(1, body.size()))}},
          {"one chunk", {chunked + in_chunks(body, 1024 * k_kib, "")}},
          {"small chunks", {chunked + small}},
          {"halves of chunks", {chunked + small.substr(0, small.size() / 2), small.substr(small.size() / 2)}}};
}

class RequestBodies : public OverWire {
 protected:
  RequestBodies() : gateway_(options()) {
    for (const auto* model : {"fake-a", "fake-b"}) {
      gateway_.daemon.must(
          {"price", "set", model, "--input", "1", "--output", "2", "--max-output", "4096", "--context", "16000"});
    }
    good_ = gateway_.token("good");
    other_ = gateway_.token("other");
    poor_ = gateway_.token("poor", {"--quota", "0"});
    elsewhere_ = gateway_.token("elsewhere", {"--allow-ip", "192.0.2.1"});
    // Whole requests, of another token, that nobody sent: what comes in one piece with its head, and what does not.
    for (const std::size_t size : {1 * k_kib, 6 * k_kib}) {
      hidden_.clear();
      while (hidden_.size() < size) hidden_ += raw_request("GET", "/v1/token", other_);
      add_json();
      add_forms();
      add_others();
    }
    next_ = {"next", "GET", "/v1/token", other_, "", "", 200, "other"};
    for (auto& kind : kinds_) {
      const auto before = gateway_.arrived();
      RawClient client(gateway_.daemon.listener());
      client.send(head_of(kind, "Content-Length: " + std::to_string(kind.body.size())) + kind.body);
      const auto answer = read_answer(client);
      EXPECT_NE(answer.status, 0) << kind.name;
      kind.status = answer.status;
      kind.says = says(answer);
      kind.relayed = gateway_.arrived() > before;
      relayed_ += kind.relayed ? 1 : 0;
    }
  }

  static DaemonOptions options() {
    auto options = over(GetParam());
    options.top_level = "workers = 1";
    options.tables = "[limits]\nrefusals_per_second = 0\n";  // there are more, of one token
    return options;
  }

  void add(const std::string& name, const std::string& method, const std::string& path, const std::string& key,
           const std::string& type, const std::string& body) {
    kinds_.push_back({method + " " + path + ", " + name, method, path, key, type, body});
  }

  void add_json() {
    for (const std::string path :
         {"chat/completions", "completions", "embeddings", "responses", "messages", "messages/count_tokens",
          "moderations", "rerank", "images/generations", "audio/speech"}) {
      const auto at = "/v1/" + path;
      const auto body = [&](const std::string& model) {
        return chat(model, {{"input", "x"}, {"prompt", "x"}, {"max_tokens", 5}, {"user", hidden_}}).dump();
      };
      add("no such key", "POST", at, "sk-cr-none", k_json, hidden_);
      add("from elsewhere", "POST", at, elsewhere_, k_json, hidden_);
      add("no JSON's type", "POST", at, good_, "text/plain", hidden_);
      add("no JSON", "POST", at, good_, k_json, hidden_);
      add("empty", "POST", at, good_, k_json, "");
      add("no such model", "POST", at, good_, k_json, body("none"));
      add("no credit", "POST", at, poor_, k_json, body("fake-a"));
    }
    add("good", "POST", "/v1/chat/completions", good_, k_json, chat("fake-a", {{"user", hidden_}}).dump());
    add("good", "POST", "/v1/messages", good_, k_json, chat("fake-a", {{"max_tokens", 5}}).dump());
  }

  void add_forms() {
    const auto type = Form().content_type();
    const auto file = [&] { return Form().file("file", hidden_); };
    const auto whole = Form().field("model", "fake-a").file("file", hidden_).body();
    for (const std::string path : {"audio/transcriptions", "audio/translations", "images/edits", "images/variations"}) {
      const auto at = "/v1/" + path;
      const bool needs_model = path.starts_with("audio/");
      add("no such key", "POST", at, "sk-cr-none", type, whole);
      add("from elsewhere", "POST", at, elsewhere_, type, whole);
      add("no form's type", "POST", at, good_, k_json, whole);
      if (needs_model) add("no model", "POST", at, good_, type, file().body());
      add("no last boundary", "POST", at, good_, type, whole.substr(0, whole.size() - 8));
      add("empty", "POST", at, good_, type, "");
      add("no such model", "POST", at, good_, type, Form().field("model", "none").file("file", hidden_).body());
      add("two models", "POST", at, good_, type, Form().field("model", "a").field("model", "b").body());
      add("no credit", "POST", at, poor_, type, whole);
    }
    add("good", "POST", "/v1/audio/transcriptions", good_, type, whole);
  }

  void add_others() {
    for (const std::string path : {"/v1/models", "/v1/models/fake-a", "/v1/token", "/v1/dashboard/billing/usage",
                                   "/healthz", "/readyz", "/v1/responses/resp_none", "/v1/nothing", "/"})
      for (const std::string method : {"GET", "DELETE", "OPTIONS", "PUT", "POST"})
        add("with a body", method, path, good_, k_json, hidden_);
    add("without a body", "GET", "/v1/token", good_, "", "");
    add("with a body", "GET", "/v1/chat/completions", good_, k_json, hidden_);
  }

  const Kind& any(std::mt19937& random) const { return kinds_[random() % kinds_.size()]; }

  // The answer to `kind` as it is when alone. False: there was none, or it was another.
  bool expect_answer(RawClient& client, const Kind& kind, const std::string& where, bool& closes) {
    const auto answer = read_answer(client);
    closes = answer.header("connection") == "close";
    EXPECT_EQ(answer.status, kind.status) << where << kind.name << ": " << answer.body;
    EXPECT_EQ(says(answer), kind.says) << where << kind.name << ": " << answer.body;
    if (kind.relayed) ++relayed_;
    return answer.status == kind.status && says(answer) == kind.says;
  }

  void expect_bill() {
    EXPECT_EQ(gateway_.arrived(), relayed_);
    check_witness(gateway_, Run::clean);
  }

  Gateway gateway_;
  std::string good_, other_, poor_, elsewhere_, hidden_;
  std::vector<Kind> kinds_;
  Kind next_;
  std::int64_t relayed_ = 0;
};

TEST_P(RequestBodies, TheNextRequestIsAnsweredAsItselfOrTheConnectionIsClosed) {
  std::size_t kept = 0, tries = 0;
  std::mt19937 random(1);
  for (const auto& kind : kinds_)
    for (const auto& [way, parts] : ways_of(kind))
      for (const bool pipelined : {false, true}) {
        if (random() % (GetParam() == Wire::tls ? 8 : 2) != 0) continue;
        ++tries;
        RawClient client(gateway_.daemon.listener());
        const auto next = head_of(next_, "X: y");
        for (std::size_t i = 0; i < parts.size(); ++i)
          client.send(pipelined && i + 1 == parts.size() ? parts[i] + next : parts[i]);
        bool closes = false;
        ASSERT_TRUE(expect_answer(client, kind, way + ", ", closes));
        if (!pipelined) client.send(next);
        if (closes) {
          EXPECT_FALSE(client.read_head()) << way << ", " << kind.name;
          continue;
        }
        ++kept;
        ASSERT_TRUE(expect_answer(client, next_, way + " of " + kind.name + ", then ", closes));
      }
  EXPECT_GT(kept, tries / 2) << "a small body closes no connection";
  expect_bill();
}

TEST_P(RequestBodies, RandomSequencesAreAnsweredAsEachAlone) {
  for (unsigned seed = 0; seed < (GetParam() == Wire::tls ? 60U : 250U); ++seed) {
    std::mt19937 random(seed);
    std::vector<const Kind*> sequence;
    std::string wire;
    for (auto count = 2 + random() % 7; sequence.size() < count;) {
      sequence.push_back(&any(random));
      const auto ways = ways_of(*sequence.back());
      for (const auto& part : ways[random() % ways.size()].second) wire += part;
    }
    RawClient client(gateway_.daemon.listener());
    for (std::size_t at = 0; at < wire.size();) {
      const auto size = 1 + random() % (random() % 2 == 0 ? 200 : 20'000);
      if (!client.send(std::string_view(wire).substr(at, size))) break;
      at += size;
    }
    std::string where = "seed " + std::to_string(seed) + ": ";
    for (const auto* kind : sequence) {
      bool closes = false;
      ASSERT_TRUE(expect_answer(client, *kind, where, closes));
      where += kind->name + "; ";
      if (closes) break;
    }
  }
  expect_bill();
}

// Small ones, and chunked forms, each with whatever the burst has behind it in the same piece.
TEST_P(RequestBodies, HundredsPipelinedBehindABodyKeepTheirOrder) {
  std::mt19937 random(7);
  const auto form = Form().file("file", hidden_).body();
  const auto type = Form().content_type();
  const std::vector<Kind> kinds = {
      next_,
      {"health", "GET", "/healthz", good_, "", "", 200, ""},
      {"nothing", "GET", "/v1/nothing", good_, "", "", 404, "unknown_endpoint"},
      {"token", "GET", "/v1/token", good_, "", "", 200, "good"},
      {"form", "POST", "/v1/audio/transcriptions", good_, type, form, 400, "invalid_value"},
  };
  for (int round = 0; round < 40; ++round) {
    const auto& first = any(random);
    const auto ways = ways_of(first);
    const auto& [way, parts] = ways[random() % ways.size()];
    std::string wire;
    for (const auto& part : parts) wire += part;
    std::vector<const Kind*> burst;
    while (burst.size() < 200) {
      burst.push_back(&kinds[random() % kinds.size()]);
      const auto& kind = *burst.back();
      wire += kind.body.empty() ? head_of(kind, "X: " + std::string(random() % 70, 'x'))
                                : head_of(kind, "Transfer-Encoding: chunked") + in_chunks(form, 3'000, "");
    }
    RawClient client(gateway_.daemon.listener());
    auto sending =
        std::async(GetParam() == Wire::tls ? std::launch::deferred : std::launch::async, [&] { client.send(wire); });
    if (GetParam() == Wire::tls) sending.get();  // one thread at a time; the sockets hold it
    bool closes = false;
    bool ok = expect_answer(client, first, way + ", ", closes);
    for (std::size_t i = 0; ok && !closes && i < burst.size(); ++i)
      ok = expect_answer(client, *burst[i], way + " of " + first.name + ", then " + std::to_string(i) + ": ", closes);
    if (sending.valid()) sending.get();
    ASSERT_TRUE(ok);
  }
  expect_bill();
}

INSTANTIATE_TEST_SUITE_P(Wires, RequestBodies, testing::Values(Wire::plain, Wire::tls), wire_name);

// A client that writes all of its request before it reads.
class RefusedUploads : public OverWire {
 protected:
  explicit RefusedUploads(const std::string& tables = "[limits]\nbody_bytes_max = \"16MiB\"")
      : gateway_(options(tables)) {
    good_ = gateway_.token("good");
    limited_ = gateway_.token("limited", {"--rpm", "1"});
    elsewhere_ = gateway_.token("elsewhere", {"--allow-ip", "192.0.2.1"});
  }
  static DaemonOptions options(const std::string& tables) {
    auto options = over(GetParam());
    options.top_level = "workers = 1";
    options.tables = tables;
    return options;
  }
  static Kind post(const std::string& key, std::size_t size, int status, const std::string& path = "chat/completions",
                   const std::string& type = k_json) {
    return {std::to_string(status) + " at " + path, "POST", "/v1/" + path, key, type, std::string(size, 'x'), status};
  }
  // Reads only once all is written.
  void expect_refusal(const Kind& kind, bool chunked) {
    RawClient client(gateway_.daemon.listener());
    const auto length = "Content-Length: " + std::to_string(kind.body.size());
    EXPECT_TRUE(client.send(head_of(kind, chunked ? "Transfer-Encoding: chunked" : length))) << kind.name;
    EXPECT_TRUE(client.send(chunked ? in_chunks(kind.body, 50'000, "") : kind.body)) << kind.name;
    const auto answer = read_answer(client);
    EXPECT_EQ(answer.status, kind.status) << kind.name << ": " << answer.body;
    EXPECT_EQ(answer.header("connection"), "close") << kind.name;
  }

  Gateway gateway_;
  std::string good_, limited_, elsewhere_;
};

TEST_P(RefusedUploads, ReachAClientThatReadsLate) {
  RawClient first(gateway_.daemon.listener());
  first.send(head_of(post(limited_, 1, 400), "Content-Length: 1") + "x");
  ASSERT_EQ(read_answer(first).status, 400);
  const auto form = Form().content_type();
  for (const std::size_t size : {4096 * k_kib, 6144 * k_kib, std::size_t{15} * 1024 * k_kib})
    for (const bool chunked : {false, true})
      for (const auto& kind :
           {post("sk-cr-none", size, 401), post(elsewhere_, size, 403), post(limited_, size, 429),
            post(good_, size, 415, "chat/completions", "text/plain"), post(good_, size, 404, "nothing"),
            post(good_, size, 405, "token"), post("sk-cr-none", size, 401, "audio/transcriptions", form),
            post(good_, size, 400, "audio/transcriptions", form)})
        expect_refusal(kind, chunked);
  for (const bool chunked : {false, true}) expect_refusal(post(good_, 18 * 1024 * k_kib, 413), chunked);
  EXPECT_EQ(gateway_.arrived(), 0);
}

// Where nobody can tell how long the body is.
TEST_P(RefusedUploads, ReachAClientThatReadsLateBehindWhatCannotBeRead) {
  const std::string body(6144 * k_kib, 'x');
  const auto kind = post(good_, 0, 400);
  const auto length = "Content-Length: " + std::to_string(body.size());
  for (const auto& [status, head] :
       std::vector<std::pair<int, std::string>>{{431, head_of(kind, length + "\r\nX: " + std::string(20 * k_kib, 'x'))},
                                                {417, head_of(kind, length + "\r\nExpect: tea")},
                                                {400, head_of(kind, length + "\r\n" + length)},
                                                {400, head_of(kind, "Transfer-Encoding: chunked")}}) {
    RawClient client(gateway_.daemon.listener());
    EXPECT_TRUE(client.send(head));
    EXPECT_TRUE(client.send(body)) << status;
    EXPECT_EQ(read_answer(client).status, status);
  }
}

TEST_P(RefusedUploads, AClientThatAwaitsContinueIsNotWaitedFor) {
  RawClient client(gateway_.daemon.listener());
  client.send(head_of(post("sk-cr-none", 0, 401), "Content-Length: 5000\r\nExpect: 100-continue"));
  const auto answer = read_answer(client);
  EXPECT_EQ(answer.status, 401);
  EXPECT_EQ(answer.header("connection"), "close");
  EXPECT_TRUE(client.wait_closed());
}

INSTANTIATE_TEST_SUITE_P(Wires, RefusedUploads, testing::Values(Wire::plain, Wire::tls), wire_name);

class EndlessUploads : public RefusedUploads {
 protected:
  EndlessUploads() : RefusedUploads("[limits]\nbody_bytes_max = \"1MiB\"") {}
};

TEST_P(EndlessUploads, AreNotReadToTheirEnd) {
  RawClient client(gateway_.daemon.listener());
  client.send(head_of(post("sk-cr-none", 0, 401), "Content-Length: 1000000000"));
  const std::string piece(1024 * k_kib, 'x');
  int sent = 0;
  while (sent < 500 && client.send(piece)) ++sent;
  EXPECT_LT(sent, 500);
  EXPECT_EQ(gateway_.post(good_, chat()).status, 200);
}

INSTANTIATE_TEST_SUITE_P(Wires, EndlessUploads, testing::Values(Wire::plain, Wire::tls), wire_name);

}  // namespace
}  // namespace cr::test

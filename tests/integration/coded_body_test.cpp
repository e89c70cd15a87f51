// SPDX-License-Identifier: MIT
// Bodies that come compressed, of requests and of answers: undone and forwarded as they were before, bounded, and
// refused where they are not what they say.
#include <zstd.h>

#include "integration/form.h"
#include "integration/gateway.h"
#include "support/deflated.h"
#include "support/tcp_listener.h"

namespace cr::test {
namespace {

using testing::HasSubstr;

constexpr std::size_t k_kib = 1024;
constexpr std::size_t k_mib = 1024 * k_kib;

std::string zstd(std::string_view text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
  return out;
}

// Compresses to about a third.
std::string plain_text(std::size_t bytes) {
  std::string text;
  for (unsigned number = 1; text.size() < bytes; number = number * 1664525 + 1013904223)
    text += std::to_string(number % 1000);
  return text;
}

std::string large_chat(std::size_t bytes) {
  return chat("fake-a", {{"metadata", {{"pad", plain_text(bytes)}}}}).dump();
}

class CodedBodies : public testing::Test {
 protected:
  CodedBodies() : gateway_(options()), key_(gateway_.token("t")) {}
  static DaemonOptions options() {
    DaemonOptions options;
    options.tables = "[limits]\nbody_bytes_max = \"4MiB\"\nmemory = \"32MiB\"\n";
    return options;
  }
  HttpAnswer post(const std::string& coding, const std::string& body, Headers headers = {},
                  const std::string& path = "/v1/chat/completions") {
    headers.emplace("Content-Type", "application/json");
    headers.emplace("Content-Encoding", coding);
    return HttpClient(gateway_.daemon.port(), key_).call("POST", path, body, headers);
  }
  Json seen() {
    const Json requests = gateway_.upstream.requests();
    return requests.back();
  }
  void expect_refused(const HttpAnswer& answer, int status, const std::string& code, const std::string& what) {
    EXPECT_EQ(answer.status, status) << what << ": " << answer.body;
    EXPECT_EQ(error_code(answer), code) << what;
  }
  Gateway gateway_;
  std::string key_;
};

TEST_F(CodedBodies, AreForwardedAsTheyWereBefore) {
  struct Row {
    std::string coding;
    std::string (*encode)(std::string_view);
  };
  const Row table[] = {{"gzip", gzip},        {"x-gzip", gzip}, {"GZIP", gzip},
                       {"deflate", deflated}, {"zstd", zstd},   {"identity, gzip", gzip}};
  for (const auto& row : table) {
    for (const std::size_t size : {std::size_t{10}, 60 * k_kib, 700 * k_kib}) {
      const auto body = large_chat(size);
      const auto answer = post(row.coding, row.encode(body));
      ASSERT_EQ(answer.status, 200) << row.coding << " " << size << answer.body;
      EXPECT_EQ(seen().at("body_bytes"), body.size()) << row.coding;
      EXPECT_EQ(gateway_.request(answer).at("status"), 200);
    }
  }
  for (const std::string coding : {"", "identity", " "}) {
    EXPECT_EQ(post(coding, chat().dump()).status, 200) << "'" << coding << "'";
  }
  check_witness(gateway_, Run::clean);
}

TEST_F(CodedBodies, MayComeInChunksByteByByte) {
  const auto body = large_chat(2000);
  RawClient client(gateway_.daemon.port());
  client.send("POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + key_ +
              "\r\nContent-Type: application/json\r\nContent-Encoding: zstd\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (const char byte : zstd(body)) client.send(chunk_of(std::string_view(&byte, 1)));
  client.send("0\r\n\r\n");
  EXPECT_EQ(client.read_head()->status, 200);
  EXPECT_EQ(seen().at("body_bytes"), body.size());
  check_witness(gateway_, Run::clean);
}

TEST_F(CodedBodies, AreRefusedWhereTheyAreNotWhatTheySay) {
  const auto body = large_chat(1000);
  for (const auto& [coding, coded] :
       {std::pair{"gzip", gzip(body)}, {"deflate", deflated(body)}, {"zstd", zstd(body)}}) {
    expect_refused(post(coding, body), 400, "invalid_encoding", coding);
    expect_refused(post(coding, coded.substr(0, coded.size() - 3)), 400, "invalid_encoding", coding);
    expect_refused(post(coding, coded + "xxxx"), 400, "invalid_encoding", coding);
    expect_refused(post(coding, ""), 400, "invalid_encoding", coding);
    if (std::string_view(coding) == "zstd") continue;  // has no checksum unless it is asked for
    auto damaged = coded;
    damaged[damaged.size() / 2] ^= 0x55;
    expect_refused(post(coding, damaged), 400, "invalid_encoding", coding);
  }
  expect_refused(post("gzip", gzip("{")), 400, "invalid_json", "what is inside");
  for (const std::string coding : {"br", "compress", "gzip, zstd", "gzip, gzip", "nonsense"}) {
    const auto answer = post(coding, body);
    expect_refused(answer, 415, "unsupported_encoding", coding);
    EXPECT_EQ(answer.header("accept-encoding"), "gzip, deflate, zstd") << coding;
    EXPECT_THAT(answer.body, HasSubstr("gzip, deflate, zstd")) << coding;
  }
  // Two fields are one list.
  RawClient client(gateway_.daemon.port());
  client.send(
      raw_request("POST", "/v1/chat/completions", key_, body, "Content-Encoding: gzip\r\nContent-Encoding: zstd\r\n"));
  EXPECT_EQ(client.read_head()->status, 415);
  EXPECT_EQ(gateway_.arrived(), 0);
  check_witness(gateway_, Run::clean);
}

TEST_F(CodedBodies, AreBoundedByWhatTheyComeTo) {
  const auto large = large_chat(5 * k_mib);
  for (const auto& [coding, coded] :
       {std::pair{"gzip", gzip(large)}, {"deflate", deflated(large)}, {"zstd", zstd(large)}}) {
    ASSERT_LT(coded.size(), 4 * k_mib);
    const auto answer = post(coding, coded);
    expect_refused(answer, 413, "body_too_large", coding);
    EXPECT_THAT(answer.body, HasSubstr("body_bytes_max")) << coding;
  }
  for (const std::size_t size : {3 * k_mib, 200 * k_mib}) {
    const std::string bomb = R"({"pad":")" + std::string(size, 'x') + "\"}";
    for (const auto& [coding, coded] : {std::pair{"gzip", gzip(bomb)}, {"zstd", zstd(bomb)}}) {
      const auto answer = post(coding, coded);
      expect_refused(answer, 413, "body_too_large", coding);
      if (size < 4 * k_mib) {
        EXPECT_THAT(answer.body, HasSubstr("hundred times")) << coding;
      }
    }
  }
  EXPECT_EQ(gateway_.arrived(), 0);
}

TEST_F(CodedBodies, MayBeForms) {
  gateway_.daemon.must({"price", "set", "fake-a", "--input", "1", "--output", "2", "--context", "16000"});
  const auto form = Form().file("file", plain_text(2 * k_mib)).field("model", "fake-a");
  const auto answer =
      post("gzip", gzip(form.body()), {{"Content-Type", form.content_type()}}, "/v1/audio/transcriptions");
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(seen().at("body_bytes"), form.body().size());
  expect_refused(post("gzip", gzip(form.body().substr(0, 1000)), {{"Content-Type", form.content_type()}},
                      "/v1/audio/transcriptions"),
                 400, "invalid_multipart", "a form that is cut inside");
}

// A provider that compresses although it was asked for identity, in one framing after the other.
struct CodedAnswer {
  std::string coding, body;
  bool stream = false, chunked = false;

  std::string text() const {
    std::string out = "HTTP/1.1 200 OK\r\nContent-Encoding: " + coding +
                      "\r\nContent-Type: " + (stream ? "text/event-stream" : "application/json");
    if (!chunked) return out + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    out += "\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (const char byte : body) out += chunk_of(std::string_view(&byte, 1));
    return out + "0\r\n\r\n";
  }
};

const std::string k_usage = R"("usage":{"prompt_tokens":10,"completion_tokens":20,"total_tokens":30}})";

std::string completion(std::size_t bytes) {
  return R"({"id":"x","choices":[{"index":0,"message":{"role":"assistant","content":")" + plain_text(bytes) +
         R"("}}],)" + k_usage;
}

class CodedAnswers : public testing::Test {
 protected:
  CodedAnswers()
      : provider_([this](int fd) {
          while (!read_request(fd).empty() && send_all(fd, answer_.text())) continue;
        }),
        key_(gateway_.token("t", {"--quota", "100"})) {
    gateway_.daemon.must(
        {"channel", "create", "coder", "--kind", "openai", "--map", "coded=fake-a", "--base-url",
         "http://127.0.0.1:" + std::to_string(provider_.port()) + "/v1", "--allow-private", "--key-stdin"},
        "sk-provider-1234\n");
  }
  HttpAnswer ask(CodedAnswer answer) {
    answer_ = std::move(answer);
    return gateway_.post(key_, chat("coded", {{"stream", answer_.stream}, {"max_tokens", 100}}));
  }

  CodedAnswer answer_;
  TcpListener provider_;
  Gateway gateway_;
  const std::string key_;
};

TEST_F(CodedAnswers, AreUndoneAndMetered) {
  const auto events = R"(data: {"choices":[{"index":0,"delta":{"content":"hello"}}]})" + std::string("\n\n");
  const auto usage = R"(data: {"choices":[],)" + k_usage + "\n\n";
  const std::string done = "data: [DONE]\n\n";
  int count = 0;
  for (const bool chunked : {false, true}) {
    for (const std::size_t size : {std::size_t{10}, 30 * k_kib, 200 * k_kib}) {
      if (chunked && size > 100 * k_kib) continue;
      const auto body = completion(size);
      for (const auto& [coding, coded] :
           {std::pair{"gzip", gzip(body)}, {"deflate", deflated(body)}, {"zstd", zstd(body)}, {"", gzip(body)}}) {
        const auto answer = ask({coding, coded, false, chunked});
        EXPECT_EQ(answer.status, 200) << coding << size;
        EXPECT_EQ(answer.header("content-encoding"), "");
        EXPECT_TRUE(answer.body == body) << coding << " " << size << ": " << answer.body.substr(0, 100);
        EXPECT_EQ(gateway_.posted("t"), ++count * 50'000);
      }
    }
    const auto answer = ask({"gzip", gzip(events + usage + done), true, chunked});
    EXPECT_EQ(answer.body, events + done);
    EXPECT_EQ(gateway_.posted("t"), ++count * 50'000);
  }
}

TEST_F(CodedAnswers, ThatCannotBeUndoneLookLikeNone) {
  const auto body = completion(1000);
  const auto coded = gzip(body);
  const CodedAnswer table[] = {{"gzip", body},        {"gzip", coded.substr(0, coded.size() - 9)},
                               {"gzip", coded + "x"}, {"zstd", body},
                               {"br", body},          {"gzip, gzip", gzip(coded)}};
  for (const auto& row : table) {
    gateway_.daemon.must({"channel", "edit", "coder", "--note", std::to_string(&row - table)});  // nothing against it
    const auto answer = ask(row);
    EXPECT_EQ(answer.status, 502) << row.coding;
    EXPECT_EQ(error_code(answer), "upstream_invalid") << row.coding;
    EXPECT_EQ(gateway_.reserved("t"), 0);
  }
}

}  // namespace
}  // namespace cr::test

// SPDX-License-Identifier: MIT
// Forms with files: small ones go the way of every body, large ones stream through; what is refused on the way leaves
// no whole request at the provider and nothing on the books.
#include <openssl/evp.h>
#include <poll.h>

#include <future>
#include <thread>

#include "integration/form.h"
#include "integration/network_gateway.h"
#include "support/programs.h"

namespace cr::test {
namespace {

using testing::HasSubstr;

constexpr std::size_t k_mib = std::size_t{1024} * 1024;
const std::string k_path = "/v1/audio/transcriptions";

class Uploads : public testing::Test {
 protected:
  explicit Uploads(const std::string& tables = {}) : gateway_(options(tables)) {
    for (const auto* model : {"fake-a", "fake-b"}) {
      gateway_.daemon.must(
          {"price", "set", model, "--input", "1", "--output", "2", "--max-output", "4096", "--context", "16000"});
    }
    key_ = gateway_.token("t", {"--quota", "1"});
  }

  static DaemonOptions options(const std::string& tables) {
    DaemonOptions options;
    options.top_level = "workers = 1";
    options.tables = tables;
    return options;
  }

  HttpAnswer post(const Form& form, const std::string& path = k_path) { return post(key_, form, path); }
  HttpAnswer post(const std::string& key, const Form& form, const std::string& path = k_path) {
    return HttpClient(gateway_.daemon.port(), key)
        .call("POST", path, form.body(), {{"Content-Type", form.content_type()}});
  }
  // The head of an upload, for a client that sends the body itself.
  std::string head(const Form& form, const std::string& framing) {
    return raw_request("POST", k_path, key_, {}, "Content-Type: " + form.content_type() + "\r\n" + framing + "\r\n");
  }
  // 3 MiB of a larger one; the provider has its head then.
  void send_a_part(RawClient& client, const Form& form) {
    client.send(head(form, sized(form.body().size())));
    client.send(form.body().substr(0, 3 * k_mib));
    gateway_.upstream.wait_for("heads", 1);
  }
  static std::string sized(std::size_t size) { return "Content-Length: " + std::to_string(size); }

  Json row() { return Json::parse(gateway_.daemon.must({"request", "list", "--token", "t", "--json"})).at(0); }
  Json seen() { return gateway_.upstream.requests().back(); }
  void expect_untouched() {
    EXPECT_EQ(gateway_.arrived(), 0);
    EXPECT_EQ(gateway_.posted("t"), 0);
    EXPECT_EQ(gateway_.reserved("t"), 0);
  }

  Gateway gateway_;
  std::string key_;
};

std::string noise(std::size_t size) {
  std::string bytes(size, '\0');
  std::uint32_t state = 12345;
  for (auto& byte : bytes) {
    state = state * 1664525u + 1013904223u;
    byte = static_cast<char>(state >> 24);
  }
  return bytes;
}

std::string sha256(std::string_view bytes) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_Digest(bytes.data(), bytes.size(), digest, &size, EVP_sha256(), nullptr);
  std::string hex;
  for (unsigned i = 0; i < size; ++i) hex += hex_of(digest[i]);
  return hex;
}

Form transcription(std::size_t file_bytes, const std::string& model = "fake-a") {
  return Form().field("model", model).file("file", noise(file_bytes));
}

TEST_F(Uploads, ASmallFormIsMeteredAndChargedByItsTokens) {
  const auto form = transcription(100'000);
  for (const std::string path : {"/v1/audio/transcriptions", "/v1/audio/translations"}) {
    const auto answer = post(form, path);
    ASSERT_EQ(answer.status, 200) << answer.body;
    EXPECT_EQ(Json::parse(answer.body)["usage"]["input_tokens"], 10);
    EXPECT_EQ(seen()["body_sha256"], sha256(form.body()));
    EXPECT_EQ(seen()["endpoint"], path.substr(4));
    EXPECT_EQ(row()["input_tokens"], 10);
    EXPECT_EQ(row()["output_tokens"], 20);
    EXPECT_EQ(row()["flags"], Json::array());
  }
  check_witness(gateway_, Run::clean);
}

TEST_F(Uploads, ImagesWithSeveralChoices) {
  const auto form = Form()
                        .file("image[]", noise(5000))
                        .file("image[]", noise(100))
                        .field("prompt", "a cat")
                        .field("model", "fake-a")
                        .field("n", "3");
  const auto answer = post(form, "/v1/images/edits");
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(row()["output_tokens"], 60);
  EXPECT_EQ(row()["endpoint"], "images.edits");
  check_witness(gateway_, Run::clean);
}

TEST_F(Uploads, AStreamedTranscript) {
  const auto form = transcription(1000).field("stream", "true");
  const auto answer = post(form);
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_THAT(answer.body, HasSubstr("transcript.text.done"));
  EXPECT_EQ(row()["output_tokens"], 20);
  EXPECT_EQ(row()["stream"], true);
  EXPECT_EQ(row()["flags"], Json::array());
  check_witness(gateway_, Run::clean);
}

TEST_F(Uploads, AnAnswerWithoutUsageIsEstimatedAndFlagged) {
  // Of sound nobody can say from outside what it comes to: as little as these bytes are.
  const auto answer = post(transcription(1000).field("response_format", "text").field("prompt", "[[input=5]]"));
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_THAT(answer.body, HasSubstr("one two"));
  EXPECT_EQ(row()["flags"], Json({"estimated"}));
  EXPECT_EQ(row()["output_tokens"], 20) << "a token for four bytes of text";
}

TEST_F(Uploads, SoundIsChargedByTheSecond) {
  gateway_.daemon.must({"price", "set", "heard", "--per-second", "0.0001"});
  gateway_.daemon.must({"channel", "edit", "fake", "--models", "+heard"});
  struct Answer {
    std::string body;
    std::int64_t ms;
    Json flags;
  };
  const auto form = transcription(80'000, "heard");
  std::int64_t posted = 0;
  for (const Answer& answer : {
           Answer{R"({"text":"a","usage":{"type":"duration","seconds":9}})", 9000, Json::array()},
           Answer{R"({"text":"a","duration":2.5})", 2500, Json::array()},
           Answer{"plain words", static_cast<std::int64_t>(form.body().size() / 8), {"estimated"}},
       }) {
    gateway_.upstream.behave({{"body", answer.body}});
    EXPECT_EQ(post(form).status, 200);
    EXPECT_EQ(row()["audio_ms"], answer.ms);
    EXPECT_EQ(row()["flags"], answer.flags) << answer.body;
    posted += answer.ms * 100;
    EXPECT_EQ(gateway_.posted("t"), posted);
    EXPECT_EQ(gateway_.reserved("t"), 0);
  }
  // Held is what sound of so many bytes can come to at most.
  const auto poor = gateway_.token("poor", {"--quota", "0.01"});
  EXPECT_EQ(post(poor, form).status, 429);
}

TEST_F(Uploads, EditedImagesAreChargedByTheImage) {
  gateway_.set_price("drawn", {"--per-image", "0.04"});
  gateway_.daemon.must({"channel", "edit", "fake", "--models", "+drawn"});
  const auto form = Form().file("image", noise(5000)).field("model", "drawn").field("n", "3");
  EXPECT_EQ(post(form, "/v1/images/edits").status, 200);
  EXPECT_EQ(row()["images"], 3);
  EXPECT_EQ(gateway_.posted("t"), 120'000'000);
}

TEST_F(Uploads, LargeFormsStreamThroughByteForByte) {
  const auto first = transcription(5 * k_mib);
  const auto last = Form().file("file", noise(3 * k_mib)).field("model", "fake-a");
  for (const auto& form : {first, last}) {
    for (const bool chunked : {false, true}) {
      const auto body = form.body();
      RawClient client(gateway_.daemon.port());
      client.send(head(form, chunked ? "Transfer-Encoding: chunked" : sized(body.size())));
      if (chunked) {
        for (std::size_t at = 0; at < body.size(); at += 50'000) client.send(chunk_of(body.substr(at, 50'000)));
        client.send("0\r\n\r\n");
      } else {
        client.send(body);
      }
      const auto answer = client.read_head();
      ASSERT_TRUE(answer);
      EXPECT_EQ(answer->status, 200) << client.read_body(*answer);
      EXPECT_EQ(answer->header("connection"), "") << "it may carry the next request";
      EXPECT_EQ(seen()["body_bytes"], body.size());
      EXPECT_EQ(seen()["body_sha256"], sha256(body));
      EXPECT_EQ(row()["input_tokens"], 10);
    }
  }
  EXPECT_EQ(gateway_.arrived(), 4);
  check_witness(gateway_, Run::clean);
}

TEST_F(Uploads, ContinueIsSaidOnceTheRequestMayCome) {
  const auto form = transcription(2 * k_mib);
  RawClient client(gateway_.daemon.port());
  client.send(head(form, sized(form.body().size()) + "\r\nExpect: 100-continue"));
  EXPECT_EQ(client.read_head()->status, 100);
  client.send(form.body());
  EXPECT_EQ(client.read_head()->status, 200);
  RawClient stranger(gateway_.daemon.port());
  stranger.send(raw_request(
      "POST", k_path, "sk-cr-nobody", {},
      "Content-Type: " + form.content_type() + "\r\nExpect: 100-continue\r\n" + sized(form.body().size()) + "\r\n"));
  EXPECT_EQ(stranger.read_head()->status, 401);
  check_witness(gateway_, Run::clean);
}

TEST_F(Uploads, AMappedModelIsRenamedInItsPlace) {
  gateway_.daemon.must({"channel", "edit", "fake", "--models", "nothing-*", "--map", "alias=fake-a"});
  for (const std::size_t size : {std::size_t{1000}, 2 * k_mib}) {
    for (const bool model_first : {true, false}) {
      const auto make = [&](const std::string& model) {
        return model_first ? Form().field("model", model).file("file", noise(size)).body()
                           : Form().file("file", noise(size)).field("model", model).body();
      };
      const Form form;
      for (const bool chunked : {false, true}) {
        RawClient client(gateway_.daemon.port());
        client.send(head(form, chunked ? "Transfer-Encoding: chunked" : sized(make("alias").size())));
        client.send(chunked ? chunk_of(make("alias")) + "0\r\n\r\n" : make("alias"));
        ASSERT_EQ(client.read_head()->status, 200);
        EXPECT_EQ(seen()["body_sha256"], sha256(make("fake-a")));
        EXPECT_EQ(seen()["model"], "fake-a");
        EXPECT_EQ(row()["model"], "alias");
      }
    }
  }
  check_witness(gateway_, Run::clean);
}

struct RefusedRow {
  std::string name;
  std::string body;
  int status;
  std::string code;
  std::string says = "";
};

TEST_F(Uploads, WhatIsRefusedLeavesNothing) {
  const Form form;
  const auto plain = transcription(1000);
  const auto with = [](const std::string& name, const std::string& value) {
    return Form().field("model", "fake-a").file("file", "sound").field(name, value).body();
  };
  const std::vector<RefusedRow> rows = {
      {"D7", with("model", "fake-a"), 400, "duplicate_key", "model is given twice"},
      {"look-alike", with("Model", "fake-b"), 400, "duplicate_key", "looks like model"},
      {"brackets", with("model[]", "fake-b"), 400, "duplicate_key"},
      {"missing", Form().file("file", "sound").body(), 400, "invalid_value", "model is missing"},
      {"a file", Form().file("model", "fake-a").body(), 400, "invalid_value", "not a file"},
      {"long", Form().field("model", std::string(257, 'm')).body(), 400, "invalid_value"},
      {"D8", with("api_base", "http://x"), 400, "invalid_value", "api_base"},
      {"not allowed to be a stream", with("stream", "1"), 400, "invalid_value"},
      {"no end", plain.body().substr(0, plain.body().size() - 8), 400, "invalid_multipart", "last boundary"},
      {"preamble", "\r\n" + plain.body(), 400, "invalid_multipart"},
      {"epilogue", plain.body() + "x", 400, "invalid_multipart"},
      {"LF", Form().field("model", "fake-a").field("f", "x\n" + form.delimiter()).body(), 400, "invalid_multipart"},
      {"longer boundary", Form().field("model", "fake-a").field("f", "x\r\n" + form.delimiter() + "y").body(), 400,
       "invalid_multipart"},
      {"another boundary", "--other\r\n", 400, "invalid_multipart"},
      {"no such model", transcription(10, "nothing").body(), 404, "model_not_found"},
      {"empty", "", 400, "invalid_multipart"},
  };
  for (const auto& row : rows) {
    const auto answer = HttpClient(gateway_.daemon.port(), key_)
                            .call("POST", k_path, row.body, {{"Content-Type", form.content_type()}});
    EXPECT_EQ(answer.status, row.status) << row.name << ": " << answer.body;
    EXPECT_EQ(error_code(answer), row.code) << row.name << ": " << answer.body;
    EXPECT_THAT(answer.body, HasSubstr(row.says)) << row.name;
  }
  expect_untouched();
}

TEST_F(Uploads, TheContentTypeMustBeAFormWithABoundary) {
  const auto body = transcription(10).body();
  const auto post = [&](const std::string& path, const std::string& type) {
    return HttpClient(gateway_.daemon.port(), key_).call("POST", path, body, {{"Content-Type", type}});
  };
  EXPECT_EQ(post(k_path, "application/json").status, 415);
  EXPECT_THAT(post(k_path, "application/json").body, HasSubstr("multipart/form-data"));
  EXPECT_EQ(post(k_path, "multipart/form-data").status, 400);
  EXPECT_EQ(post(k_path, "multipart/mixed; boundary=x").status, 415);
  EXPECT_EQ(post("/v1/chat/completions", Form().content_type()).status, 415);
  expect_untouched();
}

// What comes after the decision, in a form that is streaming: the provider is cut off before its end.
TEST_F(Uploads, WhatIsRefusedOnTheWayCutsTheProviderOff) {
  struct Row {
    std::string name, body, code;
  };
  const auto begin = transcription(3 * k_mib);
  const auto good = begin.body();
  const std::vector<Row> rows = {
      {"D7", Form(begin).field("model", "fake-b").body(), "duplicate_key"},
      {"look-alike", Form(begin).field("MODEL", "fake-b").body(), "duplicate_key"},
      {"D8", Form(begin).field("base_url", "http://x").body(), "invalid_value"},
      {"n", Form(begin).field("n", "2").body(), "invalid_value"},
      {"no end", good.substr(0, good.size() - 6) + "xxxxxx", "invalid_multipart"},
      {"epilogue", good + "x", "invalid_multipart"},
  };
  std::int64_t cut = 0;
  for (const auto& row : rows) {
    for (const bool chunked : {false, true}) {
      RawClient client(gateway_.daemon.port());
      client.send(head(begin, chunked ? "Transfer-Encoding: chunked" : sized(row.body.size())));
      client.send(chunked ? chunk_of(row.body) + "0\r\n\r\n" : row.body);
      const auto answer = client.read_head();
      ASSERT_TRUE(answer) << row.name;
      EXPECT_EQ(answer->status, 400) << row.name;
      EXPECT_THAT(client.read_body(*answer), HasSubstr(row.code)) << row.name;
      gateway_.upstream.wait_for("partial", ++cut);
      EXPECT_EQ(this->row()["ending"], "refused") << row.name;
      EXPECT_EQ(this->row()["cost"], "0") << row.name;
    }
  }
  expect_untouched();
}

TEST_F(Uploads, TheModelMustComeWithinWhatIsHeld) {
  const auto form = Form().file("file", noise(65 * k_mib)).field("model", "fake-a");
  RawClient client(gateway_.daemon.port());
  client.send(head(form, sized(form.body().size())));
  client.send(form.body());
  const auto answer = client.read_head();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 413);
  EXPECT_THAT(client.read_body(*answer), HasSubstr("send the model field before the file"));
  expect_untouched();
}

class SmallUploads : public Uploads {
 protected:
  SmallUploads() : Uploads("[limits]\nupload_bytes_max = \"2MiB\"") {}
};

TEST_F(SmallUploads, OverTheLimitByLengthOrOnTheWay) {
  const auto form = transcription(2 * k_mib);
  RawClient client(gateway_.daemon.port());
  client.send(head(form, sized(form.body().size()) + "\r\nExpect: 100-continue"));
  const auto answer = client.read_head();
  EXPECT_EQ(answer->status, 413);
  EXPECT_EQ(answer->header("connection"), "close");
  EXPECT_THAT(client.read_body(*answer), HasSubstr("upload_bytes_max"));
  RawClient chunked(gateway_.daemon.port());
  chunked.send(head(form, "Transfer-Encoding: chunked"));
  chunked.send(chunk_of(form.body()));
  EXPECT_EQ(chunked.read_head()->status, 413);
  gateway_.upstream.wait_for("partial", 1);
  expect_untouched();
}

TEST_F(Uploads, AClientThatLeavesOnTheWay) {
  const auto form = transcription(5 * k_mib);
  RawClient client(gateway_.daemon.port());
  send_a_part(client, form);
  client.reset();
  gateway_.upstream.wait_for("partial", 1);
  while (gateway_.reserved("t") != 0) continue;
  EXPECT_EQ(row()["ending"], "client_gone");
  EXPECT_EQ(row()["cost"], "0");
  expect_untouched();
}

class SlowUploads : public Uploads {
 protected:
  SlowUploads() : Uploads("[limits]\nbody_timeout = \"1s\"") {}
  static void expect_too_late(RawClient& client) {
    const auto answer = client.read_head();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 408);
    EXPECT_EQ(answer->header("connection"), "close");
    EXPECT_THAT(client.read_body(*answer), HasSubstr("did not arrive in time"));
  }
};

// What each piece adds to its time is less than the client takes for it.
TEST_F(SlowUploads, UnderTheLeastRateNothingIsEvenReserved) {
  const auto form = Form().file("file", noise(2 * k_mib)).field("model", "fake-a");
  RawClient client(gateway_.daemon.port());
  client.send(head(form, sized(form.body().size())));
  pollfd answered{client.fd(), POLLIN, 0};
  for (std::size_t at = 0; ::poll(&answered, 1, 50) == 0; at += 10) client.send(form.body().substr(at, 10));
  expect_too_late(client);
  expect_untouched();
}

TEST_F(SlowUploads, ASilentClientIsToldAndItsReservationIsFreed) {
  const auto form = transcription(5 * k_mib);
  RawClient client(gateway_.daemon.port());
  send_a_part(client, form);
  expect_too_late(client);
  gateway_.upstream.wait_for("partial", 1);
  EXPECT_EQ(row()["ending"], "refused");
  EXPECT_NE(gateway_.daemon.sql_value("SELECT held FROM request"), "0");
  EXPECT_EQ(row()["cost"], "0");
  expect_untouched();
}

TEST(UploadsOverTls, StreamToTheProviderByteForByteOrBreakOff) {
  NetworkGateway net;
  auto& gateway = net.gateway;
  TlsUpstream upstream({.certificate = good_certificate()});
  net.channel("https://127.0.0.1:" + std::to_string(upstream.port()) + "/v1",
              {"--allow-private", "--ca-file", net.ca_file});
  gateway.daemon.must(
      {"price", "set", "net-a", "--input", "1", "--output", "2", "--max-output", "4096", "--context", "16000"});
  const auto key = gateway.token("u", {"--quota", "1"});
  const auto form = transcription(5 * k_mib, "net-a");
  const auto head = raw_request(
      "POST", k_path, key, {},
      "Content-Type: " + form.content_type() + "\r\nContent-Length: " + std::to_string(form.body().size()) + "\r\n");
  {
    RawClient client(gateway.daemon.port());
    client.send(head + form.body().substr(0, 3 * k_mib));
    while (upstream.bytes_seen() < k_mib) std::this_thread::yield();
    client.reset();
  }
  while (gateway.reserved("u") != 0) continue;
  EXPECT_EQ(gateway.posted("u"), 0);
  EXPECT_EQ(upstream.last_head(), "") << "the provider has no whole request";
  RawClient client(gateway.daemon.port());
  client.send(head + form.body());
  const auto answer = client.read_head();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200) << client.read_body(*answer);
  EXPECT_EQ(sha256(upstream.last_body()), sha256(form.body()));
  EXPECT_EQ(gateway.posted("u"), 10 * 1000 + 20 * 2000);
  EXPECT_EQ(gateway.reserved("u"), 0);
}

TEST_F(Uploads, AnEarlyAnswerIsPassedOn) {
  const auto form = transcription(30 * k_mib);
  struct Row {
    int upstream, client;
    std::string says;
  };
  // While crd waits for the client to send on, and while it waits for the provider to read on.
  for (const std::size_t size : {2 * k_mib, form.body().size()})
    for (const auto& row : {Row{413, 413, "too much"}, Row{401, 502, "upstream_auth"}, Row{429, 429, "too much"},
                            Row{500, 500, "too much"}}) {
      gateway_.upstream.reset();
      gateway_.daemon.must({"channel", "edit", "fake", "--note",
                            row.says + std::to_string(size + static_cast<std::size_t>(row.client))});
      gateway_.upstream.behave({{"early", true},
                                {"head_delay_ms", 100},
                                {"status", row.upstream},
                                {"body", R"({"error":{"message":"too much"}})"}});
      RawClient client(gateway_.daemon.port());
      client.send(head(form, sized(form.body().size())));
      auto sending = std::async(std::launch::async, [&] { client.send(form.body().substr(0, size)); });
      const auto answer = client.read_head();
      ASSERT_TRUE(answer) << row.upstream;
      EXPECT_EQ(answer->status, row.client);
      EXPECT_EQ(answer->header("connection"), "close");
      EXPECT_THAT(client.read_body(*answer), HasSubstr(row.says));
      EXPECT_EQ(gateway_.posted("t"), 0);
      EXPECT_EQ(gateway_.reserved("t"), 0);
    }
}

TEST_F(Uploads, AProviderThatStopsReadingIsGivenUp) {
  gateway_.daemon.must({"channel", "edit", "fake", "--timeout-idle", "1s"});
  gateway_.upstream.behave({{"stop_reading", true}});
  const auto form = transcription(60 * k_mib);
  RawClient client(gateway_.daemon.port());
  client.send(head(form, sized(form.body().size())));
  auto sending = std::async(std::launch::async, [&] { client.send(form.body()); });
  const auto answer = client.read_head();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 504);
  EXPECT_THAT(client.read_body(*answer), HasSubstr("stopped reading"));
  sending.get();
  EXPECT_EQ(gateway_.posted("t"), 0);
  EXPECT_EQ(gateway_.reserved("t"), 0);
}

TEST_F(Uploads, AnotherChannelGetsWhatIsStillHeld) {
  gateway_.daemon.must({"channel", "edit", "fake", "--priority", "10"});
  gateway_.daemon.must({"channel", "create", "dead", "--kind", "openai", "--base-url", "http://127.0.0.1:1/v1",
                        "--models", "fake-*", "--key-stdin", "--allow-private", "--priority", "0"},
                       "sk-provider-1234\n");
  gateway_.daemon.must({"channel", "create", "sibling", "--kind", "openai", "--base-url", gateway_.upstream.url(),
                        "--models", "fake-*", "--key-stdin", "--allow-private", "--priority", "20"},
                       "sk-provider-1234\n");
  const auto large = transcription(3 * k_mib);
  EXPECT_EQ(post(large).status, 200) << "a refused connection costs nothing";
  EXPECT_EQ(seen()["body_sha256"], sha256(large.body()));
  gateway_.upstream.behave({{"status", 500}, {"body", "{}"}});
  EXPECT_EQ(post(transcription(1000)).status, 200) << "a small form is held whole";
  EXPECT_EQ(gateway_.arrived(), 3);
  gateway_.upstream.behave({{"status", 500}, {"body", "{}"}});
  EXPECT_EQ(post(large).status, 500) << "a large one is gone";
  EXPECT_EQ(gateway_.arrived(), 4);
  gateway_.upstream.behave({{"cut_after", 5}});
  EXPECT_EQ(post(transcription(1000)).status, 200) << "nobody has seen what came of the first answer";
  EXPECT_EQ(gateway_.arrived(), 6);
  gateway_.upstream.behave({{"cut_after", 5}});
  EXPECT_EQ(post(large).status, 502);
  EXPECT_EQ(gateway_.arrived(), 7);
  EXPECT_EQ(gateway_.reserved("t"), 0);
}

TEST_F(Uploads, ALimitedTokenNeedsABound) {
  gateway_.daemon.must({"price", "set", "fake-c", "--input", "1", "--output", "2"});
  const auto refused = post(transcription(10, "fake-c"));
  EXPECT_EQ(refused.status, 400);
  EXPECT_THAT(refused.body, HasSubstr("--context"));
  expect_untouched();
  EXPECT_EQ(post(gateway_.token("free"), transcription(10, "fake-c")).status, 200);
  gateway_.set_price("fake-c", {"--input", "0", "--output", "0", "--per-request", "0.01"});
  EXPECT_EQ(post(transcription(2 * k_mib, "fake-c")).status, 200);
  EXPECT_EQ(gateway_.posted("t"), 10'000'000);
  // The whole context, not the bytes of the file, is what must be affordable.
  const auto poor = gateway_.token("poor", {"--quota", "0.02"});
  EXPECT_EQ(post(poor, transcription(2 * k_mib, "fake-a")).status, 429);
  const auto enough = gateway_.token("enough", {"--quota", "0.0202"});
  EXPECT_EQ(post(enough, transcription(2 * k_mib, "fake-a")).status, 200);
}

TEST_F(Uploads, TwoHundredMegabytesInBoundedMemory) {
  const auto piece = noise(k_mib);
  constexpr int k_pieces = 200;
  const auto form = Form().field("model", "fake-a");
  const auto begin = form.open_file("file");
  const auto end = "\r\n" + form.delimiter() + "--\r\n";
  const auto upload = [&](int pieces) {
    EVP_MD_CTX* digest = EVP_MD_CTX_new();
    EVP_DigestInit_ex(digest, EVP_sha256(), nullptr);
    RawClient client(gateway_.daemon.port());
    const auto send = [&](std::string_view bytes) {
      EVP_DigestUpdate(digest, bytes.data(), bytes.size());
      EXPECT_TRUE(client.send(bytes));
    };
    client.send(head(form, sized(begin.size() + static_cast<std::size_t>(pieces) * k_mib + end.size())));
    send(begin);
    for (int i = 0; i < pieces; ++i) send(piece);
    send(end);
    const auto answer = client.read_head();
    EXPECT_TRUE(answer && answer->status == 200);
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    EVP_DigestFinal_ex(digest, bytes, &size);
    EVP_MD_CTX_free(digest);
    std::string hex;
    for (unsigned i = 0; i < size; ++i) hex += hex_of(bytes[i]);
    EXPECT_EQ(seen()["body_sha256"], hex);
  };
  for (int i = 0; i < 3; ++i) upload(4);
  const auto before = resident_kib(gateway_.daemon, "VmRSS:");
  upload(k_pieces);
  if (!is_sanitized()) {
    EXPECT_LT(resident_kib(gateway_.daemon, "VmHWM:") - before, 4096);
  }
  EXPECT_EQ(gateway_.upstream.requests().back()["body_bytes"], begin.size() + k_pieces * k_mib + end.size());
  check_witness(gateway_, Run::clean);
}

}  // namespace
}  // namespace cr::test

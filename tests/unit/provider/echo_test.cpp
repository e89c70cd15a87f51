// SPDX-License-Identifier: MIT
#include "provider/echo.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include "unit/dialect/meter_of.h"

namespace cr::provider {
namespace {

using nlohmann::json;

LocalResponse answer(dialect::Endpoint endpoint, const std::string& body) {
  dialect::RequestScanner scanner;
  const auto scan = scanner.scan(endpoint, body);
  EXPECT_TRUE(scan) << body;
  if (!scan) return {};
  return echo_answer(endpoint, body, *scan, "01ABC", base::from_unix_ms(1'700'000'000'123));
}

json plain(dialect::Endpoint endpoint, const std::string& body) {
  const LocalResponse echo = answer(endpoint, body);
  EXPECT_EQ(echo.content_type, "application/json");
  EXPECT_EQ(echo.pieces.size(), 1u);
  return json::parse(echo.pieces.at(0));
}

struct Event {
  std::string name;
  json data;
};

std::vector<Event> stream(dialect::Endpoint endpoint, const std::string& body) {
  const LocalResponse echo = answer(endpoint, body);
  EXPECT_EQ(echo.content_type, "text/event-stream");
  std::vector<Event> events;
  http::message::SseSplitter splitter(1 << 20);
  for (const std::string& piece : echo.pieces) {
    EXPECT_TRUE(splitter.push(piece));
    const auto event = splitter.next();
    EXPECT_TRUE(event) << piece;
    if (!event) continue;
    EXPECT_EQ(event->raw, piece);
    events.push_back({std::string(event->name), json::parse(event->data, nullptr, false)});
    if (events.back().data.is_discarded()) events.back().data = std::string(event->data);
  }
  return events;
}

// What crd would meter from the answer.
dialect::Usage metered(dialect::Endpoint endpoint, const std::string& body) {
  const LocalResponse echo = answer(endpoint, body);
  dialect::Meter meter = dialect::meter_of(endpoint, dialect::UsageEvent::forward);
  if (echo.content_type == "application/json") {
    meter.observe_body(echo.pieces.at(0));
  } else {
    http::message::SseSplitter splitter(1 << 20);
    for (const std::string& piece : echo.pieces) {
      EXPECT_TRUE(splitter.push(piece));
      while (const auto event = splitter.next()) meter.observe(*event);
    }
  }
  EXPECT_TRUE(meter.ended());
  EXPECT_FALSE(meter.saw_error());
  EXPECT_TRUE(meter.usage());
  return meter.usage().value_or(dialect::Usage{});
}

const std::string k_chat =
    R"("model":"m","messages":[{"role":"system","content":"be kind"},{"role":"user","content":"old"},)"
    R"({"role":"assistant","content":"x"},{"role":"user","content":[{"type":"text","text":"Hello, wörld!"}]}])";

TEST(Echo, ChatPlain) {
  const json body = plain(dialect::Endpoint::chat_completions, "{" + k_chat + "}");
  EXPECT_EQ(body["id"], "chatcmpl-01ABC");
  EXPECT_EQ(body["object"], "chat.completion");
  EXPECT_EQ(body["created"], 1'700'000'000);
  EXPECT_EQ(body["model"], "m");
  ASSERT_EQ(body["choices"].size(), 1u);
  EXPECT_EQ(body["choices"][0]["index"], 0);
  EXPECT_EQ(body["choices"][0]["message"]["role"], "assistant");
  EXPECT_EQ(body["choices"][0]["message"]["content"], "Hello, wörld!");
  EXPECT_EQ(body["choices"][0]["finish_reason"], "stop");
  EXPECT_EQ(body["usage"]["prompt_tokens"], 8);  // be kind / old / x / Hello , wörld !
  EXPECT_EQ(body["usage"]["completion_tokens"], 4);
  EXPECT_EQ(body["usage"]["total_tokens"], 12);
}

TEST(Echo, ChatChoicesAndBound) {
  const json body = plain(dialect::Endpoint::chat_completions, "{" + k_chat + R"(,"n":3,"max_tokens":2})");
  ASSERT_EQ(body["choices"].size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(body["choices"][i]["index"], i);
    EXPECT_EQ(body["choices"][i]["message"]["content"], "Hello,");
    EXPECT_EQ(body["choices"][i]["finish_reason"], "length");
  }
  EXPECT_EQ(body["usage"]["completion_tokens"], 6);
}

TEST(Echo, ChatStream) {
  const auto events = stream(dialect::Endpoint::chat_completions, "{" + k_chat + R"(,"stream":true,"n":2})");
  ASSERT_EQ(events.size(), 2u + 8u + 2u + 1u);
  std::string text[2];
  for (std::size_t i = 0; i + 1 < events.size(); ++i) {
    const json& chunk = events[i].data;
    EXPECT_EQ(chunk["object"], "chat.completion.chunk");
    EXPECT_EQ(chunk["id"], "chatcmpl-01ABC");
    EXPECT_FALSE(chunk.contains("usage"));
    const json& choice = chunk["choices"][0];
    text[choice["index"].get<int>()] += choice["delta"].value("content", "");
  }
  EXPECT_EQ(events[0].data["choices"][0]["delta"]["role"], "assistant");
  EXPECT_EQ(events[11].data["choices"][0]["finish_reason"], "stop");
  EXPECT_EQ(text[0], "Hello, wörld!");
  EXPECT_EQ(text[1], "Hello, wörld!");
  EXPECT_EQ(events.back().data, "[DONE]");
}

TEST(Echo, ChatStreamWithUsage) {
  const auto events = stream(dialect::Endpoint::chat_completions,
                             "{" + k_chat + R"(,"stream":true,"stream_options":{"include_usage":true}})");
  const json& extra = events.at(events.size() - 2).data;
  EXPECT_EQ(extra["choices"], json::array());
  EXPECT_EQ(extra["usage"]["completion_tokens"], 4);
  EXPECT_TRUE(events[0].data["usage"].is_null());
}

TEST(Echo, Completions) {
  const json body =
      plain(dialect::Endpoint::completions, R"({"model":"m","prompt":["one two","three"],"n":2,"max_tokens":1})");
  EXPECT_EQ(body["id"], "cmpl-01ABC");
  EXPECT_EQ(body["object"], "text_completion");
  ASSERT_EQ(body["choices"].size(), 4u);
  EXPECT_EQ(body["choices"][1]["text"], "one");
  EXPECT_EQ(body["choices"][1]["finish_reason"], "length");
  EXPECT_EQ(body["choices"][3]["text"], "three");
  EXPECT_EQ(body["choices"][3]["index"], 3);
  EXPECT_EQ(body["choices"][3]["finish_reason"], "stop");
  EXPECT_EQ(body["usage"]["prompt_tokens"], 3);
  EXPECT_EQ(plain(dialect::Endpoint::completions, R"({"model":"m","prompt":[1,2,3]})")["usage"]["prompt_tokens"], 3);

  const auto events = stream(dialect::Endpoint::completions, R"({"model":"m","prompt":"a b","stream":true})");
  ASSERT_EQ(events.size(), 4u);
  EXPECT_EQ(events[1].data["choices"][0]["text"], " b");
  EXPECT_EQ(events[2].data["choices"][0]["finish_reason"], "stop");
}

TEST(Echo, Embeddings) {
  const json body = plain(dialect::Endpoint::embeddings, R"({"model":"m","input":["a","b","a"],"dimensions":16})");
  EXPECT_EQ(body["object"], "list");
  ASSERT_EQ(body["data"].size(), 3u);
  ASSERT_EQ(body["data"][0]["embedding"].size(), 16u);
  EXPECT_EQ(body["data"][0]["embedding"], body["data"][2]["embedding"]);
  EXPECT_NE(body["data"][0]["embedding"], body["data"][1]["embedding"]);
  EXPECT_EQ(body["data"][2]["index"], 2);
  double squares = 0;
  for (const json& value : body["data"][0]["embedding"]) squares += value.get<double>() * value.get<double>();
  EXPECT_NEAR(squares, 1.0, 1e-5);
  EXPECT_EQ(body["usage"]["prompt_tokens"], 3);
  EXPECT_EQ(plain(dialect::Endpoint::embeddings, R"({"model":"m","input":[5,6]})")["usage"]["prompt_tokens"], 2);
  EXPECT_EQ(
      plain(dialect::Endpoint::embeddings, R"({"model":"m","input":"a","dimensions":99999})")["data"][0]["embedding"]
          .size(),
      1536u);
}

std::vector<float> floats_of(const std::string& base64) {
  std::string bytes;
  std::uint32_t bits = 0;
  int have = 0;
  for (const char digit : base64) {
    const std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const std::size_t value = digits.find(digit);
    if (value == std::string_view::npos) break;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    have += 6;
    if (have < 8) continue;
    have -= 8;
    bytes.push_back(static_cast<char>(bits >> have & 0xff));
  }
  std::vector<float> values(bytes.size() / 4);
  std::memcpy(values.data(), bytes.data(), values.size() * 4);
  return values;
}

TEST(Echo, EmbeddingsInBase64AreTheSameVectors) {
  for (const int dimensions : {1, 2, 3, 8, 17}) {
    const std::string members = R"("model":"m","input":"a","dimensions":)" + std::to_string(dimensions);
    const json body = plain(dialect::Endpoint::embeddings, "{" + members + "}");
    const json encoded = plain(dialect::Endpoint::embeddings, "{" + members + R"(,"encoding_format":"base64"})");
    const std::string text = encoded["data"][0]["embedding"];
    EXPECT_EQ(text.size() % 4, 0u);
    const std::vector<float> values = floats_of(text);
    ASSERT_EQ(values.size(), static_cast<std::size_t>(dimensions));
    for (std::size_t i = 0; i < values.size(); ++i) EXPECT_EQ(values[i], body["data"][0]["embedding"][i].get<float>());
  }
}

TEST(Echo, ResponsesPlain) {
  const json body =
      plain(dialect::Endpoint::responses, R"({"model":"m","instructions":"be kind","input":"Hello you"})");
  EXPECT_EQ(body["id"], "resp_01ABC");
  EXPECT_EQ(body["object"], "response");
  EXPECT_EQ(body["status"], "completed");
  EXPECT_TRUE(body["error"].is_null());
  EXPECT_TRUE(body["incomplete_details"].is_null());
  EXPECT_EQ(body["output"][0]["type"], "message");
  EXPECT_EQ(body["output"][0]["content"][0]["type"], "output_text");
  EXPECT_EQ(body["output"][0]["content"][0]["text"], "Hello you");
  EXPECT_EQ(body["text"]["format"]["type"], "text");
  EXPECT_EQ(body["usage"]["input_tokens"], 4);
  EXPECT_EQ(body["usage"]["output_tokens"], 2);

  const json cut = plain(dialect::Endpoint::responses, R"({"model":"m","max_output_tokens":1,
      "input":[{"role":"user","content":[{"type":"input_text","text":"Hello you"}]}]})");
  EXPECT_EQ(cut["status"], "incomplete");
  EXPECT_EQ(cut["incomplete_details"]["reason"], "max_output_tokens");
  EXPECT_EQ(cut["output"][0]["content"][0]["text"], "Hello");
}

TEST(Echo, ResponsesStream) {
  const auto events = stream(dialect::Endpoint::responses, R"({"model":"m","input":"Hello you","stream":true})");
  const std::vector<std::string> names = {"response.created",           "response.in_progress",
                                          "response.output_item.added", "response.content_part.added",
                                          "response.output_text.delta", "response.output_text.delta",
                                          "response.output_text.done",  "response.content_part.done",
                                          "response.output_item.done",  "response.completed"};
  ASSERT_EQ(events.size(), names.size());
  for (std::size_t i = 0; i < names.size(); ++i) {
    EXPECT_EQ(events[i].name, names[i]);
    EXPECT_EQ(events[i].data["type"], names[i]);
    EXPECT_EQ(events[i].data["sequence_number"], i);
  }
  EXPECT_EQ(events[0].data["response"]["status"], "in_progress");
  EXPECT_TRUE(events[0].data["response"]["usage"].is_null());
  EXPECT_EQ(events[5].data["delta"], " you");
  EXPECT_EQ(events[6].data["text"], "Hello you");
  EXPECT_EQ(events[9].data["response"]["usage"]["output_tokens"], 2);
  EXPECT_EQ(events[9].data["response"]["output"][0]["content"][0]["text"], "Hello you");
}

const std::string k_messages =
    R"("model":"m","max_tokens":3,"system":[{"type":"text","text":"be kind"}],"messages":[{"role":"user","content":"Hello, you"}])";

TEST(Echo, MessagesPlain) {
  const json body = plain(dialect::Endpoint::messages, "{" + k_messages + "}");
  EXPECT_EQ(body["id"], "msg_01ABC");
  EXPECT_EQ(body["type"], "message");
  EXPECT_EQ(body["role"], "assistant");
  EXPECT_EQ(body["content"], json::parse(R"([{"type":"text","text":"Hello, you"}])"));
  EXPECT_EQ(body["stop_reason"], "end_turn");
  EXPECT_EQ(body["usage"]["output_tokens"], 3);
}

TEST(Echo, MessagesStream) {
  const auto events = stream(dialect::Endpoint::messages, R"({"stream":true,"x":0,)" + k_messages + "}");
  const std::vector<std::string> names = {"message_start",       "content_block_start", "ping",
                                          "content_block_delta", "content_block_delta", "content_block_delta",
                                          "content_block_stop",  "message_delta",       "message_stop"};
  ASSERT_EQ(events.size(), names.size());
  for (std::size_t i = 0; i < names.size(); ++i) {
    EXPECT_EQ(events[i].name, names[i]);
    EXPECT_EQ(events[i].data["type"], names[i]);
  }
  EXPECT_EQ(events[0].data["message"]["content"], json::array());
  EXPECT_TRUE(events[0].data["message"]["stop_reason"].is_null());
  EXPECT_EQ(events[3].data["delta"], json::parse(R"({"type":"text_delta","text":"Hello"})"));
  EXPECT_EQ(events[7].data["delta"]["stop_reason"], "end_turn");
  EXPECT_EQ(events[7].data["usage"]["output_tokens"], 3);
}

// The witness: what the echo says it counted is what the meter reads, and within the bounds of the ceiling.
TEST(Echo, TheMeterReadsItsUsage) {
  struct Row {
    dialect::Endpoint endpoint;
    std::string body;
    dialect::Usage usage;
  };
  const std::string asked = R"(,"stream":true,"stream_options":{"include_usage":true}})";
  for (const Row& row : {
           Row{dialect::Endpoint::chat_completions, "{" + k_chat + "}", {8, 0, 0, 4}},
           Row{dialect::Endpoint::chat_completions, "{" + k_chat + asked, {8, 0, 0, 4}},
           Row{dialect::Endpoint::completions, R"({"model":"m","prompt":"a b c"})", {3, 0, 0, 3}},
           Row{dialect::Endpoint::completions, R"({"model":"m","prompt":"a b c")" + asked, {3, 0, 0, 3}},
           Row{dialect::Endpoint::embeddings, R"({"model":"m","input":"a b c"})", {3, 0, 0, 0}},
           Row{dialect::Endpoint::responses, R"({"model":"m","input":"a b c"})", {3, 0, 0, 3}},
           Row{dialect::Endpoint::responses,
               R"({"model":"m","input":"a b c","max_output_tokens":2,"stream":true})",
               {3, 0, 0, 2}},
           Row{dialect::Endpoint::messages, "{" + k_messages + "}", {5, 0, 0, 3}},
           Row{dialect::Endpoint::messages, R"({"stream":true,)" + k_messages + "}", {5, 0, 0, 3}},
       }) {
    EXPECT_EQ(metered(row.endpoint, row.body), row.usage) << row.body;
  }
}

TEST(Echo, ToleratesUnexpectedShapes) {
  for (const std::string_view members : {
           R"("messages":7)",
           R"("messages":[7,null,"x",[]])",
           R"("messages":[{"role":7,"content":{"a":1}}])",
           R"("messages":[{"role":"user","content":[7,null,{"text":7}]}])",
           R"("messages":[])",
           R"("input":{},"prompt":{})",
           R"("input":[[]],"prompt":[[],7])",
           R"("dimensions":-5,"input":[])",
           R"("seed":1e400)",
           R"("dimensions":99999999999999999999,"input":"")",
           R"("instructions":[],"metadata":7,"tools":7,"text":7)",
       }) {
    for (const dialect::Endpoint endpoint :
         {dialect::Endpoint::chat_completions, dialect::Endpoint::completions, dialect::Endpoint::embeddings,
          dialect::Endpoint::responses, dialect::Endpoint::messages}) {
      for (const std::string_view stream_member : {"", R"("stream":true,)"}) {
        const LocalResponse echo =
            answer(endpoint, R"({"model":"m",)" + std::string(stream_member) + std::string(members) + "}");
        ASSERT_FALSE(echo.pieces.empty()) << members;
      }
    }
  }
}

// However large the request, an answer stays within a model's limits.
TEST(Echo, IsBounded) {
  std::string text;
  for (int i = 0; i < 40'000; ++i) text += "word ";
  const std::string body =
      R"({"model":"m","n":128,"max_tokens":2147483647,"messages":[{"role":"user","content":")" + text + "\"}]}";
  const json echo = plain(dialect::Endpoint::chat_completions, body);
  EXPECT_LE(echo["usage"]["completion_tokens"].get<int>(), 16'384 + 128);
  const json one_word =
      plain(dialect::Endpoint::chat_completions,
            R"({"model":"m","messages":[{"role":"user","content":")" + std::string(100'000, 'x') + "\"}]}");
  EXPECT_GT(one_word["usage"]["completion_tokens"].get<int>(), 1000);
}

TEST(Echo, CountsTheTokensOfAMessage) {
  const json body = plain(dialect::Endpoint::count_tokens,
                          R"({"model":"m","system":"be kind","messages":[{"role":"user","content":"Hello you"}]})");
  EXPECT_EQ(body, (json{{"input_tokens", 4}}));
}

TEST(Echo, FlagsNothing) {
  const json body = plain(dialect::Endpoint::moderations, R"({"input":["one","two"]})");
  EXPECT_EQ(body["model"], "omni-moderation-latest");
  ASSERT_EQ(body["results"].size(), 2u);
  EXPECT_EQ(body["results"][1]["flagged"], false);
  EXPECT_EQ(body["results"][1]["categories"].size(), body["results"][1]["category_scores"].size());
  const json parts =
      plain(dialect::Endpoint::moderations, R"({"input":[{"type":"text","text":"a"},{"type":"text","text":"b"}]})");
  EXPECT_EQ(parts["results"].size(), 1u) << "parts of one input";
}

TEST(Echo, RanksByTheWordsOfTheQuery) {
  const std::string request =
      R"({"model":"m","query":"red apple","documents":["a pear","Red wine",{"text":"the red apple"}],"top_n":2})";
  const json body = plain(dialect::Endpoint::rerank, request);
  ASSERT_EQ(body["results"].size(), 2u);
  EXPECT_EQ(body["results"][0], (json{{"index", 2}, {"relevance_score", 1.0}}));
  EXPECT_EQ(body["results"][1], (json{{"index", 1}, {"relevance_score", 0.5}}));
  EXPECT_EQ(metered(dialect::Endpoint::rerank, request), (dialect::Usage{3 * 2 + 2 + 2 + 3, 0, 0, 0}));
}

TEST(Echo, SaysAFewMegabytesAtMostWhateverIsAsked) {
  const std::string word(3u << 20, 'x');
  const json body = plain(dialect::Endpoint::chat_completions,
                          R"({"model":"m","n":100,"messages":[{"role":"user","content":")" + word + " y\"}]}");
  EXPECT_LT(body.dump().size(), 5u << 20);
  EXPECT_EQ(body["choices"].back()["finish_reason"], "length");
}

TEST(Echo, DrawsOnePixelAnImage) {
  const json body = plain(dialect::Endpoint::images_generations, R"({"model":"m","prompt":"a cat","n":2})");
  ASSERT_EQ(body["data"].size(), 2u);
  EXPECT_EQ(body["data"][0]["b64_json"].get<std::string>().substr(0, 11), "iVBORw0KGgo");
  const auto events = stream(dialect::Endpoint::images_generations, R"({"model":"m","prompt":"a cat","stream":true})");
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].name, "image_generation.completed");
}

}  // namespace
}  // namespace cr::provider

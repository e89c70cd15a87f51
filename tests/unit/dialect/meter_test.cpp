// SPDX-License-Identifier: MIT

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "unit/dialect/meter_of.h"

namespace cr::dialect {
namespace {

http::message::SseEvent event(std::string_view data, std::string_view name = "") {
  return {data, name, data};
}

std::optional<Usage> usage_of_body(Endpoint endpoint, std::string_view body) {
  Meter meter = meter_of(endpoint, UsageEvent::forward);
  meter.observe_body(body);
  EXPECT_TRUE(meter.ended());
  return meter.usage();
}

// `usage` with those members of `parts` that say what is not text.
Usage with_parts(Usage usage, const Usage& parts) {
  return usage += parts;
}

struct BodyRow {
  std::string_view name;
  Endpoint endpoint;
  std::string_view body;
  std::optional<Usage> expected;
};

TEST(Meter, ReadsThePlainAnswersOfTheProviders) {
  constexpr auto k_chat = Endpoint::chat_completions;
  for (
      const BodyRow& row : {
          BodyRow{"OpenAI chat", k_chat,
                  R"({"id":"x","choices":[{"message":{"role":"assistant","content":"hi"}}],"usage":{"prompt_tokens":10,
                   "completion_tokens":5,"total_tokens":15,"prompt_tokens_details":{"cached_tokens":4,"audio_tokens":0},
                   "completion_tokens_details":{"reasoning_tokens":3}}})",
                  Usage{10, 4, 0, 5}},
          BodyRow{
              "DeepSeek", k_chat,
              R"({"usage":{"prompt_tokens":10,"completion_tokens":5,"prompt_cache_hit_tokens":6,"prompt_cache_miss_tokens":4}})",
              Usage{10, 6, 0, 5}},
          BodyRow{"Moonshot", k_chat, R"({"usage":{"prompt_tokens":10,"completion_tokens":5,"cached_tokens":7}})",
                  Usage{10, 7, 0, 5}},
          BodyRow{
              "OpenRouter cache write", k_chat,
              R"({"usage":{"prompt_tokens":10,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":7,"cache_write_tokens":2}}})",
              Usage{10, 7, 2, 5}},
          BodyRow{"reasoning only in the total", k_chat,
                  R"({"usage":{"prompt_tokens":11,"completion_tokens":9,"total_tokens":35}})", Usage{11, 0, 0, 24}},
          BodyRow{"xAI: reasoning beside the completion", k_chat,
                  R"({"usage":{"prompt_tokens":32,"completion_tokens":9,"total_tokens":135,"completion_tokens_details":
                   {"reasoning_tokens":94,"audio_tokens":0}}})",
                  Usage{32, 0, 0, 103}},
          BodyRow{"details null", k_chat,
                  R"({"usage":{"prompt_tokens":1,"completion_tokens":2,"prompt_tokens_details":null}})",
                  Usage{1, 0, 0, 2}},
          BodyRow{"cached above input", k_chat,
                  R"({"usage":{"prompt_tokens":3,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":9}}})",
                  Usage{3, 3, 0, 2}},
          BodyRow{"completions", Endpoint::completions,
                  R"({"choices":[{"text":"a"}],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}})",
                  Usage{1, 0, 0, 2}},
          BodyRow{"embeddings", Endpoint::embeddings,
                  R"({"data":[{"embedding":[0.1,-2e-3]}],"usage":{"prompt_tokens":8,"total_tokens":8}})",
                  Usage{8, 0, 0, 0}},
          BodyRow{"responses", Endpoint::responses,
                  R"({"output":[],"error":null,"usage":{"input_tokens":10,"input_tokens_details":{"cached_tokens":2},
                   "output_tokens":5,"output_tokens_details":{"reasoning_tokens":1},"total_tokens":15}})",
                  Usage{10, 2, 0, 5}},
          BodyRow{"transcription", Endpoint::audio_transcriptions,
                  R"({"text":"hello","usage":{"type":"tokens","input_tokens":14,"input_token_details":{"text_tokens":0,
                   "audio_tokens":14},"output_tokens":5,"total_tokens":19}})",
                  with_parts({14, 0, 0, 5}, {.audio_input_tokens = 14})},
          BodyRow{"transcription by its length", Endpoint::audio_transcriptions,
                  R"({"text":"hello","usage":{"type":"duration","seconds":3}})", std::nullopt},
          BodyRow{"image edit", Endpoint::images_edits,
                  R"({"created":1,"data":[{"b64_json":"AAAA"}],"usage":{"input_tokens":200,"input_tokens_details":
                   {"text_tokens":10,"image_tokens":190},"output_tokens":1056,"total_tokens":1256}})",
                  with_parts({200, 0, 0, 1056}, {.image_input_tokens = 190, .image_output_tokens = 1056})},
          BodyRow{"Anthropic", Endpoint::messages,
                  R"({"type":"message","content":[],"usage":{"input_tokens":10,"cache_creation_input_tokens":20,
                   "cache_read_input_tokens":30,"output_tokens":5,"cache_creation":{"ephemeral_5m_input_tokens":20}}})",
                  Usage{60, 30, 20, 5}},
          BodyRow{"zeros", k_chat, R"({"usage":{"prompt_tokens":0,"completion_tokens":0}})", std::nullopt},
          BodyRow{"no input", k_chat, R"({"usage":{"prompt_tokens":0,"completion_tokens":7}})", std::nullopt},
          BodyRow{"no output and no text", k_chat, R"({"usage":{"prompt_tokens":3,"completion_tokens":0}})",
                  Usage{3, 0, 0, 0}},
          BodyRow{"no output beside text", k_chat,
                  R"({"choices":[{"message":{"content":"hi"}}],"usage":{"prompt_tokens":3,"completion_tokens":0}})",
                  std::nullopt},
          BodyRow{"all of the input from the cache", Endpoint::messages,
                  R"({"usage":{"input_tokens":0,"cache_read_input_tokens":30,"output_tokens":5}})",
                  Usage{30, 30, 0, 5}},
          BodyRow{"null", k_chat, R"({"usage":null})", std::nullopt},
          BodyRow{"none", k_chat, R"({"choices":[]})", std::nullopt},
          BodyRow{"empty", k_chat, R"({"usage":{}})", std::nullopt},
          BodyRow{"half", k_chat, R"({"usage":{"prompt_tokens":4}})", std::nullopt},
          BodyRow{"negative", k_chat, R"({"usage":{"prompt_tokens":4,"completion_tokens":-1}})", std::nullopt},
          BodyRow{"fraction", k_chat, R"({"usage":{"prompt_tokens":4.5,"completion_tokens":1}})", Usage{5, 0, 0, 1}},
          BodyRow{"exponent", k_chat, R"({"usage":{"prompt_tokens":4,"completion_tokens":1e3}})", Usage{4, 0, 0, 1000}},
          BodyRow{"one bad member", k_chat,
                  R"({"usage":{"prompt_tokens":4,"completion_tokens":2,"total_tokens":150.25,"prompt_tokens_details":
                   {"cached_tokens":{}},"completion_tokens_details":[1]}})",
                  Usage{4, 0, 0, 147}},
          BodyRow{"a bad total", k_chat, R"({"usage":{"total_tokens":"many","prompt_tokens":4,"completion_tokens":2}})",
                  Usage{4, 0, 0, 2}},
          BodyRow{"a bad detail", k_chat,
                  R"({"usage":{"prompt_tokens":4,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":-3}}})",
                  Usage{4, 0, 0, 2}},
          BodyRow{"in the choice", k_chat,
                  R"({"choices":[{"message":{"content":"hi"},"usage":{"prompt_tokens":4,"completion_tokens":2}}]})",
                  Usage{4, 0, 0, 2}},
          BodyRow{"in x_groq", k_chat, R"({"x_groq":{"id":"r","usage":{"prompt_tokens":4,"completion_tokens":2}}})",
                  Usage{4, 0, 0, 2}},
          BodyRow{
              "the usage beside it goes before", k_chat,
              R"({"usage":{"prompt_tokens":4,"completion_tokens":2},"x_groq":{"usage":{"prompt_tokens":9,"completion_tokens":9}}})",
              Usage{4, 0, 0, 2}},
          BodyRow{
              "sound", k_chat,
              R"({"usage":{"prompt_tokens":20,"completion_tokens":9,"prompt_tokens_details":{"audio_tokens":12,
                   "cached_tokens":4,"image_tokens":3},"completion_tokens_details":{"audio_tokens":7,"text_tokens":2}}})",
              with_parts({20, 4, 0, 9}, {.audio_input_tokens = 12, .audio_output_tokens = 7, .image_input_tokens = 3})},
          BodyRow{
              "parts are never more than there is", k_chat,
              R"({"usage":{"prompt_tokens":20,"completion_tokens":9,"prompt_tokens_details":{"audio_tokens":15,
                   "image_tokens":30},"completion_tokens_details":{"audio_tokens":70}}})",
              with_parts({20, 0, 0, 9}, {.audio_input_tokens = 15, .audio_output_tokens = 9, .image_input_tokens = 5})},
          BodyRow{
              "of what is cached", Endpoint::responses,
              R"({"usage":{"input_tokens":20,"output_tokens":9,"input_tokens_details":{"audio_tokens":8,"image_tokens":6,
                   "cached_tokens":10,"cached_tokens_details":{"audio_tokens":4,"image_tokens":3,"text_tokens":3}}}})",
              with_parts({20, 10, 0, 9}, {.audio_input_tokens = 8,
                                         .cached_audio_tokens = 4,
                                         .image_input_tokens = 6,
                                         .cached_image_tokens = 3})},
          BodyRow{
              "text that an image model makes", Endpoint::images_generations,
              R"({"data":[{"b64_json":"AAAA"}],"usage":{"input_tokens":20,"output_tokens":900,"output_tokens_details":
                   {"image_tokens":800,"text_tokens":100}}})",
              with_parts({20, 0, 0, 900}, {.image_output_tokens = 800})},
          BodyRow{"a compaction", Endpoint::messages,
                  R"({"usage":{"input_tokens":45,"output_tokens":1234,"iterations":[
                   {"type":"compaction","input_tokens":180000,"output_tokens":3500,"cache_read_input_tokens":10},
                   {"type":"message","input_tokens":23000,"output_tokens":1000,"cache_creation":{"ephemeral_1h_input_tokens":5}}]}})",
                  Usage{203015, 10, 5, 4500, 5}},
          BodyRow{"absurd", k_chat, R"({"usage":{"prompt_tokens":4,"completion_tokens":1099511627777}})", std::nullopt},
          BodyRow{"largest", k_chat, R"({"usage":{"prompt_tokens":4,"completion_tokens":1099511627776}})",
                  Usage{4, 0, 0, 1099511627776}},
          BodyRow{"over 64 bits", k_chat, R"({"usage":{"prompt_tokens":4,"completion_tokens":99999999999999999999}})",
                  std::nullopt},
          BodyRow{"text", k_chat, R"({"usage":{"prompt_tokens":"4","completion_tokens":"1.5"}})", Usage{4, 0, 0, 2}},
          BodyRow{"text that is no number", k_chat, R"({"usage":{"prompt_tokens":"4 ","completion_tokens":1}})",
                  std::nullopt},
          BodyRow{"a list", k_chat, R"({"usage":[1,2]})", std::nullopt},
          BodyRow{"cut behind it", k_chat, R"({"usage":{"prompt_tokens":4,"completion_tokens":1})", std::nullopt},
          BodyRow{"HTML", k_chat, "<html>", std::nullopt},
          BodyRow{"nothing", k_chat, "", std::nullopt},
          BodyRow{"not an object", k_chat, "[1]", std::nullopt},
          BodyRow{"usage deeper is none", k_chat, R"({"x":{"usage":{"prompt_tokens":4,"completion_tokens":1}}})",
                  std::nullopt},
      }) {
    EXPECT_EQ(usage_of_body(row.endpoint, row.body), row.expected) << row.name;
  }
}

TEST(Meter, D15HidesOnlyTheExtraChunkAndOnlyIfAsked) {
  struct Row {
    std::string_view data;
    Fate fate;
  };
  constexpr std::string_view k_extra =
      R"({"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}})";
  for (const Row& row : {
           Row{k_extra, Fate::hide},
           Row{R"({"usage":{"prompt_tokens":1,"completion_tokens":2},"choices":[ ]})", Fate::hide},
           Row{R"({"choices":[],"usage":null})", Fate::forward},
           Row{R"({"choices":[],"prompt_filter_results":[]})", Fate::forward},
           Row{R"({"choices":[{"delta":{}}],"usage":{"prompt_tokens":1,"completion_tokens":2}})", Fate::forward},
           Row{R"({"choices":[],"usage":{"prompt_tokens":1},"error":{"message":"x"}})", Fate::forward},
           Row{R"({"usage":{"prompt_tokens":1,"completion_tokens":2}})", Fate::forward},
           Row{R"({"choices":{},"usage":{"prompt_tokens":1,"completion_tokens":2}})", Fate::forward},
           Row{R"({"choices":[],"usage":{"prompt_tokens":1)", Fate::forward},
           Row{"[DONE]", Fate::forward},
           Row{"", Fate::forward},
       }) {
    Meter asked = meter_of(Endpoint::chat_completions, UsageEvent::hide);
    EXPECT_EQ(asked.observe(event(row.data)), row.fate) << row.data;
    Meter not_asked = meter_of(Endpoint::chat_completions, UsageEvent::forward);
    EXPECT_EQ(not_asked.observe(event(row.data)), Fate::forward) << row.data;
  }
  Meter meter = meter_of(Endpoint::chat_completions, UsageEvent::hide);
  meter.observe(event(k_extra));
  EXPECT_EQ(meter.usage(), (Usage{1, 0, 0, 2}));
}

struct StreamRow {
  std::string_view name;
  Endpoint endpoint;
  std::vector<std::string_view> events;
  std::optional<Usage> usage;
  std::int64_t estimate;
  bool ended;
  bool error;
};

std::vector<StreamRow> streams() {
  constexpr auto k_chat = Endpoint::chat_completions;
  return {
      {"chat with usage",
       k_chat,
       {R"({"choices":[{"delta":{"role":"assistant","content":""}}],"usage":null})",
        R"({"choices":[{"delta":{"content":"Hello"}}],"usage":null})",
        R"({"choices":[{"delta":{"content":" you"}}],"usage":null})",
        R"({"choices":[{"delta":{},"finish_reason":"stop"}],"usage":null})",
        R"({"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11}})", "[DONE]"},
       Usage{9, 0, 0, 2},
       3,
       true,
       false},
      {"F21 no usage",
       k_chat,
       {R"({"choices":[{"delta":{"content":"a"}}]})", R"({"choices":[{"delta":{"content":"b"}}]})",
        R"({"choices":[{"delta":{"content":"c"}}]})", "[DONE]"},
       std::nullopt,
       3,
       true,
       false},
      {"F20 cut",
       k_chat,
       {R"({"choices":[{"delta":{"content":"12345678901234567"}}]})"},
       std::nullopt,
       5,
       false,
       false},
      {"F23 garbage between",
       k_chat,
       {R"({"choices":[{"delta":{"content":"a"}}]})", R"({"choices":[{"delta":{"content":"bbbbbbbb)", "}{", "\x01\xff",
        R"({"choices":[{"delta":{"content":"c"}}]})", "[DONE]"},
       std::nullopt,
       2,
       true,
       false},
      {"F28 error in mid-stream",
       k_chat,
       {R"({"choices":[{"delta":{"content":"a"}}]})", R"({"error":{"message":"overloaded","code":529}})"},
       std::nullopt,
       1,
       false,
       true},
      {"error null is none", k_chat, {R"({"choices":[],"error":null})"}, std::nullopt, 0, false, false},
      {"running usage, the last wins",
       k_chat,
       {R"({"choices":[{"delta":{"content":"a"}}],"usage":{"prompt_tokens":5,"completion_tokens":1}})",
        R"({"choices":[{"delta":{"content":"b"}}],"usage":{"prompt_tokens":5,"completion_tokens":2}})",
        R"({"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":-7}})"},
       Usage{5, 0, 0, 2},
       2,
       false,
       false},
      {"a last chunk of noughts changes nothing",
       k_chat,
       {R"({"choices":[{"delta":{"content":"a"}}],"usage":{"prompt_tokens":5,"completion_tokens":1}})",
        R"({"choices":[],"usage":{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}})", "[DONE]"},
       Usage{5, 0, 0, 1},
       1,
       true,
       false},
      {"Groq",
       k_chat,
       {R"({"choices":[{"delta":{"content":"a"}}],"x_groq":{"id":"req_1"}})",
        R"({"choices":[{"delta":{},"finish_reason":"stop"}],"x_groq":{"id":"req_1","usage":{"queue_time":0.06,"prompt_tokens":21,"completion_tokens":2,"total_tokens":23}}})",
        "[DONE]"},
       Usage{21, 0, 0, 2},
       1,
       true,
       false},
      {"Moonshot",
       k_chat,
       {R"({"choices":[{"delta":{"content":"a"}}]})",
        R"({"choices":[{"delta":{},"finish_reason":"stop","usage":{"prompt_tokens":19,"completion_tokens":3,"total_tokens":22}}]})",
        "[DONE]"},
       Usage{19, 0, 0, 3},
       1,
       true,
       false},
      {"noughts beside text",
       k_chat,
       {R"({"choices":[{"delta":{"content":"abcdefgh"}}]})",
        R"({"choices":[],"usage":{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}})", "[DONE]"},
       std::nullopt,
       2,
       true,
       false},
      {"escapes count as what they mean",
       k_chat,
       {R"({"choices":[{"delta":{"content":"\u4f60\u597d\ud83d\ude00"}}]})"},
       std::nullopt,
       3,
       false,
       false},
      {"reasoning, refusals, tool calls",
       k_chat,
       {R"({"choices":[{"delta":{"reasoning_content":"1234"}}]})", R"({"choices":[{"delta":{"reasoning":"1234"}}]})",
        R"({"choices":[{"delta":{"refusal":"1234"}}]})",
        R"({"choices":[{"delta":{"tool_calls":[{"index":0,"id":"call_abcdefgh","type":"function","function":{"name":"get_it","arguments":""}}]}}]})",
        R"({"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"a\":1}"}}]}}]})"},
       std::nullopt,
       7,
       false,
       false},
      {"logprobs are not words",
       k_chat,
       {R"({"choices":[{"delta":{"content":"a"},"logprobs":{"content":[{"token":"a","text":"aaaaaaaaaaaaaaaa"}]}}]})"},
       std::nullopt,
       1,
       false,
       false},
      {"two choices in one chunk",
       k_chat,
       {R"({"choices":[{"delta":{"content":"a"}},{"delta":{"content":"b"}}]})"},
       std::nullopt,
       2,
       false,
       false},
      {"completions",
       Endpoint::completions,
       {R"({"choices":[{"text":"12345","index":0}]})", "[DONE]"},
       std::nullopt,
       2,
       true,
       false},
      {"responses",
       Endpoint::responses,
       {R"({"type":"response.created","response":{"usage":null,"error":null}})",
        R"({"type":"response.output_text.delta","delta":"12345678"})",
        R"({"delta":"{\"a\"","type":"response.function_call_arguments.delta"})",
        R"({"type":"response.audio.delta","delta":"AAAAAAAAAAAAAAAAAAAAAAAA"})",
        R"({"type":"response.output_text.done","text":"12345678"})",
        R"({"type":"response.completed","response":{"output":[{"content":[{"text":"12345678"}]}],"usage":{"input_tokens":7,
            "input_tokens_details":{"cached_tokens":3},"output_tokens":4}}})"},
       Usage{7, 3, 0, 4},
       3,
       true,
       false},
      {"transcript",
       Endpoint::audio_transcriptions,
       {R"({"type":"transcript.text.delta","delta":"hello"})",
        R"({"type":"transcript.text.done","text":"hello","usage":{"type":"tokens","input_tokens":14,"output_tokens":5,
            "total_tokens":19}})"},
       with_parts({14, 0, 0, 5}, {.audio_input_tokens = 14}),
       2,
       true,
       false},
      {"responses cut by its bound",
       Endpoint::responses,
       {R"({"type":"response.incomplete","response":{"usage":{"input_tokens":7,"output_tokens":4}}})"},
       Usage{7, 0, 0, 4},
       0,
       true,
       false},
      {"responses failed",
       Endpoint::responses,
       {R"({"type":"response.failed","response":{"error":{"code":"server_error"},"usage":null}})"},
       std::nullopt,
       0,
       true,
       true},
      {"responses error event",
       Endpoint::responses,
       {R"({"type":"error","code":"x","message":"y"})"},
       std::nullopt,
       0,
       false,
       true},
      {"Anthropic",
       Endpoint::messages,
       {R"({"type":"message_start","message":{"content":[],"usage":{"input_tokens":10,"cache_creation_input_tokens":1,"cache_read_input_tokens":2,"output_tokens":1}}})",
        R"({"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}})", R"({"type":"ping"})",
        R"({"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"1234"}})",
        R"({"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"1234"}})",
        R"({"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"1234"}})",
        R"({"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":42}})",
        R"({"type":"message_stop"})"},
       Usage{13, 2, 1, 42},
       3,
       true,
       false},
      {"Anthropic cut: the placeholder is no usage",
       Endpoint::messages,
       {R"({"type":"message_start","message":{"usage":{"input_tokens":10,"output_tokens":1}}})",
        R"({"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"1234567890"}})"},
       std::nullopt,
       3,
       false,
       false},
      {"Anthropic input in message_delta",
       Endpoint::messages,
       {R"({"type":"message_start","message":{"usage":{"input_tokens":0,"output_tokens":0}}})",
        R"({"type":"message_delta","delta":{},"usage":{"input_tokens":8,"output_tokens":4,"cache_read_input_tokens":1}})"},
       Usage{9, 1, 0, 4},
       0,
       false,
       false},
      {"Anthropic error",
       Endpoint::messages,
       {R"({"type":"error","error":{"type":"overloaded_error","message":"m"}})"},
       std::nullopt,
       0,
       false,
       true},
  };
}

TEST(Meter, ReadsStreams) {
  for (const StreamRow& row : streams()) {
    Meter meter = meter_of(row.endpoint, UsageEvent::forward);
    for (const std::string_view data : row.events) meter.observe(event(data));
    EXPECT_EQ(meter.usage(), row.usage) << row.name;
    EXPECT_EQ(meter.estimated_output_tokens(), row.estimate) << row.name;
    EXPECT_EQ(meter.ended(), row.ended) << row.name;
    EXPECT_EQ(meter.saw_error(), row.error) << row.name;
  }
}

// D16: metered whether or not the client sees it.
TEST(Meter, D16HiddenAndForwardedMeterTheSame) {
  for (const StreamRow& row : streams()) {
    Meter hidden = meter_of(row.endpoint, UsageEvent::hide);
    for (const std::string_view data : row.events) hidden.observe(event(data));
    EXPECT_EQ(hidden.usage(), row.usage) << row.name;
    EXPECT_EQ(hidden.estimated_output_tokens(), row.estimate) << row.name;
  }
}

TEST(Meter, KnowsTheInputOfACutStream) {
  Meter meter = meter_of(Endpoint::messages, UsageEvent::forward);
  EXPECT_EQ(meter.input_usage(), std::nullopt);
  meter.observe(event(
      R"({"type":"message_start","message":{"usage":{"input_tokens":10,"cache_read_input_tokens":5,"output_tokens":1}}})"));
  EXPECT_EQ(meter.input_usage(), (Usage{15, 5, 0, 0}));
  EXPECT_EQ(meter.usage(), std::nullopt);
}

TEST(Meter, TheInputOfWhatHasNoOutputMayBeTheTotal) {
  Meter meter = meter_of(Endpoint::embeddings, UsageEvent::forward);
  meter.observe_body(R"({"data":[],"usage":{"total_tokens":8}})");
  EXPECT_EQ(meter.usage(), (Usage{8, 0, 0, 0}));
  EXPECT_EQ(meter.input_usage(), meter.usage());
  Meter chat = meter_of(Endpoint::chat_completions, UsageEvent::forward);
  chat.observe_body(R"({"usage":{"total_tokens":8}})");
  EXPECT_EQ(chat.input_usage(), std::nullopt);
}

TEST(Meter, AnErrorByNameAlone) {
  Meter meter = meter_of(Endpoint::chat_completions, UsageEvent::forward);
  meter.observe(event("not json", "error"));
  EXPECT_TRUE(meter.saw_error());
}

// F27
TEST(Meter, F27ErrorBodies) {
  for (const std::string_view body :
       {R"({"error":{"message":"m","type":"t","param":null,"code":null}})", R"({"error":"no"})",
        R"({"type":"error","error":{"type":"api_error","message":"m"}})"}) {
    Meter meter = meter_of(Endpoint::messages, UsageEvent::forward);
    meter.observe_body(body);
    EXPECT_TRUE(meter.saw_error()) << body;
    EXPECT_EQ(meter.usage(), std::nullopt);
  }
}

TEST(Meter, EstimatesPlainBodies) {
  struct Row {
    Endpoint endpoint;
    std::string_view body;
    std::int64_t tokens;
  };
  for (
      const Row& row : {
          Row{Endpoint::chat_completions,
              R"({"id":"chatcmpl-aaaaaaaaaaaa","choices":[{"message":{"role":"assistant","content":"12345678"}}]})", 2},
          Row{Endpoint::chat_completions,
              R"({"choices":[{"message":{"content":null,"tool_calls":[{"id":"c","function":{"name":"abcd","arguments":"12345678"}}]}}]})",
              3},
          Row{Endpoint::completions, R"({"choices":[{"text":"1"},{"text":"2"}]})", 2},
          Row{Endpoint::responses,
              R"({"output":[{"type":"message","content":[{"type":"output_text","text":"12345678"}]}],"instructions":"long long long"})",
              2},
          Row{Endpoint::messages,
              R"({"content":[{"type":"text","text":"1234"},{"type":"tool_use","name":"abcd","input":{"a":"b"}}]})", 5},
          Row{Endpoint::embeddings, R"({"data":[{"embedding":"AAAAAAAA"}]})", 0},
      }) {
    Meter meter = meter_of(row.endpoint, UsageEvent::forward);
    meter.observe_body(row.body);
    EXPECT_EQ(meter.estimated_output_tokens(), row.tokens) << row.body;
  }
}

TEST(Meter, ReadsHowLongSoundWas) {
  struct Row {
    const char* body;
    std::optional<std::int64_t> ms;
  };
  for (const Row& row : {
           Row{R"({"text":"a","usage":{"type":"duration","seconds":9}})", 9000},
           Row{R"({"text":"a","duration":8.4700001,"usage":{"type":"duration","seconds":9}})", 9000},
           Row{R"({"text":"a","duration":8.4700001})", 8471},
           Row{R"({"text":"a","duration":"8.47"})", 8470},
           Row{R"({"text":"a","duration":"long"})", std::nullopt},
           Row{R"({"text":"a","duration":-1})", std::nullopt},
           Row{R"({"text":"a","duration":1e300})", std::nullopt},
           Row{R"({"text":"a","duration":null})", std::nullopt},
           Row{R"({"text":"a"})", std::nullopt},
       }) {
    Meter meter = meter_of(Endpoint::audio_transcriptions, UsageEvent::forward);
    meter.observe_body(row.body);
    EXPECT_EQ(meter.audio_ms(), row.ms) << row.body;
  }
  Meter other = meter_of(Endpoint::chat_completions, UsageEvent::forward);
  other.observe_body(R"({"duration":3})");
  EXPECT_EQ(other.audio_ms(), std::nullopt);
}

// A total is a check: it says nothing beyond what the request allows.
TEST(Meter, ATotalIsNoWordBeyondTheBound) {
  constexpr std::string_view k_body = R"({"usage":{"prompt_tokens":50,"completion_tokens":50,"total_tokens":5100}})";
  Meter unbounded = meter_of(Endpoint::chat_completions, UsageEvent::forward);
  unbounded.observe_body(k_body);
  EXPECT_EQ(unbounded.usage(), (Usage{50, 0, 0, 5050}));
  Meter bounded = meter_of(Endpoint::chat_completions, UsageEvent::forward);
  bounded.bound_output(400);
  bounded.observe_body(k_body);
  EXPECT_EQ(bounded.usage(), (Usage{50, 0, 0, 400}));
  Meter over = meter_of(Endpoint::chat_completions, UsageEvent::forward);
  over.bound_output(20);
  over.observe_body(k_body);
  EXPECT_EQ(over.usage(), (Usage{50, 0, 0, 50})) << "what is told of the output itself stands";
}

TEST(Meter, TellsTheOutputWhereTheInputIsNotTold) {
  Meter meter = meter_of(Endpoint::chat_completions, UsageEvent::forward);
  meter.observe_body(
      R"({"choices":[{"message":{"content":"hi"}}],"usage":{"prompt_tokens":0,"completion_tokens":70}})");
  EXPECT_EQ(meter.usage(), std::nullopt);
  EXPECT_EQ(meter.input_usage(), std::nullopt);
  EXPECT_EQ(meter.told_output_tokens(), 70);
}

TEST(Meter, TellsWhatAnsweredAndHow) {
  Meter plain = meter_of(Endpoint::chat_completions, UsageEvent::forward);
  plain.observe_body(R"({"id":"c","object":"chat.completion","model":"gpt-5.4-2026-03-05","service_tier":"priority",
      "provider":"Some\u0062ody","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1,"cost":0.0000012345}})");
  EXPECT_EQ(plain.told().text("/model"), "gpt-5.4-2026-03-05");
  EXPECT_EQ(plain.told().text("/service_tier"), "priority");
  EXPECT_EQ(plain.told().text("/provider"), "Somebody");
  EXPECT_EQ(plain.told().text("/id"), "");
  EXPECT_EQ(plain.told().count("/usage/cost"), 1235);

  Meter stream = meter_of(Endpoint::responses, UsageEvent::forward);
  stream.observe(event(R"({"type":"response.created","response":{"model":"a","service_tier":"auto"}})"));
  stream.observe(event(R"({"type":"response.output_text.delta","delta":"x","model":"none of it"})"));
  stream.observe(event(R"({"type":"response.completed","response":{"model":"a","service_tier":"flex"}})"));
  EXPECT_EQ(stream.told().text("/model"), "a");
  EXPECT_EQ(stream.told().text("/service_tier"), "flex");

  Meter message = meter_of(Endpoint::messages, UsageEvent::forward);
  message.observe(event(R"({"type":"message_start","message":{"model":"claude","usage":{"input_tokens":3,
      "service_tier":"standard","speed":"fast","server_tool_use":{"web_search_requests":2}}}})"));
  message.observe(
      event(R"({"type":"message_delta","usage":{"output_tokens":3,"server_tool_use":{"web_search_requests":5}}})"));
  EXPECT_EQ(message.told().text("/model"), "claude");
  EXPECT_EQ(message.told().text("/usage/speed"), "fast");
  EXPECT_EQ(message.told().text("/usage/service_tier"), "standard");
  EXPECT_EQ(message.told().count("/usage/server_tool_use/web_search_requests"), 5);
}

TEST(Meter, NothingOfWhatIsNoJsonIsTold) {
  Meter meter = meter_of(Endpoint::chat_completions, UsageEvent::forward);
  meter.observe_body(R"({"model":"x","usage":{"prompt_tokens":1,"completion_tokens":1,"speed":"fast","n":3},)");
  EXPECT_EQ(meter.told().text("/model"), "");
  EXPECT_TRUE(meter.told().counts().empty());
}

constexpr std::string_view k_items = R"([{"type":"reasoning","id":"rs_1"},
    {"type":"web_search_call","id":"ws_1","action":{"type":"search","query":"q"}},
    {"type":"web_search_call","id":"ws_2","action":{"type":"open_page","url":"u"}},
    {"type":"web_search_call","id":"ws_3","status":"completed"},
    {"type":"file_search_call","id":"fs_1"},
    {"type":"code_interpreter_call","id":"ci_1","container_id":"cntr_1"},
    {"type":"code_interpreter_call","id":"ci_2","container_id":"cntr_1"},
    {"type":"code_interpreter_call","id":"ci_3","container_id":"cntr_2"},
    {"type":"function_call","id":"fc_1"},
    {"type":"message","content":[{"type":"output_text","text":"12345678"}]}])";

void expect_calls(const Meter& meter) {
  EXPECT_EQ(meter.told().count("/output/web_search_call"), 2);
  EXPECT_EQ(meter.told().count("/output/file_search_call"), 1);
  EXPECT_EQ(meter.told().count("/output/code_interpreter_call"), 2) << "once for each container";
  EXPECT_FALSE(meter.told().has_count("/output/function_call"));
}

TEST(Meter, CountsTheCallsOfToolsThatTheProviderRan) {
  Meter plain = meter_of(Endpoint::responses, UsageEvent::forward);
  plain.observe_body(R"({"id":"resp_1","output":)" + std::string(k_items) + "}");
  expect_calls(plain);
  EXPECT_EQ(plain.estimated_output_tokens(), 2) << "text in items is still the model's";

  Meter stream = meter_of(Endpoint::responses, UsageEvent::forward);
  const auto items = nlohmann::json::parse(k_items);
  for (const auto& item : items) {
    stream.observe(event(nlohmann::json{{"type", "response.output_item.added"}, {"item", item}}.dump()));
    stream.observe(event(nlohmann::json{{"type", "response.output_item.done"}, {"item", item}}.dump()));
  }
  expect_calls(stream);
  stream.observe(event(R"({"type":"response.completed","response":{"output":)" + std::string(k_items) + "}}"));
  expect_calls(stream);

  Meter last = meter_of(Endpoint::responses, UsageEvent::forward);
  last.observe(event(R"({"type":"response.completed","response":{"output":)" + std::string(k_items) + "}}"));
  expect_calls(last);
}

TEST(Meter, MovesWithItsState) {
  Meter meter = meter_of(Endpoint::chat_completions, UsageEvent::hide);
  meter.observe(event(R"({"choices":[{"delta":{"content":"abc"}}]})"));
  Meter moved(std::move(meter));
  EXPECT_EQ(moved.estimated_output_tokens(), 1);
  EXPECT_EQ(moved.observe(event(R"({"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1}})")), Fate::hide);
}

TEST(Meter, TellsAResponsesIdAndNoOther) {
  const auto of_body = [](Endpoint endpoint, std::string_view body) {
    Meter meter = meter_of(endpoint, UsageEvent::forward);
    meter.observe_body(body);
    return meter.response_id();
  };
  EXPECT_EQ(of_body(Endpoint::responses, R"({"id":"resp_1","output":[{"id":"msg_1"}]})"), "resp_1");
  EXPECT_EQ(of_body(Endpoint::responses, R"({"id":"resp_1","output":[)"), "") << "no whole answer";
  EXPECT_EQ(of_body(Endpoint::responses, R"({"id":"../x"})"), "");
  EXPECT_EQ(of_body(Endpoint::responses, R"({"id":7})"), "");
  EXPECT_EQ(of_body(Endpoint::chat_completions, R"({"id":"chatcmpl-1"})"), "");
  Meter meter = meter_of(Endpoint::responses, UsageEvent::forward);
  meter.observe(event(R"({"type":"response.created","response":{"id":"resp_2","usage":null}})"));
  EXPECT_EQ(meter.response_id(), "resp_2") << "from its first event on";
  meter.observe(event(R"({"type":"response.output_item.added","item":{"id":"msg_1"},"id":"evt_1"})"));
  EXPECT_EQ(meter.response_id(), "resp_2");
}

}  // namespace
}  // namespace cr::dialect

// SPDX-License-Identifier: MIT
#include "dialect/answer_kind.h"

#include <gtest/gtest.h>

#include "unit/dialect/meter_of.h"

namespace cr::dialect {
namespace {

struct Row {
  Endpoint endpoint;
  std::string_view text;
  AnswerKind kind;
};

TEST(AnswerKind, OfAWholeBody) {
  constexpr auto k_chat = Endpoint::chat_completions;
  constexpr auto k_yes = AnswerKind::answer, k_no = AnswerKind::none;
  for (const Row& row : {
           Row{k_chat, R"({"choices":[{"message":{"content":"hi"}}]})", k_yes},
           Row{k_chat, R"({"choices":[{"message":{"content":""}}],"error":{"message":"x"}})", k_yes},
           Row{k_chat, R"({"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":0}})", k_yes},
           Row{k_chat, R"({"choices":[],"usage":{"prompt_tokens":0,"completion_tokens":0}})", k_no},
           Row{k_chat, R"({"choices":[{"message":)", k_yes},  // damaged, but begun
           Row{k_chat, R"({"error":{"message":"x"}})", k_no},
           Row{k_chat, R"({"code":1,"msg":"x"})", k_no},
           Row{k_chat, R"({"ok":true})", k_no},
           Row{k_chat, "[]", k_no},
           Row{k_chat, "", k_no},
           Row{k_chat, "\r\n", k_no},
           Row{k_chat, "upstream connect error", k_no},
           Row{k_chat, "\xef\xbb\xbf<!doctype HTML><html>", k_no},
           Row{Endpoint::completions, R"({"choices":[{"text":"a"}]})", k_yes},
           Row{Endpoint::responses, R"({"id":"resp_1","status":"failed","error":{"code":"x"},"output":[]})", k_yes},
           Row{Endpoint::responses, R"({"error":{"code":"x"}})", k_no},
           Row{Endpoint::messages, R"({"type":"message","content":[]})", k_yes},
           Row{Endpoint::messages, R"({"type":"error","error":{"type":"api_error"}})", k_no},
           Row{Endpoint::count_tokens, R"({"input_tokens":3})", k_yes},
           Row{Endpoint::embeddings, R"({"data":[{"embedding":[0.1]}]})", k_yes},
           Row{Endpoint::embeddings, R"([[0.1,0.2]])", k_yes},
           Row{Endpoint::embeddings, R"({"error":"x"})", k_no},
           Row{Endpoint::rerank, R"({"results":[]})", k_yes},
           Row{Endpoint::moderations, R"({"results":[{"flagged":false}]})", k_yes},
           Row{Endpoint::moderations, R"({"code":"x","message":"y"})", k_no},
           Row{Endpoint::images_generations, R"({"data":[{"b64_json":"AAAA"}]})", k_yes},
           Row{Endpoint::audio_transcriptions, "WEBVTT\n\n00:00", k_yes},
           Row{Endpoint::audio_transcriptions, R"({"text":""})", k_yes},
           Row{Endpoint::audio_transcriptions, "<html>", k_no},
           Row{Endpoint::audio_speech, "ID3\x04", k_yes},
           Row{Endpoint::audio_speech, R"({"error":{"message":"x"}})", k_no},
           Row{Endpoint::audio_speech, "<html>", k_no},
       }) {
    Meter meter = meter_of(row.endpoint, UsageEvent::forward);
    meter.observe_body(row.text);
    EXPECT_EQ(meter.answer_kind(), row.kind) << name_of(row.endpoint) << ": " << row.text;
  }
}

struct EventRow {
  Endpoint endpoint;
  std::string_view name, data;
  AnswerKind kind;
};

TEST(AnswerKind, OfAStreamsFirstEvents) {
  constexpr auto k_chat = Endpoint::chat_completions;
  constexpr auto k_yes = AnswerKind::answer, k_no = AnswerKind::none, k_open = AnswerKind::unknown;
  for (const EventRow& row : {
           EventRow{k_chat, "", "", k_open},
           EventRow{k_chat, "", R"({"choices":[{"delta":{"role":"assistant"}}]})", k_yes},
           EventRow{k_chat, "", R"({"choices":[],"prompt_filter_results":[]})", k_yes},
           EventRow{k_chat, "", R"({"error":{"message":"x"}})", k_no},
           EventRow{k_chat, "error", "no", k_no},
           EventRow{k_chat, "", R"({"code":429,"message":"x"})", k_no},
           EventRow{k_chat, "", "[DONE]", k_no},
           EventRow{k_chat, "", "<html>", k_no},
           EventRow{k_chat, "", "not json", k_yes},
           EventRow{Endpoint::responses, "", R"({"type":"response.created","response":{"id":"resp_1","error":null}})",
                    k_yes},
           EventRow{Endpoint::responses, "error", R"({"type":"error","code":"x","message":"y"})", k_no},
           EventRow{Endpoint::responses, "", R"({"type":"response.failed","response":{"error":{"code":"x"}}})", k_no},
           EventRow{Endpoint::messages, "ping", R"({"type":"ping"})", k_open},
           EventRow{Endpoint::messages, "", R"({"type":"ping"})", k_open},
           EventRow{Endpoint::messages, "message_start",
                    R"({"type":"message_start","message":{"usage":{"input_tokens":3}}})", k_yes},
           EventRow{Endpoint::messages, "error", R"({"type":"error","error":{"type":"overloaded_error"}})", k_no},
       }) {
    Meter meter = meter_of(row.endpoint, UsageEvent::forward);
    meter.observe({row.data, row.name, row.data});
    EXPECT_EQ(meter.answer_kind(), row.kind) << row.data;
  }
}

TEST(AnswerKind, KnowsAStreamByItsFirstBytes) {
  const std::string marked = "\xef\xbb\xbf" + std::string("data:");
  for (const std::string_view text : {"data: x", "event: a", ": hello", "\n\n: x", "id:3", "retry: 10", marked.c_str()})
    EXPECT_EQ(is_event_stream(text), true) << text;
  for (const std::string_view text : {"{", " {\"a\"", "<html>", "dat a", "eventual", "idle", "x"})
    EXPECT_EQ(is_event_stream(text), false) << text;
  for (const std::string_view text : {"", "\n", "d", "data", "eve", "\xef\xbb", "\xef\xbb\xbf", "r"})
    EXPECT_EQ(is_event_stream(text), std::nullopt) << text;
}

}  // namespace
}  // namespace cr::dialect

// SPDX-License-Identifier: MIT
// Which requests have input that is not in the body as text, so that its bytes do not bound its tokens.
#include <gtest/gtest.h>

#include "dialect/request_scan.h"

namespace cr::dialect {
namespace {

bool is_unbounded(std::string_view members, Endpoint endpoint) {
  RequestScanner scanner;
  const auto found = scanner.scan(endpoint, R"({"model":"m",)" + std::string(members) + "}");
  EXPECT_TRUE(found) << members;
  // Pictures, sound and tools of the provider have bounds of their own, by the price, and a previous response has by
  // what it told.
  return found && (found->unbounded_media || found->images + found->sounds > 0 || !found->provider_tools.empty() ||
                   !found->previous_response.empty());
}

std::string chat(std::string_view content) {
  return R"("messages":[{"role":"user","content":)" + std::string(content) + "}]";
}

TEST(Content, ChatParts) {
  for (const std::string_view content : {
           R"("text")",
           R"([{"type":"text","text":"a"}])",
           R"([{"type":"text","text":"image_url","cache_control":{"type":"ephemeral"}}])",
           R"([{"type":"refusal","refusal":"no"}])",
           "null",
           "[]",
       }) {
    EXPECT_FALSE(is_unbounded(chat(content), Endpoint::chat_completions)) << content;
  }
  for (const std::string_view content : {
           R"([{"type":"image_url","image_url":{"url":"https://a.test/x.png"}}])",
           R"([{"type":"text","text":"a"},{"type":"image_url","image_url":"data:image/png;base64,AAAA"}])",
           R"([{"type":"input_audio","input_audio":{"data":"AAAA","format":"wav"}}])",
           R"([{"type":"file","file":{"file_id":"f"}}])",
           R"([{"type":"video_url","video_url":{"url":"u"}}])",
           R"([{"type":"a_kind_of_tomorrow","data":"x"}])",
           R"([{"image_url":"u"}])",
           R"([{"type":"text","Image_URL":"u"}])",
           R"([{"type":"image_url","type":"text","text":"a"}])",
           R"([{"type":"text","type":"image_url"}])",
           R"([{"type":["image_url"]}])",
           R"([{"type":"te\u0078t","text":"a"}])",
           R"({"type":"image_url"})",
       }) {
    EXPECT_TRUE(is_unbounded(chat(content), Endpoint::chat_completions)) << content;
  }
}

TEST(Content, ChatMessages) {
  EXPECT_FALSE(is_unbounded(
      R"("messages":[{"role":"assistant","content":null,"audio":null,"refusal":null,"tool_calls":[{"id":"1","type":"function",)"
      R"("function":{"name":"file","arguments":"{\"image_url\":1}"}}]},{"role":"tool","tool_call_id":"1","content":"ok"}])",
      Endpoint::chat_completions));
  EXPECT_TRUE(
      is_unbounded(R"("messages":[{"role":"assistant","audio":{"id":"audio_1"}}])", Endpoint::chat_completions));
}

TEST(Content, Tools) {
  for (
      const std::string_view tools : {
          R"([{"type":"function","function":{"name":"f","parameters":{"properties":{"image_url":{"type":"image"}}}}}])",
          R"([{"type":"custom","name":"c"}])",
          R"([{"name":"get","input_schema":{"type":"object","properties":{"file":{"type":"string"}}}}])",
          R"([{"type":"bash_20250124","name":"bash"},{"type":"text_editor_20250728","name":"e"}])",
          "[]",
          "null",
      }) {
    EXPECT_FALSE(is_unbounded(R"("tools":)" + std::string(tools), Endpoint::messages)) << tools;
  }
  for (const std::string_view tools : {
           R"([{"type":"web_search"}])",
           R"([{"type":"function"},{"type":"file_search","vector_store_ids":["v"]}])",
           R"([{"type":"mcp","server_url":"https://a.test"}])",
           R"([{"type":"web_search_20250305","name":"web_search"}])",
           R"([{"Type":"web_search"}])",
       }) {
    EXPECT_TRUE(is_unbounded(R"("tools":)" + std::string(tools), Endpoint::responses)) << tools;
  }
}

TEST(Content, Responses) {
  for (
      const std::string_view members : {
          R"("input":"a")",
          R"("input":[{"role":"user","content":[{"type":"input_text","text":"a"}]}])",
          R"("input":[{"type":"message","role":"user","content":"a"}])",
          R"("input":[{"type":"function_call","name":"f","arguments":"{}"},{"type":"function_call_output","output":"x"}])",
          R"("input":[{"type":"reasoning","summary":[],"encrypted_content":"abc"}])",
          R"("input":[{"type":"agent_message","author":"a","recipient":"b","content":[{"type":"input_text","text":"a"},
            {"type":"encrypted_content","encrypted_content":"abc"}]}])",
          R"("input":[{"type":"context_compaction","encrypted_content":"abc"},{"type":"compaction_trigger"}])",
          R"("input":[{"type":"configuration_update","reasoning":{"effort":"high"}}])",
          R"("input":"a","previous_response_id":null,"conversation":null,"prompt":null)",
      }) {
    EXPECT_FALSE(is_unbounded(members, Endpoint::responses)) << members;
  }
  for (const std::string_view members : {
           R"("input":[{"role":"user","content":[{"type":"input_image","image_url":"u"}]}])",
           R"("input":[{"role":"user","content":[{"type":"input_file","file_id":"f"}]}])",
           R"("input":[{"type":"item_reference","id":"i"}])",
           R"("input":[{"type":"reasoning","id":"rs_1","summary":[]}])",
           R"("input":[{"type":"function_call_output","output":[{"type":"input_image","image_url":"u"}]}])",
           R"("input":[{"type":"computer_call_output","output":{"type":"computer_screenshot"}}])",
           R"("input":"a","previous_response_id":"resp_1")",
           R"("input":"a","conversation":{"id":"c"})",
           R"("input":"a","prompt":{"id":"pmpt_1"})",
       }) {
    EXPECT_TRUE(is_unbounded(members, Endpoint::responses)) << members;
  }
}

TEST(Content, Messages) {
  for (const std::string_view content : {
           R"([{"type":"text","text":"a"}])",
           R"([{"type":"tool_use","id":"1","name":"f","input":{"type":"image","file":"x"}}])",
           R"([{"type":"tool_result","tool_use_id":"1","content":"a"}])",
           R"([{"type":"tool_result","tool_use_id":"1","content":[{"type":"text","text":"a"}]}])",
           R"([{"type":"thinking","thinking":"a","signature":"s"},{"type":"redacted_thinking","data":"d"}])",
           R"([{"type":"document","source":{"type":"text","media_type":"text/plain","data":"a"}}])",
       }) {
    EXPECT_FALSE(is_unbounded(chat(content), Endpoint::messages)) << content;
  }
  for (const std::string_view content : {
           R"([{"type":"image","source":{"type":"base64","data":"AAAA"}}])",
           R"([{"type":"document","source":{"type":"url","url":"u"}}])",
           R"([{"type":"document","source":{"type":"text","type":"url"}}])",
           R"([{"type":"document","source":{"type":"text","Type":"url"}}])",
           R"([{"type":"document"}])",
           R"([{"type":"tool_result","content":[{"type":"image","source":{"type":"url","url":"u"}}]}])",
           R"([{"type":"container_upload","file_id":"f"}])",
       }) {
    EXPECT_TRUE(is_unbounded(chat(content), Endpoint::messages)) << content;
  }
  EXPECT_TRUE(is_unbounded(R"("mcp_servers":[{"type":"url","url":"u"}])", Endpoint::messages));
  EXPECT_TRUE(is_unbounded(R"("system":[{"type":"image","source":{"type":"url","url":"u"}}])", Endpoint::messages));
}

// What the provider's own tools once found is in the body, as it is sent again.
TEST(Content, ResultsOfTheProvidersToolsAreText) {
  for (
      const std::string_view content : {
          R"([{"type":"server_tool_use","id":"1","name":"web_search","input":{}}])",
          R"([{"type":"web_search_tool_result","content":[{"type":"web_search_result","encrypted_content":"abc"}]}])",
          R"([{"type":"tool_search_tool_result","content":{"type":"tool_search_tool_search_result",)"
          R"("tool_references":[{"type":"tool_reference","tool_name":"f"}]}}])",
          R"([{"type":"web_fetch_tool_result","content":{"type":"web_fetch_result","content":{"type":"document",)"
          R"("source":{"type":"text","data":"a"}}}}])",
          R"([{"type":"bash_code_execution_tool_result","content":{"type":"bash_code_execution_result","content":[]}}])",
          R"([{"type":"mcp_tool_use","input":{}},{"type":"mcp_tool_result","content":[{"type":"text","text":"a"}]}])",
      }) {
    EXPECT_FALSE(is_unbounded(chat(content), Endpoint::messages)) << content;
  }
  for (const std::string_view content : {
           R"([{"type":"web_fetch_tool_result","content":{"type":"web_fetch_result","content":{"type":"document",)"
           R"("source":{"type":"base64","data":"JVBE"}}}}])",
           R"([{"type":"bash_code_execution_tool_result","content":{"type":"bash_code_execution_result",)"
           R"("content":[{"type":"bash_code_execution_output","file_id":"f"}]}}])",
       }) {
    EXPECT_TRUE(is_unbounded(chat(content), Endpoint::messages)) << content;
  }
}

TEST(Content, AMadePictureIsAPictureAndNoText) {
  RequestScanner scanner;
  const std::string made = R"({"type":"image_generation_call","id":"ig_1","result":"AAAA"})";
  const std::string of_another = R"({"type":"tool_search_call","result":"AAAA"})";
  const auto found = scanner.scan(Endpoint::responses, R"({"model":"m","input":[)" + made + "," + of_another + "]}");
  ASSERT_TRUE(found);
  EXPECT_FALSE(found->unbounded_media);
  EXPECT_EQ(found->images, 1);
  EXPECT_EQ(found->image_bytes, 6);
}

TEST(Content, WhatIsGoneOnFromIsUnboundedWhereNobodyKnowsIt) {
  RequestScanner scanner;
  const std::string_view body = R"({"model":"m","input":"a","messages":[],"previous_response_id":"resp_1"})";
  EXPECT_FALSE(scanner.scan(Endpoint::responses, body)->unbounded_media);
  EXPECT_TRUE(scanner.scan(Endpoint::chat_completions, body)->unbounded_media);
}

}  // namespace
}  // namespace cr::dialect

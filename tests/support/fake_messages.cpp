// SPDX-License-Identifier: MIT
// messages, as Anthropic answers them.
#include "support/fake_call.h"

namespace cr::test {
namespace {

std::string event(const Json& json) {
  return "event: " + json["type"].get<std::string>() + "\ndata: " + json.dump() + "\n\n";
}

// Anthropic counts cached and written input beside input_tokens, not in it.
Json input_usage_json(const FakeUsage& usage) {
  return {{"input_tokens", usage.input - usage.cached - usage.cache_write},
          {"cache_creation_input_tokens", usage.cache_write},
          {"cache_creation",
           {{"ephemeral_5m_input_tokens", usage.cache_write - usage.long_cache_write},
            {"ephemeral_1h_input_tokens", usage.long_cache_write}}},
          {"cache_read_input_tokens", usage.cached}};
}

Json message_json(const FakeCall& call) {
  return {{"id", "msg_" + call.id},   {"type", "message"},      {"role", "assistant"},     {"model", call.model},
          {"content", Json::array()}, {"stop_reason", nullptr}, {"stop_sequence", nullptr}};
}

std::string stop_of(const FakeCall& call) {
  if (!call.tool.empty()) return "tool_use";
  return call.cut_by_bound() ? "max_tokens" : "end_turn";
}

void add_block(const FakeCall& call, FakeAnswer& answer) {
  auto add = [&](const Json& json, std::int64_t tokens) { answer.events.push_back({event(json), tokens}); };
  auto add_delta = [&](Json delta) {
    add({{"type", "content_block_delta"}, {"index", 0}, {"delta", std::move(delta)}}, 1);
  };
  if (call.tool.empty()) {
    add({{"type", "content_block_start"}, {"index", 0}, {"content_block", {{"type", "text"}, {"text", ""}}}}, 0);
    add({{"type", "ping"}}, 0);
    for (std::int64_t at = 0; at < call.usage.output; ++at)
      add_delta({{"type", "text_delta"}, {"text", call.word(at)}});
  } else {
    Json block = {{"type", "tool_use"}, {"id", "toolu_" + call.id}, {"name", call.tool}, {"input", Json::object()}};
    add({{"type", "content_block_start"}, {"index", 0}, {"content_block", block}}, 1);
    for (const auto& piece : tool_argument_pieces()) add_delta({{"type", "input_json_delta"}, {"partial_json", piece}});
  }
  add({{"type", "content_block_stop"}, {"index", 0}}, 0);
}

}  // namespace

FakeAnswer answer_messages(const FakeCall& call) {
  FakeAnswer answer;
  answer.usage = call.usage;
  if (!call.tool.empty()) answer.usage.output = 1 + static_cast<std::int64_t>(tool_argument_pieces().size());
  Json message = message_json(call);
  if (call.terms.report_usage) {
    message["usage"] = input_usage_json(answer.usage);
    message["usage"]["output_tokens"] = call.stream ? 1 : answer.usage.output;
  }
  if (call.stream) {
    answer.events.push_back({event({{"type", "message_start"}, {"message", message}}), 0});
    add_block(call, answer);
    Json end = {{"type", "message_delta"}, {"delta", {{"stop_reason", stop_of(call)}, {"stop_sequence", nullptr}}}};
    if (call.terms.report_usage) end["usage"] = {{"output_tokens", answer.usage.output}};
    answer.events.push_back({event(end), 0});
    answer.events.push_back({event({{"type", "message_stop"}}), 0});
    return answer;
  }
  message["stop_reason"] = stop_of(call);
  std::string arguments;
  for (const auto& piece : tool_argument_pieces()) arguments += piece;
  if (call.tool.empty())
    message["content"].push_back({{"type", "text"}, {"text", call.text()}});
  else
    message["content"].push_back(
        {{"type", "tool_use"}, {"id", "toolu_" + call.id}, {"name", call.tool}, {"input", Json::parse(arguments)}});
  answer.body = message.dump();
  return answer;
}

}  // namespace cr::test

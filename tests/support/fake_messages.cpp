// SPDX-License-Identifier: MIT
// messages, as Anthropic answers them.
#include "support/fake_call.h"

namespace cr::test {
namespace {

std::string event(const Json& json) {
  return "event: " + json["type"].get<std::string>() + "\ndata: " + json.dump() + "\n\n";
}

// Anthropic counts cached and written input beside input_tokens, not in it.
Json input_usage_json(const FakeUsage& usage, bool fast) {
  Json json = {{"input_tokens", usage.input - usage.cached - usage.cache_write},
               {"cache_creation_input_tokens", usage.cache_write},
               {"cache_creation",
                {{"ephemeral_5m_input_tokens", usage.cache_write - usage.long_cache_write},
                 {"ephemeral_1h_input_tokens", usage.long_cache_write}}},
               {"cache_read_input_tokens", usage.cached}};
  if (fast) json["speed"] = "fast";
  if (usage.searches > 0) json["server_tool_use"] = {{"web_search_requests", usage.searches}};
  return json;
}

Json message_json(const FakeCall& call) {
  return {{"id", "msg_" + call.id},   {"type", "message"},      {"role", "assistant"},     {"model", call.model},
          {"content", Json::array()}, {"stop_reason", nullptr}, {"stop_sequence", nullptr}};
}

std::string stop_of(const FakeCall& call) {
  if (!call.tool.empty()) return "tool_use";
  return call.cut_by_bound() ? "max_tokens" : "end_turn";
}

// A search that the provider makes, and what it finds.
std::vector<Json> search_blocks(const FakeCall& call, std::int64_t at) {
  const auto id = "srvtoolu_" + call.id + "_" + std::to_string(at);
  return {{{"type", "server_tool_use"}, {"id", id}, {"name", "web_search"}, {"input", {{"query", "news"}}}},
          {{"type", "web_search_tool_result"}, {"tool_use_id", id}, {"content", Json::array()}}};
}

// The number of blocks.
std::int64_t add_searches(const FakeCall& call, FakeAnswer& answer) {
  std::int64_t index = 0;
  for (std::int64_t at = 0; at < call.usage.searches; ++at) {
    for (const auto& block : search_blocks(call, at)) {
      const std::int64_t made = block["type"] == "server_tool_use" ? 1 : 0;
      answer.events.push_back(
          {event({{"type", "content_block_start"}, {"index", index}, {"content_block", block}}), 0, made});
      answer.events.push_back({event({{"type", "content_block_stop"}, {"index", index}}), 0});
      ++index;
    }
  }
  return index;
}

void add_block(const FakeCall& call, std::int64_t index, FakeAnswer& answer) {
  auto add = [&](const Json& json, std::int64_t tokens) { answer.events.push_back({event(json), tokens}); };
  auto add_delta = [&](Json delta) {
    add({{"type", "content_block_delta"}, {"index", index}, {"delta", std::move(delta)}}, 1);
  };
  if (call.tool.empty()) {
    add({{"type", "content_block_start"}, {"index", index}, {"content_block", {{"type", "text"}, {"text", ""}}}}, 0);
    add({{"type", "ping"}}, 0);
    for (std::int64_t at = 0; at < call.usage.output; ++at)
      add_delta({{"type", "text_delta"}, {"text", call.word(at)}});
  } else {
    Json block = {{"type", "tool_use"}, {"id", "toolu_" + call.id}, {"name", call.tool}, {"input", Json::object()}};
    add({{"type", "content_block_start"}, {"index", index}, {"content_block", block}}, 1);
    for (const auto& piece : tool_argument_pieces()) add_delta({{"type", "input_json_delta"}, {"partial_json", piece}});
  }
  add({{"type", "content_block_stop"}, {"index", index}}, 0);
}

}  // namespace

FakeAnswer answer_messages(const FakeCall& call) {
  FakeAnswer answer;
  answer.usage = call.usage;
  if (!call.tool.empty()) answer.usage.output = 1 + static_cast<std::int64_t>(tool_argument_pieces().size());
  Json message = message_json(call);
  if (call.terms.report_usage) {
    // The start of a stream tells what was sent; what is found comes to it later.
    message["usage"] = input_usage_json(call.stream ? call.before_searches() : answer.usage, call.fast);
    message["usage"]["output_tokens"] = call.stream ? 1 : answer.usage.output;
  }
  if (call.stream) {
    answer.events.push_back({event({{"type", "message_start"}, {"message", message}}), 0});
    add_block(call, add_searches(call, answer), answer);
    Json end = {{"type", "message_delta"}, {"delta", {{"stop_reason", stop_of(call)}, {"stop_sequence", nullptr}}}};
    if (call.terms.report_usage) end["usage"] = {{"output_tokens", answer.usage.output}};
    if (call.terms.report_usage && answer.usage.searches > 0) {
      end["usage"] = input_usage_json(answer.usage, call.fast);
      end["usage"]["output_tokens"] = answer.usage.output;
    }
    answer.events.push_back({event(end), 0});
    answer.events.push_back({event({{"type", "message_stop"}}), 0});
    return answer;
  }
  message["stop_reason"] = stop_of(call);
  for (std::int64_t at = 0; at < call.usage.searches; ++at) {
    for (auto& block : search_blocks(call, at)) message["content"].push_back(std::move(block));
  }
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

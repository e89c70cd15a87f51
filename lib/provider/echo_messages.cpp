// SPDX-License-Identifier: MIT
// Echo in the form of /v1/messages.
#include "provider/echo_turn.h"

namespace cr::provider::echo {
namespace {

const Saying& saying_of(const Turn& turn) {
  static const Saying k_nothing;
  return turn.choices.empty() ? k_nothing : turn.choices.front();
}

Json message_of(const Turn& turn, Json content, Json stop_reason, std::int64_t output_tokens) {
  return {{"id", "msg_" + turn.id},
          {"type", "message"},
          {"role", "assistant"},
          {"model", turn.model},
          {"content", std::move(content)},
          {"stop_reason", std::move(stop_reason)},
          {"stop_sequence", nullptr},
          {"usage",
           {{"input_tokens", turn.input_tokens},
            {"cache_creation_input_tokens", 0},
            {"cache_read_input_tokens", 0},
            {"output_tokens", output_tokens}}}};
}

}  // namespace

LocalResponse answer_messages(const Turn& turn) {
  const Saying& saying = saying_of(turn);
  const char* const stop_reason = saying.cut ? "max_tokens" : "end_turn";
  if (!turn.stream) {
    Json content = Json::array({{{"type", "text"}, {"text", saying.text()}}});
    return plain(message_of(turn, std::move(content), stop_reason, turn.output_tokens()));
  }
  std::vector<std::string> pieces;
  const auto add = [&pieces](const char* type, const Json& rest) {
    Json data = {{"type", type}};
    data.update(rest);
    pieces.push_back(event(type, data));
  };
  add("message_start", {{"message", message_of(turn, Json::array(), nullptr, 1)}});
  add("content_block_start", {{"index", 0}, {"content_block", {{"type", "text"}, {"text", ""}}}});
  add("ping", Json::object());
  for (const std::string& word : saying.words) {
    add("content_block_delta", {{"index", 0}, {"delta", {{"type", "text_delta"}, {"text", word}}}});
  }
  add("content_block_stop", {{"index", 0}});
  add("message_delta", {{"delta", {{"stop_reason", stop_reason}, {"stop_sequence", nullptr}}},
                        {"usage", {{"output_tokens", turn.output_tokens()}}}});
  add("message_stop", Json::object());
  return {"text/event-stream", std::move(pieces)};
}

}  // namespace cr::provider::echo

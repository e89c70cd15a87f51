// SPDX-License-Identifier: MIT
// Echo in the form of /v1/responses.
#include "provider/echo_turn.h"

namespace cr::provider::echo {
namespace {

Json text_part(const std::string& text) {
  return {{"type", "output_text"}, {"text", text}, {"annotations", Json::array()}, {"logprobs", Json::array()}};
}

Json item_of(const Turn& turn, const char* status, Json content) {
  return {{"id", "msg_" + turn.id},
          {"type", "message"},
          {"status", status},
          {"role", "assistant"},
          {"content", std::move(content)}};
}

Json member_or(const Turn& turn, const char* key, const Json& otherwise) {
  const Json* value = find_member(turn.request, key);
  return value == nullptr || value->is_null() ? otherwise : *value;
}

Json response_of(const Turn& turn, const char* status, Json output, Json usage) {
  const bool cut = std::string_view(status) == "incomplete";
  return {{"id", "resp_" + turn.id},
          {"object", "response"},
          {"created_at", turn.created},
          {"status", status},
          {"error", nullptr},
          {"incomplete_details", cut ? Json{{"reason", "max_output_tokens"}} : Json()},
          {"instructions", member_or(turn, "instructions", nullptr)},
          {"max_output_tokens", member_or(turn, "max_output_tokens", nullptr)},
          {"model", turn.model},
          {"output", std::move(output)},
          {"parallel_tool_calls", member_or(turn, "parallel_tool_calls", true)},
          {"previous_response_id", nullptr},
          {"reasoning", {{"effort", nullptr}, {"summary", nullptr}}},
          {"store", member_or(turn, "store", true)},
          {"temperature", member_or(turn, "temperature", 1.0)},
          {"text", member_or(turn, "text", {{"format", {{"type", "text"}}}})},
          {"tool_choice", member_or(turn, "tool_choice", "auto")},
          {"tools", member_or(turn, "tools", Json::array())},
          {"top_p", member_or(turn, "top_p", 1.0)},
          {"truncation", "disabled"},
          {"usage", std::move(usage)},
          {"user", nullptr},
          {"metadata", member_or(turn, "metadata", Json::object())}};
}

Json usage_of(const Turn& turn) {
  return {{"input_tokens", turn.input_tokens},
          {"input_tokens_details", {{"cached_tokens", 0}}},
          {"output_tokens", turn.output_tokens()},
          {"output_tokens_details", {{"reasoning_tokens", 0}}},
          {"total_tokens", turn.input_tokens + turn.output_tokens()}};
}

class Events {
 public:
  void add(const std::string& type, const Json& rest) {
    Json data = {{"type", type}, {"sequence_number", pieces_.size()}};
    data.update(rest);
    pieces_.push_back(event(type, data));
  }
  LocalResponse finish() { return {"text/event-stream", std::move(pieces_)}; }

 private:
  std::vector<std::string> pieces_;
};

LocalResponse stream_response(const Turn& turn, const std::string& text, const char* status, const Json& whole) {
  Events events;
  const Json begun = response_of(turn, "in_progress", Json::array(), nullptr);
  events.add("response.created", {{"response", begun}});
  events.add("response.in_progress", {{"response", begun}});
  events.add("response.output_item.added",
             {{"output_index", 0}, {"item", item_of(turn, "in_progress", Json::array())}});

  Json place = {{"item_id", "msg_" + turn.id}, {"output_index", 0}, {"content_index", 0}};
  const auto add_part = [&](const char* type, const char* key, Json value) {
    Json rest = place;
    rest[key] = std::move(value);
    events.add(type, rest);
  };
  add_part("response.content_part.added", "part", text_part(""));
  for (const Saying& choice : turn.choices) {
    for (const std::string& word : choice.words) {
      Json rest = place;
      rest["delta"] = word;
      rest["logprobs"] = Json::array();
      events.add("response.output_text.delta", rest);
    }
  }
  Json done = place;
  done["text"] = text;
  done["logprobs"] = Json::array();
  events.add("response.output_text.done", done);
  add_part("response.content_part.done", "part", text_part(text));
  events.add("response.output_item.done",
             {{"output_index", 0}, {"item", item_of(turn, status, Json::array({text_part(text)}))}});
  events.add(std::string("response.") + status, {{"response", whole}});
  return events.finish();
}

}  // namespace

LocalResponse answer_responses(const Turn& turn) {
  const bool cut = !turn.choices.empty() && turn.choices.front().cut;
  const char* const status = cut ? "incomplete" : "completed";
  const std::string text = turn.choices.empty() ? std::string() : turn.choices.front().text();
  Json output = Json::array({item_of(turn, status, Json::array({text_part(text)}))});
  const Json whole = response_of(turn, status, std::move(output), usage_of(turn));
  return turn.stream ? stream_response(turn, text, status, whole) : plain(whole);
}

}  // namespace cr::provider::echo

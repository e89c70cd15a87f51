// SPDX-License-Identifier: MIT
// responses, as OpenAI answers them.
#include "support/fake_call.h"

namespace cr::test {
namespace {

Json usage_json(const FakeUsage& usage) {
  return {{"input_tokens", usage.input},
          {"input_tokens_details", {{"cached_tokens", usage.cached}}},
          {"output_tokens", usage.output},
          {"output_tokens_details", {{"reasoning_tokens", usage.reasoning}}},
          {"total_tokens", usage.input + usage.output}};
}

std::string arguments() {
  std::string out;
  for (const auto& piece : tool_argument_pieces()) out += piece;
  return out;
}

Json item_json(const FakeCall& call, bool done) {
  const char* status = done ? "completed" : "in_progress";
  if (!call.tool.empty())
    return {{"type", "function_call"}, {"id", "fc_" + call.id}, {"call_id", "call_" + call.id},
            {"name", call.tool},       {"status", status},      {"arguments", done ? arguments() : ""}};
  Json content = Json::array();
  if (done) content.push_back({{"type", "output_text"}, {"text", call.text()}, {"annotations", Json::array()}});
  return {
      {"type", "message"}, {"id", "msg_" + call.id}, {"role", "assistant"}, {"status", status}, {"content", content}};
}

Json search_json(const FakeCall& call, std::int64_t at, bool done) {
  return {{"type", "web_search_call"},
          {"id", "ws_" + call.id + "_" + std::to_string(at)},
          {"status", done ? "completed" : "in_progress"},
          {"action", {{"type", "search"}, {"query", "news"}}}};
}

Json output_json(const FakeCall& call) {
  Json output = Json::array();
  for (std::int64_t at = 0; at < call.usage.searches; ++at) output.push_back(search_json(call, at, true));
  output.push_back(item_json(call, true));
  return output;
}

Json response_json(const FakeCall& call, const FakeUsage& usage, bool done) {
  const bool incomplete = done && call.tool.empty() && call.cut_by_bound();
  Json json = {{"id", "resp_" + call.id},
               {"object", "response"},
               {"created_at", 1'700'000'000},
               {"model", call.model},
               {"status", !done        ? "in_progress"
                          : incomplete ? "incomplete"
                                       : "completed"},
               {"error", nullptr},
               {"output", done ? output_json(call) : Json::array()},
               {"usage", nullptr},
               {"incomplete_details", nullptr},
               {"parallel_tool_calls", true},
               {"tools", Json::array()}};
  if (incomplete) json["incomplete_details"] = {{"reason", "max_output_tokens"}};
  if (done && call.terms.report_usage) json["usage"] = usage_json(usage);
  if (!call.tier.empty()) json["service_tier"] = call.tier;
  return json;
}

class Stream {
 public:
  explicit Stream(FakeAnswer& answer) : answer_(answer) {}
  void add(const std::string& type, Json fields, std::int64_t tokens = 0, std::int64_t searches = 0) {
    fields["type"] = type;
    fields["sequence_number"] = serial_++;
    answer_.events.push_back({"event: " + type + "\ndata: " + fields.dump() + "\n\n", tokens, searches});
  }

 private:
  FakeAnswer& answer_;
  int serial_ = 0;
};

void add_text(const FakeCall& call, Stream& stream) {
  auto place = [&](Json more) {
    more["item_id"] = "msg_" + call.id;
    more["output_index"] = call.usage.searches;
    more["content_index"] = 0;
    return more;
  };
  auto part = [](const std::string& text) {
    return Json{{"part", {{"type", "output_text"}, {"text", text}, {"annotations", Json::array()}}}};
  };
  stream.add("response.content_part.added", place(part("")));
  for (std::int64_t at = 0; at < call.usage.output; ++at)
    stream.add("response.output_text.delta", place({{"delta", call.word(at)}, {"logprobs", Json::array()}}), 1);
  stream.add("response.output_text.done", place({{"text", call.text()}, {"logprobs", Json::array()}}));
  stream.add("response.content_part.done", place(part(call.text())));
}

void add_tool(const FakeCall& call, Stream& stream) {
  const Json place = {{"item_id", "fc_" + call.id}, {"output_index", call.usage.searches}};
  for (const auto& piece : tool_argument_pieces()) {
    Json delta = place;
    delta["delta"] = piece;
    stream.add("response.function_call_arguments.delta", delta, 1);
  }
  Json done = place;
  done["arguments"] = arguments();
  stream.add("response.function_call_arguments.done", done);
}

}  // namespace

FakeAnswer answer_responses(const FakeCall& call) {
  FakeAnswer answer;
  answer.usage = call.usage;
  if (!call.tool.empty()) answer.usage.output = static_cast<std::int64_t>(tool_argument_pieces().size());
  const Json whole = response_json(call, answer.usage, true);
  if (call.body.value("store", true)) answer.stored = whole.dump();
  if (!call.stream) {
    // In the background it is made all the same, and told of to whoever asks later.
    const bool later = call.body.value("background", false);
    Json told = later ? response_json(call, answer.usage, false) : whole;
    if (later) told["status"] = "queued";
    answer.body = told.dump();
    return answer;
  }
  Stream stream(answer);
  const Json begun = response_json(call, answer.usage, false);
  stream.add("response.created", {{"response", begun}});
  stream.add("response.in_progress", {{"response", begun}});
  for (std::int64_t at = 0; at < call.usage.searches; ++at) {
    stream.add("response.output_item.added", {{"output_index", at}, {"item", search_json(call, at, false)}}, 0, 1);
    stream.add("response.output_item.done", {{"output_index", at}, {"item", search_json(call, at, true)}});
  }
  const auto last = call.usage.searches;
  stream.add("response.output_item.added", {{"output_index", last}, {"item", item_json(call, false)}});
  if (call.tool.empty())
    add_text(call, stream);
  else
    add_tool(call, stream);
  stream.add("response.output_item.done", {{"output_index", last}, {"item", item_json(call, true)}});
  stream.add("response." + whole["status"].get<std::string>(), {{"response", whole}});
  return answer;
}

}  // namespace cr::test

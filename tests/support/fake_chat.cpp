// SPDX-License-Identifier: MIT
// chat/completions, completions and embeddings, as OpenAI answers them.
#include <cstring>

#include "support/fake_call.h"

namespace cr::test {
namespace {

constexpr std::int64_t k_created = 1'700'000'000;

std::string event(const Json& json) {
  return "data: " + json.dump() + "\n\n";
}

// The sum over the choices, and what the provider would say of it.
FakeUsage total_of(const FakeCall& call, std::int64_t output_of_choice, std::int64_t prompts = 1) {
  FakeUsage total = call.usage;
  total.output = output_of_choice * call.choices * prompts;
  return total;
}

Json usage_json(const FakeUsage& usage) {
  return {{"prompt_tokens", usage.input},
          {"completion_tokens", usage.output},
          {"total_tokens", usage.input + usage.output},
          {"prompt_tokens_details", {{"cached_tokens", usage.cached}, {"audio_tokens", 0}}},
          {"completion_tokens_details",
           {{"reasoning_tokens", usage.reasoning},
            {"audio_tokens", 0},
            {"accepted_prediction_tokens", 0},
            {"rejected_prediction_tokens", 0}}}};
}

std::int64_t tool_output() {
  return 1 + static_cast<std::int64_t>(tool_argument_pieces().size());
}

Json tool_call_json(const FakeCall& call) {
  std::string arguments;
  for (const auto& piece : tool_argument_pieces()) arguments += piece;
  return {
      {"id", "call_" + call.id}, {"type", "function"}, {"function", {{"name", call.tool}, {"arguments", arguments}}}};
}

std::string finish_of(const FakeCall& call) {
  if (!call.tool.empty()) return "tool_calls";
  return call.cut_by_bound() ? "length" : "stop";
}

Json chunk_of(const FakeCall& call, const char* object, Json choices) {
  Json chunk = {{"id", "chatcmpl-" + call.id},
                {"object", object},
                {"created", k_created},
                {"model", call.model},
                {"choices", std::move(choices)}};
  if (!call.tier.empty()) chunk["service_tier"] = call.tier;
  return chunk;
}

Json chat_choice(std::int64_t index, Json delta, Json finish = nullptr) {
  return Json{
      {"index", index}, {"delta", std::move(delta)}, {"finish_reason", std::move(finish)}, {"logprobs", nullptr}};
}

void add_tool_deltas(const FakeCall& call, std::int64_t index, FakeAnswer& answer) {
  auto add = [&](Json tool_delta) {
    Json delta = {{"tool_calls", Json::array({std::move(tool_delta)})}};
    answer.events.push_back(
        {event(chunk_of(call, "chat.completion.chunk", Json::array({chat_choice(index, std::move(delta))}))), 1});
  };
  add({{"index", 0},
       {"id", "call_" + call.id},
       {"type", "function"},
       {"function", {{"name", call.tool}, {"arguments", ""}}}});
  for (const auto& piece : tool_argument_pieces()) add({{"index", 0}, {"function", {{"arguments", piece}}}});
}

void end_stream(const FakeCall& call, const char* object, FakeAnswer& answer) {
  if (call.include_usage && call.terms.report_usage) {
    Json last = chunk_of(call, object, Json::array());
    last["usage"] = usage_json(answer.usage);
    answer.events.push_back({event(last), 0});
  }
  if (call.terms.done_marker) answer.events.push_back({"data: [DONE]\n\n", 0});
}

FakeAnswer stream_chat(const FakeCall& call, FakeAnswer answer) {
  const char* object = "chat.completion.chunk";
  auto add = [&](Json choice, std::int64_t tokens) {
    answer.events.push_back({event(chunk_of(call, object, Json::array({std::move(choice)}))), tokens});
  };
  for (std::int64_t index = 0; index < call.choices; ++index) {
    add(chat_choice(index, {{"role", "assistant"}, {"content", call.tool.empty() ? Json("") : Json()}}), 0);
    if (!call.tool.empty()) add_tool_deltas(call, index, answer);
    for (std::int64_t at = 0; call.tool.empty() && at < call.usage.output; ++at)
      add(chat_choice(index, {{"content", call.word(at)}}), 1);
    add(chat_choice(index, Json::object(), finish_of(call)), 0);
  }
  end_stream(call, object, answer);
  return answer;
}

Json embedding_of(const FakeCall& call, std::size_t at) {
  const auto dimensions = call.body.value("dimensions", std::size_t{8});
  std::vector<float> values(dimensions);
  for (std::size_t i = 0; i < dimensions; ++i) values[i] = static_cast<float>(i + at) / 16.0F;
  if (call.body.value("encoding_format", "float") != "base64") return values;
  static constexpr char k_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes(dimensions * sizeof(float), '\0');
  std::memcpy(bytes.data(), values.data(), bytes.size());
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 3; ++j)
      group = group << 8 | (i + j < bytes.size() ? static_cast<unsigned char>(bytes[i + j]) : 0U);
    for (std::size_t j = 0; j < 4; ++j) out += i + j > bytes.size() ? '=' : k_digits[group >> (18 - 6 * j) & 63U];
  }
  return out;
}

}  // namespace

FakeAnswer answer_chat(const FakeCall& call) {
  FakeAnswer answer;
  answer.usage = total_of(call, call.tool.empty() ? call.usage.output : tool_output());
  if (call.stream) return stream_chat(call, std::move(answer));
  Json choices = Json::array();
  for (std::int64_t index = 0; index < call.choices; ++index) {
    Json message = {{"role", "assistant"}, {"content", call.text()}, {"refusal", nullptr}};
    if (!call.tool.empty()) {
      message["content"] = nullptr;
      message["tool_calls"] = Json::array({tool_call_json(call)});
    }
    choices.push_back(
        {{"index", index}, {"message", message}, {"finish_reason", finish_of(call)}, {"logprobs", nullptr}});
  }
  Json body = chunk_of(call, "chat.completion", std::move(choices));
  if (call.terms.report_usage) body["usage"] = usage_json(answer.usage);
  answer.body = body.dump();
  return answer;
}

FakeAnswer answer_completions(const FakeCall& call) {
  FakeAnswer answer;
  const Json prompt = call.body.value("prompt", Json(""));
  const bool several = prompt.is_array() && !prompt.empty() && !prompt.front().is_number();
  const std::int64_t prompts = several ? static_cast<std::int64_t>(prompt.size()) : 1;
  answer.usage = total_of(call, call.usage.output, prompts);
  auto choice = [&](std::int64_t index, const std::string& text, Json finish) {
    return Json{{"index", index}, {"text", text}, {"finish_reason", std::move(finish)}, {"logprobs", nullptr}};
  };
  Json choices = Json::array();
  for (std::int64_t index = 0; index < call.choices * prompts; ++index) {
    if (!call.stream) {
      choices.push_back(choice(index, call.text(), finish_of(call)));
      continue;
    }
    auto add = [&](const std::string& text, Json finish, std::int64_t tokens) {
      auto json = chunk_of(call, "text_completion", Json::array({choice(index, text, std::move(finish))}));
      answer.events.push_back({event(json), tokens});
    };
    for (std::int64_t at = 0; at < call.usage.output; ++at) add(call.word(at), nullptr, 1);
    add("", call.cut_by_bound() ? "length" : "stop", 0);
  }
  if (call.stream) {
    end_stream(call, "text_completion", answer);
    return answer;
  }
  Json body = chunk_of(call, "text_completion", std::move(choices));
  if (call.terms.report_usage) body["usage"] = usage_json(answer.usage);
  answer.body = body.dump();
  return answer;
}

FakeAnswer answer_embeddings(const FakeCall& call) {
  FakeAnswer answer;
  answer.usage = call.usage;
  const Json input = call.body.value("input", Json(""));
  const bool several = input.is_array() && !input.empty() && !input.front().is_number();
  Json data = Json::array();
  for (std::size_t at = 0; at < (several ? input.size() : 1); ++at)
    data.push_back({{"object", "embedding"}, {"index", at}, {"embedding", embedding_of(call, at)}});
  Json body = {{"object", "list"}, {"data", std::move(data)}, {"model", call.model}};
  if (call.terms.report_usage)
    body["usage"] = {{"prompt_tokens", call.usage.input}, {"total_tokens", call.usage.input}};
  answer.body = body.dump();
  return answer;
}

}  // namespace cr::test

// SPDX-License-Identifier: MIT
// moderations, rerank, images/generations and audio/speech, as OpenAI, Cohere and Jina answer them. Tokens are used and
// told only by a request that says tokens=1: these providers charge by other units too.
#include "support/fake_call.h"

namespace cr::test {
namespace {

// PNG's first bytes, in base64: enough to tell one image from another.
std::string image(std::int64_t at) {
  return "iVBORw0KGgo" + std::string(1, static_cast<char>('A' + at % 26));
}

Json token_usage(const FakeUsage& usage) {
  return {{"input_tokens", usage.input},
          {"output_tokens", usage.output},
          {"total_tokens", usage.input + usage.output},
          {"input_tokens_details", {{"text_tokens", usage.input}, {"image_tokens", 0}}}};
}

std::string event(const Json& json) {
  return "event: " + json["type"].get<std::string>() + "\ndata: " + json.dump() + "\n\n";
}

FakeUsage used(const FakeCall& call) {
  FakeUsage usage = call.usage;
  if (!call.tells_tokens) usage.input = usage.output = 0;
  return usage;
}

}  // namespace

FakeAnswer answer_moderations(const FakeCall& call) {
  FakeAnswer answer;
  answer.usage = used(call);
  const Json input = call.body.value("input", Json(""));
  Json results = Json::array();
  for (std::size_t at = 0; at < (input.is_array() ? input.size() : 1); ++at)
    results.push_back(
        {{"flagged", false}, {"categories", {{"violence", false}}}, {"category_scores", {{"violence", 0.0}}}});
  answer.body = Json{{"id", "modr-" + call.id}, {"model", call.model}, {"results", results}}.dump();
  return answer;
}

FakeAnswer answer_rerank(const FakeCall& call) {
  FakeAnswer answer;
  answer.usage = used(call);
  const auto documents = call.body.value("documents", Json::array()).size();
  const auto wanted = std::min(documents, call.body.value("top_n", documents));
  Json results = Json::array();
  for (std::size_t at = 0; at < wanted; ++at)
    results.push_back({{"index", documents - 1 - at}, {"relevance_score", 1.0 / static_cast<double>(at + 2)}});
  Json body = {{"id", call.id}, {"model", call.model}, {"results", std::move(results)}};
  if (call.terms.report_usage && call.tells_tokens) body["usage"] = {{"total_tokens", answer.usage.input}};
  if (call.terms.report_usage && answer.usage.search_units != 0)
    body["meta"] = {{"api_version", {{"version", "2"}}},
                    {"billed_units", {{"search_units", answer.usage.search_units}}}};
  answer.body = body.dump();
  return answer;
}

FakeAnswer answer_images(const FakeCall& call) {
  FakeAnswer answer;
  answer.usage = used(call);
  const bool tells = call.terms.report_usage && call.tells_tokens;
  if (call.stream) {
    answer.events.push_back({event({{"type", "image_generation.partial_image"}, {"b64_json", image(0)}}), 0});
    Json last = {{"type", "image_generation.completed"}, {"b64_json", image(1)}};
    if (tells) last["usage"] = token_usage(answer.usage);
    answer.events.push_back({event(last), answer.usage.output});
    return answer;
  }
  Json data = Json::array();
  for (std::int64_t at = 0; at < answer.usage.images; ++at) data.push_back({{"b64_json", image(at)}});
  Json body = {{"created", 1'700'000'000}, {"data", std::move(data)}};
  if (tells) body["usage"] = token_usage(answer.usage);
  answer.body = body.dump();
  return answer;
}

// Eight bytes a character, of every value: what is text to nobody.
FakeAnswer answer_speech(const FakeCall& call) {
  FakeAnswer answer;
  answer.usage = used(call);
  answer.content_type = call.body.value("response_format", "mp3") == std::string("wav") ? "audio/wav" : "audio/mpeg";
  for (std::int64_t at = 0; at < answer.usage.characters * 8; ++at) answer.body += static_cast<char>(at * 37);
  if (call.body.value("stream_format", "") != std::string("sse")) return answer;
  answer.events.push_back({event({{"type", "speech.audio.delta"}, {"audio", "AAAA"}}), 0});
  Json last = {{"type", "speech.audio.done"}};
  if (call.terms.report_usage && call.tells_tokens) last["usage"] = token_usage(answer.usage);
  answer.events.push_back({event(last), answer.usage.output});
  return answer;
}

}  // namespace cr::test

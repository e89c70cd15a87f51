// SPDX-License-Identifier: MIT
// audio/transcriptions, audio/translations and images/edits, as OpenAI answers them, and the forms they take.
#include "support/fake_call.h"

namespace cr::test {
namespace {

std::string event(const Json& json) {
  return "data: " + json.dump() + "\n\n";
}

Json usage_json(const FakeUsage& usage) {
  return {{"type", "tokens"},
          {"input_tokens", usage.input},
          {"input_token_details", {{"text_tokens", 0}, {"audio_tokens", usage.input}}},
          {"output_tokens", usage.output},
          {"total_tokens", usage.input + usage.output}};
}

// A text field of a form, as well-behaved clients write it. Not crd's way to read it: a witness of its own.
std::string field_of(std::string_view form, const std::string& name) {
  const auto head = form.find("; name=\"" + name + "\"\r\n");
  if (head == form.npos) return {};
  const auto begin = form.find("\r\n\r\n", head);
  const auto end = form.find("\r\n--", begin);
  return std::string(form.substr(begin + 4, end - begin - 4));
}

}  // namespace

bool takes_form(std::string_view endpoint) {
  return endpoint == "audio/transcriptions" || endpoint == "audio/translations" || endpoint == "images/edits" ||
         endpoint == "images/variations";
}

Json request_json(std::string_view endpoint, std::string_view body) {
  if (!takes_form(endpoint)) return Json::parse(body, nullptr, false);
  Json json = Json::object();
  for (const char* name : {"model", "response_format", "prompt"}) {
    if (auto text = field_of(body, name); !text.empty()) json[name] = text;
  }
  if (const auto n = field_of(body, "n"); !n.empty()) json["n"] = std::stoll(n);
  json["stream"] = field_of(body, "stream") == "true";
  return json;
}

FakeAnswer answer_transcription(const FakeCall& call) {
  FakeAnswer answer;
  answer.usage = call.usage;
  if (call.stream) {
    for (std::int64_t at = 0; at < call.usage.output; ++at)
      answer.events.push_back({event({{"type", "transcript.text.delta"}, {"delta", call.word(at)}}), 1});
    Json last = {{"type", "transcript.text.done"}, {"text", call.text()}};
    if (call.terms.report_usage) last["usage"] = usage_json(answer.usage);
    answer.events.push_back({event(last), 0});
    return answer;
  }
  const auto format = call.body.value("response_format", "json");
  if (format == "text" || format == "srt" || format == "vtt") {
    answer.body = call.text();
    answer.content_type = "text/plain; charset=utf-8";
    return answer;
  }
  Json body = {{"text", call.text()}};
  if (call.terms.report_usage) body["usage"] = usage_json(answer.usage);
  answer.body = body.dump();
  return answer;
}

FakeAnswer answer_image_edit(const FakeCall& call) {
  FakeAnswer answer;
  answer.usage = {call.usage.input, call.usage.cached, call.usage.output * call.choices, call.choices};
  Json data = Json::array();
  for (std::int64_t i = 0; i < call.choices; ++i) data.push_back({{"b64_json", "aW1hZ2U="}});
  Json body = {{"created", 1'700'000'000}, {"data", std::move(data)}};
  if (call.terms.report_usage) body["usage"] = usage_json(answer.usage);
  answer.body = body.dump();
  return answer;
}

}  // namespace cr::test

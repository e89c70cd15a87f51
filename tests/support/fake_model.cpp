// SPDX-License-Identifier: MIT
#include "support/fake_model.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <iterator>

#include "support/fake_call.h"

namespace cr::test {
namespace {

std::int64_t items_in(const Json& value) {
  return value.is_array() ? static_cast<std::int64_t>(value.size()) : 1;
}

std::int64_t message_count(std::string_view endpoint, const Json& body) {
  if (endpoint == "embeddings" || endpoint == "responses") return items_in(body.value("input", Json("")));
  if (takes_form(endpoint)) return 1;
  if (endpoint == "moderations" || endpoint == "audio/speech") return items_in(body.value("input", Json("")));
  if (endpoint == "rerank") return items_in(body.value("documents", Json::array()));
  if (endpoint == "completions" || endpoint == "images/generations") return items_in(body.value("prompt", Json("")));
  return items_in(body.value("messages", Json::array()));
}

std::optional<std::int64_t> bound_in(const Json& body) {
  std::optional<std::int64_t> bound;
  for (const char* field : {"max_tokens", "max_completion_tokens", "max_output_tokens"}) {
    auto found = body.find(field);
    if (found == body.end() || !found->is_number_integer()) continue;
    auto value = found->get<std::int64_t>();
    bound = bound ? std::min(*bound, value) : value;
  }
  return bound;
}

std::optional<std::int64_t> asked_for(std::string_view body, std::string_view what) {
  const auto from = body.find("[[");
  const auto to = body.find("]]", from);
  if (from == body.npos || to == body.npos) return std::nullopt;
  const auto directive = body.substr(from, to - from);
  const auto at = directive.find(std::string(what) + "=");
  if (at == directive.npos) return std::nullopt;
  std::int64_t value = 0;
  const auto number = directive.substr(at + what.size() + 1);
  if (std::from_chars(number.data(), number.data() + number.size(), value).ec != std::errc()) return std::nullopt;
  return value;
}

std::int64_t characters_in(const std::string& text) {
  return std::count_if(text.begin(), text.end(), [](char byte) { return (byte & 0xC0) != 0x80; });
}

bool is_search(const Json& tool) {
  return tool.is_object() && tool.value("type", "").starts_with("web_search");
}

// What the provider looks up by itself, before it answers.
std::int64_t searches_of(std::string_view endpoint, std::string_view text, const Json& body) {
  const auto tools = body.find("tools");
  if ((endpoint != "messages" && endpoint != "responses") || tools == body.end() || !tools->is_array()) return 0;
  const auto tool = std::find_if(tools->begin(), tools->end(), is_search);
  if (tool == tools->end()) return 0;
  const auto allowed =
      endpoint == "messages" ? tool->value("max_uses", k_most_searches) : body.value("max_tool_calls", k_most_searches);
  return std::min({asked_for(text, "searches").value_or(1), allowed, k_most_searches});
}

FakeUsage usage_of(std::string_view endpoint, std::string_view text, const FakeCall& call) {
  const auto messages = message_count(endpoint, call.body);
  const bool full = call.model.starts_with("fake-full");
  FakeUsage usage;
  usage.input = full ? static_cast<std::int64_t>(text.size()) + 16 * messages + 64 : 10 * messages;
  usage.output = full && call.bound ? *call.bound : std::min<std::int64_t>(call.bound.value_or(20), 20);
  usage.input = asked_for(text, "input").value_or(usage.input);
  usage.output = asked_for(text, "output").value_or(usage.output);
  usage.cached = asked_for(text, "cached").value_or(0);
  usage.cache_write = asked_for(text, "write").value_or(0);
  usage.long_cache_write = asked_for(text, "long").value_or(0);
  usage.reasoning = asked_for(text, "reasoning").value_or(0);
  if (endpoint == "embeddings" || endpoint == "moderations" || endpoint == "rerank") usage.output = 0;
  if (endpoint == "images/generations") usage.images = call.body.value("n", std::int64_t{1});
  if (endpoint == "audio/speech") usage.characters = characters_in(call.body.value("input", std::string()));
  if (endpoint == "rerank") usage.search_units = asked_for(text, "units").value_or(0);
  usage.searches = searches_of(endpoint, text, call.body);
  usage.input += usage.searches * k_found;
  return usage;
}

// "auto" is the provider's usual one.
std::string tier_of(std::string_view endpoint, const Json& body, const FakeTerms& terms) {
  if (!endpoint.ends_with("completions") && endpoint != "responses") return {};
  if (!terms.tier.empty()) return terms.tier;
  const auto asked = body.find("service_tier");
  if (asked == body.end() || !asked->is_string()) return {};
  return *asked == "auto" ? "default" : asked->get<std::string>();
}

// Whether the last word is a tool's result: a model answers that in words.
bool ends_with_tool_result(const Json& body) {
  const auto list = body.find(body.contains("messages") ? "messages" : "input");
  if (list == body.end() || !list->is_array() || list->empty() || !list->back().is_object()) return false;
  const Json& last = list->back();
  if (last.value("role", "") == "tool" || last.value("type", "") == "function_call_output") return true;
  const auto content = last.find("content");
  return content != last.end() && content->is_array() && !content->empty() && content->back().is_object() &&
         content->back().value("type", "") == "tool_result";
}

std::string tool_of(const Json& body) {
  if (ends_with_tool_result(body)) return {};
  auto tools = body.find("tools");
  if (tools == body.end() || !tools->is_array() || tools->empty()) return {};
  if (body.value("tool_choice", Json()) == Json("none")) return {};
  const auto own = std::find_if_not(tools->begin(), tools->end(), is_search);
  if (own == tools->end()) return {};
  const Json& tool = *own;
  return tool.contains("function") ? tool["function"].value("name", "") : tool.value("name", "");
}

// What the real provider also refuses.
std::string complaint_about(std::string_view endpoint, const Json& body) {
  if (!body.is_object()) return "the body must be a JSON object";
  if (!body.contains("model") || !body["model"].is_string()) return "you must provide a model parameter";
  if (endpoint == "audio/speech" && !body.contains("voice")) return "voice: Field required";
  if (endpoint == "messages" && !body.contains("max_tokens")) return "max_tokens: Field required";
  if (endpoint == "chat/completions" && body.contains("max_tokens") && body.contains("max_completion_tokens"))
    return "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.";
  if (body.contains("stream_options") && !body["stream_options"].is_null() && !body.value("stream", false))
    return "The 'stream_options' parameter is only allowed when 'stream' is enabled.";
  return {};
}

FakeAnswer refusal(std::string_view endpoint, int status, std::string_view type, std::string_view message) {
  FakeAnswer answer;
  answer.status = status;
  answer.body = fake_error(endpoint, type, message);
  return answer;
}

}  // namespace

std::string FakeCall::word(std::int64_t at) const {
  static constexpr const char* k_words[] = {"one ", "two ", "six ", "ten ", "sky ", "sea ", "sun ", "ice "};
  return k_words[static_cast<std::size_t>(at) % std::size(k_words)];
}

FakeUsage FakeCall::before_searches() const {
  FakeUsage before = usage;
  before.input -= usage.searches * k_found;
  before.searches = 0;
  return before;
}

std::string FakeCall::text() const {
  std::string out;
  for (std::int64_t at = 0; at < usage.output; ++at) out += word(at);
  return out;
}

const std::vector<std::string>& tool_argument_pieces() {
  static const std::vector<std::string> pieces = {"{\"ci", "ty\":", "\"Par", "is\"}"};
  return pieces;
}

std::string fake_error(std::string_view endpoint, std::string_view type, std::string_view message) {
  if (endpoint.starts_with("messages"))
    return Json{{"type", "error"}, {"error", {{"type", type}, {"message", message}}}, {"request_id", "req_fake"}}
        .dump();
  return Json{{"error", {{"message", message}, {"type", type}, {"param", nullptr}, {"code", nullptr}}}}.dump();
}

FakeAnswer fake_answer(std::string_view endpoint, std::string_view body, const FakeTerms& terms) {
  static std::atomic<std::uint64_t> serial{0};
  FakeCall call;
  call.body = request_json(endpoint, body);
  if (call.body.is_discarded()) return refusal(endpoint, 400, "invalid_request_error", "the body is not JSON");
  if (auto complaint = complaint_about(endpoint, call.body); !complaint.empty())
    return refusal(endpoint, 400, "invalid_request_error", complaint);
  call.terms = terms;
  call.model = call.body["model"].get<std::string>();
  call.tier = tier_of(endpoint, call.body, terms);
  call.fast = endpoint == "messages" && call.body.value("speed", "") == "fast";
  call.stream = call.body.value("stream", false);
  call.choices = call.body.value("n", std::int64_t{1});
  call.bound = bound_in(call.body);
  call.usage = usage_of(endpoint, body, call);
  if (!terms.model.empty()) call.model = terms.model;
  call.tells_tokens = asked_for(body, "tokens").value_or(0) != 0;
  call.tool = tool_of(call.body);
  call.id = "fake-" + std::to_string(::getpid()) + "-" + std::to_string(++serial);
  if (auto options = call.body.find("stream_options"); options != call.body.end() && options->is_object())
    call.include_usage = options->value("include_usage", false);

  FakeAnswer answer;
  if (endpoint == "chat/completions")
    answer = answer_chat(call);
  else if (endpoint == "completions")
    answer = answer_completions(call);
  else if (endpoint == "embeddings")
    answer = answer_embeddings(call);
  else if (endpoint == "responses")
    answer = answer_responses(call);
  else if (endpoint == "audio/transcriptions" || endpoint == "audio/translations")
    answer = answer_transcription(call);
  else if (endpoint == "images/edits" || endpoint == "images/variations")
    answer = answer_image_edit(call);
  else if (endpoint == "messages")
    answer = answer_messages(call);
  else if (endpoint == "moderations")
    answer = answer_moderations(call);
  else if (endpoint == "rerank")
    answer = answer_rerank(call);
  else if (endpoint == "images/generations")
    answer = answer_images(call);
  else if (endpoint == "audio/speech")
    answer = answer_speech(call);
  else if (endpoint == "messages/count_tokens")
    answer.body = Json{{"input_tokens", call.usage.input}}.dump();
  else
    return refusal(endpoint, 404, "invalid_request_error", "unknown endpoint");
  const bool sse = call.body.value("stream_format", "") == "sse";
  answer.stream = (call.stream || sse) && !answer.events.empty();
  answer.sale = {call.model, call.tier, call.fast};
  answer.usage.requests = endpoint == "messages/count_tokens" ? 0 : 1;
  answer.bound = call.bound;
  const bool unasked = answer.stream && endpoint.ends_with("completions") && !call.include_usage;
  const bool later = endpoint == "responses" && !answer.stream && call.body.value("background", false);
  answer.usage_told = terms.report_usage && !unasked && !later && answer.content_type == "application/json";
  return answer;
}

}  // namespace cr::test

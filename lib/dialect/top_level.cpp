// SPDX-License-Identifier: MIT
#include "dialect/top_level.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <span>

#include "dialect/stored_path.h"

namespace cr::dialect {
namespace {

constexpr std::size_t k_model_bytes_max = 256;
constexpr std::int64_t k_choices_max = 128;
constexpr std::int64_t k_bound_max = std::numeric_limits<std::int32_t>::max();

tl::unexpected<Refusal> refuse(std::string message, std::string_view param) {
  return tl::unexpected<Refusal>(Refusal{RefusalCode::invalid_value, std::move(message), std::string(param), {}});
}

std::string_view text_at(std::string_view body, Span place) {
  return body.substr(place.begin, place.end - place.begin);
}

bool is_given(const Member& member) {
  return member.kind != json::JsonKind::none && member.kind != json::JsonKind::null;
}

RefusalOr<void> read_model(Endpoint endpoint, std::string_view body, const TopLevel& top, RequestScan& scan) {
  const Member& model = top[PolicyKey::model];
  if (!is_given(model) && !default_model(endpoint).empty()) {
    scan.model = default_model(endpoint);
    scan.names_model = false;
    if (model.kind == json::JsonKind::null) scan.model_value = model.place;
    return {};
  }
  if (model.kind == json::JsonKind::none) return refuse("model is missing", "model");
  json::JsonString text;
  json::JsonCursor cursor(text_at(body, model.place));
  const bool fits = model.kind == json::JsonKind::string && cursor.read_string(text) && text.text_bytes >= 1 &&
                    text.text_bytes <= k_model_bytes_max;
  if (!fits) return refuse(fmt::format("model must be a string of 1 to {} bytes", k_model_bytes_max), "model");
  scan.model = text.escaped() ? json::unescape(text) : std::string(text.raw);
  scan.model_value = model.place;
  return {};
}

RefusalOr<bool> read_flag(std::string_view body, const Member& member, std::string_view name) {
  if (!is_given(member)) return false;
  if (member.kind != json::JsonKind::boolean) return refuse(fmt::format("{} must be true or false", name), name);
  return body[member.place.begin] == 't';
}

RefusalOr<void> read_stream(std::string_view body, const TopLevel& top, RequestScan& scan) {
  const auto stream = read_flag(body, top[PolicyKey::stream], "stream");
  if (!stream) return tl::unexpected(stream.error());
  scan.stream = *stream;

  const Member& options = top[PolicyKey::stream_options];
  if (options.kind == json::JsonKind::none) return {};
  scan.stream_options_value = options.place;
  if (options.kind == json::JsonKind::null) {
    scan.stream_options = StreamOptions::null;
    return {};
  }
  if (options.kind != json::JsonKind::object) return refuse("stream_options must be an object", "stream_options");
  scan.stream_options = top.stream_options_empty ? StreamOptions::empty : StreamOptions::with_members;
  if (top.include_usage.kind == json::JsonKind::none) return {};
  const auto include_usage = read_flag(body, top.include_usage, "stream_options.include_usage");
  if (!include_usage) return tl::unexpected(include_usage.error());
  scan.include_usage_value = top.include_usage.place;
  if (is_given(top.include_usage)) scan.include_usage = *include_usage;
  return {};
}

RefusalOr<std::int64_t> read_integer(std::string_view body, const Member& member, std::string_view name,
                                     std::int64_t least, std::int64_t most) {
  std::int64_t value = 0;
  const std::string_view text = text_at(body, member.place);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  // from_chars takes "-0" too, and stops before a fraction or an exponent.
  const bool whole = error == std::errc() && end == text.data() + text.size() && text.front() != '-';
  if (member.kind != json::JsonKind::number || !whole || value < least || value > most) {
    return refuse(fmt::format("{} must be a whole number from {} to {}", name, least, most), name);
  }
  return value;
}

RefusalOr<void> read_choices(Endpoint endpoint, std::string_view body, const TopLevel& top, RequestScan& scan) {
  const bool of_text = endpoint == Endpoint::chat_completions || endpoint == Endpoint::completions;
  if (!of_text && endpoint != Endpoint::images_generations) return {};
  for (const PolicyKey key : {PolicyKey::n, PolicyKey::best_of}) {
    if (!is_given(top[key])) continue;
    const std::int64_t least = key == PolicyKey::best_of ? 0 : 1;  // as OpenAI has it
    const auto value = read_integer(body, top[key], name_of(key), least, k_choices_max);
    if (!value) return tl::unexpected(value.error());
    scan.choices = std::max(scan.choices, *value);
  }
  if (endpoint != Endpoint::completions) return {};
  scan.choices *= std::max<std::int64_t>(1, top.prompts);
  const auto echo = read_flag(body, top[PolicyKey::echo], "echo");
  if (!echo) return tl::unexpected(echo.error());
  if (*echo) scan.echoed_prompt = static_cast<std::int64_t>(text_at(body, top[PolicyKey::prompt].place).size());
  return {};
}

// Only the bounds that the endpoint's upstreams obey: another would bound nothing.
std::span<const PolicyKey> bounds_of(Endpoint endpoint) {
  static constexpr std::array k_chat = {PolicyKey::max_tokens, PolicyKey::max_completion_tokens};
  static constexpr std::array k_responses = {PolicyKey::max_output_tokens};
  switch (endpoint) {
    case Endpoint::chat_completions:
      return k_chat;
    case Endpoint::completions:
    case Endpoint::messages:
      return std::span(k_chat).first(1);
    case Endpoint::responses:
      return k_responses;
    default:
      return {};
  }
}

RefusalOr<void> read_bounds(Endpoint endpoint, std::string_view body, const TopLevel& top, RequestScan& scan) {
  // What the provider makes of 0 is its own; it is held as one.
  for (const PolicyKey key : bounds_of(endpoint)) {
    const Member& member = top[key];
    if (member.kind == json::JsonKind::null) scan.null_bounds.push_back({name_of(key), member.place});
    if (!is_given(member)) continue;
    const auto value = read_integer(body, member, name_of(key), 0, k_bound_max);
    if (!value) return tl::unexpected(value.error());
    if (scan.output_bound && *value <= *scan.output_bound) {
      scan.other_bound_values.push_back(member.place);
      continue;
    }
    if (scan.bound_value) scan.other_bound_values.push_back(*scan.bound_value);
    scan.output_bound = *value;
    scan.bound_value = member.place;
    scan.bound_field = name_of(key);
  }
  return {};
}

// In Unicode characters: what a provider of speech charges by.
std::int64_t count_characters(const json::JsonString& text) {
  std::int64_t count = 0;
  for (std::size_t at = 0; at < text.raw.size();) {
    const auto byte = static_cast<unsigned char>(text.raw[at]);
    if (byte != '\\') {
      count += (byte & 0xC0U) != 0x80 ? 1 : 0;  // not the inside of a UTF-8 sequence
      at += 1;
    } else if (text.raw[at + 1] != 'u') {
      count += 1;
      at += 2;
    } else {
      // \uD834\uDD1E is one character: the second half, DC00 to DFFF, was counted with the first.
      const bool second_half = (text.raw[at + 2] | 0x20) == 'd' && (text.raw[at + 3] | 0x20) >= 'c';
      count += second_half ? 0 : 1;
      at += 6;
    }
  }
  return count;
}

RefusalOr<void> read_speech(std::string_view body, const TopLevel& top, RequestScan& scan) {
  const Member& input = top[PolicyKey::input];
  if (input.kind != json::JsonKind::string) return refuse("input must be a string: the text to speak", "input");
  json::JsonString text;
  json::JsonCursor cursor(text_at(body, input.place));
  if (cursor.read_string(text)) scan.characters = count_characters(text);
  return {};
}

RefusalOr<void> read_rerank(const TopLevel& top, RequestScan& scan) {
  const Member& query = top[PolicyKey::query];
  const Member& documents = top[PolicyKey::documents];
  if (query.kind != json::JsonKind::string && query.kind != json::JsonKind::object)
    return refuse("query must be a string", "query");
  if (documents.kind != json::JsonKind::array) return refuse("documents must be an array of texts", "documents");
  scan.documents = top.documents;
  // The model reads the query anew beside each document.
  const auto query_bytes = static_cast<std::int64_t>(query.place.end - query.place.begin);
  scan.repeated_bytes = query_bytes * top.documents;
  return {};
}

RefusalOr<void> read_input(Endpoint endpoint, std::string_view body, const TopLevel& top, RequestScan& scan) {
  if (endpoint == Endpoint::audio_speech) return read_speech(body, top, scan);
  if (endpoint == Endpoint::rerank) return read_rerank(top, scan);
  const json::JsonKind kind = top[PolicyKey::input].kind;
  if (endpoint == Endpoint::moderations && kind != json::JsonKind::string && kind != json::JsonKind::array) {
    return refuse("input must be a string or an array", "input");
  }
  return {};
}

}  // namespace

RefusalOr<void> read_stored(std::string_view body, const TopLevel& top, RequestScan& scan) {
  const auto background = read_flag(body, top[PolicyKey::background], "background");
  if (!background) return tl::unexpected(background.error());
  scan.background = *background;
  const auto store = read_flag(body, top[PolicyKey::store], "store");
  if (!store) return tl::unexpected(store.error());
  scan.stored = *store || !is_given(top[PolicyKey::store]);
  const Member& previous = top[PolicyKey::previous_response_id];
  if (!is_given(previous)) return {};
  json::JsonString text;
  json::JsonCursor cursor(text_at(body, previous.place));
  const bool read = previous.kind == json::JsonKind::string && cursor.read_string(text);
  if (!read || !is_response_id(text.raw)) {
    return refuse(
        fmt::format("previous_response_id must be a response's id of at most {} bytes", k_response_id_bytes_max),
        "previous_response_id");
  }
  scan.previous_response = text.raw;
  return {};
}

RefusalOr<void> read_members(Endpoint endpoint, std::string_view body, const TopLevel& top, RequestScan& scan) {
  scan.messages = top.content.items;
  scan.unbounded_media = top.content.unbounded || top.outside_input;
  scan.long_cache = top.content.long_cache;
  scan.images = top.content.images;
  scan.image_bytes = top.content.image_bytes;
  scan.sounds = top.content.sounds;
  scan.sound_bytes = top.content.sound_bytes;
  scan.wants_sound = top.wants_sound;
  scan.thinking_budget = top.thinking_budget;
  scan.provider_tools = top.content.tools;
  if (is_given(top[PolicyKey::web_search_options])) scan.provider_tools.push_back({"web_search_options", {}});
  const auto calls = scan.member("/max_tool_calls");
  std::int64_t most = 0;
  if (std::from_chars(calls.data(), calls.data() + calls.size(), most).ec == std::errc() && most >= 0)
    scan.max_tool_calls = most;
  for (int i = 0; i < k_policy_key_count && scan.chooses.empty(); ++i) {
    const auto key = static_cast<PolicyKey>(i);
    if (chooses_model(key) && is_given(top[key])) scan.chooses = name_of(key);
  }
  auto done = read_model(endpoint, body, top, scan);
  if (done) done = read_stream(body, top, scan);
  if (done) done = read_choices(endpoint, body, top, scan);
  if (done) done = read_bounds(endpoint, body, top, scan);
  if (done) done = read_input(endpoint, body, top, scan);
  if (done && endpoint == Endpoint::responses) done = read_stored(body, top, scan);
  return done;
}

}  // namespace cr::dialect

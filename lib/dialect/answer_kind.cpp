// SPDX-License-Identifier: MIT
#include "dialect/answer_kind.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace cr::dialect {
namespace {

constexpr std::string_view k_byte_order_mark = "\xef\xbb\xbf";
constexpr std::string_view k_blanks = " \t\r\n";

std::string_view skip_blanks(std::string_view text) {
  if (text.starts_with(k_byte_order_mark)) text.remove_prefix(k_byte_order_mark.size());
  text.remove_prefix(std::min(text.find_first_not_of(k_blanks), text.size()));
  return text;
}

bool begins_like(std::string_view text, std::string_view word) {
  return base::equals_ignoring_case(text.substr(0, word.size()), word);
}

bool is_page(std::string_view text) {
  return begins_like(text, "<!doctype") || begins_like(text, "<html") || begins_like(text, "<?xml");
}

// Whose answers are always an object with a member of their own.
bool makes_text(Endpoint endpoint) {
  switch (endpoint) {
    case Endpoint::chat_completions:
    case Endpoint::completions:
    case Endpoint::responses:
    case Endpoint::messages:
      return true;
    default:
      return false;
  }
}

// {"code": 1000, "msg": "..."} and the like.
bool is_refusal(const Reading& reading) {
  return reading.error || (reading.has_code && reading.has_message);
}

bool tells_usage(const Reading& reading) {
  const auto tells = [](const UsageReport& report) {
    return report.input.value_or(0) > 0 || report.output.value_or(0) > 0 || report.total.value_or(0) > 0;
  };
  return tells(reading.usage) || tells(reading.lesser_usage);
}

}  // namespace

AnswerKind kind_of_body(Endpoint endpoint, std::string_view body, const Reading* reading) {
  const auto text = skip_blanks(body);
  if (text.empty() || is_page(text)) return AnswerKind::none;
  if (endpoint == Endpoint::audio_speech && reading == nullptr) return AnswerKind::answer;
  if (reading == nullptr) return may_begin_answer(endpoint, text) ? AnswerKind::answer : AnswerKind::none;
  if (reading->answers || tells_usage(*reading)) return AnswerKind::answer;
  return makes_text(endpoint) || is_refusal(*reading) ? AnswerKind::none : AnswerKind::answer;
}

bool may_begin_answer(Endpoint endpoint, std::string_view bytes) {
  const auto text = skip_blanks(bytes);
  if (is_page(text)) return false;
  if (hears_sound(endpoint) || endpoint == Endpoint::audio_speech) return true;
  return text.starts_with('{') || (text.starts_with('[') && !makes_text(endpoint));
}

AnswerKind kind_of_event(Endpoint endpoint, std::string_view name, std::string_view data, const Reading* reading) {
  if (name == "error") return AnswerKind::none;
  if (name == "ping" || data.empty()) return AnswerKind::unknown;
  if (data.starts_with("[DONE]")) return AnswerKind::none;
  if (reading == nullptr) return is_page(skip_blanks(data)) ? AnswerKind::none : AnswerKind::answer;
  if (reading->ping) return AnswerKind::unknown;
  if (reading->answers || tells_usage(*reading) || reading->text.pieces > 0) return AnswerKind::answer;
  if (reading->error) return AnswerKind::none;
  // Events of the others name their type, and have codes and messages of all kinds.
  const bool chunk = endpoint == Endpoint::chat_completions || endpoint == Endpoint::completions;
  return chunk && !reading->no_choices && is_refusal(*reading) ? AnswerKind::none : AnswerKind::answer;
}

std::optional<bool> is_event_stream(std::string_view bytes) {
  constexpr std::array<std::string_view, 5> k_fields = {"data:", "event:", ":", "id:", "retry:"};
  if (bytes.size() < k_byte_order_mark.size() && k_byte_order_mark.starts_with(bytes)) return std::nullopt;
  const auto text = skip_blanks(bytes);
  bool may = text.empty();
  for (const auto field : k_fields) {
    if (text.starts_with(field)) return true;
    may |= text.size() < field.size() && field.starts_with(text);
  }
  if (may) return std::nullopt;
  return false;
}

}  // namespace cr::dialect

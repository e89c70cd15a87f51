// SPDX-License-Identifier: MIT
#include "provider/echo_turn.h"

#include <cctype>

namespace cr::provider::echo {
namespace {

// Longer runs (base64, CJK without blanks) count as several words.
constexpr std::size_t k_word_bytes_max = 48;

bool is_blank(char byte) {
  return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t';
}

bool is_word_byte(char byte) {
  return static_cast<unsigned char>(byte) >= 0x80 || std::isalnum(static_cast<unsigned char>(byte)) != 0 || byte == '_';
}

bool is_continuation(char byte) {
  return (static_cast<unsigned char>(byte) & 0xc0) == 0x80;
}

// Behind the word, or the punctuation mark, at `at`; never inside a UTF-8 sequence.
std::size_t word_end(std::string_view text, std::size_t at) {
  if (!is_word_byte(text[at])) return at + 1;
  std::size_t end = at;
  while (end < text.size() && is_word_byte(text[end]) && end - at < k_word_bytes_max) ++end;
  while (end < text.size() && is_continuation(text[end])) ++end;
  return end;
}

}  // namespace

std::vector<std::string> split_words(std::string_view text) {
  std::vector<std::string> words;
  std::size_t begin = 0;
  while (begin < text.size()) {
    std::size_t at = begin;
    while (at < text.size() && is_blank(text[at])) ++at;
    if (at == text.size()) {
      const std::string_view blanks = text.substr(begin);
      if (words.empty()) words.emplace_back();
      words.back() += blanks;
      break;
    }
    const std::size_t end = word_end(text, at);
    words.emplace_back(text.substr(begin, end - begin));
    begin = end;
  }
  return words;
}

std::string text_of(const Json& content) {
  if (content.is_string()) return content.get<std::string>();
  std::string text;
  if (!content.is_array()) return text;
  for (const Json& part : content) text += part.is_string() ? part.get<std::string>() : string_in(part, "text");
  return text;
}

const Json* find_member(const Json& object, std::string_view key) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(std::string(key));
  return found == object.end() ? nullptr : &*found;
}

std::string string_in(const Json& object, std::string_view key) {
  const Json* value = find_member(object, key);
  return value != nullptr && value->is_string() ? value->get<std::string>() : std::string();
}

std::int64_t integer_in(const Json& object, std::string_view key, std::int64_t otherwise) {
  const Json* value = find_member(object, key);
  return value != nullptr && value->is_number_integer() ? value->get<std::int64_t>() : otherwise;
}

std::string Saying::text() const {
  std::string text;
  for (const std::string& word : words) text += word;
  return text;
}

std::int64_t Turn::output_tokens() const {
  std::size_t words = 0;
  for (const Saying& choice : choices) words += choice.words.size();
  return static_cast<std::int64_t>(words);
}

std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string event(const Json& data) {
  return "data: " + dump(data) + "\n\n";
}

std::string event(std::string_view name, const Json& data) {
  return "event: " + std::string(name) + "\n" + event(data);
}

LocalResponse plain(const Json& body) {
  return {"application/json", {dump(body)}};
}

}  // namespace cr::provider::echo

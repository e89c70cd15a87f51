// SPDX-License-Identifier: MIT
// EchoTurn: what the forms of an echo answer have in common: the request read, the words to say, their count. Only
// for the echo sources (it shows nlohmann/json). Plain value.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "provider/echo.h"

namespace cr::provider::echo {

using Json = nlohmann::ordered_json;

// Words and punctuation marks, each with the blanks before it: joined they are the text again.
std::vector<std::string> split_words(std::string_view text);

// The text of a `content`: a string, or the `text` of its parts.
std::string text_of(const Json& content);

// Members of a request, absent if of another type.
const Json* find_member(const Json& object, std::string_view key);
std::string string_in(const Json& object, std::string_view key);
std::int64_t integer_in(const Json& object, std::string_view key, std::int64_t otherwise);

struct Saying {
  std::vector<std::string> words;
  bool cut = false;  // by the output bound

  std::string text() const;
};

struct Turn {
  Json request;
  std::string model;
  std::string id;  // without prefix
  std::int64_t created = 0;
  bool stream = false;
  bool include_usage = false;
  std::int64_t input_tokens = 0;
  std::vector<Saying> choices;

  std::int64_t output_tokens() const;
};

std::string dump(const Json& json);
std::string event(const Json& data);                         // data: {...}
std::string event(std::string_view name, const Json& data);  // event: name

LocalResponse plain(const Json& body);

// One for each endpoint.
LocalResponse answer_chat(const Turn& turn);
LocalResponse answer_completions(const Turn& turn);
LocalResponse answer_embeddings(const Turn& turn);
LocalResponse answer_responses(const Turn& turn);
LocalResponse answer_messages(const Turn& turn);
LocalResponse answer_count_tokens(const Turn& turn);
LocalResponse answer_moderations(const Turn& turn);
LocalResponse answer_rerank(const Turn& turn);
LocalResponse answer_images(const Turn& turn);

}  // namespace cr::provider::echo

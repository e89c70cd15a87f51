// SPDX-License-Identifier: MIT
#include "provider/echo.h"

#include <algorithm>
#include <chrono>

#include "provider/echo_turn.h"
#include "provider/table.h"

namespace cr::provider {
namespace echo {
namespace {

// A model's own limits: an answer is at most a few megabytes, whatever was asked.
constexpr std::int64_t k_words_max = 16'384;
constexpr std::int64_t k_words_default = 4096;
constexpr std::size_t k_text_bytes_max = std::size_t{4} << 20;
// A node of a map with its key, or an element of a vector that grows: values, and words.
constexpr std::uint64_t k_bytes_per_value = 80;

std::int64_t output_bound(const Json& request, const dialect::RequestScan& scan) {
  std::int64_t bound = scan.output_bound.value_or(k_words_default);
  for (const std::string_view key : {"max_tokens", "max_completion_tokens", "max_output_tokens"}) {
    bound = std::min(bound, integer_in(request, key, bound));
  }
  return std::clamp<std::int64_t>(bound, 0, k_words_max);
}

// What a conversation's last user message says; the last message of all where none is the user's.
std::string last_user_text(const Json& conversation) {
  if (conversation.is_string()) return conversation.get<std::string>();
  if (!conversation.is_array()) return {};
  const Json* last = nullptr;
  for (const Json& message : conversation) {
    const bool from_user = string_in(message, "role") == "user";
    if (from_user || last == nullptr || string_in(*last, "role") != "user") last = &message;
  }
  const Json* content = last == nullptr ? nullptr : find_member(*last, "content");
  return content == nullptr ? std::string() : text_of(*content);
}

std::int64_t count_words(const Json& content) {
  return static_cast<std::int64_t>(split_words(text_of(content)).size());
}

std::int64_t count_conversation(const Json& conversation) {
  if (!conversation.is_array()) return count_words(conversation);
  std::int64_t words = 0;
  for (const Json& message : conversation) {
    if (const Json* content = find_member(message, "content")) words += count_words(*content);
  }
  return words;
}

std::int64_t count_input(const Json& request) {
  std::int64_t words = 0;
  for (const std::string_view key : {"messages", "input"}) {
    if (const Json* value = find_member(request, key)) words += count_conversation(*value);
  }
  for (const std::string_view key : {"system", "instructions"}) {
    if (const Json* value = find_member(request, key)) words += count_words(*value);
  }
  return std::max<std::int64_t>(words, 1);
}

// The prompts of a completions request as texts; an array of token ids says nothing, but counts.
std::vector<std::string> read_prompts(const Json& request, std::int64_t& tokens) {
  std::vector<std::string> prompts;
  const auto add = [&](const Json& prompt) {
    prompts.push_back(prompt.is_string() ? prompt.get<std::string>() : std::string());
    tokens += prompt.is_array() ? static_cast<std::int64_t>(prompt.size()) : count_words(prompt);
  };
  const Json* prompt = find_member(request, "prompt");
  const bool several = prompt != nullptr && prompt->is_array() && !prompt->empty() && !prompt->front().is_number();
  if (several) {
    for (const Json& one : *prompt) add(one);
  } else if (prompt != nullptr) {
    add(*prompt);
  } else {
    prompts.emplace_back();
  }
  return prompts;
}

// How many of the words are said: as many as are asked for, and as fit into what is left of `bytes`.
std::size_t count_said(const std::vector<std::string>& words, std::int64_t most, std::size_t& bytes) {
  std::size_t count = 0;
  while (count < words.size() && static_cast<std::int64_t>(count) < most && words[count].size() < bytes)
    bytes -= words[count++].size();
  return count;
}

void add_choices(Turn& turn, const std::vector<std::string>& texts, std::int64_t copies, std::int64_t bound) {
  std::int64_t room = k_words_max;
  std::size_t bytes = k_text_bytes_max;
  for (const std::string& text : texts) {
    const std::vector<std::string> words = split_words(text);
    for (std::int64_t copy = 0; copy < copies && room > 0; ++copy) {
      const std::int64_t most = std::min(bound, room);
      const auto said = static_cast<std::ptrdiff_t>(count_said(words, most, bytes));
      Saying saying{{words.begin(), words.begin() + said}, static_cast<std::size_t>(said) < words.size()};
      room -= std::max<std::int64_t>(static_cast<std::int64_t>(saying.words.size()), 1);
      turn.choices.push_back(std::move(saying));
    }
  }
}

Turn read_turn(dialect::Endpoint endpoint, std::string_view body, const dialect::RequestScan& scan, std::string_view id,
               base::Time now) {
  Turn turn;
  turn.request = Json::parse(body, nullptr, false);
  if (!turn.request.is_object()) turn.request = Json::object();
  turn.model = string_in(turn.request, "model");
  if (turn.model.empty()) turn.model = scan.model;
  turn.id = id;
  turn.created = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
  turn.stream = scan.stream;
  if (const Json* options = find_member(turn.request, "stream_options")) {
    const Json* include_usage = find_member(*options, "include_usage");
    turn.include_usage = include_usage != nullptr && include_usage->is_boolean() && include_usage->get<bool>();
  }

  const std::int64_t bound = output_bound(turn.request, scan);
  std::int64_t copies = 1;
  std::vector<std::string> texts;
  if (endpoint == dialect::Endpoint::completions) {
    texts = read_prompts(turn.request, turn.input_tokens);
    turn.input_tokens = std::max<std::int64_t>(turn.input_tokens, 1);
  } else {
    turn.input_tokens = count_input(turn.request);
    const Json* conversation =
        find_member(turn.request, endpoint == dialect::Endpoint::responses ? "input" : "messages");
    texts.push_back(conversation == nullptr ? std::string() : last_user_text(*conversation));
  }
  if (endpoint == dialect::Endpoint::completions || endpoint == dialect::Endpoint::chat_completions) {
    copies = std::clamp<std::int64_t>(integer_in(turn.request, "n", 1), 1, 128);
  }
  if (dialect::output_of(endpoint) == dialect::Output::text) add_choices(turn, texts, copies, bound);
  return turn;
}

}  // namespace
}  // namespace echo

bool echo_answers(dialect::Endpoint endpoint) {
  return endpoint != dialect::Endpoint::audio_speech && endpoint != dialect::Endpoint::response_by_id &&
         !dialect::takes_form(endpoint);
}

std::uint64_t echo_bytes_ceiling(std::string_view body) {
  constexpr std::string_view k_inside = "+/=";  // of base64
  const auto parts = [k_inside](char c) {
    const bool in_word = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    return !in_word && (static_cast<unsigned char>(c) & 0x80) == 0 && k_inside.find(c) == std::string_view::npos;
  };
  const auto values = static_cast<std::uint64_t>(std::count_if(body.begin(), body.end(), parts));
  return 3 * body.size() + values * echo::k_bytes_per_value;
}

LocalResponse echo_answer(dialect::Endpoint endpoint, std::string_view body, const dialect::RequestScan& scan,
                          std::string_view id, base::Time now) {
  const echo::Turn turn = echo::read_turn(endpoint, body, scan, id, now);
  switch (endpoint) {
    case dialect::Endpoint::chat_completions:
      return echo::answer_chat(turn);
    case dialect::Endpoint::completions:
      return echo::answer_completions(turn);
    case dialect::Endpoint::embeddings:
      return echo::answer_embeddings(turn);
    case dialect::Endpoint::responses:
      return echo::answer_responses(turn);
    case dialect::Endpoint::messages:
      return echo::answer_messages(turn);
    case dialect::Endpoint::count_tokens:
      return echo::answer_count_tokens(turn);
    case dialect::Endpoint::moderations:
      return echo::answer_moderations(turn);
    case dialect::Endpoint::rerank:
      return echo::answer_rerank(turn);
    case dialect::Endpoint::images_generations:
      return echo::answer_images(turn);
    default:
      break;
  }
  return {"application/json", {}};  // never asked: echo_answers() says no
}

namespace {

bool serves(dialect::Endpoint endpoint, dialect::Dialect) {
  return echo_answers(endpoint);
}

constexpr LocalAnswers k_local{"echo answers by itself", echo_bytes_ceiling, echo_answer};

}  // namespace

constinit const Provider k_echo{.serves = serves, .local = &k_local};

}  // namespace cr::provider
